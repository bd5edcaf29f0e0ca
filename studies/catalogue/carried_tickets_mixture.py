"""Do tickets of one XOR mixture serve another with other directions? They should not: a null test.

Two-layer relu students on the XOR-like Gaussian mixture. A mask of four of 16 units, or of an eighth of the
weights, is drawn from a student that was trained on the task, and from one with the same start that was
trained on the task with other directions; either is trained on the task. Masks of the largest weights at the
start, which know of no directions, and random ones stand beside: what a carried mask gains over the former is
all that it could have learned. In the full preset masks of weights are shuffled within units, too: what is
left of a gain is what a mask knows by how many weights a unit keeps. Morcos et al., arXiv 1906.02773, carry
tickets between data sets of images.
"""

from studies.cells.tickets.drawn import OnlineDrawn
from studies.study import Study

CELL = OnlineDrawn(
    width=16, n_steps=20000, n_records=4, n_test=1024, fraction=0.5, scope="units", rounds=2, fresh=True,
    drawn=(0, 20000), learning_rate=0.6,
)  # fmt: skip
FOUND = {"found_on": ("own", "other"), "protocol": ("no_curriculum",)}
UNITS, WEIGHTS = {"scope": ("units",), "rounds": (2,)}, {"scope": ("layer",), "rounds": (3,)}


def quick() -> Study:
    """Units and weights at one rate."""
    return Study(CELL, (UNITS | FOUND, WEIGHTS | FOUND), replicates=32)


def full() -> Study:
    """Two rates, and masks of weights shuffled within units."""
    rates = {"learning_rate": (0.3, 0.6)}
    weights = WEIGHTS | rates | FOUND
    grids = (UNITS | rates | FOUND, weights, weights | {"counts_only": (True,)})
    return Study(CELL, grids, replicates=64)


PRESETS = {"quick": quick, "full": full}
