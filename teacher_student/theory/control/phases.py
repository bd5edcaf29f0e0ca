"""Bang-bang schedules: one level at a time, the moments of change found by descent of the durations.

A mixture is rounded, pieces of the same level in a row become a phase, and the durations of the phases are
descended with the total of every level kept (or, with a free share, the total alone). A phase is integrated
in as many pieces as its part of the run allows, so that the same compiled program serves.
"""

from functools import lru_cache
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from teacher_student.theory.control.descent import Descended, Move, descend, stepped_rate, unit
from teacher_student.theory.control.flow import Controls, Setting, World
from teacher_student.theory.control.polytope import extreme, on_simplex, rounded

#: A step of length 1 moves the end of a phase by up to this part of the run.
REACH = 0.2
#: Pieces shorter than this part of the run are none.
SHORTEST = 1e-6
_NEVER = -1e6


class Layout(NamedTuple):
    """How J pieces are dealt out to phases; phases are padded to J, with level -1.

    owner  : (J,) the phase of each piece
    pieces : (J,) of each phase
    level  : (J,) of each phase
    total  : (C,) what the durations of each level sum to
    """

    owner: Int[np.ndarray, "*batch J"]
    pieces: Int[np.ndarray, "*batch J"]
    level: Int[np.ndarray, "*batch J"]
    total: Float[np.ndarray, "*batch C"]


def runs(levels: Int[np.ndarray, " J"]) -> tuple[np.ndarray, np.ndarray]:
    """Level and number of pieces of every phase.

    >>> [x.tolist() for x in runs(np.array([0, 0, 1, 0]))]
    [[0, 1, 0], [2, 1, 1]]
    """
    starts = np.flatnonzero(np.diff(levels, prepend=-1))
    return levels[starts], np.diff(np.append(starts, len(levels)))


def lay_out(
    levels: np.ndarray, duration: np.ndarray, total: np.ndarray, n_pieces: int
) -> tuple[Layout, np.ndarray]:
    """The layout of phases of these levels and durations, and the duration (J,) of every piece."""
    n = len(levels)
    part = duration / duration.sum() * (n_pieces - n)
    count = 1 + np.floor(part).astype(int)
    count[np.argsort(np.floor(part) - part, kind="stable")[: n_pieces - count.sum()]] += 1
    owner = np.repeat(np.arange(n), count)
    pad = (0, n_pieces - n)
    layout = Layout(owner, np.pad(count, pad), np.pad(levels, pad, constant_values=-1), total)
    return layout, (duration / count)[owner]


def bang_bang(
    setting: Setting,
    world: World,
    controls: Controls,
    shares: np.ndarray | None,
    rate_range: tuple[float, float] | None,
    iterations: int,
) -> Descended:
    """Where the descents of bang-bang schedules end that are near R relaxed ones of equal pieces.

    Each is rounded in two ways: so that no level lags behind, and to the extreme point where it has most of
    each. What is the same after rounding is descended once: (2 R, ...) at most.
    """
    budget = float(np.sum(controls.duration[0]))
    n_pieces, n_levels = controls.mix.shape[1:]
    dtype = controls.mix.dtype
    total = np.full(n_levels, budget) if shares is None else np.asarray(shares) * budget
    layouts, durations = [], []
    rows: dict[tuple[bytes, ...], int] = {}
    for near in (rounded, lambda mix: extreme(mix.astype(float), shares).argmax(1)):
        for row, mix in enumerate(controls.mix):
            levels, pieces = runs(near(mix))
            content = tuple(x.tobytes() for x in (levels, pieces, controls.rate[row]))
            if content in rows:
                continue
            rows[content] = row
            duration = pieces * (budget / n_pieces)
            if shares is not None:  # rounding keeps shares up to a piece
                have = np.bincount(levels, duration, n_levels)
                duration = duration * np.divide(total, have, out=np.ones(n_levels), where=have > 0)[levels]
            layout, own = lay_out(levels, duration, total.astype(dtype), n_pieces)
            layouts.append(layout)
            durations.append(own.astype(dtype))
    rate = controls.rate[list(rows.values())]
    layout, duration = Layout(*map(np.stack, zip(*layouts, strict=True))), np.stack(durations)
    level = np.take_along_axis(layout.level, layout.owner, 1)
    # the learning rate that the relaxed schedule has at the middle of each piece
    middle = np.cumsum(duration, 1) - duration / 2
    at = np.clip((middle / budget * n_pieces).astype(int), 0, n_pieces - 1)
    start = Controls(duration, np.eye(n_levels, dtype=dtype)[level], np.take_along_axis(rate, at, 1))
    return descend(setting, world, start, duration_move(shares is None, rate_range), iterations, layout)


@lru_cache(maxsize=64)
def duration_move(free: bool, bounds: tuple[float, float] | None) -> Move:
    """The step of the durations of phases, whose layout is the data of the row, and of learning rates."""

    def move(controls: Controls, gradient: Controls, length: Array, layout: Layout) -> Controls:
        n_pieces = len(layout.owner)

        def of_phase(x):
            return jnp.zeros(n_pieces, x.dtype).at[layout.owner].add(x)

        there = layout.pieces > 0
        count = jnp.maximum(layout.pieces, 1).astype(controls.duration.dtype)
        slope = of_phase(gradient.duration) / count
        budget = jnp.sum(controls.duration)
        groups = [there] if free else [layout.level == c for c in range(controls.mix.shape[1])]
        centred = jnp.zeros_like(slope)
        for group in groups:
            members = jnp.maximum(jnp.sum(group), 1).astype(slope.dtype)
            mean = jnp.sum(jnp.where(group, slope, 0)) / members
            centred = jnp.where(group, slope - mean, centred)
        tried = of_phase(controls.duration) - length * REACH * budget * unit(centred)
        duration = jnp.zeros_like(tried)
        for c, group in enumerate(groups):
            total = jnp.maximum(layout.total[c], jnp.finfo(tried.dtype).tiny)
            own = on_simplex(jnp.where(group, tried / total, _NEVER)) * layout.total[c]
            duration = jnp.where(group, own, duration)
        rate = stepped_rate(controls, gradient, length, bounds)
        return controls._replace(duration=(duration / count)[layout.owner], rate=rate)

    return move


def count_phases(controls: Controls) -> Int[np.ndarray, " R"]:
    """Phases of bang-bang schedules (R, ...), those of no length left out."""
    levels = np.argmax(controls.mix, 2)
    there = controls.duration > SHORTEST * controls.duration.sum(1, keepdims=True)
    return np.array([len(runs(own[kept])[0]) for own, kept in zip(levels, there, strict=True)])
