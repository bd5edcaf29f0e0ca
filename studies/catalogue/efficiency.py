"""How much smaller or cheaper may a network be if it gets a curriculum?

Two-layer relu students on the XOR-like Gaussian mixture: weights and training FLOPs needed for a target
accuracy, over width, share of units left by pruning, learning rate and protocol.
"""

from studies.online_tickets import OnlineTickets
from studies.study import Study

QUESTION = "weights and training FLOPs for a target accuracy, with and without a curriculum"
PAIR = ("curriculum", "no_curriculum")
CELL = OnlineTickets(steps=50000, n_records=40, fraction=0.5, scope="units", rounds=0, arms=("ticket",))


def quick() -> Study:
    """Dense networks of 2 to 32 units and tickets of 16, two rates."""
    rates = {"learning_rate": (0.3, 0.6), "protocol": PAIR}
    grids = (
        rates | {"width": (2, 4, 8, 16, 32)},
        rates | {"rounds": (3,), "width": (16,)},
    )
    return Study("efficiency", QUESTION, CELL, grids, replicates=16, rows=16)


def full() -> Study:
    """Dense networks of 2 to 64 units, tickets of 16 and 32, two rates."""
    rates = {"learning_rate": (0.3, 0.6), "protocol": PAIR}
    grids = (
        rates | {"width": (2, 3, 4, 6, 8, 16, 32, 64)},
        rates | {"rounds": (3,), "width": (16,)},
        rates | {"rounds": (4,), "width": (32,)},
    )
    return Study("efficiency", QUESTION, CELL, grids, replicates=64)


PRESETS = {"quick": quick, "full": full}
