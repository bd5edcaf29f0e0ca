"""Does a curriculum make a network that fits noise smoother, and does that depend on its width?

Two layers without biases fit examples with wrong labels below the noise; such a network must have a Lipschitz
constant of order sqrt(n / K) at least (arXiv 2105.12806). It is recorded along the run, so that arms can be
compared where they have the same training loss. Up to 20 units it is exact, beyond from below
(`teacher_student.students.lipschitz`).
"""

from studies.cells.finite import FiniteCell
from studies.study import Study

PROTOCOLS = ("standard", "curriculum", "random", "noise_last")
CELL = FiniteCell(
    source="xor_mixture",
    n_inputs=20,
    easy={"noise": 0.1},
    hard={"noise": 0.5},
    easy_fraction=0.5,
    n_examples=100,
    label_noise=0.2,
    student="two_layer",
    loss="squared",
    optimiser="momentum",
    learning_rate=0.5,
    batch_size=20,
    epochs=400,
    record_every=10,
    record=("lipschitz", "gradient_norm"),
    a=0.3,
    b=0.2,
    n_test=500,
)


def quick() -> Study:
    """One number of examples; widths up to 128."""
    return Study(CELL, ({"protocol": PROTOCOLS, "width": (8, 16, 32, 64, 128)},), replicates=8, rows=8)


def full() -> Study:
    """Three numbers of examples, so that n / K has a range at every width; two rates."""
    swept = {
        "n_examples": (60, 100, 160),
        "learning_rate": (0.25, 0.5),
        "protocol": PROTOCOLS,
        "width": (8, 16, 32, 64, 128, 256, 512),
    }
    return Study(CELL, (swept,), replicates=8, rows=8)


PRESETS = {"quick": quick, "full": full}
