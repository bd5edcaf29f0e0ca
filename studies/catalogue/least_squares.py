"""Does training a linear student by epochs follow the exact curves of double descent?

n samples of a linear teacher with noise, students that see p of its inputs, full-batch descent from 0 to the
solution of least norm: error against p (arXiv 1903.07571) and against time (arXiv 1710.03667), see
`teacher_student.theory.least_squares`.
"""

from studies.cells.finite import FiniteCell
from studies.study import Study

CELL = FiniteCell(
    source="linear",
    student="linear",
    n_inputs=100,
    n_examples=40,
    label_noise=0.25,
    batch_size=40,
    learning_rate=20.0,
    epochs=2000,
    record_every=50,
    protocol="standard",
    n_test=4000,
)


def quick() -> Study:
    """Widths on both sides of the peak."""
    return Study(CELL, ({"width": (10, 20, 30, 50, 60, 80, 100)},), 64, rows=64)


def full() -> Study:
    """More of them, and more replicates."""
    widths = (5, 10, 15, 20, 25, 30, 50, 55, 60, 70, 80, 90, 100)
    return Study(CELL, ({"width": widths},), 256, rows=64)


PRESETS = {"quick": quick, "full": full}
