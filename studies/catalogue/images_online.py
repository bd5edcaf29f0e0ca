"""Does the benefit of a curriculum shrink with width on corrupted images, too?

One pass over images with a block of noise beside them, two classes, each image with a random sign (so that no
linear rule works), tested at the high noise. Every arm at every width has its own learning rate.
"""

from studies.cells.images.online import ORDERINGS, TARGET_ONLY, THEN_TARGET, OnlineImages
from studies.study import Grid, Study

WIDTHS = (2, 4, 8, 16, 32, 64, 128)


def with_arms(grid: Grid) -> tuple[Grid, ...]:
    """The grid with orders of the same examples, and with what tells order from where a run ends."""
    return tuple({**grid, "protocol": arms} for arms in (tuple(ORDERINGS), (THEN_TARGET, TARGET_ONLY)))


def quick() -> Study:
    """scikit-learn's digits, three budgets."""
    grid = {"n_steps": (250, 500, 1000), "width": WIDTHS}
    return Study(OnlineImages(), with_arms(grid), replicates=64, rows=64)


def full() -> Study:
    """Digits, MNIST and Fashion-MNIST, four budgets; CIFAR-10 with --data_set cifar10."""
    grid = {
        "data_set": ("digits", "mnist", "fashion_mnist"),
        "n_steps": (250, 500, 1000, 2000),
        "width": WIDTHS,
    }
    return Study(OnlineImages(), with_arms(grid), replicates=64, rows=64)


PRESETS = {"quick": quick, "full": full}
