"""Is a ticket of a network of images found sooner with a curriculum, and for fewer operations?

LeNet on two classes of images, shown with a random sign beside a block of noise (polarity XOR, easy: weak
noise). A dense network is trained with and without a curriculum; from its state at several steps a mask of an
eighth or a thirtieth of the weights is drawn, and every mask is trained from the same start in a fresh order,
with and without a curriculum, beside random masks. Several learning rates, since a curriculum can win merely
because the shared rate suits it. Early-bird tickets (You et al., arXiv 1909.11957) ask this without one.
"""

from studies.cells.tickets.drawn import ImageDrawn
from studies.settings import with_fields
from studies.study import Study

PAIR = ("curriculum", "no_curriculum")
CELL = ImageDrawn(
    width=20, relabelling="polarity_xor", corruption="noise_beside", copies=8, side=14, easy={"noise": 4.0},
    hard={"noise": 64.0}, swap=True, n_records=10, batch_size=20, n_steps=300, n_validation=50, fraction=0.5,
    rounds=3, fresh=True, drawn=(0, 30, 60, 90, 150, 300),
)  # fmt: skip


def quick() -> Study:
    """Digits 0 and 4, LeNet of 60 and 20 units, an eighth of the weights, three rates."""
    grid = {"learning_rate": (0.0012, 0.003, 0.006), "protocol": PAIR}
    return Study(CELL, (grid,), replicates=12, rows=12)


def full() -> Study:
    """MNIST 0 and 4, the first 500 images of them, 14 x 14 pixels; two shares of the weights, five rates."""
    sizes = {"data_set": "mnist", "n_examples": 500, "n_test": 1000, "copies": 4}
    grid = {"rounds": (3, 5), "learning_rate": (0.0006, 0.0012, 0.003, 0.006), "protocol": PAIR}
    larger = {"rounds": (3,), "learning_rate": (0.012,), "protocol": PAIR}
    return Study(with_fields(CELL, sizes), (grid, larger), replicates=24, rows=8)


PRESETS = {"quick": quick, "full": full}
