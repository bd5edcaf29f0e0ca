"""From protocols to schedules: a table of levels, the level of every step, the phases of the equations."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from jaxtyping import Integer

from teacher_student.checks import known
from teacher_student.interfaces import Level, Task
from teacher_student.levels import Given, as_level, between, check_ends
from teacher_student.protocols import EASY, HARD, HARD_SECOND, PROTOCOLS, Phase, Protocol, phases
from teacher_student.saved_schedule import OPTIMAL


def level_table(task: Task, easy: Level, hard: Level) -> list[Level]:
    """The levels that the phases index: easy, hard, and both restricted to the task's two stages.

    A task without stages (no clusters to stage) gives the first two rows only.
    """
    stages = [task.stages(level) for level in (easy, hard)] if task.stages else []
    return [easy, hard] + [level for pair in zip(*stages, strict=True) for level in pair]


class Tabulated(NamedTuple):
    """Protocols over one table: names, the levels that occur, and phases that mix rows of the table."""

    names: tuple[str, ...]
    table: list[Level]
    plans: list[tuple[Phase, ...]]


def tabulate(
    task: Task,
    protocols: str | Protocol | Sequence[str | Protocol],
    easy: Given | None = None,
    hard: Given | None = None,
    easy_fraction: float = 0.3,
    schedule: str = "",
) -> Tabulated:
    """One table of levels for protocols of any kind, and their phases over it.

    Parameters
    ----------
    task : Task
    protocols : name, `Protocol`, or several of either
    easy, hard : numbers, dicts or levels
        What the named protocols go between.
    easy_fraction : float in [0, 1]
        Share of the samples of a named protocol that are easier than hard.
    schedule : str
        The file that the protocol "optimal" is read from.

    Raises
    ------
    ValueError
        For an unknown or repeated name, a named protocol without easy and hard, an easy level that is harder
        than the hard one, stages of a task that has none, or levels that the task refuses.

    Examples
    --------
    >>> from teacher_student.protocols import ramp
    >>> from teacher_student.tasks.sparse_teacher import SparseTeacher
    >>> task = SparseTeacher(100)
    >>> found = tabulate(task, ("curriculum", ramp(0.0, 1.0, 3)), easy=0.1, hard=1.0)
    >>> [float(level["noise"]) for level in found.table], found.plans[1][0]
    ([0.1, 1.0, 0.0, 0.5, 1.0], Phase(fraction=0.3333333333333333, mix={2: 1.0}))
    """
    asked = [protocols] if isinstance(protocols, str | Protocol) else list(protocols)
    names = tuple(one.name if isinstance(one, Protocol) else one for one in asked)
    if not names or len(set(names)) != len(names):
        raise ValueError(f"protocols are {', '.join(names) or 'none'}; need one at least, each name once")
    for one in asked:
        if isinstance(one, str):
            known("protocol", one, (*PROTOCOLS, OPTIMAL))
            if easy is None or hard is None:
                raise ValueError(f"protocol {one!r} goes between an easy and a hard level; give both")
    table: list[Level] = []
    ends = [as_level(task, level) for level in (easy, hard) if level is not None]
    if any(isinstance(one, str) for one in asked):
        check_ends(task, *ends)
        table = level_table(task, *ends)
    plans: list[tuple[Phase, ...]] = []
    for one in asked:
        if isinstance(one, Protocol):
            rows: dict[float, int] = {i: len(table) + i for i in range(len(one.levels))}
            table = table + [as_level(task, level) for level in one.levels]
            plan = one.phases
        else:
            plan = phases(one, easy_fraction, schedule)
            places = sorted({place for phase in plan for place in phase.mix})
            if places[-1] > HARD and len(table) <= HARD_SECOND:
                raise ValueError(f"protocol {one!r} stages clusters, and task {task.name!r} has none")
            inner = [place for place in places if EASY < place < HARD]
            rows = {row: int(row) for row in places} | {
                place: len(table) + i for i, place in enumerate(inner)
            }
            table = table + [between(ends[0], ends[1], place) for place in inner]
        plans.append(
            tuple(Phase(phase.fraction, {rows[i]: x for i, x in phase.mix.items()}) for phase in plan)
        )
    return Tabulated(names, table, plans)


def realise(plan: tuple[Phase, ...], n_steps: int, rng: np.random.Generator) -> Integer[np.ndarray, " T"]:
    """Level index of each step, (n_steps,) uint8: exact proportions, shuffled within each phase.

    Phase ends and level counts are rounded to the nearest sample; a phase's counts add up to its
    length. Tables of more than 256 levels give int32.

    Examples
    --------
    >>> realise(phases("curriculum", 0.3), 10, np.random.default_rng(0)).tolist()
    [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]
    """
    levels = [level for phase in plan for level in phase.mix]
    if any(level != int(level) for level in levels):
        raise ValueError("this protocol has levels between easy and hard; take its phases from `tabulate`")
    dtype = np.uint8 if max(levels) < 256 else np.int32
    ends = np.rint(np.cumsum([0.0] + [phase.fraction for phase in plan]) * n_steps).astype(int)
    parts = []
    for phase, length in zip(plan, np.diff(ends), strict=True):
        edges = np.rint(np.cumsum([0.0, *phase.mix.values()]) * length).astype(int)
        part = np.repeat(np.array(list(phase.mix), dtype), np.diff(edges))
        if len(phase.mix) > 1:
            rng.shuffle(part)
        parts.append(part)
    return np.concatenate(parts)


def draw_plans(
    plans: Sequence[tuple[Phase, ...]], n_steps: int, seed: int, replicates: Integer[np.ndarray, " R"]
) -> Integer[np.ndarray, "R L T"]:
    """Schedules (R, L, n_steps) of R replicates x L protocols, given by their phases.

    The shuffles of replicate r come from its own "order" stream, (seed, r), the same whichever other
    replicates or protocols are asked for. Replicates are drawn on all cores: an accelerator waits for
    them.
    """

    def drawn(replicate: int) -> np.ndarray:
        return np.array([realise(plan, n_steps, np.random.default_rng([seed, replicate])) for plan in plans])

    with ThreadPoolExecutor(min(16, os.cpu_count() or 1)) as threads:
        return np.array(list(threads.map(drawn, map(int, replicates))))


def draw_steps(
    protocols: tuple[str, ...],
    easy_fraction: float,
    n_steps: int,
    seed: int,
    replicates: Integer[np.ndarray, " R"],
) -> Integer[np.ndarray, "R L T"]:
    """Schedules (R, L, n_steps) uint8 of named protocols over the rows of `level_table`; see `draw_plans`."""
    return draw_plans([phases(protocol, easy_fraction) for protocol in protocols], n_steps, seed, replicates)


def spans(plan: tuple[Phase, ...], budget: float, n_levels: int) -> list[tuple[float, list[float]]]:
    """The phases as the equations take them: (duration in alpha, weight of each level of the table).

    Examples
    --------
    >>> spans(phases("curriculum", 0.25), 100.0, 2)
    [(25.0, [1.0, 0.0]), (75.0, [0.0, 1.0])]
    """
    return [(budget * phase.fraction, [phase.mix.get(i, 0.0) for i in range(n_levels)]) for phase in plan]
