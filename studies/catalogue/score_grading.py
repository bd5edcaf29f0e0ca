"""Which empirical difficulty score finds the true difficulty, at which width and how early in training?

On the XOR-like Gaussian mixture the difficulty of every example is known: its noise level, the Bayes error
of its posterior, and the surprise of its label. Every score in `SCORES` is computed on networks of
several widths, as of every epoch, and rank-correlated with these oracles.
"""

from studies.cells.grading import GradingCell
from studies.study import Study

#: What is graded; a scorer that is new joins by being named here, as that gives the cells other addresses.
SCORES = (
    "el2n", "el1n", "grand", "grand_last", "loss", "entropy", "max_confidence", "margin", "aum",
    "confidence", "variability", "correctness", "threshold_closeness", "forgetting", "forgetting_epoch",
    "first_learned", "learned_iteration", "prediction_depth", "vog", "c_score", "memorisation", "transfer",
    "prototype_distance",
)  # fmt: skip


def quick() -> Study:
    """Three widths, six data sets."""
    cell = GradingCell(scores=SCORES, networks=8)
    return Study(cell, ({"width": (4, 16, 64)},), replicates=6, rows=1)


def full() -> Study:
    """Eight widths, sixteen data sets."""
    cell = GradingCell(scores=SCORES)
    widths = (2, 4, 8, 16, 32, 64, 128, 256)
    return Study(cell, ({"width": widths},), replicates=16, rows=1)


PRESETS = {"quick": quick, "full": full}
