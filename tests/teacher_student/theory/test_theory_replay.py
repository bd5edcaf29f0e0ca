"""Gradients of `solve` against plain forward differentiation of the same integration by diffrax."""

from functools import lru_cache, partial

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from theory_tools import Polynomial, skewed_start

from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory import replay, solve as solving
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


PRECISE = Settings("tsit5", rtol=1e-9, atol=1e-11, max_steps=256)


def seen(start, schedule, rates, times):
    """A number that depends on every entry of every state that is reached, and the status."""
    states, status = solve(EQUATION, PRECISE, start, schedule, rates, times, EQUATION.nodes(0))
    rng = np.random.default_rng(0)
    return sum(jnp.nansum(rng.normal(size=x.shape) * x) for x in states), status


@lru_cache
def reverse():
    """Its value and gradient by the start, the schedule, the rates and the times, of three starts at once."""
    one = jax.value_and_grad(seen, (0, 1, 2, 3), has_aux=True)
    return jax.jit(jax.vmap(one, (0, None, None, None)))


def from_three(starts, schedule, rates, times):
    """Value, status and gradients of each."""
    stacked = jax.tree.map(lambda *x: np.stack(x), *starts)
    (value, status), gradient = jax.tree.map(np.asarray, reverse()(stacked, schedule, rates, times))
    return value, status, [jax.tree.map(lambda x: x[i], gradient) for i in range(3)]  # noqa: B023


def point(times=TIMES):
    """Where gradients are taken."""
    rates = jax.tree.map(np.asarray, rates_of(STUDENT, 0.5, weight_decay=0.01))
    return skewed_start(TASK, 2), make_schedule(TABLE, PHASES), rates, times


def moved_by(at, entry: int, place: tuple[int, ...], size: float) -> list[np.ndarray]:
    """The leaves, one number of one of them moved."""
    leaves = [np.array(x) for x in jax.tree.leaves(at)]
    leaves[entry][place] += size
    return leaves


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_step_and_what_lies_inside_of_it_are_those_of_the_solver(solver):
    """So what is differentiated below is what was integrated, whatever the solver."""
    method, turn = SOLVERS[solver](), np.random.default_rng(1).normal(size=(3, 3))
    start = {"a": turn[0], "b": turn[1:, :2]}

    def flow(y):
        return {"a": jnp.sin(turn @ y["a"]), "b": y["a"][:2] * y["b"] - 0.3}

    @jax.jit
    def both(start, t0, t1, tau):
        term = diffrax.ODETerm(lambda t, y, args: flow(y))
        state = method.init(term, t0, t1, start, None)
        end, _, dense, _, _ = method.step(term, t0, t1, start, None, state, made_jump=False)
        inside = method.interpolation_cls(t0=t0, t1=t1, **dense).evaluate(tau)
        ours, increments = replay.runge_kutta(method, flow, start, t1 - t0)
        return (end, inside), (ours, replay.between(method, flow, t0, t1, (start, ours, increments), tau))

    theirs, ours = both(start, *np.array([0.3, 1.1, 0.5]))
    for mine, other in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-13)
    assert np.abs(theirs[0]["a"] - start["a"]).max() > 0.1


@pytest.mark.slow
def test_gradients_are_those_of_the_integration_itself(monkeypatch):
    start, *rest = at = point()
    values, _, gradients = from_three([skewed_start(TASK, 2, 1), start, start], *rest)
    monkeypatch.setattr(solving, "solution", differentiated)
    forward = jax.jit(lambda at, d: jax.jvp(lambda *at: seen(*at)[0], at, d))
    nowhere, tree = jax.tree.map(np.zeros_like, at), jax.tree.structure(at)
    for entry, mine in enumerate(jax.tree.leaves(gradients[1])):
        for place in np.ndindex(mine.shape):
            direction = tree.unflatten(moved_by(nowhere, entry, place, 1.0))
            expected, theirs = forward(at, direction)
            np.testing.assert_allclose(mine[place], theirs, rtol=1e-10, atol=1e-12)
            np.testing.assert_allclose(values[1], expected, rtol=1e-12)
        assert np.any(mine != 0)


@pytest.mark.slow
def test_gradients_by_difficulty_and_duration_are_differences():
    """At times that no jump reaches: there a state has a kink as a function of the durations."""
    h = 1e-4
    start, *rest = point(np.array([0.0, 0.3, 0.5, 0.8, 1.2, 1.3, 2.5, 3.1, 4.2, 4.4]))
    tree, starts = jax.tree.structure(rest), [start] * 3
    _, _, (gradient, _, _) = from_three(starts, *rest)
    names = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(rest)]
    for name, place in [(".duration", (i,)) for i in range(3)] + [
        (".level['noise']", (i, 0)) for i in range(3)
    ]:
        entry = names.index(f"[0]{name}")
        high, low = (
            from_three(starts, *tree.unflatten(moved_by(rest, entry, place, x)))[0][0] for x in (h, -h)
        )
        mine = jax.tree.leaves(gradient[1:])[entry][place]
        np.testing.assert_allclose(mine, (high - low) / (2 * h), rtol=1e-5, atol=1e-9)


@pytest.mark.slow
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
    calm, *rest = point(np.array([0.0, 1e-6, 2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 4.4, 4.5]))
    wild = calm._replace(gram=100 * calm.gram)
    _, status, beside = from_three([calm, wild, calm], *rest)
    assert [STATUSES[i] for i in status] == ["ok", "diverged", "ok"]
    _, _, alone = from_three([calm, calm, calm], *rest)
    for lane in (0, 2):
        for mixed, undisturbed in zip(*map(jax.tree.leaves, (beside[lane], alone[lane])), strict=True):
            np.testing.assert_allclose(mixed, undisturbed, rtol=1e-12)
    for mixed in jax.tree.leaves(beside[1]):
        assert np.isfinite(mixed).all()  # of the outputs that the wild one reached
