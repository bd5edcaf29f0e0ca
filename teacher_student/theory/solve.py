"""One trajectory as a pure function, for jit, vmap and grad: `solve`.

The time of integration is alpha. A step never crosses from one piece of the schedule to the next: it
ends at the jump and the right-hand side is evaluated afresh behind it. Piece j runs on its own clock,
alpha = start_j + (duration_j / length_j) (tau - start of its length), with length_j the duration taken as
a constant, so that the solution depends on the durations through smooth factors equal to 1. Gradients
with respect to durations and difficulties are then those of the numerical solution itself.

A trajectory whose weights blow up ends there with status "diverged", its later values NaN; in a batch
the others go on.
"""

from functools import partial
from typing import Any, NamedTuple

import diffrax
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from teacher_student.theory.rates import Equations, Rates, derivative
from teacher_student.theory.schedule import Schedule
from teacher_student.training.order_parameters import Overlaps

SOLVERS = {"tsit5": diffrax.Tsit5, "bosh3": diffrax.Bosh3, "dopri8": diffrax.Dopri8}

#: Status codes of a trajectory are indices into this.
STATUSES = ("ok", "diverged", "max_steps")

#: States kept for the reverse pass: a gradient recomputes no step of a run with fewer steps than this.
CHECKPOINTS = 1024

#: A trajectory whose squared weights sum to more than this times the width, or to NaN, has diverged.
DIVERGED_NORM = 1e6


class Settings(NamedTuple):
    """How to integrate: static, part of the compiled program.

    solver    : "tsit5" (order 5), "dopri8" (order 8, for rtol below 1e-8) or "bosh3" (order 3)
    rtol      : relative error allowed per step
    atol      : absolute error allowed per step
    max_steps : steps, accepted or not, after which the status is "max_steps"
    stages    : None, or "bounded": cheaper gradients of one trajectory, dearer batches
    """

    solver: str = "tsit5"
    rtol: float = 1e-5
    atol: float = 1e-7
    max_steps: int = 4096
    stages: str | None = None


DEFAULTS = Settings()


def piece_at(ends: Float[Array, " J"], tau: Any) -> Array:
    """Index of the piece that holds the time(s) `tau`, the later one at a jump."""
    return jnp.minimum(jnp.searchsorted(ends, tau, side="right"), len(ends) - 1)


def slope(equation: Equations, tau: Any, state: Overlaps, args: Any) -> Overlaps:
    """dstate/dtau at internal time tau; `args` are the schedule, the rates and the nodes."""
    schedule, rates, nodes = args
    length = jax.lax.stop_gradient(schedule.duration)
    piece = piece_at(jnp.cumsum(length), tau)

    def of_level(level):
        return equation.moments(state, level, rates.output_scale, nodes)

    each = jax.vmap(of_level)({name: x[piece] for name, x in schedule.level.items()})
    mixed = jax.tree.map(lambda x: jnp.tensordot(schedule.weight[piece], x, 1), each)
    stretch = stretches(schedule.duration)[piece]
    return jax.tree.map(lambda x: stretch * x, derivative(mixed, state, rates))


def stretches(duration: Float[Array, " J"]) -> Float[Array, " J"]:
    """Factors that are 1 and whose derivative by log duration is 1: the clock of each piece."""
    length = jax.lax.stop_gradient(duration)
    return jnp.where(length > 0, duration / jnp.where(length > 0, length, 1), 1)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def at_times(equation: Equations, states: Overlaps, taus: Float[Array, " T"], args) -> Overlaps:
    """The states at `taus` as they are; their derivative by `taus`, which the solver drops, is `slope`."""
    return states


@at_times.defjvp
def _at_times_jvp(equation, primals, tangents):
    states, taus, args = primals
    moved = jax.vmap(partial(slope, equation), (0, 0, None))(taus, states, args)
    along_tau = jax.tree.map(lambda x: x * tangents[1].reshape(-1, *[1] * (x.ndim - 1)), moved)
    return states, jax.tree.map(jnp.add, tangents[0], along_tau)


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
    args = (schedule, rates, nodes)

    def blown(tau, state, args, **_):
        size = sum(jnp.sum(x**2) for x in (state.along, state.readout))
        size += jnp.sum(jnp.trace(state.gram, axis1=-2, axis2=-1))
        return ~(size < DIVERGED_NORM * equation.student.width)

    at = piece_at(ends, times)
    since = times - (jnp.cumsum(schedule.duration) - schedule.duration)[at]
    taus = jnp.clip((ends - length)[at] + since / stretches(schedule.duration)[at], 0, ends[-1])
    controller = diffrax.PIDController(rtol=settings.rtol, atol=settings.atol)
    if len(ends) > 1:
        controller = diffrax.ClipStepSizeController(controller, jump_ts=ends[:-1])
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(partial(slope, equation)),
        SOLVERS[settings.solver](scan_kind=settings.stages),
        jnp.zeros_like(ends[-1]),
        ends[-1],
        None,
        initial,
        args,
        saveat=diffrax.SaveAt(ts=jax.lax.stop_gradient(taus)),
        stepsize_controller=controller,
        event=diffrax.Event(blown),
        adjoint=diffrax.RecursiveCheckpointAdjoint(checkpoints=min(settings.max_steps, CHECKPOINTS)),
        max_steps=settings.max_steps,
        throw=False,
    )
    states = at_times(equation, solution.ys, taus, args)
    reached = jax.tree.map(lambda x: jnp.where(jnp.isfinite(x), x, jnp.nan), states)
    result = solution.result
    code = jnp.where(
        result == diffrax.RESULTS.successful, 0, jnp.where(result == diffrax.RESULTS.max_steps_reached, 2, 1)
    )
    return reached, code
