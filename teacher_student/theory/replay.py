"""Reverse mode through an adaptive Runge-Kutta integration, by replaying its accepted steps backwards.

The forward pass keeps the state at the end of every accepted step. From the last step to the first, one
step is taken again from the state kept before it and differentiated, and the outputs that fell inside it
enter through the solver's dense interpolation. So the gradient is that of the numerical solution with its
step sizes held fixed, at the cost of one forward and one backward pass over the accepted steps.

The slope must not depend on time within a step, except through whatever is constant there: it is
evaluated at the middle of the step.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, PyTree

_plus = partial(jax.tree.map, jnp.add)


def runge_kutta(solver: Any, slope: Callable[[Any], Any], start: PyTree, length: Array) -> tuple[Any, Any]:
    """One step of an explicit method: its end, and its increments (S, ...), one a stage.

    With "first same as last" the last stage is the slope at the end; it is left out.
    """
    table = solver.tableau
    rows = [np.zeros(0), *table.a_lower][: table.num_stages - table.fsal]
    weights = np.stack([np.pad(row, (0, len(rows) - len(row))) for row in rows])

    def combined(weight, increments):
        return jax.tree.map(lambda y, k: y + jnp.tensordot(weight.astype(y.dtype), k, 1), start, increments)

    def stage(increments, at):
        i, weight = at
        found = slope(combined(weight, increments))
        return jax.tree.map(lambda k, x: k.at[i].set(length * x), increments, found), None

    none = jax.tree.map(lambda y: jnp.zeros((len(rows), *y.shape), y.dtype), start)
    increments, _ = jax.lax.scan(stage, none, (np.arange(len(rows)), weights))
    return combined(table.b_sol[: len(rows)], increments), increments


def between(solver: Any, slope: Callable[[Any], Any], t0: Array, t1: Array, step: PyTree, tau: Array) -> Any:
    """The state at `tau` inside a step, given as (start, end, increments)."""
    start, end, increments = step
    if solver.tableau.fsal:
        last = slope(end)
        increments = jax.tree.map(lambda k, x: jnp.concatenate([k, (t1 - t0) * x[None]]), increments, last)
    return solver.interpolation_cls(t0=t0, t1=t1, y0=start, y1=end, k=increments).evaluate(tau)


def pull_back(
    solver: diffrax.AbstractSolver,
    slope: Callable[[Any, Any, Any], Any],
    initial: PyTree,
    args: PyTree,
    ends: Float[Array, " S"],
    states: PyTree,
    taus: Float[Array, " T"],
    given: PyTree,
) -> tuple[Any, Any]:
    """Cotangents of `initial` and `args` from those of the outputs.

    Parameters
    ----------
    solver : explicit Runge-Kutta solver of diffrax
    slope : function (tau, state, args) -> dstate/dtau
    initial, args : pytrees of arrays
    ends, states : where each accepted step ended and its state, padded by inf
    taus : increasing; where outputs were asked, from time 0 on
    given : cotangents of the outputs (T, ...); those behind the last accepted step are not used
    """
    reached = jnp.max(jnp.where(jnp.isfinite(ends), ends, -1))
    last_output: Int[Array, ""] = jnp.searchsorted(taus, reached, side="right") - 1
    last_step = jnp.where(last_output >= 0, jnp.searchsorted(ends, taus[last_output], side="left"), -1)

    def undo(carry):
        i, output, bar, args_bar = carry
        t0, t1 = jnp.where(i > 0, ends[i - 1], 0), ends[i]
        start = jax.tree.map(lambda first, x: jnp.where(i > 0, x[i - 1], first), initial, states)
        flow = partial(slope, (t0 + t1) / 2)

        def whole(start, args):
            return runge_kutta(solver, lambda y: flow(y, args), start, t1 - t0)

        (end, increments), pull = jax.vjp(whole, start, args)

        def inside(carry):
            output, _ = carry
            return (output >= 0) & ((taus[output] > t0) | (i == 0))

        def add(carry):
            output, bars = carry

            def at(step, args):
                return between(solver, lambda y: flow(y, args), t0, t1, step, taus[output])

            _, back = jax.vjp(at, (start, end, increments), args)
            return output - 1, _plus(bars, back(jax.tree.map(lambda x: x[output], given)))

        nothing = jax.tree.map(jnp.zeros_like, ((start, end, increments), args))
        output, ((to_start, to_end, to_increments), to_args) = jax.lax.while_loop(
            inside, add, (output, nothing)
        )
        from_end, more = pull((_plus(bar, to_end), to_increments))
        return i - 1, output, _plus(from_end, to_start), _plus(args_bar, _plus(to_args, more))

    zero = jax.tree.map(jnp.zeros_like, (initial, args))
    *_, bar, args_bar = jax.lax.while_loop(lambda c: c[0] >= 0, undo, (last_step, last_output, *zero))
    return bar, args_bar
