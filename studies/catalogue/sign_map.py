"""Where does easy-to-hard beat hard-to-easy for a perceptron, and where is it the other way round?

A perceptron (one erf unit, fixed readout) learns a sign teacher on half of the inputs from alpha1 N easy
samples (no irrelevant inputs) and alpha2 N hard ones (irrelevant inputs of variance 1), in either order;
solved by the order-parameter equations, with simulations at a few points. The map has alpha1 + alpha2 =
budget and alpha1 = easy fraction x budget. arXiv 2106.08068 shows such a map for two stages of batch
learning; ours is one pass of online SGD, so the learning rate matters and is swept.
"""

from studies.cells.online import OnlineCell
from studies.study import Study

ORDERS = ("curriculum", "anti_curriculum", "no_curriculum")
CELL = OnlineCell(
    task="sparse_teacher",
    n_inputs=1000,
    options={"relevant": 0.5},
    width=1,
    activation="erf",
    train_readout=False,
    readout_start="sign",
    learning_rate=1.0,
    easy={"noise": 0.0},
    hard={"noise": 1.0},
    easy_fraction=0.5,
    budget=1.0,
    record_every=0.125,
    record=("test_accuracy",),
    method="theory",
    start_inputs=10**6,
)
#: Where simulations stand beside the equations.
CHECKED = {"method": ("auto",), "budget": (0.5, 1.0, 2.0), "easy_fraction": (0.2, 0.8)}


def study(budgets: tuple[float, ...], shares: tuple[float, ...], rates: tuple[float, ...]) -> Study:
    swept = {"learning_rate": rates, "budget": budgets, "easy_fraction": shares, "protocol": ORDERS}
    return Study(CELL, (swept, CHECKED | {"protocol": ORDERS}), replicates=128, rows=128)


def quick() -> Study:
    """A coarse map at three rates."""
    return study((0.25, 0.5, 1.0, 2.0), (0.2, 0.5, 0.8), (0.5, 1.0, 2.0, 4.0))


def full() -> Study:
    """A fine map; rates from small to too large, so that each order may have its own best."""
    budgets = (0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0)
    shares = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
    return study(budgets, shares, (0.5, 1.0, 2.0, 4.0, 8.0, 16.0))


PRESETS = {"quick": quick, "full": full}
