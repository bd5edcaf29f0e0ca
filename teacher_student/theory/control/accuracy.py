"""How accurate fixed steps are: against the adaptive integration of `solve`, or against twice as many."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from teacher_student.one_thread import ONE_THREAD
from teacher_student.theory.control.descent import evaluate
from teacher_student.theory.control.flow import Controls, Setting, World, final_loss
from teacher_student.theory.control.problem import Problem
from teacher_student.theory.control.starts import ORDERS, ordered
from teacher_student.theory.rates import Equations
from teacher_student.theory.schedule import Schedule
from teacher_student.theory.solve import DEFAULTS, solve

#: Runge-Kutta steps of a piece at most.
MOST = 16


def accurately(problem: Problem, tolerance: float) -> Problem:
    """The problem with as many steps a piece as the named orders need, against the adaptive integration."""
    n_levels = len(problem.levels)
    shares = np.full(n_levels, 1 / n_levels) if problem.shares is None else problem.shares
    mixes = np.stack([ordered(name, shares, problem.n_pieces) for name in ORDERS])
    controls = problem.controls(mixes)
    exact = adaptively(problem, controls)
    while True:
        found = evaluate(problem.setting, problem.world, controls, gradients=False)
        error = np.abs(found - exact) / np.abs(exact)
        steps = problem.setting.steps
        bad = np.isfinite(exact) & ~(error <= tolerance)
        if not bad.any() or steps >= MOST:
            return problem
        problem = problem._replace(setting=problem.setting._replace(steps=2 * steps))


def on_finer_steps(problem: Problem, controls: Controls) -> Float[np.ndarray, " R"]:
    """Losses on twice as many steps."""
    setting = problem.setting._replace(steps=2 * problem.setting.steps)
    return np.asarray(evaluate(setting, problem.world, controls, gradients=False))


def adaptively(problem: Problem, controls: Controls) -> Float[np.ndarray, " R"]:
    """Losses by the adaptive integration of `solve`; the learning rate is that of the problem."""
    program = compiled_adaptive(problem.equation, problem.setting._replace(steps=1))
    rows = (jax.tree.map(lambda x: x[r], controls) for r in range(len(controls.duration)))  # noqa: B023
    return np.array([program(problem.world, own) for own in rows])


@lru_cache(maxsize=64)
def compiled_adaptive(equation: Equations, setting: Setting):
    """Jitted: (world, controls of one schedule) -> loss, averaged over starts and targets."""

    def one(world: World, controls: Controls):
        pieces = len(controls.duration)
        level = {name: jnp.broadcast_to(x, (pieces, *x.shape)) for name, x in world.levels.items()}
        schedule = Schedule(jnp.asarray(controls.duration), level, jnp.asarray(controls.mix))
        end = jnp.sum(controls.duration)[None]

        def from_start(initial):
            states, _ = solve(equation, DEFAULTS, initial, schedule, world.rates, end, world.nodes)
            return final_loss(setting, world, jax.tree.map(lambda x: x[0], states))

        return jnp.mean(jax.lax.map(from_start, world.initial))

    return jax.jit(one, compiler_options=ONE_THREAD)
