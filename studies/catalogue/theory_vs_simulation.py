"""Do simulated runs follow the N -> infinity equations, and how fast does the gap close as N grows?

All three tasks under the curriculum. The equations and the simulations at every N start from the same
order parameters; a single run then departs from the equations by fluctuations of order N^-1/2, the mean
of runs by order 1/N.
"""

from studies.cells.online import OnlineCell
from studies.study import Study

TASKS = (("xor_mixture", "relu"), ("sparse_teacher", "erf"), ("committee", "erf"))
CELL = OnlineCell(
    width=4,
    learning_rate=0.5,
    easy={"noise": 0.1},
    hard={"noise": 1.0},
    budget=40.0,
    record_every=2.0,
    record=("test_loss", "M", "Q", "v"),
    start_inputs=100,
)


def _study(sizes: tuple[int, ...], widths: tuple[int, ...], replicates: int) -> Study:
    grids = tuple(
        {"task": (task,), "activation": (activation,), "width": widths} | axes
        for task, activation in TASKS
        for axes in (
            {"method": ("theory",), "n_inputs": sizes[:1]},
            {"method": ("gram",), "n_inputs": sizes},
        )
    )
    return Study(CELL, grids, replicates)


def quick() -> Study:
    """Three N at K = 4."""
    return _study((100, 400, 1600), (4,), 32)


def full() -> Study:
    """Five N up to 25,600, and K = 2, 4, 8."""
    return _study((100, 400, 1600, 6400, 25600), (2, 4, 8), 64)


PRESETS = {"quick": quick, "full": full}
