"""Protocols for online learning, one difficulty level per step: see `teacher_student.protocols`.

Any integer array (steps,) over any table of levels is a schedule too: pass it to
`teacher_student.training.simulate.simulate`.
"""

from teacher_student.protocols import (
    EASY,
    EASY_FIRST,
    EASY_SECOND,
    HARD,
    HARD_FIRST,
    HARD_SECOND,
    PROTOCOLS,
    Phase,
    phases,
)
from teacher_student.saved_schedule import OPTIMAL, SavedSchedule, read_schedule, save_schedule
from teacher_student.schedules import draw_steps, level_table, realise

__all__ = [
    "EASY", "EASY_FIRST", "EASY_SECOND", "HARD", "HARD_FIRST", "HARD_SECOND", "OPTIMAL", "PROTOCOLS",
    "Phase", "SavedSchedule", "draw_steps", "level_table", "phases", "read_schedule", "realise",
    "save_schedule",
]  # fmt: skip
