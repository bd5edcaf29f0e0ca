"""A schedule as data: pieces of constant difficulty and rate, each a mixture of levels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jax import Array
from jax.dtypes import canonicalize_dtype
from jaxtyping import Float

from teacher_student.interfaces import Level

#: On the device or not.
Numbers = Array | np.ndarray

#: Pieces as given by a user: (duration in alpha, weight of each level of the table).
Phases = Sequence[Sequence[Any]]


class Schedule(NamedTuple):
    """J pieces one after the other, each a mixture of C levels; every array may be differentiated.

    duration : (J,) length of each piece in alpha
    level    : named arrays of leading shape (J, C)
    weight   : (J, C) share of samples at each level, summing to 1 over C
    rate     : (J,) factor on the learning rates, or None for 1
    inside   : (J,) 1 where weights are averaged, 0 elsewhere, or None without averages
    """

    duration: Float[Numbers, "*batch J"]
    level: Level
    weight: Float[Numbers, "*batch J C"]
    rate: Float[Numbers, "*batch J"] | None = None
    inside: Float[Numbers, "*batch J"] | None = None


def floats(x: Any) -> Float[np.ndarray, "..."]:
    """Numbers in the floating-point type that JAX uses now, off the device: nothing is compiled for them."""
    return np.asarray(x, canonicalize_dtype(float))


def make_schedule(table: list[Level], phases: Phases) -> Schedule:
    """The schedule of `phases` over `table`.

    Parameters
    ----------
    table : levels, from `task.level(...)`
    phases : (duration, weights) pairs
        `duration` >= 0 in alpha; `weights` over the table, non-negative, sum 1: (1, 0) shows the first
        level only, (0.3, 0.7) draws it for 30 % of the samples.

    Returns
    -------
    Schedule with C the largest number of levels that any piece mixes, so a curriculum costs C = 1.

    Examples
    --------
    >>> from teacher_student.tasks.sparse_teacher import SparseTeacher
    >>> task = SparseTeacher(100)
    >>> table = [task.level(noise=0.1), task.level(noise=1.0)]
    >>> make_schedule(table, [(30.0, (1, 0)), (70.0, (0, 1))]).level["noise"][:, 0].tolist()
    [0.10000000149011612, 1.0]
    """
    if not table or not phases:
        raise ValueError("a schedule needs at least one level in the table and one phase")
    for i, phase in enumerate(phases):
        if len(phase) != 2:
            raise ValueError(f"phase {i} is {phase!r}; need a duration and the weights over the table")
    durations = np.array([duration for duration, _ in phases], float)
    weights = np.zeros((len(phases), len(table)))
    for i, (duration, weight) in enumerate(phases):
        w = np.asarray(weight, float)
        if not 0 <= duration < np.inf:
            raise ValueError(f"duration of phase {i} is {duration!r}; need 0 <= duration < inf")
        if w.shape != (len(table),) or not (w >= 0).all() or not np.isclose(w.sum(), 1):
            raise ValueError(
                f"weights of phase {i} are {weight!r}; need {len(table)} shares, one per level, that sum to 1"
            )
        weights[i] = w
    if not durations.sum() > 0:
        raise ValueError("all phases have duration 0; need a positive total")
    mixed = int((weights > 0).sum(1).max())
    index = np.argsort(weights == 0, axis=1, kind="stable")[:, :mixed]
    level = {
        name: floats(np.stack([np.asarray(entry[name], float) for entry in table])[index])
        for name in table[0]
    }
    return Schedule(floats(durations), level, floats(np.take_along_axis(weights, index, 1)))


def paced(schedule: Schedule, rates: Float[np.ndarray, " n"] | None, average: float) -> Schedule:
    """The schedule cut where rates change, or where the tail begins over which weights are averaged.

    Parameters
    ----------
    schedule : Schedule
    rates : (n,), optional
        Factors on the learning rates, for each of n equal parts of the whole duration.
    average : float, 0 <= average < 1
        Share of the duration, at its end, over which weights are averaged.

    Examples
    --------
    >>> from teacher_student.tasks.sparse_teacher import SparseTeacher
    >>> plain = make_schedule([SparseTeacher(100).level()], [(8.0, (1,))])
    >>> cut = paced(plain, np.array([1.0, 0.5]), 0.25)
    >>> cut.duration.tolist(), cut.rate.tolist(), cut.inside.tolist()
    ([4.0, 2.0, 2.0], [1.0, 0.5, 0.5], [0.0, 0.0, 1.0])
    """
    if rates is None and not average:
        return schedule
    ends = np.cumsum(np.asarray(schedule.duration, float))
    count = 1 if rates is None else len(rates)
    begins = 1 - average if average else 1.0
    edges = np.unique(np.round([0, begins, *ends / ends[-1], *np.arange(count + 1) / count], 7))
    middles = (edges[:-1] + edges[1:]) / 2
    index = np.minimum(np.searchsorted(ends / ends[-1], middles, "right"), len(ends) - 1)
    own = Schedule(
        floats(np.diff(edges) * ends[-1]),
        {name: x[index] for name, x in schedule.level.items()},
        schedule.weight[index],
    )
    if rates is not None:
        own = own._replace(rate=floats(rates[(middles * count).astype(int)]))
    return own._replace(inside=floats(middles > begins)) if average else own


def stack_schedules(schedules: list[Schedule]) -> Schedule:
    """Schedules of any number of pieces and levels as one batch, leading axis L.

    Missing pieces get duration 0 at the end, missing levels weight 0.
    """
    pieces = max(s.weight.shape[0] for s in schedules)
    mixed = max(s.weight.shape[1] for s in schedules)

    def pad(x, mode, axes):
        sizes = (pieces, mixed)[:axes]
        width = [(0, size - have) for size, have in zip(sizes, x.shape, strict=False)]
        return np.pad(x, width + [(0, 0)] * (x.ndim - axes), mode=mode)

    return Schedule(
        np.stack([pad(s.duration, "constant", 1) for s in schedules]),
        {name: np.stack([pad(s.level[name], "edge", 2) for s in schedules]) for name in schedules[0].level},
        np.stack(
            [pad(np.pad(s.weight, ((0, 0), (0, mixed - s.weight.shape[1]))), "edge", 2) for s in schedules]
        ),
        *(
            None
            if getattr(schedules[0], name) is None
            else np.stack([pad(getattr(s, name), "edge", 1) for s in schedules])
            for name in ("rate", "inside")
        ),
    )
