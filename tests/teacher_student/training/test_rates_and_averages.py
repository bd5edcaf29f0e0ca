"""Learning rates over time and averages of iterates: SGD written out, full vectors, Gram space, equations.

SGD written out is a loop over samples with JAX's gradient of the loss by all weights, each step at its own
rate, and the mean of the weights that it leaves at the ends of chunks. Full vectors and, given their samples
by what it keeps of them, Gram space follow it to rounding.
"""

from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gram_samples import in_gram_space
from theory_tools import skewed_start

import teacher_student as ts
from teacher_student.rate_schedules import PARTS, RATE_SCHEDULES, Pace, rate_factors, rate_table
from teacher_student.students.two_layer import Params, TwoLayer
from teacher_student.training.averages import Averaging, Followed, average_shares
from teacher_student.training.full import FullVectors
from teacher_student.training.gram import GramSpace
from teacher_student.training.lanes import run_lanes
from teacher_student.training.plan import prepare
from teacher_student.training.simulate import run_plans
from teacher_student.training.streams import replicate_keys

pytestmark = pytest.mark.usefixtures("quick_module")

TASK = ts.SparseTeacher(30, relevant=0.5)
CHUNK, CHUNKS, ETA = 4, 4, 1.5
FACTORS = np.random.default_rng(0).uniform(0.2, 2, CHUNK * CHUNKS)
#: The tail is the last three chunks.
SHARES = (1.0, 1.0, 1 / 2, 1 / 3)
TEACHER = np.eye(1, 30, 4) * 0.6 + np.eye(1, 30, 7) * 0.8


@cache
def drawn():
    """A key, and samples (CHUNKS, CHUNK, ...) of it; drawn in parts of a program they may round otherwise."""
    full, key = FullVectors(TASK, TwoLayer(2), CHUNK, "float64"), replicate_keys(3, [5])[0]
    draw = jax.vmap(full.draw, (None, None, 0))
    return key, jax.jit(draw)(key, TEACHER, CHUNK * np.arange(CHUNKS))


def followed(student):
    """Teacher, key, samples, factors, shares -> what learning sees, and overlaps of the average at the end.

    The former are weights at the start, inputs and labels (CHUNKS, CHUNK, ...); the latter are those of full
    vectors in chunks and step by step, and of Gram space.
    """
    core, dtype = Followed(student), "float64"
    chunked = Averaging(full := FullVectors(TASK, core, CHUNK, dtype))
    stepwise = Averaging(FullVectors(TASK, core, CHUNK, dtype, stepwise=True))
    gram = Averaging(GramSpace(TASK, core, CHUNK, dtype))
    scaling = jax.tree.map(jnp.float64, student.scaling(ETA, TASK.n_inputs))
    level, on = {"noise": jnp.ones(CHUNK)}, jnp.ones(CHUNK, bool)

    def run(own, key, samples, factors, shares):
        def chunk(states, at):
            samples, *pace = at
            vectors, steps, overlaps = states
            seen = in_gram_space(TASK, vectors.w, own, samples)
            how = level, on, scaling, Pace(*pace)
            vectors, steps = (
                by.advance(state, own, samples, *how) for by, state in ((chunked, vectors), (stepwise, steps))
            )
            return (vectors, steps, gram.advance(overlaps, (), seen, *how)), full.inputs(samples, own, level)

        begin: Any = chunked.init(key, own, scaling, None)
        first = begin, begin, gram.init(key, (), scaling, chunked.overlaps(begin, own))
        chunks = samples, factors.reshape(CHUNKS, CHUNK), shares
        (*vectors, overlaps), inputs = jax.lax.scan(chunk, first, chunks)
        found = *(chunked.overlaps(x, own) for x in vectors), gram.overlaps(overlaps, ())
        return (Params(begin.w[: student.rows], begin.v[0]), *inputs), found

    return jax.jit(run)


def written_out(student, own, inputs, labels):
    """M, Gram matrices and theta of the mean of the iterates at the ends of the last three chunks."""

    @jax.jit
    def step(own, x, y, rate):
        def loss(own):
            return student.losses(student.output(own.v, own.w @ x), y)

        return jax.tree.map(lambda w, g: w - rate * g, own, jax.grad(loss)(own))

    kept = []
    for xs, ys, rates in zip(
        inputs, labels, FACTORS.reshape(CHUNKS, CHUNK) * ETA / TASK.n_inputs, strict=True
    ):
        for sample in zip(xs, ys, rates, strict=True):
            own = step(own, *sample)
        kept.append(own)
    w, v = jax.tree.map(lambda *x: np.mean(x[1:], 0), *kept)
    along = w @ TEACHER.T
    blocks = np.split(w - along @ TEACHER, 2, 1)
    return along, np.stack([rest @ rest.T for rest in blocks]), v


@pytest.mark.slow
@pytest.mark.parametrize("student", [TwoLayer(2), ts.Deep(2, "erf", depth=2)], ids=["two-layer", "deep"])
def test_all_methods_are_sgd_written_out(student, float64):
    run = partial(followed(student), TEACHER, *drawn(), FACTORS)
    seen, found = jax.tree.map(np.asarray, run(np.array(SHARES)))
    truth = written_out(student, *seen)
    for own in found:
        for a, b in zip(jax.tree.leaves(own), jax.tree.leaves(truth), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
    for last in run(np.ones(CHUNKS))[1]:
        assert np.abs(last.gram - truth[1]).max() > 1e-3


RUN: dict[str, Any] = {"protocol": "curriculum", "easy": 0.1, "hard": 1.0, "learning_rate": 0.7}


def test_rates_that_stay_are_no_schedule():
    hows: list[dict[str, Any]] = [{}, {"rates": "constant"}, {"rates": [1.0, 1.0]}, {"rates": [0.5]}]
    runs = [
        ts.simulate(TASK, TwoLayer(2), budget=2, n_records=2, n_test=8, record=("Q", "v"), **RUN, **how)
        for how in hows
    ]
    for name in ("Q", "v"):
        np.testing.assert_array_equal(runs[1].values[name], runs[0].values[name])
        np.testing.assert_array_equal(runs[2].values[name], runs[0].values[name])
        assert np.abs(runs[3].values[name] - runs[0].values[name]).max() > 1e-2


#: A run to solve and to simulate, by one program: all rates and averages here have as many pieces.
SOLVED: dict[str, Any] = {
    "protocol": "curriculum", "easy": 0.2, "hard": 2.0, "budget": 4, "learning_rate": 1.5, "n_records": 4,
    "record": ("M", "Q", "v"), "rates": "cosine", "average": 0.6,
}  # fmt: skip


def meet(method, **changes):
    task, student = ts.SparseTeacher(300, relevant=0.3), TwoLayer(2, "erf")
    return method(task, student, **(SOLVED | {"initial": skewed_start(task, 2)} | changes)).values


@pytest.mark.slow
def test_equations_meet_the_simulation(float64):
    """Cosine decay, in standard errors, from one start, at the end and in the middle of the tail."""
    runs = meet(ts.simulate, replicates=64, dtype="float64", n_test=1)
    theory, other, stable = (
        meet(ts.trajectory, **change) for change in ({}, {"average": 0.1}, {"rates": "warmup_stable_decay"})
    )
    for name in SOLVED["record"]:
        values = runs[name][:, 0, 3:]
        # the gap of a mean of runs is its standard error and a bias of order 1 / N
        error = 5 * values.std(0) / 8 + 2 * np.abs(values).max() / 300
        for solved, close in ((theory, True), (other, False), (stable, False)):
            gap = np.abs(values.mean(0) - np.asarray(solved[name][0, 0, 3:]))
            assert (gap < error).all() == close, (name, gap / error)


@pytest.mark.slow
def test_parts_of_the_equations_are_those_of_the_table(float64):
    """A factor is another learning rate, for its part of the run; before the tail nothing is averaged."""
    whole, slow = (
        meet(ts.trajectory, learning_rate=rate, rates=np.repeat(factors, PARTS // 2), average=0.1)
        for rate, factors in ((1.0, (0.6, 0.2)), (0.6, (1.0, 0.9)))
    )
    for name in SOLVED["record"]:
        np.testing.assert_allclose(whole[name][0, 0, :3], slow[name][0, 0, :3], rtol=1e-4, atol=1e-5)
    assert np.abs(whole["Q"] - slow["Q"])[0, 0, 3].max() > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("method", ["bulk", "gram"])
def test_side_by_side_is_one_after_the_other(method):
    """Chunks behind an interval, which an accelerator computes and throws away, move no average."""
    steps, task = np.zeros((2, 2, 60), np.uint8), ts.XorMixture(30)
    plan = prepare(
        task, TwoLayer(2), [task.level()], steps, target=task.level(), learning_rate=1.0, replicates=2,
        seed=0, record=("Q", "v"), n_records=3, room=3, n_test=1, method=method, dtype="float32",
        initial=None, rates="cosine", average=0.5,
    )  # fmt: skip
    (turns,), (abreast,) = run_plans([plan]), run_lanes([plan], 1)
    for name, values in turns.values.items():
        np.testing.assert_allclose(abreast[0][name], values, rtol=1e-4, atol=1e-5)


def taught(method, before):
    """Of a pair: its teacher learns in the first half, at the factor `before`, its student in the second."""
    steps, level = np.zeros((1, 1, 600), np.uint8), TASK.level()
    return ts.simulate(
        TASK, ts.Pair(4, "erf", teacher_width=3), [level], steps, target=level, learning_rate=1.0,
        replicates=200, record=("Q", "test_accuracy"), n_records=2, dtype="float64", method=method,
        rates=np.array([[before, 0.0], [0.0, 1.0]]),
    ).values  # fmt: skip


@pytest.mark.slow
def test_a_teacher_that_has_stopped_teaches(float64):
    """First the teacher alone, then its student, by gradients of what either descends; in chunks and not.

    The student of a teacher that never learned is right as often as wrong, in 5 standard errors; that of one
    that has learned is not.
    """
    alone, whole, never = taught("full", 1.0), taught("stepwise", 1.0), taught("full", 0.0)
    np.testing.assert_allclose(alone["Q"], whole["Q"], rtol=1e-9, atol=1e-10)
    begin, middle, end = np.moveaxis(alone["Q"][:, 0], 1, 0)
    for network, still, moved in (
        (slice(3), (middle, end), (begin, middle)),
        (slice(3, 7), (begin, middle), (middle, end)),
    ):
        np.testing.assert_array_equal(*(q[:, network, network] for q in still))
        before, after = (q[:, network, network] for q in moved)
        assert (np.abs(after - before).max((1, 2)) > 1e-3).all()
    for values, learns in ((never, False), (alone, True)):
        right = values["test_accuracy"][:, 0, -1] - 0.5
        error = right.std() / 200**0.5
        assert (right.mean() > 5 * error) == learns, right.mean()
        assert learns or abs(right.mean()) < 5 * error


@pytest.mark.parametrize(("average", "n_steps", "interval", "chunk"), [(0.3, 60, 20, 8), (0.5, 12, 4, 5)])
def test_shares_make_the_mean_of_the_ends_of_chunks(average, n_steps, interval, chunk):
    shares = average_shares(average, n_steps, interval, chunk)
    assert shares is not None
    iterate = np.random.default_rng(1).normal(size=n_steps)
    mean, kept, step = 0.0, [], 0
    while step < n_steps:
        step = min(step + chunk, (step // interval + 1) * interval)
        mean += shares[step - 1] * (iterate[step - 1] - mean)
        if step > round((1 - average) * n_steps):
            kept.append(iterate[step - 1])
    assert len(kept) > 1
    assert mean == pytest.approx(np.mean(kept))


def test_tables_of_the_names():
    assert rate_table("constant") is None
    for name in RATE_SCHEDULES:
        table = rate_factors(name, 2 * PARTS)
        assert table is None or (len(table) == 2 * PARTS and table.min() > 0 and table.max() <= 1)
    cosine, stable = rate_table("cosine"), rate_table("warmup_stable_decay")
    assert cosine is not None
    assert stable is not None
    assert cosine[[0, -1]] == pytest.approx([1, 0.01], abs=3e-4)
    assert np.mean(cosine) == pytest.approx((1 + 0.01) / 2)
    assert stable[[0, 4, 50, 79]] == pytest.approx([0.1, 0.9, 1, 1])
    assert stable[-1] == pytest.approx(0.01 + 0.99 / 40)
    factors = rate_factors("linear", 7)
    assert factors is not None
    assert len(factors) == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rates": "cosin"}, "unknown schedule of learning rates 'cosin'; known: constant, cosine, linear, "),
        ({"rates": [1.0] * 7}, "7 factors on the learning rate do not fit 60 steps; give one for each step"),
        ({"rates": [1.0] * 61}, "61 factors on the learning rate do not fit 60 steps"),
        ({"rates": [1.0, -0.5]}, "factor 1 on the learning rate is -0.5; need 0 <= factor < inf"),
        ({"rates": [float("nan")]}, "factor 0 on the learning rate is nan"),
        (
            {"rates": np.array([[1.0, 0.0]])},
            r"schedule of learning rates has shape \(1, 2\); need factors \(n,\), for each",
        ),
        ({"rates": []}, r"a schedule of learning rates has shape \(0,\); need factors \(n,\)"),
        ({"average": 1.0}, "average is 1.0; need 0 <= average < 1, a share of the run"),
        ({"average": -0.1}, "average is -0.1; need 0 <= average"),
    ],
)
def test_bad_schedules_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ts.simulate(TASK, TwoLayer(2), budget=2, n_records=2, **RUN, **change)


def test_a_counted_path_has_constant_rates():
    changes: list[dict[str, Any]] = [{"rates": "cosine"}, {"average": 0.5}]
    for change in changes:
        with pytest.raises(ValueError, match="counts its path at constant rates and without averages"):
            ts.simulate(TASK, ts.Tracked(2), budget=2, n_records=2, **RUN, **change)
