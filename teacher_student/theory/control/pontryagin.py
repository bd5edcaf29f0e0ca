"""Pontryagin's conditions: the costate, the switching function and the forward-backward sweep.

With the loss at the end Phi(x(T)), the costate runs backwards along the trajectory x of the controls u,

    dp/dalpha = -(df/dx)^T p,   p(T) = dPhi/dx,      f = sum_c u_c f_c,

and H = p . f is the rate at which the loss at the end changes. A best schedule shows at every moment the
level of the smallest p . f_c + mu_c, mu being the multipliers of the shares; with two levels, easy where
the switching function p . (f_hard - f_easy) is largest. The sweep integrates x forwards and p backwards,
takes the extreme point that these say, and goes from u towards it as far as it pays (a step of Frank &
Wolfe, 1956).

The equation of p is integrated as such, by the Runge-Kutta method with the states half-way interpolated: no
part of this is the derivative of a program, so that it checks `descent`, and the other way round.

Source: Pontryagin et al., The Mathematical Theory of Optimal Processes (1962); Mignacco & Mori,
arXiv 2507.07907, for schedules of online learning.
"""

from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from teacher_student.one_thread import ONE_THREAD
from teacher_student.order_parameters import Overlaps
from teacher_student.theory.control.descent import evaluate
from teacher_student.theory.control.flow import (
    Controls,
    Numbers,
    Setting,
    World,
    final_loss,
    follow,
    moments,
    scaled,
    slope,
)
from teacher_student.theory.control.polytope import extreme
from teacher_student.theory.rates import derivative

#: Parts of the way to the extreme point that a sweep tries.
PARTS = 0.5 ** np.arange(8)


class Adjoint(NamedTuple):
    """The costate of one schedule.

    costate : (S, J + 1, ...) at the ends of the pieces, for every start
    change  : (J, C) p . f_c averaged over each piece and the starts
    energy  : (S, J + 1) H = p . f of the controls at the start of each piece, and at the end of the last
    """

    costate: Overlaps
    change: Float[Numbers, "J C"]
    energy: Float[Numbers, "S J1"]


class Swept(NamedTuple):
    """Where R sweeps ended; see `Descended`. `gap` (R,) is what going to the extreme point promises."""

    controls: Controls
    loss: Float[np.ndarray, " R"]
    gap: Float[np.ndarray, " R"]
    settled: Bool[np.ndarray, " R"]


def dot(p: Overlaps, x: Overlaps):
    """The inner product."""
    return sum(jax.tree.leaves(jax.tree.map(jnp.vdot, p, x)))


@lru_cache(maxsize=64)
def compiled_adjoint(setting: Setting):
    """Jitted: (world, controls) of one schedule -> `Adjoint`."""

    # programs inside of the program: each is traced once, however often it is called
    @jax.jit
    def flow(world, state, mix, rate):
        return slope(setting, world, state, mix, rate)

    @jax.jit
    def changes(world, state, p, rate):
        each = moments(setting, world, state)
        rates = scaled(world.rates, rate)
        return jax.vmap(lambda m: dot(p, derivative(m, state, rates)))(each)

    @jax.jit
    def pull(world, state, p, mix, rate):
        _, back = jax.vjp(lambda state: flow(world, state, mix, rate), state)
        return back(p)[0]

    def backwards(world, p1, x0, x1, length, mix, rate):
        """The costate one step earlier, and p . f_c over the step by Simpson's rule."""
        f0, f1 = flow(world, x0, mix, rate), flow(world, x1, mix, rate)
        half = jax.tree.map(lambda a, b, u, v: (a + b) / 2 + length / 8 * (u - v), x0, x1, f0, f1)

        def plus(p, part, k):
            return jax.tree.map(lambda a, b: a + part * length * b, p, k)

        k1 = pull(world, x1, p1, mix, rate)
        k2 = pull(world, half, plus(p1, 0.5, k1), mix, rate)
        k3 = pull(world, half, plus(p1, 0.5, k2), mix, rate)
        k4 = pull(world, x0, plus(p1, 1.0, k3), mix, rate)
        p0 = jax.tree.map(lambda p, a, b, c, d: p + length / 6 * (a + 2 * b + 2 * c + d), p1, k1, k2, k3, k4)
        middle = jax.tree.map(lambda a, b, u, v: (a + b) / 2 + length / 8 * (u - v), p0, p1, k1, k4)
        ends = changes(world, x0, p0, rate) + changes(world, x1, p1, rate)
        return p0, (ends + 4 * changes(world, half, middle, rate)) / 6

    def from_start(world, controls, initial):
        end, states = follow(setting, world, initial, controls)
        last = jax.grad(partial(final_loss, setting, world))(end)

        def piece(carry, at):
            control, starts = at
            length = control.duration / setting.steps

            def go(carry, x0):
                p, x1 = carry
                p, change = backwards(world, p, x0, x1, length, control.mix, control.rate)
                return (p, x0), change

            (p, x0), change = jax.lax.scan(go, carry, starts, reverse=True)
            energy = dot(p, flow(world, x0, control.mix, control.rate))
            return (p, x0), (p, jnp.mean(change, 0), energy)

        _, (costate, change, energy) = jax.lax.scan(piece, (last, end), (controls, states), reverse=True)
        at_end = dot(last, flow(world, end, controls.mix[-1], controls.rate[-1]))
        costate = jax.tree.map(lambda x, y: jnp.concatenate([x, y[None]]), costate, last)
        return costate, change, jnp.append(energy, at_end)

    def several(world, controls):
        costate, change, energy = jax.vmap(partial(from_start, world, controls))(world.initial)
        return Adjoint(costate, jnp.mean(change, 0), energy)

    return jax.jit(several, compiler_options=ONE_THREAD)


def adjoint(setting: Setting, world: World, controls: Controls) -> Adjoint:
    """Costate and switching function of one schedule."""
    found = compiled_adjoint(setting)(world, jax.tree.map(jnp.asarray, controls))
    return jax.tree.map(np.asarray, found)


def sweep(
    setting: Setting,
    world: World,
    controls: Controls,
    shares: Float[np.ndarray, " C"] | None,
    iterations: int,
    tolerance: float,
) -> Swept:
    """Forward-backward sweeps from R schedules (R, ...), until each gap over its loss is at most `tolerance`.

    The gap bounds what could be gained where the loss is convex along the way, and is 0 at a best schedule.
    """
    controls = jax.tree.map(np.array, controls)
    loss = np.asarray(evaluate(setting, world, controls, gradients=False)).copy()
    gap = np.full(len(loss), np.inf)
    settled = np.zeros(len(loss), bool)
    for r in range(len(loss)):
        for _ in range(iterations if np.isfinite(loss[r]) else 0):
            own = jax.tree.map(lambda x: x[r], controls)  # noqa: B023
            score = -adjoint(setting, world, own).change * own.duration[:, None]
            if not np.isfinite(score).all():
                break
            goal = extreme(score.astype(float), shares)
            gap[r] = np.sum((goal - own.mix) * score)
            settled[r] = gap[r] <= tolerance * abs(loss[r])
            if settled[r]:
                break
            way = (goal - own.mix).astype(own.mix.dtype)
            mixes = own.mix + PARTS.astype(own.mix.dtype)[:, None, None] * way
            tried = Controls(*(np.repeat(x[None], len(PARTS), 0) for x in own))._replace(mix=mixes)
            values = np.asarray(evaluate(setting, world, tried, gradients=False))
            best = int(np.nanargmin(values))
            if not values[best] < loss[r]:
                settled[r] = True
                break
            loss[r] = values[best]
            controls.mix[r] = mixes[best]
    return Swept(controls, loss, gap, settled)
