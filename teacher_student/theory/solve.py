"""One trajectory as a pure function, for jit, vmap and grad: `solve`.

The time of integration is alpha. A step never crosses from one piece of the schedule to the next: it
ends at the jump and the right-hand side is evaluated afresh behind it. Piece j runs on its own clock,
alpha = start_j + (duration_j / length_j) (tau - start of its length), with length_j the duration taken as
a constant, so that the solution depends on the durations through smooth factors equal to 1. Gradients
with respect to durations and difficulties are then those of the numerical solution itself.

A trajectory whose weights blow up ends there with status "diverged", its later values NaN; in a batch
the others go on.
"""

from typing import NamedTuple

import diffrax
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from teacher_student.theory.rates import Equations, Rates, derivative
from teacher_student.theory.schedule import Schedule
from teacher_student.training.order_parameters import Overlaps

SOLVERS = {"tsit5": diffrax.Tsit5, "dopri8": diffrax.Dopri8}

#: Status codes of a trajectory are indices into this.
STATUSES = ("ok", "diverged", "max_steps")

#: A trajectory whose squared weights sum to more than this times the width, or to NaN, has diverged.
DIVERGED_NORM = 1e6


class Settings(NamedTuple):
    """How to integrate: static, part of the compiled program.

    solver    : "tsit5" (order 5) or "dopri8" (order 8, for tolerances below 1e-8)
    rtol      : relative error allowed per step
    atol      : absolute error allowed per step
    max_steps : steps, accepted or not, after which the status is "max_steps"
    """

    solver: str = "tsit5"
    rtol: float = 1e-5
    atol: float = 1e-7
    max_steps: int = 16384


DEFAULTS = Settings()


def solve(
    equation: Equations,
    settings: Settings,
    initial: Overlaps,
    schedule: Schedule,
    rates: Rates,
    times: Float[Array, " T"],
    nodes: Float[Array, "n D"],
) -> tuple[Overlaps, Int[Array, ""]]:
    """One trajectory as a pure function: states at `times` (leading axis T) and status.

    Free of checks, so it goes inside jit, vmap and grad; every argument from `initial` on is traced.
    """
    length = jax.lax.stop_gradient(schedule.duration)
    ends = jnp.cumsum(length)
    starts = ends - length
    stretch = jnp.where(length > 0, schedule.duration / jnp.where(length > 0, length, 1), 1)

    def slope(tau, state, args):
        piece = jnp.minimum(jnp.searchsorted(ends, tau, side="right"), len(ends) - 1)

        def of_level(level):
            return equation.moments(state, level, rates.output_scale, nodes)

        each = jax.vmap(of_level)({name: x[piece] for name, x in schedule.level.items()})
        mixed = jax.tree.map(lambda x: jnp.tensordot(schedule.weight[piece], x, 1), each)
        return jax.tree.map(lambda x: stretch[piece] * x, derivative(mixed, state, rates))

    def blown(tau, state, args, **_):
        size = sum(jnp.sum(x**2) for x in (state.along, state.readout))
        size += jnp.sum(jnp.trace(state.gram, axis1=-2, axis2=-1))
        return ~(size < DIVERGED_NORM * equation.student.width)

    start_of_piece = jnp.cumsum(schedule.duration) - schedule.duration
    at = jnp.minimum(jnp.searchsorted(ends, times, side="right"), len(ends) - 1)
    taus = starts[at] + (times - start_of_piece[at]) / stretch[at]
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(slope),
        SOLVERS[settings.solver](),
        jnp.zeros_like(ends[-1]),
        ends[-1],
        None,
        initial,
        saveat=diffrax.SaveAt(ts=jnp.clip(taus, 0, ends[-1])),
        stepsize_controller=diffrax.ClipStepSizeController(
            diffrax.PIDController(rtol=settings.rtol, atol=settings.atol), jump_ts=ends[:-1] if len(ends) > 1 else None
        ),
        event=diffrax.Event(blown),
        max_steps=settings.max_steps,
        throw=False,
    )
    reached = jax.tree.map(lambda x: jnp.where(jnp.isfinite(x), x, jnp.nan), solution.ys)
    result = solution.result
    code = jnp.where(
        result == diffrax.RESULTS.successful, 0, jnp.where(result == diffrax.RESULTS.max_steps_reached, 2, 1)
    )
    return reached, code
