"""A schedule in a file, so that what was optimised once can be shown to any student: the protocol "optimal".

The file is JSON: the task's name, the budget, the easy and the hard level, and phases as in
`teacher_student.protocols`, their levels by their places between easy (0) and hard (1). `notes` say where it
comes from; nothing depends on them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from teacher_student.checks import within

if TYPE_CHECKING:
    from teacher_student.interfaces import Level, Task

#: The protocol that is read from a file.
OPTIMAL = "optimal"

#: What a file says that it is.
KIND = "tilting-odds schedule, version 1"


@dataclass(frozen=True)
class SavedSchedule:
    """What a file holds.

    Parameters
    ----------
    task : str
        Name of the task it was made for.
    budget : float > 0
        Length of the run, samples / N.
    easy, hard : mappings
        The levels, by the names of `task.level`.
    phases : ((fraction, {place: share}), ...)
        Fractions of the run that sum to 1, each with the shares of the levels in it; a place is 0 for easy,
        1 for hard, or between.
    notes : mapping
        Where it comes from.
    """

    task: str
    budget: float
    easy: Mapping[str, Any]
    hard: Mapping[str, Any]
    phases: tuple[tuple[float, Mapping[float, float]], ...]
    notes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        within("budget of a schedule", self.budget, low=0, open_low=True)
        for fraction, mix in self.phases:
            within("fraction of a schedule", fraction, 0, 1)
            for place, share in mix.items():
                within("place of a level", place, 0, 1)
                within("share of a level", share, 0, 1)
            if not np.isclose(sum(mix.values()), 1):
                raise ValueError(f"a phase of the schedule mixes {dict(mix)}; need shares that sum to 1")
        if not np.isclose(total := sum(fraction for fraction, _ in self.phases), 1):
            raise ValueError(f"the phases of the schedule last {total:g} of the run; need 1")

    def check(self, task: "Task", easy: "Level", hard: "Level", budget: float) -> None:
        """Refuse a run of another task, budget or levels, in one line."""
        if task.name != self.task:
            raise ValueError(f"the schedule is for task {self.task}, this run is of {task.name}")
        if not np.isclose(budget, self.budget):
            raise ValueError(f"the schedule is for a budget of {self.budget:g}, this run has {budget:g}")
        for name, ours, own in (("easy", easy, self.easy), ("hard", hard, self.hard)):
            same = ours.keys() == own.keys() and all(np.allclose(ours[key], own[key]) for key in own)
            if not same:
                raise ValueError(
                    f"the schedule is for the {name} level {_words(own)}, this run has {_words(ours)}"
                )


def save_schedule(schedule: SavedSchedule, path: str | Path) -> None:
    """Write a schedule; an existing file is refused."""
    content = {"kind": KIND} | asdict(schedule)
    content["phases"] = [[fraction, {str(k): v for k, v in mix.items()}] for fraction, mix in schedule.phases]
    try:
        with Path(path).open("x") as file:
            file.write(json.dumps(content, indent=1, default=_plain) + "\n")
    except FileExistsError:
        raise ValueError(f"{path} exists; give another name") from None


def read_schedule(path: str | Path) -> SavedSchedule:
    """Read a schedule; ValueError in one line for a file that is missing or is none."""
    try:
        content = json.loads(Path(path).read_text())
    except OSError as error:
        raise ValueError(f"no schedule can be read from {str(path)!r}: {error.strerror}") from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ValueError(f"{path} is no schedule; `save_schedule` writes one")
    try:
        phases = tuple(
            (float(fraction), {float(k): float(v) for k, v in mix.items()})
            for fraction, mix in content["phases"]
        )
        return SavedSchedule(
            task=str(content["task"]),
            budget=float(content["budget"]),
            easy=dict(content["easy"]),
            hard=dict(content["hard"]),
            phases=phases,
            notes=dict(content["notes"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is a damaged schedule: {error!r}") from None


def places(levels: "Sequence[Level]") -> list[float]:
    """Where levels lie on the way from the first to the last; ValueError for one that does not.

    >>> places([{"noise": 0.0}, {"noise": 0.5}, {"noise": 2.0}])
    [0.0, 0.25, 1.0]
    """
    first, last = (np.concatenate([np.ravel(x) for x in levels[i].values()]) for i in (0, -1))
    way = last - first
    if not way.any():
        raise ValueError("the first and the last level are the same; nothing lies between them")
    found = []
    for level in levels:
        own = np.concatenate([np.ravel(x) for x in level.values()])
        place = float(np.dot(own - first, way) / np.dot(way, way))
        if not np.allclose(first + place * way, own) or not -1e-9 <= place <= 1 + 1e-9:
            raise ValueError(f"level {_words(level)} does not lie between the first and the last one")
        found.append(min(max(place, 0.0), 1.0))
    return found


def _words(level: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {np.asarray(x).round(6).tolist()}" for name, x in level.items())


def _plain(value: ArrayLike) -> Any:
    return np.asarray(value).tolist()
