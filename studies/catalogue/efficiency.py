"""How much smaller or cheaper may a network be if it gets a curriculum?

Two-layer relu students on the XOR-like Gaussian mixture: weights and training FLOPs needed for a target
accuracy, over width, share of units left by pruning, learning rate, protocol and budget. The budget is fixed
before a run and the curriculum is scaled to it, so a run counts with its whole order, easy and hard part.
"""

from studies.cells.tickets.online import OnlineTickets
from studies.study import Study

PAIR = ("curriculum", "no_curriculum")
CELL = OnlineTickets(
    n_steps=20000,
    n_records=5,
    n_test=2048,
    fraction=0.5,
    scope="units",
    rounds=0,
    arms=("ticket",),
    fresh=True,
)


def quick() -> Study:
    """Dense networks of 3 to 16 units and tickets of 16; three rates, three budgets."""
    grid = {"n_steps": (7500, 15000, 30000), "learning_rate": (0.3, 0.6, 0.8), "protocol": PAIR}
    grids = (grid | {"width": (3, 4, 8, 16)}, grid | {"rounds": (3,), "width": (16,)})
    return Study(CELL, grids, replicates=16, rows=16)


def full() -> Study:
    """Dense networks of 3 to 16 units at seven rates, tickets of 16 at five, seven budgets."""
    budgets = {"n_steps": (5000, 7500, 10000, 15000, 20000, 30000, 45000), "protocol": PAIR}
    grids = (
        budgets | {"learning_rate": (0.2, 0.3, 0.45, 0.6, 0.8, 1.0, 1.4), "width": (3, 4, 6, 8, 16)},
        budgets | {"learning_rate": (0.2, 0.3, 0.6, 0.8, 1.0), "rounds": (3,), "width": (16,)},
    )
    return Study(CELL, grids, replicates=48)


PRESETS = {"quick": quick, "full": full}
