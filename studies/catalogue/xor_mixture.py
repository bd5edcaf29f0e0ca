"""How does the benefit of a curriculum change with width, on the XOR-like Gaussian mixture?

Online SGD on `teacher_student.tasks.xor_mixture` with noise as difficulty; benefit is the accuracy at
the hard noise, curriculum minus the same samples' levels shuffled, paired by replicate.
"""

from studies.online import OnlineCell
from studies.study import Study

QUESTION = "curriculum benefit against width on the XOR-like Gaussian mixture"
PROTOCOLS = ("curriculum", "anti_curriculum", "no_curriculum", "target_only", "rule_curriculum")
CELL = OnlineCell(
    n_inputs=300,
    learning_rate=0.3,
    budget=1000.0,
    record_every=20.0,
    record=("test_accuracy", "test_loss", "covered", "covered_aligned"),
)


def quick() -> Study:
    """One budget, one parametrisation; about three minutes on two cores, compilation included."""
    grid = {"protocol": PROTOCOLS, "width": (2, 4, 8, 16, 32, 64)}
    return Study("xor_mixture", QUESTION, CELL, (grid,), replicates=64)


def full() -> Study:
    """Several budgets, three parametrisations, widths to 256."""
    widths = (2, 4, 8, 16, 32, 64, 128, 256)
    grids = (
        {"budget": (500.0, 1000.0, 2000.0), "protocol": PROTOCOLS, "width": widths},
        {"parametrisation": ("ntk", "mean_field"), "protocol": PROTOCOLS, "width": widths},
    )
    return Study("xor_mixture", QUESTION, CELL, grids, replicates=64)


PRESETS = {"quick": quick, "full": full}
