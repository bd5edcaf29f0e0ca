"""Which empirical difficulty score finds the true difficulty, at which width and how early in training?

On the XOR-like Gaussian mixture the difficulty of every example is known: its noise level, the Bayes error
of its posterior, and the surprise of its label. Every score of `curricula` is computed on networks of
several widths, as of every epoch, and rank-correlated with these oracles.
"""

from curricula.grading import GRADED
from studies.cells.grading import GradingCell
from studies.study import Study


def quick() -> Study:
    """Three widths, six data sets."""
    cell = GradingCell(scores=GRADED, networks=8)
    return Study(cell, ({"width": (4, 16, 64)},), replicates=6, rows=1)


def full() -> Study:
    """Eight widths, sixteen data sets."""
    cell = GradingCell(scores=GRADED)
    widths = (2, 4, 8, 16, 32, 64, 128, 256)
    return Study(cell, ({"width": widths},), replicates=16, rows=1)


PRESETS = {"quick": quick, "full": full}
