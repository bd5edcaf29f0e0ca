"""Does a ticket that was found on one data set serve another?

LeNet on images. A dense network is trained on one data set and its smallest weights are pruned in one step;
the mask, on the same initial weights, is trained on another data set, beside a mask found there, the mask of
the largest weights at the start and a random one. Between two pairs of classes of the digits, told apart in
noise (polarity XOR); in the full preset between MNIST and Fashion-MNIST, too, ten classes each, as they are
and in noise, at two learning rates. Morcos et al., arXiv 1906.02773, do this with larger networks.
"""

from studies.cells.tickets.drawn import ImageDrawn
from studies.study import Study

CELL = ImageDrawn(
    width=20,
    side=14,
    n_steps=400,
    n_records=4,
    fraction=0.5,
    rounds=3,
    batch_size=20,
    drawn=(0, 400),
    fresh=True,
)
#: Pairs of digits, their images beside a block of noise, eight copies each; a mask of either on either.
PAIRS: dict[str, tuple] = {
    "relabelling": ("polarity_xor",), "corruption": ("noise_beside",), "copies": (8,), "easy.noise": (4.0,),
    "hard.noise": (16.0,), "pair": ("0-4", "1-7"), "found_pair": ("0-4", "1-7"),
}  # fmt: skip
#: The first images of both data sets; in noise, a third of them in less of it.
SETS: dict[str, tuple] = {
    "data_set": ("mnist", "fashion_mnist"), "found_on": ("mnist", "fashion_mnist"), "n_examples": (2000,),
    "n_test": (2000,), "n_validation": (500,),
}  # fmt: skip
CLEAN: dict[str, tuple] = {"easy.noise": (0.0,), "hard.noise": (0.0,)}
NOISY: dict[str, tuple] = {"easy.noise": (0.1,), "hard.noise": (1.0,)}
LEFT = {"protocol": ("no_curriculum",), "rounds": (3, 5)}


def quick() -> Study:
    """Pairs of digits."""
    return Study(CELL, (PAIRS | LEFT,), replicates=16, rows=16)


def full() -> Study:
    """Pairs of digits, and MNIST and Fashion-MNIST; two rates."""
    left = LEFT | {"learning_rate": (0.0012, 0.004)}
    return Study(CELL, (PAIRS | left, SETS | NOISY | left, SETS | CLEAN | left), replicates=16, rows=8)


PRESETS = {"quick": quick, "full": full}
