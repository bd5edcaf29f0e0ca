"""One trajectory as a pure function, for jit, vmap and reverse-mode grad: `solve`.

The time of integration is alpha. A step never crosses from one piece of the schedule to the next: it
ends at the jump and the right-hand side is evaluated afresh behind it. Piece j runs on its own clock,
alpha = start_j + (duration_j / length_j) (tau - start of its length), with length_j the duration taken as
a constant, so that the solution depends on the durations through smooth factors equal to 1. Gradients
with respect to durations and difficulties are then those of the numerical solution itself, its step sizes
held fixed (see `replay`); forward mode and second derivatives are not supported. A gradient keeps the state
after each of `max_steps` steps.

A trajectory whose weights blow up ends there with status "diverged", its later values NaN; in a batch
the others go on.
"""

from functools import partial
from typing import Any, NamedTuple

import diffrax
import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int, PyTree

from teacher_student.order_parameters import Overlaps
from teacher_student.theory import replay
from teacher_student.theory.averages import Tailed, sum_slope
from teacher_student.theory.rates import Equations, Rates, derivative, scaled
from teacher_student.theory.schedule import Numbers, Schedule

SOLVERS = {"tsit5": diffrax.Tsit5, "bosh3": diffrax.Bosh3, "dopri8": diffrax.Dopri8}

#: Status codes of a trajectory are indices into this.
STATUSES = ("ok", "diverged", "max_steps")

#: A trajectory whose squared weights sum to more than this times the width, or to NaN, has diverged.
DIVERGED_NORM = 1e6


#: The state of a student, with or without the sum of its weights.
State = Overlaps | Tailed


class Settings(NamedTuple):
    """How to integrate: static, part of the compiled program.

    solver    : "tsit5" (order 5), "dopri8" (order 8, for rtol below 1e-8) or "bosh3" (order 3)
    rtol      : relative error allowed per step
    atol      : absolute error allowed per step
    max_steps : steps, accepted or not, after which the status is "max_steps"
    """

    solver: str = "tsit5"
    rtol: float = 1e-5
    atol: float = 1e-7
    max_steps: int = 4096


DEFAULTS = Settings()


def piece_at(ends: Float[Array, " J"], tau: Float[Array, "*T"]) -> Array:
    """Index of the piece that holds the time(s) `tau`, the later one at a jump."""
    return jnp.minimum(jnp.searchsorted(ends, tau, side="right"), len(ends) - 1)


@partial(jax.jit, static_argnums=0)
def slope(equation: Equations, tau: Any, state: State, args: PyTree) -> State:
    """dstate/dtau at internal time tau, on which it depends through the piece only.

    `args` are the schedule, the rates and the nodes.
    """
    schedule, rates, nodes = args
    length = jax.lax.stop_gradient(schedule.duration)
    piece = piece_at(jnp.cumsum(length), tau)

    student = Overlaps(state.along, state.gram, state.readout)

    def of_level(level):
        return equation.moments(student, level, rates.output_scale, nodes)

    each = jax.vmap(of_level)({name: x[piece] for name, x in schedule.level.items()})
    mixed = jax.tree.map(lambda x: jnp.tensordot(schedule.weight[piece], x, 1), each)
    stretch = stretches(schedule.duration)[piece]
    if schedule.rate is not None:
        rates = scaled(rates, schedule.rate[piece])
    change: State = derivative(mixed, student, rates)
    if isinstance(state, Tailed):
        change = sum_slope(state, change, mixed, rates, schedule.inside[piece])
    return jax.tree.map(lambda x: stretch * x, change)


def stretches(duration: Float[Numbers, " J"]) -> Float[Array, " J"]:
    """Factors that are 1 and whose derivative by log duration is 1: the clock of each piece."""
    length = jax.lax.stop_gradient(duration)
    return jnp.where(length > 0, duration / jnp.where(length > 0, length, 1), 1)


def integrate(
    equation: Equations,
    settings: Settings,
    initial: State,
    taus: Float[Array, " T"],
    args: PyTree,
    *,
    keep: bool,
) -> tuple[dict[str, Array], dict[str, Any], Int[Array, ""]]:
    """Times, states and status: "outputs" at `taus` and, with `keep`, "steps" after every accepted step."""
    schedule, _, _ = args
    ends = jnp.cumsum(jax.lax.stop_gradient(schedule.duration))

    def blown(tau, state, args, **_):
        size = sum(jnp.sum(x**2) for x in (state.along, state.readout))
        size += jnp.sum(jnp.trace(state.gram, axis1=-2, axis2=-1))
        return ~(size < DIVERGED_NORM * equation.student.width)

    controller = diffrax.PIDController(rtol=settings.rtol, atol=settings.atol)
    if len(ends) > 1:
        controller = diffrax.ClipStepSizeController(controller, jump_ts=ends[:-1])
    wanted = {"outputs": diffrax.SubSaveAt(ts=taus)}
    if keep:
        wanted["steps"] = diffrax.SubSaveAt(steps=True)
    found: Any = diffrax.diffeqsolve(
        diffrax.ODETerm(partial(slope, equation)),
        SOLVERS[settings.solver](),
        jnp.zeros_like(ends[-1]),
        ends[-1],
        None,
        initial,
        args,
        saveat=diffrax.SaveAt(subs=wanted),
        stepsize_controller=controller,
        event=diffrax.Event(blown),
        adjoint=diffrax.ForwardMode(),
        max_steps=settings.max_steps,
        throw=False,
    )
    ended, short = diffrax.RESULTS.successful, diffrax.RESULTS.max_steps_reached
    status = jnp.where(found.result == ended, 0, jnp.where(found.result == short, 2, 1))
    return found.ts, found.ys, status


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def solution(
    equation: Equations, settings: Settings, initial: State, taus: Float[Array, " T"], args: PyTree
) -> tuple[State, Int[Array, ""]]:
    """States at `taus`, inf where they are not reached, and status; nodes are constants of the gradient."""
    _, states, status = integrate(equation, settings, initial, taus, args, keep=False)
    return states["outputs"], status


def _forward(equation, settings, initial, taus, args):
    ends, states, status = integrate(equation, settings, initial, taus, args, keep=True)
    outputs = states["outputs"]
    return (outputs, status), (initial, taus, args, ends["steps"], states["steps"], outputs)


def _reverse(equation, settings, kept, cotangent):
    initial, taus, (schedule, rates, nodes), ends, states, outputs = kept
    given, _ = cotangent

    def flow(tau, state, args):
        return slope(equation, tau, state, (*args, nodes))

    def by_tau(at):
        tau, output, given = at
        there = jnp.isfinite(output.readout[0])
        output = jax.tree.map(lambda x, start: jnp.where(there, x, start), output, initial)
        moved = jax.tree.map(jnp.vdot, flow(tau, output, (schedule, rates)), given)
        return jnp.where(there, sum(jax.tree.leaves(moved)), 0)

    bar, (of_schedule, of_rates) = replay.pull_back(
        SOLVERS[settings.solver](), flow, initial, (schedule, rates), ends, states, taus, given
    )
    along = jax.lax.map(by_tau, (taus, outputs, given))
    return bar, along, (of_schedule, of_rates, jnp.zeros_like(nodes))


solution.defvjp(_forward, _reverse)


def solve(
    equation: Equations,
    settings: Settings,
    initial: State,
    schedule: Schedule,
    rates: Rates,
    times: Float[Array, " T"],
    nodes: Float[Array, "n D"],
) -> tuple[Any, Int[Array, ""]]:
    """One trajectory as a pure function: states at `times` (leading axis T) and status.

    A state is `Overlaps`, or with a schedule that says where weights are averaged `averages.Tailed`.

    Free of checks, so it goes inside jit, vmap and reverse-mode grad; every argument from `initial` on is
    traced, and all but the nodes may be differentiated.
    """
    schedule = jax.tree.map(jnp.asarray, schedule)
    length = jax.lax.stop_gradient(schedule.duration)
    ends = jnp.cumsum(length)
    at = piece_at(ends, times)
    since = times - (jnp.cumsum(schedule.duration) - schedule.duration)[at]
    taus = jnp.clip((ends - length)[at] + since / stretches(schedule.duration)[at], 0, ends[-1])
    found: Any = solution(equation, settings, initial, taus, (schedule, rates, nodes))
    states, status = found
    return jax.tree.map(lambda x: jnp.where(jnp.isfinite(x), x, jnp.nan), states), status
