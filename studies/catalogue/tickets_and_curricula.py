"""Does a curriculum change which units win the lottery, how many are needed, or what a ticket is worth?

Two-layer relu students on the XOR-like Gaussian mixture, pruned to half their units (or weights) round by
round after training with and without a curriculum; every ticket is trained again with both. Who finds the
mask and who trains it are axes, so the two can be swapped; so are the width, the share of units left and the
learning rate, since a curriculum can win merely because the shared rate suits it. Tickets are trained on
fresh samples; on the samples that chose them they are run once for comparison, and dense students once more
on other samples (`stream` 1), which says how often chance alone changes the winner.
"""

from studies.cells.tickets.online import OnlineTickets
from studies.study import Study

PAIR = ("curriculum", "no_curriculum")
RATES = (0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 1.8)
CELL = OnlineTickets(
    n_steps=40000,
    n_records=10,
    fraction=0.5,
    scope="units",
    rounds=0,
    swap=True,
    arms=("ticket", "random_mask"),
)
#: Tickets of 16 units, down to two.
TICKETS = {"rounds": (3,), "protocol": PAIR, "width": (16,)}


def quick() -> Study:
    """Dense networks of 2 to 32 units and tickets of 16 units, two rates."""
    rates = {"learning_rate": (0.3, 0.8)}
    dense = {"protocol": PAIR, "width": (2, 4, 8, 16, 32)}
    grids = (rates | dense, {"stream": (1,)} | dense, {"fresh": (True,)} | rates | TICKETS)
    return Study(CELL, grids, replicates=16, rows=16)


def full() -> Study:
    """Seven rates, dense networks to 64 units, single weights, and tickets on the samples that chose them."""
    rates = {"learning_rate": RATES}
    dense = {"protocol": PAIR, "width": (2, 4, 8, 16, 32)}
    grids = (
        rates | dense,
        {"protocol": PAIR, "width": (64,)},
        {"stream": (1,)} | dense | {"width": (2, 4, 8, 16, 32, 64)},
        {"fresh": (True,)} | rates | TICKETS,
        TICKETS,
        {"fresh": (True,), "scope": ("layer",)} | TICKETS | {"rounds": (4,)},
    )
    return Study(CELL, grids, replicates=64)


PRESETS = {"quick": quick, "full": full}
