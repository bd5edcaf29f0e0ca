"""Difficulty levels from what a user gives, the levels between two of them, and which one is the harder."""

from collections.abc import Iterable, Mapping
from inspect import signature
from numbers import Real
from typing import Any, overload

import numpy as np

from teacher_student.checks import known
from teacher_student.interfaces import Level, Task

#: What stands for a level: a number (the first argument of `task.level`), named numbers, or a level.
Given = float | Mapping[str, Any]


def as_level(task: Task, given: Given) -> Level:
    """The level of `task` that a number, named numbers or a level stand for.

    Parameters
    ----------
    task : Task
    given : number, or mapping from names to numbers
        A number is the first argument of `task.level` (the noise, in every task here); what a mapping does
        not name takes its default.

    Raises
    ------
    ValueError
        For an entry that the task's levels do not have, or whatever `task.level` refuses.

    Examples
    --------
    >>> from teacher_student.tasks.sparse_teacher import SparseTeacher
    >>> as_level(SparseTeacher(100), 0.5) == as_level(SparseTeacher(100), {"noise": 0.5})
    True
    """
    names = signature(task.level).parameters
    if isinstance(given, Mapping):
        for name in given:
            known(f"entry of a level of {task.name}", name, names)
        return task.level(**{name: tuple(x) if np.ndim(x) else x for name, x in given.items()})
    if not isinstance(given, Real):
        raise ValueError(
            f"a level is {given!r}; need a number ({next(iter(names))}) or a dict of {', '.join(names)}"
        )
    return task.level(given)


def as_target(task: Task, target: Given | None, hard: Given | None) -> Level:
    """The level that runs are tested on: the target, by default the hard level."""
    given = hard if target is None else target
    if given is None:
        raise ValueError("nothing to test on; give a target, or the hard level that it defaults to")
    return as_level(task, given)


def check_levels(task: Task, levels: Iterable[Level]) -> None:
    """Refuse levels without the entries that the task's levels have."""
    names = task.level().keys()
    for level in levels:
        if not isinstance(level, Mapping) or level.keys() != names:
            found = sorted(level) if isinstance(level, Mapping) else repr(level)
            raise ValueError(
                f"a level of the table or the target has the entries {found}; need {sorted(names)}, "
                f"as `level` of {task.name} gives them"
            )


def check_ends(task: Task, easy: Level, hard: Level) -> None:
    """Refuse an easy level that is harder than the hard one; equal levels may pass.

    Which way is harder is `task.harder`. Levels that differ in several entries are refused only if no entry
    makes the hard level the harder one.
    """
    steps = {
        name: sign * np.sign(hard[name] - easy[name]) for name, sign in task.harder.items() if name in easy
    }
    wrong = [name for name, step in steps.items() if step < 0]
    if wrong and not any(step > 0 for step in steps.values()):
        name = wrong[0]
        way = "higher" if task.harder[name] > 0 else "lower"
        raise ValueError(
            f"easy has {name} {easy[name]:g} and hard {hard[name]:g}, but {way} {name} is harder; "
            "swap the two (the protocol anti_curriculum shows hard samples first)"
        )


@overload
def between(easy: Level, hard: Level, place: float) -> Level: ...
@overload
def between(easy: Given, hard: Given, place: float) -> Given: ...
def between(easy: Given, hard: Given, place: float) -> Given:
    """The level at `place` in [0, 1] on the way from `easy` (0) to `hard` (1), linear in every entry.

    Examples
    --------
    >>> between({"noise": 0.0, "signal": 1.0}, {"noise": 1.0, "signal": 3.0}, 0.25)
    {'noise': 0.25, 'signal': 1.5}
    """
    if isinstance(easy, Mapping) and isinstance(hard, Mapping):
        if easy.keys() != hard.keys():
            raise ValueError(
                f"levels to go between have the entries {sorted(easy)} and {sorted(hard)}; need the same"
            )
        return {name: (1 - place) * easy[name] + place * hard[name] for name in easy}
    if isinstance(easy, Mapping) or isinstance(hard, Mapping):
        raise ValueError(f"levels to go between are {easy!r} and {hard!r}; need two numbers, or two dicts")
    return (1 - place) * easy + place * hard
