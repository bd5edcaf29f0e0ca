"""A difficulty schedule as data: pieces of constant difficulty, each a mixture of levels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from teacher_student.interfaces import Level

#: Pieces as given by a user: (duration in alpha, weight of each level of the table).
Phases = Sequence[Sequence[Any]]


class Schedule(NamedTuple):
    """J pieces one after the other, each a mixture of C levels; every array may be differentiated.

    duration : (J,) length of each piece in alpha
    level    : named arrays of leading shape (J, C)
    weight   : (J, C) share of samples at each level, summing to 1 over C
    """

    duration: Float[Array, "*batch J"]
    level: Level
    weight: Float[Array, "*batch J C"]


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
        name: jnp.asarray(np.stack([np.asarray(entry[name], float) for entry in table])[index], float)
        for name in table[0]
    }
    return Schedule(
        jnp.asarray(durations, float), level, jnp.asarray(np.take_along_axis(weights, index, 1), float)
    )


def stack_schedules(schedules: list[Schedule]) -> Schedule:
    """Schedules of any number of pieces and levels as one batch, leading axis L.

    Missing pieces get duration 0 at the end, missing levels weight 0.
    """
    pieces = max(s.weight.shape[0] for s in schedules)
    mixed = max(s.weight.shape[1] for s in schedules)

    def pad(x, mode, axes):
        sizes = (pieces, mixed)[:axes]
        width = [(0, size - have) for size, have in zip(sizes, x.shape, strict=False)]
        return jnp.pad(x, width + [(0, 0)] * (x.ndim - axes), mode=mode)

    return Schedule(
        jnp.stack([pad(s.duration, "constant", 1) for s in schedules]),
        {name: jnp.stack([pad(s.level[name], "edge", 2) for s in schedules]) for name in schedules[0].level},
        jnp.stack(
            [pad(jnp.pad(s.weight, ((0, 0), (0, mixed - s.weight.shape[1]))), "edge", 2) for s in schedules]
        ),
    )
