"""Descent of the loss by projected gradients, several schedules side by side.

A step goes against the gradient, divided by its own largest entry, and is projected; where the loss falls the
next step is longer, where it does not the step is taken back and the next one is shorter. The loss of a
descent never rises.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, PyTree

from teacher_student.theory.control.flow import Controls, Numbers, Setting, World, compiled
from teacher_student.theory.control.polytope import project

#: The first step, the longest, the factors after a success and a failure, the step at which one has settled.
FIRST, LONGEST, LONGER, SHORTER, SETTLED = 0.5, 8.0, 1.6, 0.4, 2e-3

#: Steps are taken of a multiple of so many rows, so that few programs are compiled.
ROWS = 8


class Descended(NamedTuple):
    """Where R descents ended.

    controls : (R, ...)
    loss     : (R,) inf where the equations diverged
    gradient : (R, ...) of the loss by the controls
    settled  : (R,) whether no step of length SETTLED helps any more
    """

    controls: Controls
    loss: Float[np.ndarray, " R"]
    gradient: Controls
    settled: Bool[np.ndarray, " R"]


#: Projected step: (controls, gradient, length of the step, data of the row) -> controls.
Move = Callable[[Controls, Controls, Array, Any], Controls]


def evaluate(setting: Setting, world: World, controls: Controls, *, gradients: bool = True) -> Any:
    """The loss of R schedules (and its gradient), in groups of one shape that are computed side by side."""
    total = len(controls.duration)
    lanes = setting.lanes(len(world.initial.readout))
    program = compiled(setting, gradients)
    parts = []
    for first in range(0, total, lanes):
        rows = np.minimum(np.arange(first, first + lanes), total - 1)
        parts.append(program(world, jax.tree.map(lambda x: np.asarray(x)[rows], controls)))  # noqa: B023
    return jax.tree.map(lambda *x: np.concatenate([np.asarray(y) for y in x])[:total], *parts)


@lru_cache(maxsize=64)
def of_rows(move: Move):
    """Jitted: the step of several rows."""
    return jax.jit(jax.vmap(move))


def descend(
    setting: Setting, world: World, controls: Controls, move: Move, iterations: int, data: PyTree = None
) -> Descended:
    """Descend from R schedules (R, ...) until each has settled, or for `iterations` steps."""
    moved = of_rows(move)
    controls = jax.tree.map(np.array, controls)
    total = len(controls.duration)
    rows = np.minimum(np.arange(-(-total // ROWS) * ROWS), total - 1)
    loss, gradient = jax.tree.map(np.array, evaluate(setting, world, controls))
    loss = np.where(np.isfinite(loss), loss, np.inf)
    length = np.full(len(loss), FIRST, controls.mix.dtype)
    for _ in range(iterations):
        active = np.flatnonzero((length > SETTLED) & np.isfinite(loss))
        if not active.size:
            break
        steps = moved(*jax.tree.map(lambda x: x[rows], (controls, gradient, length, data)))
        trial = jax.tree.map(lambda x: np.asarray(x)[active], steps)  # noqa: B023
        value, slope = evaluate(setting, world, trial)
        finite = np.all([np.isfinite(x).reshape(len(active), -1).all(1) for x in slope], 0)
        better = (value < loss[active]) & finite
        won = active[better]
        loss[won] = value[better]
        length[active] *= np.where(better, LONGER, SHORTER).astype(length.dtype)
        length = np.minimum(length, LONGEST).astype(length.dtype)
        for old, new in zip((*controls, *gradient), (*trial, *slope), strict=True):
            old[won] = new[better]
    return Descended(controls, loss, gradient, length <= SETTLED)


def unit(gradient: Numbers) -> Numbers:
    """The gradient over its largest entry."""
    size = jnp.max(jnp.abs(gradient))
    return gradient / jnp.where(size > 0, size, 1)


@lru_cache(maxsize=64)
def relaxed_move(shared: bool, bounds: tuple[float, float] | None) -> Move:
    """The step of mixtures, whose shares are the data of the row if `shared`, and of learning rates."""

    def move(controls: Controls, gradient: Controls, length: Array, shares: Any) -> Controls:
        along = gradient.mix - jnp.mean(gradient.mix, 1, keepdims=True)
        along = along - jnp.mean(along, 0) if shared else along
        mix = project(controls.mix - length * unit(along), shares if shared else None)
        return controls._replace(mix=mix, rate=stepped_rate(controls, gradient, length, bounds))

    return move


def stepped_rate(
    controls: Controls, gradient: Controls, length: Array, bounds: tuple[float, float] | None
) -> Numbers:
    """Factors on the learning rate one step on, in their logarithm and within bounds; None keeps them."""
    if bounds is None:
        return controls.rate
    logarithm = jnp.log(controls.rate) - length * unit(gradient.rate * controls.rate)
    return jnp.clip(jnp.exp(logarithm), *bounds)
