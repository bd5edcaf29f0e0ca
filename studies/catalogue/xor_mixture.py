"""How does the benefit of a curriculum change with width, on the XOR-like Gaussian mixture?

Online SGD on `teacher_student.tasks.xor_mixture` with noise as difficulty; benefit is the accuracy at
the hard noise, curriculum minus the same samples' levels shuffled, paired by replicate.
"""

from studies.cells.online import OnlineCell
from studies.study import Study

PROTOCOLS = ("curriculum", "anti_curriculum", "no_curriculum", "target_only", "rule_curriculum")
NARROW = (2, 4, 8, 16, 32, 64)
RATES = (0.1, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5)
CELL = OnlineCell(
    n_inputs=300,
    learning_rate=0.3,
    budget=600.0,
    record_every=20.0,
    record=("test_accuracy", "test_loss", "covered", "covered_aligned"),
)


def quick() -> Study:
    """One budget, one parametrisation, all five protocols."""
    return Study(CELL, ({"protocol": PROTOCOLS, "width": NARROW},), replicates=64)


def full() -> Study:
    """Three budgets; three parametrisations; learning rates, so that each arm may have its own best.

    Widths 128 and 256, which cost as much as all others together, at the headline budget of 600; there, too,
    the samples of the curriculum shuffled but for an end that is its own, up to K = 64.
    """
    pair = ("curriculum", "no_curriculum")
    grids = (
        {"budget": (300.0, 600.0, 1000.0), "protocol": PROTOCOLS, "width": NARROW},
        {"parametrisation": ("ntk", "mean_field"), "protocol": pair, "width": NARROW},
        {"learning_rate": RATES, "protocol": pair, "width": NARROW},
        {"protocol": PROTOCOLS, "width": (128, 256)},
        {"protocol": ("no_curriculum_then_target",), "width": NARROW},
    )
    return Study(CELL, grids, replicates=64)


PRESETS = {"quick": quick, "full": full}
