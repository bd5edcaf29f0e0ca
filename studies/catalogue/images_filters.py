"""Is the benefit of a curriculum gone in a convolutional network with many filters?

The figure of Sarao Mannelli et al., arXiv 2406.01589, for convolutional networks on CIFAR-10: ten classes,
images shrunk and pasted on other images, the smaller the later in one pass, tested on the smallest.
"""

from dataclasses import replace

from studies.cells.images.fading import PROTOCOLS, FadingImages
from studies.study import Study

PAIR = ("ramp", "shuffled_ramp")
CELL = FadingImages(
    data_set="cifar10", side=16, normalised=True, corruption="shrunk", easy={"noise": 0.1},
    hard={"noise": 0.4}, student="cnn_patches", width=8, batch_size=10, n_steps=800, record_every=800,
    n_examples=16_000, n_rates=4, slowest_rate=0.0125, tuning_replicates=2, n_test=2000,
)  # fmt: skip
RATE = 0.05


def quick() -> Study:
    """scikit-learn's digits, at one rate."""
    cell = replace(CELL, data_set="digits", n_steps=300, record_every=300, n_examples=6000)
    grid = {"shared_rate": (RATE,), "protocol": PROTOCOLS, "width": (2, 4, 8, 16)}
    return Study(cell, (grid,), replicates=10, rows=10)


def full() -> Study:
    """CIFAR-10 averaged to 16 x 16, one rate for all and each arm at its own; a subset with --data_set."""
    shared = {"shared_rate": (RATE,)}
    grids = (
        {**shared, "protocol": PAIR, "width": (8, 16, 32)},
        {**shared, "protocol": PROTOCOLS, "width": (8,)},
        {**shared, "protocol": PAIR, "width": (64,)},
        {"shared_rate": (0.0,), "protocol": PAIR, "width": (8, 16)},
    )
    return Study(CELL, grids, replicates=10, rows=10)


PRESETS = {"quick": quick, "full": full}
