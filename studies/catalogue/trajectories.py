"""How long and how variable is the path of the first layer, and what does a curriculum do to it?

More complex functions take longer and more variable paths (arXiv 2106.04186). Batches of one example; the
path is that of the bias of the first layer. Lengths grow with the rate and the number of steps, so arms are
compared at the same training loss as well as at the end.
"""

from studies.cells.finite import FiniteCell
from studies.study import Study

PROTOCOLS = ("standard", "curriculum", "anti_curriculum", "random", "noise_last")
CELL = FiniteCell(
    source="xor_mixture",
    n_inputs=20,
    easy={"noise": 0.1},
    hard={"noise": 0.5},
    easy_fraction=0.5,
    n_examples=100,
    label_noise=0.2,
    student="two_layer",
    loss="logistic",
    learning_rate=0.5,
    batch_size=1,
    epochs=100,
    record_every=2,
    record=("path_length", "path_variance"),
    a=0.3,
    b=0.2,
    n_test=500,
)


def quick() -> Study:
    """Two shares of wrong labels."""
    swept = {"label_noise": (0.0, 0.2), "protocol": PROTOCOLS, "width": (4, 8, 16, 32)}
    return Study(CELL, (swept,), replicates=8, rows=8)


def full() -> Study:
    """Wrong labels and the noise of hard examples."""
    swept = {
        "label_noise": (0.0, 0.1, 0.2),
        "hard.noise": (0.3, 0.5, 1.0),
        "protocol": PROTOCOLS,
        "width": (4, 8, 16, 32, 64),
    }
    return Study(CELL, (swept,), replicates=8, rows=8)


PRESETS = {"quick": quick, "full": full}
