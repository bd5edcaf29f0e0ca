"""Gradients of `solve` against plain forward differentiation of the same integration by diffrax."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from theory_tools import skewed_start

from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory import solve as solving
from teacher_student.theory.rates import Moments, rates_of
from teacher_student.theory.schedule import make_schedule
from teacher_student.theory.solve import SOLVERS, STATUSES, Settings, integrate, slope, solve

pytestmark = pytest.mark.usefixtures("float64", "quick_module")


@dataclass(frozen=True)
class Polynomial:
    """A made-up right-hand side that compiles quickly; it blows up from large overlaps."""

    task: SparseTeacher
    student: TwoLayer

    def nodes(self, seed):
        return jnp.zeros((0, 1))

    def moments(self, state, level, output_scale, nodes):
        u, noise = output_scale * state.readout, level["noise"]
        return Moments(
            0.3 * state.along**3 + noise * state.along - u[:, None],
            state.gram * (1 + u**2),
            0.3 * state.gram @ state.gram + noise * jnp.outer(u, u),
            state.readout - 0.2 * noise * jnp.sum(state.along),
        )

    def observe(self, state, level, output_scale, nodes):
        return {}


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


@pytest.mark.slow
@pytest.mark.parametrize("solver", SOLVERS)
def test_gradients_are_those_of_the_integration_itself(solver, monkeypatch):
    settings = Settings(solver, rtol=1e-4, atol=1e-6, max_steps=64)
    rates = jax.tree.map(jnp.asarray, rates_of(STUDENT, 0.5, weight_decay=0.01))
    start, rng = skewed_start(TASK, 2), np.random.default_rng(0)
    pull = [jnp.asarray(rng.normal(size=(len(TIMES), *np.shape(x)))) for x in start]

    def seen(start, schedule, rates, times):
        states, _ = solve(EQUATION, settings, start, schedule, rates, times, EQUATION.nodes(0))
        value = sum(jnp.sum(p * x) for p, x in zip(pull, states, strict=True))
        return value, value

    at = (start, make_schedule(TABLE, PHASES), rates, jnp.asarray(TIMES))
    ours, value = jax.jit(jax.grad(seen, (0, 1, 2, 3), has_aux=True))(*at)
    monkeypatch.setattr(solving, "solution", differentiated)
    plain, expected = jax.jit(jax.jacfwd(seen, (0, 1, 2, 3), has_aux=True))(*at)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    for mine, theirs in zip(jax.tree.leaves(ours), jax.tree.leaves(plain), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-12)
        assert np.any(np.asarray(mine) != 0)


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
