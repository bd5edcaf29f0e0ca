"""Protocols for online learning: a schedule is data, one difficulty level per step.

A protocol is a tuple of phases; a phase lasts a fraction of the run and mixes levels of a table in
stated proportions. All protocols but target_only spend the same number of samples on the easy and on
the hard level, so that they differ in the order alone:

    curriculum        easy, then hard
    anti_curriculum   hard, then easy
    no_curriculum     easy and hard shuffled
    target_only       hard all along (same number of samples)
    rule_curriculum   easy and hard shuffled, but clusters staged: one of each label, then the other
                      two, then all; the two stages last half the easy fraction each

Any integer array (steps,) over any table of levels is a schedule too: pass it to
`teacher_student.training.simulate.simulate`. Every protocol is tested on the hard level.

What counts as easy, and the lengths of the stages, are choices of this project; the five protocols
follow arXiv 2106.08068 and arXiv 2406.01589.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from teacher_student.checks import known, within

#: Rows of the table made by `level_table`.
EASY, HARD, EASY_FIRST, HARD_FIRST, EASY_SECOND, HARD_SECOND = range(6)


class Phase(NamedTuple):
    """A stretch of the run: its share of the steps, and the share of each level index within it."""

    fraction: float
    mix: dict[int, float]


def _staged(f: float) -> tuple[Phase, ...]:
    pairs = ((EASY_FIRST, HARD_FIRST), (EASY_SECOND, HARD_SECOND), (EASY, HARD))
    return tuple(
        Phase(share, {easy: f, hard: 1 - f})
        for share, (easy, hard) in zip((f / 2, f / 2, 1 - f), pairs, strict=True)
    )


PROTOCOLS: dict[str, Callable[[float], tuple[Phase, ...]]] = {
    "curriculum": lambda f: (Phase(f, {EASY: 1.0}), Phase(1 - f, {HARD: 1.0})),
    "anti_curriculum": lambda f: (Phase(1 - f, {HARD: 1.0}), Phase(f, {EASY: 1.0})),
    "no_curriculum": lambda f: (Phase(1.0, {EASY: f, HARD: 1 - f}),),
    "target_only": lambda f: (Phase(1.0, {HARD: 1.0}),),
    "rule_curriculum": _staged,
}


def phases(protocol: str, easy_fraction: float) -> tuple[Phase, ...]:
    """The phases of a named protocol; `easy_fraction` in [0, 1] is the easy share of all samples.

    Examples
    --------
    >>> phases("curriculum", 0.3)
    (Phase(fraction=0.3, mix={0: 1.0}), Phase(fraction=0.7, mix={1: 1.0}))
    """
    known("protocol", protocol, PROTOCOLS)
    within("easy_fraction", easy_fraction, 0, 1)
    return PROTOCOLS[protocol](easy_fraction)


def level_table(task, easy, hard) -> list:
    """The levels that the phases index: easy, hard, and both restricted to the task's two stages.

    A task without stages (no clusters to stage) gives the first two rows only.
    """
    stages = [task.stages(level) for level in (easy, hard)] if task.stages else []
    return [easy, hard] + [level for pair in zip(*stages, strict=True) for level in pair]


def realise(plan: tuple[Phase, ...], n_steps: int, rng: np.random.Generator) -> np.ndarray:
    """Level index of each step, (n_steps,) uint8: exact proportions, shuffled within each phase.

    Phase ends and level counts are rounded to the nearest sample; a phase's counts add up to its
    length.

    Examples
    --------
    >>> realise(phases("curriculum", 0.3), 10, np.random.default_rng(0)).tolist()
    [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]
    """
    ends = np.rint(np.cumsum([0.0] + [phase.fraction for phase in plan]) * n_steps).astype(int)
    parts = []
    for phase, length in zip(plan, np.diff(ends), strict=True):
        edges = np.rint(np.cumsum([0.0, *phase.mix.values()]) * length).astype(int)
        part = np.repeat(np.array(list(phase.mix), np.uint8), np.diff(edges))
        if len(phase.mix) > 1:
            rng.shuffle(part)
        parts.append(part)
    return np.concatenate(parts)


def draw_steps(
    protocols: tuple[str, ...], easy_fraction: float, n_steps: int, seed: int, replicates: np.ndarray
) -> np.ndarray:
    """Schedules (R, L, n_steps) uint8 of R replicates x L protocols.

    The shuffles of replicate r come from its own "order" stream, (seed, r), the same whichever other
    replicates or protocols are asked for.
    """
    plans = [phases(protocol, easy_fraction) for protocol in protocols]
    steps = np.empty((len(replicates), len(plans), n_steps), np.uint8)
    for row, r in zip(steps, replicates, strict=True):
        for lane, plan in zip(row, plans, strict=True):
            lane[:] = realise(plan, n_steps, np.random.default_rng([seed, int(r)]))
    return steps
