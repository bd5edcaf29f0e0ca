"""Does a curriculum change which units win the lottery, how many are needed, or what a ticket is worth?

Two-layer relu students on the XOR-like Gaussian mixture, pruned to half their units (or weights) round by
round after training with and without a curriculum; every ticket is trained again with both. Who finds the
mask and who trains it are axes, so the two can be swapped; so are the width and the share of units left.
"""

from studies.online_tickets import OnlineTickets
from studies.study import Study

QUESTION = "lottery tickets found and trained with and without a curriculum, on the XOR-like mixture"
PAIR = ("curriculum", "no_curriculum")
CELL = OnlineTickets(
    steps=40000,
    n_records=20,
    fraction=0.5,
    scope="units",
    rounds=0,
    swap=True,
    arms=("ticket", "random_mask"),
)


def quick() -> Study:
    """Dense networks of 2 to 32 units, and tickets of 16 units."""
    dense = {"protocol": PAIR, "width": (2, 4, 8, 16, 32)}
    tickets = {"rounds": (3,), "protocol": PAIR, "width": (16,)}
    return Study("tickets_and_curricula", QUESTION, CELL, (dense, tickets), replicates=16, rows=16)


def full() -> Study:
    """Dense networks to 64 units, tickets of 16 and 32 units, and single weights of 16 units."""
    grids = (
        {"protocol": PAIR, "width": (2, 4, 8, 16, 32, 64)},
        {"rounds": (3,), "protocol": PAIR, "width": (16,)},
        {"rounds": (4,), "protocol": PAIR, "width": (32,)},
        {"scope": ("layer",), "rounds": (4,), "protocol": PAIR, "width": (16,)},
    )
    return Study("tickets_and_curricula", QUESTION, CELL, grids, replicates=64)


PRESETS = {"quick": quick, "full": full}
