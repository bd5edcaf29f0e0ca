"""How does the benefit of a curriculum change with width when the rule hides among distractor inputs?

Online SGD on `teacher_student.tasks.sparse_teacher` with the variance of the irrelevant inputs as
difficulty; benefit is the accuracy at the hard variance, curriculum minus the same samples' levels
shuffled, paired by replicate. Width 1 is the perceptron that arXiv 2106.08068 solves.
"""

from studies.cells.online import OnlineCell
from studies.study import Study

PROTOCOLS = ("curriculum", "anti_curriculum", "no_curriculum", "target_only")
WIDTHS = (1, 2, 4, 8, 16, 32, 64)
CELL = OnlineCell(
    task="sparse_teacher",
    n_inputs=300,
    options={"relevant": 0.1},
    activation="erf",
    learning_rate=0.5,
    easy={"noise": 0.1},
    hard={"noise": 4.0},
    budget=20.0,
    record_every=1.0,
)
#: The perceptron of the paper: a readout that stays 1 in absolute value.
PERCEPTRON = {"train_readout": (False,), "readout_start": ("sign",), "width": (1,)}


def quick() -> Study:
    """One budget; the perceptron beside its equations."""
    grids = (
        {"protocol": PROTOCOLS, "width": WIDTHS},
        {"method": ("auto", "theory"), "protocol": PROTOCOLS} | PERCEPTRON,
    )
    return Study(CELL, grids, replicates=64)


def full() -> Study:
    """Three budgets; two parametrisations more; learning rates, so that each arm may have its own best."""
    pair = ("curriculum", "no_curriculum")
    grids = (
        {"budget": (10.0, 20.0, 40.0, 80.0), "protocol": PROTOCOLS, "width": WIDTHS},
        {"method": ("auto", "theory"), "protocol": PROTOCOLS} | PERCEPTRON,
        {"parametrisation": ("ntk", "mean_field"), "protocol": pair, "width": WIDTHS},
        {"learning_rate": (0.1, 0.25, 0.5, 1.0, 2.0, 4.0), "protocol": pair, "width": WIDTHS},
    )
    return Study(CELL, grids, replicates=128)


PRESETS = {"quick": quick, "full": full}
