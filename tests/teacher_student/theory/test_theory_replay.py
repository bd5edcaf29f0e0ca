"""Gradients of `solve` against plain forward differentiation of the same integration by diffrax."""

from functools import lru_cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from theory_tools import Polynomial, skewed_start

from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory import solve as solving
from teacher_student.theory.rates import rates_of
from teacher_student.theory.schedule import make_schedule
from teacher_student.theory.solve import SOLVERS, STATUSES, Settings, integrate, slope, solve

pytestmark = pytest.mark.usefixtures("float64", "quick_module")


TASK = SparseTeacher(1000, relevant=0.4)
STUDENT = TwoLayer(2, "erf")
EQUATION = Polynomial(TASK, STUDENT)
TABLE = [TASK.level(0.1), TASK.level(1.0)]
PHASES = [(1.0, (1, 0)), (2.0, (0, 1)), (1.5, (0.3, 0.7))]
# the start, several inside one step, both jumps, the end
TIMES = np.array([0.0, 0.5, 0.5001, 0.5002, 1.0, 1.3, 3.0, 3.00001, 4.2, 4.5])


def differentiated(equation, settings, initial, taus, args):
    """`solution` as diffrax differentiates it; the derivative by time is the right-hand side."""
    fixed = jax.lax.stop_gradient(taus)
    _, found, status = integrate(equation, settings, initial, fixed, args, keep=False)
    states = found["outputs"]
    at = jax.lax.stop_gradient((states, args))
    moved = jax.vmap(partial(slope, equation), (0, 0, None))(fixed, *at)

    def along(x, dx):
        return x + dx * (taus - fixed).reshape(-1, *[1] * (x.ndim - 1))

    return jax.tree.map(along, states, moved), status


SETTINGS = {
    "tsit5": Settings("tsit5", rtol=1e-9, atol=1e-11, max_steps=256),
    "bosh3": Settings("bosh3", rtol=1e-4, atol=1e-6, max_steps=64),
    "dopri8": Settings("dopri8", rtol=1e-4, atol=1e-6, max_steps=64),
}


def seen(settings, start, schedule, rates, times):
    """A number that depends on every entry of every state."""
    states, _ = solve(EQUATION, settings, start, schedule, rates, times, EQUATION.nodes(0))
    rng = np.random.default_rng(0)
    return sum(jnp.sum(rng.normal(size=x.shape) * x) for x in states)


@lru_cache
def reverse(solver: str):
    """Its value and gradient by the start, the schedule, the rates and the times: one program."""
    return jax.jit(jax.value_and_grad(partial(seen, SETTINGS[solver]), (0, 1, 2, 3)))


def point(times=TIMES):
    """Where gradients are taken."""
    rates = jax.tree.map(np.asarray, rates_of(STUDENT, 0.5, weight_decay=0.01))
    return skewed_start(TASK, 2), make_schedule(TABLE, PHASES), rates, times


def moved_by(at, entry: int, place: tuple[int, ...], size: float) -> list[np.ndarray]:
    """The leaves, one number of one of them moved."""
    leaves = [np.array(x) for x in jax.tree.leaves(at)]
    leaves[entry][place] += size
    return leaves


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
def test_gradients_are_those_of_the_integration_itself(solver, monkeypatch):
    at = point()
    value, ours = reverse(solver)(*at)
    monkeypatch.setattr(solving, "solution", differentiated)
    forward = jax.jit(lambda at, d: jax.jvp(partial(seen, SETTINGS[solver]), at, d))
    nowhere, tree = jax.tree.map(np.zeros_like, at), jax.tree.structure(at)
    for entry, mine in enumerate(jax.tree.leaves(ours)):
        for place in np.ndindex(mine.shape):
            direction = tree.unflatten(moved_by(nowhere, entry, place, 1.0))
            expected, theirs = forward(at, direction)
            np.testing.assert_allclose(np.asarray(mine)[place], theirs, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(value, expected, rtol=1e-12)
        assert np.any(np.asarray(mine) != 0)


@pytest.mark.slow
def test_gradients_by_difficulty_and_duration_are_differences():
    """At times that no jump reaches: there a state has a kink as a function of the durations."""
    at, h = point(np.array([0.0, 0.3, 0.5, 0.8, 1.2, 1.3, 2.5, 3.1, 4.2, 4.4])), 1e-4
    tree, program = jax.tree.structure(at), reverse("tsit5")
    _, gradient = program(*at)
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(at)]
    for name, place in [(".duration", (i,)) for i in range(3)] + [
        (".level['noise']", (i, 0)) for i in range(3)
    ]:
        entry = names.index(f"[1]{name}")
        high, low = (program(*tree.unflatten(moved_by(at, entry, place, x)))[0] for x in (h, -h))
        mine = np.asarray(jax.tree.leaves(gradient)[entry])[place]
        np.testing.assert_allclose(mine, (high - low) / (2 * h), rtol=1e-5, atol=1e-9)


def test_too_few_steps_is_a_status():
    settings, schedule = Settings("bosh3", max_steps=3), make_schedule(TABLE, PHASES)
    states, status = jax.jit(
        lambda start: solve(
            EQUATION, settings, start, schedule, rates_of(STUDENT, 0.5), jnp.asarray(TIMES), EQUATION.nodes(0)
        )
    )(skewed_start(TASK, 2))
    assert STATUSES[int(status)] == "max_steps"
    assert np.isfinite(states.along[0]).all()
    assert np.isnan(states.along[-1]).all()


@pytest.mark.slow
def test_a_diverging_neighbour_leaves_gradients_alone():
    rates, schedule = rates_of(STUDENT, 0.5), make_schedule(TABLE, PHASES)
    calm = skewed_start(TASK, 2)
    wild = calm._replace(gram=100 * calm.gram)

    def size(start, hidden):
        own, times = rates._replace(hidden=hidden), jnp.array([0.0, 1e-6, 2.0, 4.5])
        states, status = solve(EQUATION, Settings(), start, schedule, own, times, EQUATION.nodes(0))
        return jnp.nansum(states.along**2), status

    def gradients(*starts):
        stacked = jax.tree.map(lambda *x: jnp.stack(x), *starts)
        return compiled(stacked, 0.5)

    compiled = jax.jit(jax.vmap(jax.grad(size, (0, 1), has_aux=True), (0, None)))
    beside, status = gradients(calm, wild, calm)
    assert [STATUSES[i] for i in status.tolist()] == ["ok", "diverged", "ok"]
    alone, _ = gradients(calm, calm, calm)
    for mixed, undisturbed in zip(jax.tree.leaves(beside), jax.tree.leaves(alone), strict=True):
        for lane in (0, 2):
            np.testing.assert_allclose(mixed[lane], undisturbed[lane], rtol=1e-12)
        assert np.isfinite(mixed).all()  # of the outputs that the wild one reached
