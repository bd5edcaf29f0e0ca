"""What does an order of the examples do to double descent, in width and in time?

A fixed set of images, part of the labels wrong, networks trained until they fit them: the test loss has its
peak where the network can just fit its examples, at about n_examples x 10 parameters. Every order is run
beside a random one of the same pacing, and beside one that shows the wrong labels last, as an order by loss
does that without being told.
"""

from dataclasses import replace

from studies.cells.finite import FiniteCell
from studies.study import Study

PROTOCOLS = ("standard", "curriculum", "anti_curriculum", "random", "noise_last")
CELL = FiniteCell(
    source="images",
    data_set="digits",
    n_examples=100,
    label_noise=0.2,
    student="mlp",
    loss="squared",
    optimiser="momentum",
    learning_rate=2.0,
    batch_size=20,
    epochs=400,
    record_every=20,
    ranking="el2n",
    a=0.5,
    b=0.2,
    n_test=359,
)


def quick() -> Study:
    """scikit-learn's digits, clean and with a fifth of the labels wrong."""
    swept = {"label_noise": (0.0, 0.2), "protocol": PROTOCOLS, "width": (2, 4, 8, 12, 16, 32, 64)}
    return Study(CELL, (swept,), replicates=8, rows=8)


def full() -> Study:
    """MNIST in 14 x 14 pixels; with standard training half and twice as many images, which move the peak."""
    cell = replace(CELL, data_set="mnist", side=14, n_examples=250, batch_size=25, n_test=1000)
    cell = replace(cell, epochs=600, record_every=30)
    widths = (2, 4, 6, 8, 10, 12, 14, 17, 24, 48, 96)
    main = {"n_examples": (250,), "label_noise": (0.0, 0.2), "protocol": PROTOCOLS, "width": widths}
    others = {"n_examples": (125, 500), "label_noise": (0.2,), "protocol": ("standard",), "width": widths}
    return Study(cell, (main, others), replicates=6, rows=6)


PRESETS = {"quick": quick, "full": full}
