"""Is a wide teacher a cheaper way to an accuracy than a small network?

Narrow students of a teacher of 16 units (`teacher_student.students.pair`) on the XOR-like Gaussian mixture,
over budget, learning rate and protocol: those of the study efficiency, whose figure `ways` shows both. The
teacher stops where the easy samples of a curriculum end, or at the end of its run, as long and in the same
order as its student's.
"""

from studies.cells.online import OnlineCell
from studies.study import Grid, Study

PAIR = ("curriculum", "no_curriculum")
#: Shares of a teacher's run after which it stops, in tenths.
STOPS = (3, 10)
CELL = OnlineCell(
    n_inputs=100, width=4, learning_rate=0.6, budget=200.0, record_every=2.5, record=("test_accuracy",),
    n_test=2048, student="pair", teacher_width=16, checkpoint=60.0,
)  # fmt: skip


def grids(budgets: tuple[float, ...], rates: tuple[float, ...], widths: tuple[int, ...]) -> tuple[Grid, ...]:
    """A grid for each budget, as the times at which teachers stop follow it."""
    shared = {"learning_rate": rates, "protocol": PAIR, "width": widths}
    return tuple(
        shared | {"budget": (t,), "checkpoint": tuple(share * t / 10 for share in STOPS)} for t in budgets
    )


def quick() -> Study:
    """Students of 4 units; three budgets, three rates."""
    return Study(CELL, grids((75.0, 150.0, 300.0), (0.3, 0.6, 0.8), (4,)), replicates=16, rows=16)


def full() -> Study:
    """Students of 3, 4 and 6 units; six budgets, four rates."""
    budgets = (50.0, 75.0, 100.0, 150.0, 200.0, 300.0)
    return Study(CELL, grids(budgets, (0.3, 0.6, 0.8, 1.0), (3, 4, 6)), replicates=32)


PRESETS = {"quick": quick, "full": full}
