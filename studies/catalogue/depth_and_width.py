"""Does the benefit of a curriculum fade with width, with depth, or with both?

Online SGD of students with 1 to 4 hidden layers on `teacher_student.tasks.xor_mixture`, noise as difficulty;
benefit is the accuracy at the hard noise, curriculum minus a control, paired by replicate. Controls: the same
levels shuffled, the same with the last 0.15 of the run at the hard level, and the hard level all along. Rates
are swept, so that each arm may have its own best.
"""

from studies.cells.online import OnlineCell
from studies.study import Study

PROTOCOLS = ("curriculum", "no_curriculum", "no_curriculum_then_target", "target_only")
CELL = OnlineCell(
    n_inputs=100,
    student="deep",
    learning_rate=0.6,
    budget=200.0,
    record_every=40.0,
)


def quick() -> Study:
    """Three depths, three widths, two rates."""
    grid = {
        "learning_rate": (0.6, 1.2),
        "depth": (1, 2, 3),
        "protocol": PROTOCOLS,
        "width": (4, 8, 16),
    }
    return Study(CELL, (grid,), replicates=32)


def full() -> Study:
    """Four depths, four widths, five rates, which are twice as large for the deeper half."""
    shared = {"width": (4, 8, 16, 32), "protocol": PROTOCOLS}
    grids = (
        shared | {"depth": (1, 2), "learning_rate": (0.15, 0.3, 0.6, 1.2, 2.4)},
        shared | {"depth": (3, 4), "learning_rate": (0.3, 0.6, 1.2, 2.4, 4.8)},
    )
    return Study(CELL, grids, replicates=32)


PRESETS = {"quick": quick, "full": full}
