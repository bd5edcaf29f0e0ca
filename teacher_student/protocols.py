"""Protocols for online learning: a schedule is data, one difficulty level per step.

A protocol is a tuple of phases; a phase lasts a fraction of the run and mixes levels of a table in
stated proportions. Those with a name:

    curriculum        easy, then hard
    anti_curriculum   hard, then easy
    no_curriculum     easy and hard shuffled
    target_only       hard all along (same number of samples)
    rule_curriculum   easy and hard shuffled, but clusters staged: one of each label, then the other
                      two, then all; the two stages last half the easy fraction each
    ramp              from easy to hard in 8 equal steps, then hard
    shuffled_ramp     the samples of the ramp, shuffled: its control

    optimal           phases read from a file, see `teacher_student.saved_schedule`

All but target_only spend the easy fraction of the samples on levels easier than the hard one, so those
with the same levels differ in the order alone. Every protocol is tested on the hard level.

A curriculum ends on that level and shuffled samples do not, which is a benefit of its own. Three protocols
tell it from the order, as all of them end on `TARGET_SHARE` = 0.15 of the run at the hard level:

    no_curriculum_then_target   the samples of the curriculum, shuffled but for that end: it differs from the
                                curriculum in the order alone and both end alike (easy fraction up to 0.85)
    ramp_then_target            the whole ramp in the first 0.85 of the run, then that end; easy samples are
                                0.85 of the easy fraction
    shuffled_ramp_then_target   the samples of that ramp, shuffled, then that end: its control

A named protocol is one entry of `PROTOCOLS`, with any number of levels on the way from easy to hard. A
`Protocol` has levels of its own; `ramp` and `staircase` make one, and its `shuffled()` is the control.

What counts as easy, and the lengths of the stages, are choices of this project; the first five protocols
follow arXiv 2106.08068 and arXiv 2406.01589.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from teacher_student.checks import known, whole, within
from teacher_student.levels import Given, between
from teacher_student.saved_schedule import OPTIMAL, read_schedule

#: Rows of the table made by `teacher_student.schedules.level_table`.
EASY, HARD, EASY_FIRST, HARD_FIRST, EASY_SECOND, HARD_SECOND = range(6)

#: Levels of the ramp before the hard one.
RAMP_STEPS = 8

#: Share of the run at its end that protocols named ..._then_target spend at the hard level alone.
TARGET_SHARE = 0.15


class Phase(NamedTuple):
    """A stretch of the run: its share of the steps, and the share of each level within it.

    A level is the index of a row of the table. In `PROTOCOLS` a number between 0 and 1 is a level on the
    way from easy (row 0) to hard (row 1), which `teacher_student.schedules.tabulate` gives a row of its own.
    """

    fraction: float
    mix: dict[float, float]


def _staged(f: float) -> tuple[Phase, ...]:
    pairs = ((EASY_FIRST, HARD_FIRST), (EASY_SECOND, HARD_SECOND), (EASY, HARD))
    return tuple(
        Phase(share, {easy: f, hard: 1 - f})
        for share, (easy, hard) in zip((f / 2, f / 2, 1 - f), pairs, strict=True)
    )


def _ramp(f: float) -> tuple[Phase, ...]:
    steps = (Phase(f / RAMP_STEPS, {i / RAMP_STEPS: 1.0}) for i in range(RAMP_STEPS))
    return (*steps, Phase(1 - f, {HARD: 1.0}))


def _then_target(plan: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """A plan squeezed into the run but for its end, which is at the hard level."""
    squeezed = (Phase((1 - TARGET_SHARE) * phase.fraction, phase.mix) for phase in plan)
    return (*squeezed, Phase(TARGET_SHARE, {HARD: 1.0}))


def _shuffled_then_target(f: float) -> tuple[Phase, ...]:
    share = f / (1 - TARGET_SHARE)
    if share > 1:
        raise ValueError(
            f"no_curriculum_then_target ends with {TARGET_SHARE:g} of the run at the hard level, so "
            f"easy_fraction must be at most {1 - TARGET_SHARE:g}; it is {f:g}"
        )
    return _then_target((Phase(1.0, {EASY: share, HARD: 1 - share}),))


PROTOCOLS: dict[str, Callable[[float], tuple[Phase, ...]]] = {
    "curriculum": lambda f: (Phase(f, {EASY: 1.0}), Phase(1 - f, {HARD: 1.0})),
    "anti_curriculum": lambda f: (Phase(1 - f, {HARD: 1.0}), Phase(f, {EASY: 1.0})),
    "no_curriculum": lambda f: (Phase(1.0, {EASY: f, HARD: 1 - f}),),
    "target_only": lambda f: (Phase(1.0, {HARD: 1.0}),),
    "rule_curriculum": _staged,
    "ramp": _ramp,
    "shuffled_ramp": lambda f: mixed(_ramp(f)),
    "no_curriculum_then_target": _shuffled_then_target,
    "ramp_then_target": lambda f: _then_target(_ramp(f)),
    "shuffled_ramp_then_target": lambda f: _then_target(mixed(_ramp(f))),
}


@dataclass(frozen=True)
class Protocol:
    """A protocol over levels of its own, any number of them.

    Parameters
    ----------
    name : str
        Its coordinate in results.
    levels : numbers, dicts or levels
        As `task.level` takes them: 0.5 and {"noise": 0.5} are the same level.
    phases : Phase, Phase, ...
        Fractions of the run that sum to 1, each with the shares of the levels (by their index) in it.

    Examples
    --------
    >>> Protocol("easy ends", (0.1, 1.0), (Phase(0.2, {0: 1}), Phase(0.6, {1: 1}), Phase(0.2, {0: 1}))).name
    'easy ends'
    """

    name: str
    levels: tuple[Given, ...]
    phases: tuple[Phase, ...]

    def __post_init__(self) -> None:
        indices = range(len(self.levels))
        for fraction, mix in self.phases:
            within(f"a fraction of {self.name}", fraction, 0, 1)
            if (
                not set(mix) <= set(indices)
                or not all(x >= 0 for x in mix.values())
                or not np.isclose(sum(mix.values()), 1)
            ):
                raise ValueError(
                    f"a phase of {self.name} mixes {mix}; need shares that sum to 1, by index "
                    f"of the {len(indices)} levels"
                )
        if not np.isclose(total := sum(phase.fraction for phase in self.phases), 1):
            raise ValueError(
                f"the phases of {self.name} last {total:g} of the run; need fractions that sum to 1"
            )

    def shuffled(self) -> "Protocol":
        """The control: the same levels equally often, in no order."""
        return replace(self, name=f"shuffled_{self.name}", phases=mixed(self.phases))


def staircase(
    levels: Sequence[Given], shares: Sequence[float] | None = None, *, name: str = "staircase"
) -> Protocol:
    """The levels one after the other, each for its share of the run (equal by default).

    Examples
    --------
    >>> [phase.fraction for phase in staircase([0.1, 0.5, 1.0], (0.25, 0.25, 0.5)).phases]
    [0.25, 0.25, 0.5]
    """
    parts = [1 / max(len(levels), 1)] * len(levels) if shares is None else shares
    if len(parts) != len(levels):
        raise ValueError(
            f"{len(parts)} shares do not fit {len(levels)} levels; need one share for each level"
        )
    phases = tuple(Phase(float(share), {i: 1.0}) for i, share in enumerate(parts))
    return Protocol(name, tuple(levels), phases)


def ramp(start: Given, end: Given, n_levels: int = 20, *, share: float = 1.0, name: str = "ramp") -> Protocol:
    """From `start` to `end` in `n_levels` equal steps, both included: a fading difficulty.

    Parameters
    ----------
    start, end : numbers, or dicts with the same entries
        Every entry changes linearly.
    n_levels : int >= 2
    share : float in (0, 1]
        Of the run that the ramp takes; the rest is spent at `end`.

    Examples
    --------
    >>> ramp(0.0, 1.0, 3).levels
    (0.0, 0.5, 1.0)
    """
    whole("n_levels", n_levels, low=2)
    within("share", share, 0, 1, open_low=True)
    levels = [between(start, end, i / (n_levels - 1)) for i in range(n_levels)]
    shares = [share / n_levels] * n_levels
    shares[-1] += 1 - share
    return staircase(levels, shares, name=name)


def mixed(plan: tuple[Phase, ...]) -> tuple[Phase, ...]:
    """One phase with the levels of all phases, each as often as in them together."""
    shares: dict[float, float] = {}
    for phase in plan:
        for level, share in phase.mix.items():
            shares[level] = shares.get(level, 0.0) + phase.fraction * share
    return (Phase(1.0, shares),)


def phases(protocol: str, easy_fraction: float, schedule: str = "") -> tuple[Phase, ...]:
    """The phases of a named protocol.

    Parameters
    ----------
    protocol : name in `PROTOCOLS`, or "optimal"
    easy_fraction : float in [0, 1]
        The easy share of all samples; "optimal" has its own.
    schedule : str
        The file that "optimal" is read from, see `teacher_student.saved_schedule`.

    Examples
    --------
    >>> phases("curriculum", 0.3)
    (Phase(fraction=0.3, mix={0: 1.0}), Phase(fraction=0.7, mix={1: 1.0}))
    """
    known("protocol", protocol, (*PROTOCOLS, OPTIMAL))
    within("easy_fraction", easy_fraction, 0, 1)
    if protocol != OPTIMAL:
        return PROTOCOLS[protocol](easy_fraction)
    if not schedule:
        raise ValueError(f"protocol {OPTIMAL!r} needs the file of a schedule; give schedule")
    return tuple(Phase(fraction, dict(mix)) for fraction, mix in read_schedule(schedule).phases)
