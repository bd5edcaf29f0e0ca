"""Is a lottery ticket worth more, or another one, when image networks are trained with a curriculum?

LeNet on two classes of images, shown with a random sign and a block of noise beside them (polarity XOR, easy:
weak noise); masks found with and without a curriculum, every ticket trained with both in an order of its own,
and random masks; three learning rates, since a curriculum can win merely because the shared rate suits it.
"""

from studies.cells.tickets.images import ImageTickets
from studies.settings import with_fields
from studies.study import Study

RATES = (0.0012, 0.003, 0.006)
PAIR = ("curriculum", "no_curriculum")
CELL = ImageTickets(
    width=20, relabelling="polarity_xor", corruption="noise_beside", copies=8, easy={"noise": 4.0},
    hard={"noise": 64.0}, arms=("ticket", "random_mask"), swap=True, n_records=10, batch_size=20, n_steps=300,
    fraction=0.36, rounds=6, fresh=True,
)  # fmt: skip


def quick() -> Study:
    """Digits 0 and 4, LeNet of 60 and 20 units, 6 rounds to 0.07 of the weights."""
    return Study(
        CELL,
        ({"learning_rate": RATES, "protocol": PAIR},),
        replicates=12,
        rows=12,
    )


def full() -> Study:
    """MNIST 0 and 4, the first 500 images of them; five rates."""
    sizes = {"data_set": "mnist", "n_examples": 500, "n_validation": 500, "n_test": 1000, "copies": 4}
    cell = with_fields(CELL, sizes)
    return Study(
        cell,
        ({"learning_rate": (0.0006, *RATES, 0.012), "protocol": PAIR},),
        replicates=24,
        rows=8,
    )


PRESETS = {"quick": quick, "full": full}
