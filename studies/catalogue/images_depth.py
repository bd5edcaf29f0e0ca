"""Does depth make the benefit of a curriculum fade with width on images?

The figure of Sarao Mannelli et al., arXiv 2406.01589, for fully connected networks on Fashion-MNIST: ten
classes, noise on the image that grows linearly over one pass, tested at its end; 1 to 4 hidden layers.
"""

from dataclasses import replace

from studies.cells.images.fading import PROTOCOLS, FadingImages
from studies.study import Study

PAIR = ("ramp", "shuffled_ramp")
DEPTHS = (1, 2, 3, 4)
RATE = 0.025
CELL = FadingImages(
    batch_size=32, n_steps=600, record_every=600, n_examples=40_000, n_test=2000, slowest_rate=RATE / 2,
    n_rates=4, tuning_replicates=4,
)  # fmt: skip


def quick() -> Study:
    """scikit-learn's digits, 1 and 3 hidden layers, at one rate."""
    cell = replace(CELL, data_set="digits", n_steps=300, record_every=300, n_examples=10_000)
    grid = {"shared_rate": (0.05,), "depth": (1, 3), "protocol": PROTOCOLS, "width": (8, 32, 128)}
    return Study(cell, (grid,), replicates=10, rows=10)


def full() -> Study:
    """Fashion-MNIST, all pairs at one rate; up to 400 units at several, so that each arm has its own best."""
    shared = {"shared_rate": (RATE,), "depth": DEPTHS}
    swept = {"protocol": PAIR, "depth": DEPTHS}
    grids = (
        {**shared, "protocol": PROTOCOLS, "width": (25, 100)},
        {**shared, "protocol": PAIR, "width": (50, 200, 400, 800)},
        {"shared_rate": (0.05, 0.1, 0.2), **swept, "width": (25, 50, 100, 200)},
        {"shared_rate": (0.05,), **swept, "width": (400,)},
        {"shared_rate": (RATE / 2,), **swept, "width": (100, 200, 400)},
        {"shared_rate": (0.1,), **swept, "width": (400,)},
    )
    return Study(CELL, grids, replicates=20, rows=10)


def search() -> Study:
    """Settings that the paper does not say, searched at four of its points: pixels, steps, rate."""
    grid = {
        "normalised": (False, True),
        "n_steps": (600, 1200),
        "shared_rate": (0.025, 0.05, 0.1),
        "depth": (1, 3),
        "protocol": PAIR,
        "width": (25, 100),
    }
    return Study(CELL, (grid,), replicates=3, rows=3)


PRESETS = {"quick": quick, "full": full, "search": search}
