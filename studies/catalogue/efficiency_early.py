"""Is a mask that is drawn early a cheaper way to an accuracy than a small network?

Tickets of four of 16 units on the XOR-like Gaussian mixture, drawn at shares of a dense run and trained on
fresh samples, over budget, learning rate and protocol: those of the study efficiency, whose figure `ways`
shows both. Mask and ticket have the same protocol and budget, and the dense run counts up to the mask.
"""

from studies.cells.tickets.drawn import OnlineDrawn
from studies.study import Grid, Study

PAIR = ("curriculum", "no_curriculum")
#: Shares of the dense run after which masks are drawn; its easy samples end at 0.3.
SHARES = (0.05, 0.1, 0.2, 0.4)


def steps(budget: int) -> tuple[int, ...]:
    """The steps at which masks are drawn."""
    return tuple(round(share * budget) for share in SHARES)


CELL = OnlineDrawn(
    width=16, n_steps=20000, n_records=20, n_test=2048, fraction=0.5, scope="units", rounds=2, fresh=True,
    drawn=steps(20000),
)  # fmt: skip


def grids(budgets: tuple[int, ...], rates: tuple[float, ...]) -> tuple[Grid, ...]:
    """A grid for each budget, as the steps of masks follow it."""
    return tuple(
        {"n_steps": (n,), "drawn": (steps(n),), "learning_rate": rates, "protocol": PAIR} for n in budgets
    )


def quick() -> Study:
    """Three budgets, three rates."""
    return Study(CELL, grids((7500, 15000, 30000), (0.3, 0.6, 0.8)), replicates=16, rows=16)


def full() -> Study:
    """Six budgets, four rates."""
    budgets = (5000, 7500, 10000, 15000, 20000, 30000)
    return Study(CELL, grids(budgets, (0.3, 0.6, 0.8, 1.0)), replicates=32)


PRESETS = {"quick": quick, "full": full}
