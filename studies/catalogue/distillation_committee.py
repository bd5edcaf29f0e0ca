"""Can a wide teacher's guidance replace the curriculum where a narrow committee learns a committee?

As `studies.catalogue.distillation`, with `teacher_student.tasks.committee`, label noise as difficulty and the
generalisation error as what is measured: networks of erf units learn M = 4 of them.
"""

from studies.catalogue.distillation import grids
from studies.cells.online import OnlineCell
from studies.study import Study

CELL = OnlineCell(
    task="committee",
    n_inputs=100,
    options={"teacher_units": 4.0, "relevant": 0.5},
    activation="erf",
    learning_rate=0.15,
    easy={"noise": 0.0, "irrelevant": 0.1},
    hard={"noise": 0.5, "irrelevant": 0.1},
    budget=100.0,
    record_every=5.0,
    record=("test_loss",),
)


def quick() -> Study:
    """One width, two rates, a teacher of 64 units, progressive and at two times."""
    return Study(CELL, grids((4,), (0.15, 0.5), {64: (0.0, 30.0, 100.0)}, lesson=30.0), replicates=8, rows=8)


def full() -> Study:
    """Four widths, four rates, teachers of 64 units, progressive and at three times, and of 256."""
    stops = {64: (0.0, 5.0, 30.0, 100.0), 256: (0.0, 30.0, 100.0)}
    swept = grids((2, 4, 8, 16), (0.05, 0.15, 0.5, 1.5), stops, few=(4, 16), slow=0.015, lesson=30.0)
    return Study(CELL, swept, replicates=16, rows=16)


PRESETS = {"quick": quick, "full": full}
