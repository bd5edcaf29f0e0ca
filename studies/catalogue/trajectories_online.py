"""How long is the path of the first layer in one pass, by width, noise, wrong labels and curriculum?

The path of the first bias (`teacher_student.students.tracked`), counted by Gram-space simulation of online
SGD on the XOR mixture.
"""

from studies.cells.online import OnlineCell
from studies.study import Study

PROTOCOLS = ("curriculum", "anti_curriculum", "no_curriculum", "target_only")
CELL = OnlineCell(
    student="tracked",
    n_inputs=300,
    learning_rate=0.3,
    budget=200.0,
    record_every=10.0,
    record=("test_accuracy", "test_loss", "path_length", "path_variance"),
)
WIDTHS = (4, 8, 16, 32)


def quick() -> Study:
    """One noise."""
    return Study(CELL, ({"protocol": PROTOCOLS, "width": WIDTHS},), replicates=8, rows=8)


def full() -> Study:
    """Three noises of hard samples."""
    swept = {"hard.noise": (0.5, 0.7, 1.0), "protocol": PROTOCOLS, "width": WIDTHS}
    return Study(CELL, (swept,), replicates=8, rows=8)


PRESETS = {"quick": quick, "full": full}
