"""Does showing images in the order of a difficulty score help small networks more than large ones?

Ten classes, clean or with wrong labels; images ordered by a computed or a published score
become available along a pacing function. The setting of Wu, Dyer, Neyshabur, ICLR 2021, arXiv 2012.03107.
Every arm at every width has its own learning rate.
"""

from studies.cells.images.ranking import PROTOCOLS, RankedImages
from studies.study import Study

PACINGS = ("linear", "quad", "root", "step", "exp", "log")
WIDTHS = (4, 8, 16, 32, 64)


def quick() -> Study:
    """scikit-learn's digits, clean and with 40 % wrong labels; the six pacings at one width."""
    cell = RankedImages(n_steps=500, label_noise=0.4)
    grids = (
        {"label_noise": (0.0, 0.4), "protocol": PROTOCOLS, "width": WIDTHS},
        {"pacing": PACINGS, "protocol": PROTOCOLS, "width": (4,)},
    )
    return Study(cell, grids, replicates=32, rows=32)


def full() -> Study:
    """MNIST and Fashion-MNIST, 10,000 images, two budgets; six pacings on MNIST.

    CIFAR-10 with --data_set cifar10; scores from a file with --ranking el2n,published --ranking_file FILE.
    """
    cell = RankedImages(data_set="mnist", n_steps=1000, label_noise=0.4, n_examples=10_000)
    grids = (
        {
            "data_set": ("mnist", "fashion_mnist"),
            "label_noise": (0.0, 0.4),
            "n_steps": (250, 1000),
            "protocol": PROTOCOLS,
            "width": WIDTHS,
        },
        {"pacing": PACINGS, "protocol": PROTOCOLS, "width": (4, 16)},
    )
    return Study(cell, grids, replicates=32, rows=32)


PRESETS = {"quick": quick, "full": full}
