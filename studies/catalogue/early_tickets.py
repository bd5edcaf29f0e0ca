"""At which step of training is a ticket found, is it as good as the last, and sooner with a curriculum?

Two-layer relu students on the XOR-like Gaussian mixture. A dense student of 16 units is trained with and
without a curriculum; from its state at several steps a mask is drawn, of four units or of an eighth of the
weights, and every mask is trained from the same start on fresh samples, with and without a curriculum.
Recorded are the distance of the mask drawn at every time from the last one, the accuracy of the tickets, and
what mask and ticket cost in training operations. Early-bird tickets (You et al., arXiv 1909.11957) ask
this of image networks.
"""

from studies.cells.tickets.drawn import OnlineDrawn
from studies.study import Study

PAIR = ("curriculum", "no_curriculum")
CELL = OnlineDrawn(
    width=16, n_steps=20000, n_records=20, n_test=1024, fraction=0.5, scope="units", rounds=2, swap=True,
    fresh=True, drawn=(0, 1000, 2000, 4000, 7000, 12000, 20000),
)  # fmt: skip
#: What a mask keeps: four of 16 units, or an eighth of the weights.
UNITS, WEIGHTS = {"scope": ("units",), "rounds": (2,)}, {"scope": ("layer",), "rounds": (3,)}


def quick() -> Study:
    """Units, one rate."""
    return Study(CELL, (UNITS | {"protocol": PAIR},), replicates=16, rows=16)


def full() -> Study:
    """Units at three rates, single weights at one."""
    grids = (
        UNITS | {"learning_rate": (0.3, 0.6, 1.0), "protocol": PAIR},
        WEIGHTS | {"learning_rate": (0.6,), "protocol": PAIR},
    )
    return Study(CELL, grids, replicates=32, rows=16)


PRESETS = {"quick": quick, "full": full}
