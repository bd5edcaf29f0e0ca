"""Does a curriculum make a network that fits noise smoother, and does that depend on its width?

Two layers without biases fit examples with wrong labels below the noise; such a network must have a Lipschitz
constant of order sqrt(n / K) at least (arXiv 2105.12806). It is recorded along the run, so that arms can be
compared where they have the same training loss. Up to 20 units it is exact, beyond from below: the largest
gradient that was found at an input (`teacher_student.students.lipschitz.steepest`).
"""

from studies.cells.finite import FiniteCell
from studies.study import Study

PROTOCOLS = ("standard", "curriculum", "random", "noise_last")
CELL = FiniteCell(
    source="xor_mixture",
    n_inputs=64,
    easy={"noise": 0.1},
    hard={"noise": 0.5},
    easy_fraction=0.5,
    n_examples=128,
    label_noise=0.2,
    student="two_layer",
    loss="squared",
    optimiser="momentum",
    learning_rate=0.5,
    batch_size=32,
    epochs=200,
    record_every=5,
    record=("steepest", "gradient_norm"),
    a=0.3,
    b=0.25,
    n_test=500,
)
WIDTHS = (8, 16, 32, 64, 128, 256, 512, 1024)


def quick() -> Study:
    """One number of examples; widths up to 128."""
    return Study(CELL, ({"protocol": PROTOCOLS, "width": WIDTHS[:5]},), replicates=8, rows=8)


def full() -> Study:
    """Half and twice as many examples, too; widths up to 1024."""
    whole = {"n_examples": (128,), "protocol": PROTOCOLS, "width": WIDTHS}
    others = {"n_examples": (64, 256), "protocol": PROTOCOLS, "width": WIDTHS[:6]}
    return Study(CELL, (whole, others), replicates=8, rows=8)


PRESETS = {"quick": quick, "full": full}
