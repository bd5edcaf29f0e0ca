"""What every task, activation and loss owes; one that is registered is tested here without another line."""

from functools import lru_cache
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import single
from gram_samples import in_gram_space
from theory_tools import skewed_start

from teacher_student.interfaces import Level, Noise, OrderParameters, Task
from teacher_student.order_parameters import Overlaps, factor
from teacher_student.students.two_layer import ACTIVATIONS, LOSSES, TwoLayer
from teacher_student.tasks import TASKS, task_class
from teacher_student.theory.integrate import equations
from teacher_student.training.program import choose_method
from teacher_student.training.recording import QUANTITIES
from teacher_student.training.streams import replicate_keys

pytestmark = pytest.mark.usefixtures("quick_module")

N, WIDTH, SAMPLES, REPLICATES = 120, 2, 200_000, 400
COMBINATIONS = list(product(TASKS, ACTIVATIONS, LOSSES))
METHODS = ("gram", "full", "stepwise")


def make(name: str) -> Task:
    return task_class(name)(N)


def learns(task: Task, student: TwoLayer) -> bool:
    """Whether the task takes the student; a refusal is one line that names what is refused."""
    try:
        task.check_student(student)
    except ValueError as refusal:
        said = str(refusal)
    else:
        return True
    assert "\n" not in said
    assert task.name in said
    assert student.activation in said or student.loss in said
    return False


def student_of(task: Task, activation: str, loss: str, parametrisation: str = "standard") -> TwoLayer:
    student = TwoLayer(WIDTH, activation, loss, parametrisation)
    if not learns(task, student):
        pytest.skip(f"{task.name} refuses {activation} with {loss}")
    return student


def state_of(task: Task) -> Overlaps:
    """Overlaps without symmetry, in single precision."""
    return jax.tree.map(lambda x: jnp.asarray(single(x)), skewed_start(task, WIDTH, seed=5))


def singles(level: Level) -> dict[str, jax.Array]:
    return {name: jnp.asarray(single(x)) for name, x in level.items()}


def rows(level: Level, n: int) -> dict[str, jax.Array]:
    """The level with a leading axis n."""
    return {name: jnp.asarray(np.broadcast_to(single(x), (n, *np.shape(x)))) for name, x in level.items()}


def noise_of(key: jax.Array, task: Task, n: int) -> Noise:
    """Of n samples."""
    keys = jax.random.split(key, 3)
    normals = jax.random.normal(keys[0], (n, sum(block.directions for block in task.blocks)))
    return Noise(normals, jax.random.uniform(keys[1], (n,)), jax.random.normal(keys[2], (n,)))


@lru_cache
def drawn(task: Task):
    """Samples of the default level: task components, labels, lambda^b (n_blocks, n, K), scales of blocks."""
    state, level = state_of(task), task.level()

    @jax.jit
    def draw(key):
        keys = jax.random.split(key)
        seen = task.observe(noise_of(keys[0], task, SAMPLES), rows(level, SAMPLES))
        normals = jax.random.normal(keys[1], (len(state.gram), SAMPLES, WIDTH))
        parts = [
            scale[:, None] * (z @ factor(gram).T)
            for scale, z, gram in zip(seen.scale.T, normals, state.gram, strict=True)
        ]
        return seen.along, seen.label, jnp.stack(parts), seen.scale[0]

    return draw(jax.random.key(7))


def within_errors(ours, samples, floor: float = 1e-3) -> None:
    """Equal to the mean over axis 0 within 5 of its standard errors."""
    samples = np.asarray(samples, float)
    mean, error = samples.mean(0), samples.std(0) / len(samples) ** 0.5
    assert (np.abs(np.asarray(ours) - mean) < 5 * error + floor * np.abs(mean).max()).all()


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_all_that_is_asked_of_it(name):
    task = make(name)
    assert isinstance(task, Task)
    assert {task: name}[make(name)] == task.name
    assert sum(block.size for block in task.blocks) == task.n_inputs == N
    n_directions = sum(block.directions for block in task.blocks)
    directions = np.asarray(jax.jit(task.directions)(jax.random.key(1)))
    np.testing.assert_allclose(directions @ directions.T, np.eye(n_directions), atol=1e-5)
    begin = row = 0
    for block in task.blocks:
        own = directions[row : row + block.directions]
        assert not np.delete(own, np.s_[begin : begin + block.size], 1).any()
        begin, row = begin + block.size, row + block.directions
    level = task.level()
    assert not task.stages or all(stage.keys() == level.keys() for stage in task.stages(level))
    sample = jax.jit(lambda seed: task.sample(jax.random.key(seed), 6, level))
    (inputs, labels), (again, _), (other, _) = map(sample, (2, 2, 3))
    assert (inputs.shape, labels.shape) == ((6, N), (6,))
    np.testing.assert_array_equal(inputs, again)
    assert (np.asarray(inputs) != np.asarray(other)).all()
    if task.posterior:
        p = task.posterior(np.asarray(inputs), 1.0)
        assert p.shape == (6, 2)
        np.testing.assert_allclose(p.sum(1), 1)


@pytest.mark.parametrize("name", TASKS)
def test_inputs_and_labels_have_the_law_of_observe(name):
    """First and second moments of the first coordinates with each other and with the label."""
    task, n = make(name), 40_000
    level, n_directions = task.level(), sum(block.directions for block in task.blocks)

    @jax.jit
    def both(keys):
        x, y = task.sample(keys[0], n, level)
        seen = task.observe(noise_of(keys[1], task, n), rows(level, n))
        return jnp.concatenate([x[:, :n_directions], x[:, -3:]], 1), y, seen

    x, y, seen = jax.tree.map(np.asarray, both(jax.random.split(jax.random.key(4))))
    scale = np.repeat(seen.scale, [block.size for block in task.blocks], axis=1)
    np.testing.assert_allclose(np.mean(x[:, -3:] ** 2), np.mean(scale[:, -3:] ** 2), rtol=0.05)

    def products(along, label):
        each = np.concatenate([along, label[:, None], np.ones((n, 1))], 1, dtype=float)
        cubes = (label[:, None] * along)[:, :, None] * along[:, None]
        return np.concatenate([(each[:, :, None] * each[:, None]).reshape(n, -1), cubes.reshape(n, -1)], 1)

    first, second = (products(*a) for a in ((x[:, :-3], y), (seen.along, seen.label)))
    error = np.sqrt((first.var(0) + second.var(0)) / n)
    assert (np.abs(first.mean(0) - second.mean(0)) < 5 * error + 1e-6).all()


@pytest.mark.parametrize(("name", "activation", "loss"), COMBINATIONS)
def test_what_is_measured_is_what_samples_give(name, activation, loss):
    """Loss and accuracy of an asymmetric student at the default level, which has no label noise."""
    task = make(name)
    student, state, level = student_of(task, activation, loss), state_of(task), task.level()
    columns = sum(block.directions + WIDTH for block in task.blocks)
    points = single(np.random.default_rng(1).normal(size=(SAMPLES // 2, columns)))

    @jax.jit
    def measured(points, along, label, parts, _):
        order = OrderParameters(state.along, tuple(factor(gram) for gram in state.gram), state.readout)
        output = student.phi(along @ state.along.T + jnp.sum(parts, 0)) @ state.readout
        right = 0.5 * (1 + jnp.sign(output) * label)
        return task.evaluate(student, order, singles(level), points), student.losses(output, label), right

    found, losses, right = measured(points, *drawn(task))
    assert found.keys() <= QUANTITIES.keys()
    losses, right = np.asarray(losses), np.asarray(right)
    errors = 5 * (2 / SAMPLES) ** 0.5  # of two samples
    assert abs(found["test_loss"] - losses.mean()) < errors * losses.std()
    if "test_accuracy" in found:
        assert abs(found["test_accuracy"] - right.mean()) < errors * 0.5
    if "group_accuracy" in found:
        assert found["group_accuracy"].shape == (len(task.group_names),)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "activation", "loss"), COMBINATIONS)
def test_theory_has_the_averages_of_its_definition_or_refuses(name, activation, loss):
    """Every moment of the right-hand side against its definition, on drawn samples."""
    task = make(name)
    student, state, level = student_of(task, activation, loss), state_of(task), task.level()
    if task.equations is None or None in student.averages:
        with pytest.raises(ValueError, match="has no (equations|formulas)") as refusal:
            equations(task, student)
        assert "\n" not in str(refusal.value)
        return
    equation, scale = equations(task, student, n_nodes=2**14), 0.7

    @jax.jit
    def averages(along, label, parts, _):
        """The moments, and samples of them in the same order: of the readout, along, then of each block."""
        lam = along @ state.along.T + jnp.sum(parts, 0)
        u, phi = scale * state.readout, student.phi(lam)
        error = student.dloss(phi @ u, label)
        g = error[:, None] * u * student.dphi(lam)
        cross = [g[:, :, None] * part[:, None] for part in parts]
        of_samples = error[:, None] * phi, g[:, :, None] * along[:, None], cross, g[:, :, None] * g[:, None]
        return equation.moments(state, singles(level), scale, equation.nodes(0)), of_samples

    moments, (readout, along, cross, square) = averages(*(samples := drawn(task)))
    within_errors(moments.readout, readout)
    within_errors(moments.along, along)
    for b, block in enumerate(task.blocks):
        within_errors(moments.cross[b], cross[b])
        share = block.size / N * np.asarray(samples[3])[b] ** 2
        within_errors(moments.square[b], share * np.asarray(square), floor=1e-2)


@lru_cache
def one_chunk(task: Task) -> Any:
    """Key, scaling -> full vectors at the start, directions, inputs and labels; overlaps after a chunk.

    Those of all students that the task takes, by all methods: one program.
    """
    every = [TwoLayer(WIDTH, activation, loss) for activation, loss in product(ACTIVATIONS, LOSSES)]
    students = [student for student in every if learns(task, student)]
    full: Any = choose_method(task, students[0].core(), "full")
    level, state = rows(task.level(), full.chunk), state_of(task)

    def after(key, scaling):
        own = full.teacher(key)
        samples, start = full.draw(key, own, jnp.asarray(0)), full.init(key, own, scaling, state)
        in_overlaps = full.overlaps(start, own), (), in_gram_space(task, start.w, own, samples)
        end = {}
        for student, method in product(students, METHODS):
            runner: Any = choose_method(task, student.core(), method)
            begin, *seen = in_overlaps if method == "gram" else (start, own, samples)
            last = runner.advance(begin, *seen, level, jnp.ones(runner.chunk, bool), scaling)
            end[student.activation, student.loss, method] = runner.overlaps(last, seen[0])
        return start, own, full.inputs(samples, own, level), end

    return jax.jit(after)


@lru_cache
def moved(task: Task, parametrisation: str) -> Any:
    """At rate 0.25."""
    scaling = TwoLayer(WIDTH, parametrisation=parametrisation).scaling(0.25, N)
    key, scaling = replicate_keys(0, [0])[0], jax.tree.map(np.float32, scaling)
    return jax.tree.map(np.asarray, one_chunk(task)(key, scaling))


@lru_cache
def single_steps(task: Task, student: TwoLayer):
    """w and v after plain SGD, one sample after the other in double precision, by its definition."""
    scaling = student.scaling(0.25, N)
    s, hidden, readout = (float(q) for q in (scaling.output_scale, scaling.hidden_rate, scaling.readout_rate))
    (w, v), _, (x, label), _ = moved(task, student.parametrisation)
    for x_i, y_i in zip(np.asarray(x, float), label, strict=True):
        lam = jnp.asarray(single(w @ x_i))
        phi, slope = np.asarray(student.phi(lam), float), np.asarray(student.dphi(lam), float)
        g = float(student.dloss(jnp.asarray(single(s * v @ phi)), jnp.asarray(y_i)))
        w, v = w - hidden * g * s * np.outer(v * slope, x_i), v - readout * g * s * phi
    return w, v


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("name", "activation", "loss"), COMBINATIONS)
def test_all_methods_take_the_steps_of_the_definition(name, activation, loss, method):
    task = make(name)
    for parametrisation in ("ntk", "mean_field"):  # all factors of a step differ from 1, and the rates
        student = student_of(task, activation, loss, parametrisation)
        start, own, _, ends = moved(task, parametrisation)
        end, whole = (ends[activation, loss, by] for by in (method, "stepwise"))
        w, v = single_steps(task, student)
        for ours, truth in zip(end, (w @ own.T, whole.gram, v), strict=True):
            np.testing.assert_allclose(ours, truth, rtol=1e-4, atol=2e-5)
        assert np.abs(end.readout - start.v).max() > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_what_gram_space_draws_has_the_law_of_full_vectors(name):
    """First and second moments over replicates; the student is in it by its width alone."""
    task = make(name)
    gram, full = (choose_method(task, TwoLayer(WIDTH).core(), method) for method in ("gram", "full"))
    weights = jnp.asarray(single(np.random.default_rng(1).normal(size=(WIDTH, N))))

    @jax.jit
    @jax.vmap
    def both(key):
        own, at = full.teacher(key), jnp.asarray(0)
        return gram.draw(key, (), at), in_gram_space(task, weights, own, full.draw(key, own, at))

    def features(drawn):
        gram, together = drawn.gram, np.triu(drawn.xi @ drawn.xi.mT * drawn.gram, 1).sum((-2, -1))
        each = *drawn.noise, drawn.xi, gram, gram**2, np.trace(gram, axis1=-2, axis2=-1), together
        return np.concatenate([np.reshape(x, (REPLICATES, -1)) for x in each], 1, dtype=float)

    ours, theirs = map(features, jax.tree.map(np.asarray, both(replicate_keys(0, np.arange(REPLICATES)))))
    error = np.sqrt((ours.var(0) + theirs.var(0)) / REPLICATES)
    assert (np.abs(ours.mean(0) - theirs.mean(0)) < 5 * error).all()
