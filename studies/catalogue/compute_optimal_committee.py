"""Which width is best at a fixed cost when a committee of many units of unequal weight is learned?

Online SGD of two-layer erf students on `teacher_student.tasks.committee` with M = 16 teacher units whose
readouts fall as m^-beta. A student that has learned the P largest units is left with an error of about
P^(1 - 2 beta); arXiv 2605.10395 finds the error to fall with the number n of samples as n^(1 / (2 beta) - 1).
Runs of one cost as in compute_optimal; hard samples have label noise, easy ones none, and the loss is that of
the noiseless label.
"""

from studies.catalogue.compute_optimal import SCHEDULES, SHORTEST, equal_cost
from studies.cells.online import OnlineCell
from studies.study import Study

#: Exponents of the readouts.
DECAYS = (1.0, 2.0)
CELL = OnlineCell(
    task="committee",
    n_inputs=100,
    options={"teacher_units": 16.0, "decay": 1.0},
    activation="erf",
    easy={"noise": 0.0},
    hard={"noise": 0.1},
    budget=SHORTEST,
    record_every=SHORTEST,
    n_test=2,
    record=("test_loss",),
)


def quick() -> Study:
    """Three costs, one exponent, decay only, two rates."""
    grids = equal_cost((256, 1024, 4096), (4, 8, 16, 32), (0.5, 2.0), rate_schedule=SCHEDULES[1:])
    return Study(CELL, grids, replicates=8, rows=8)


def full() -> Study:
    """Eight costs, a factor of two apart, two exponents, both schedules, three rates."""
    axes = {"rate_schedule": SCHEDULES, "options.decay": DECAYS}
    costs = tuple(2.0**n for n in range(7, 15))
    grids = equal_cost(costs, (2, 4, 8, 16, 32), (0.5, 1.0, 2.0), **axes)
    return Study(CELL, grids, replicates=16, rows=16)


PRESETS = {"quick": quick, "full": full}
