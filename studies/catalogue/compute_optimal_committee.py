"""Which width is best at a fixed cost when a committee of many units of unequal weight is learned?

Online SGD of two-layer erf students on `teacher_student.tasks.committee` with M = 16 teacher units whose
readouts fall as m^-beta. A student that has learned the P largest units is left with an error of about
P^(1 - 2 beta); arXiv 2605.10395 finds the error to fall with the number n of samples as n^(1 / (2 beta) - 1).
Runs of one cost as in compute_optimal; hard samples have label noise, easy ones none, and the loss is that of
the noiseless label.
"""

from studies.catalogue.compute_optimal import SHORTEST, Rates, equal_cost
from studies.cells.online import OnlineCell
from studies.study import Grid, Study

#: Exponents of the readouts.
DECAYS = (1.0, 2.0)
LONGEST = 8192.0
#: Of runs at constant rates and of those with decay, whose best peak rate is larger.
RATES: dict[str, Rates] = {
    "constant": {
        0.01: (1024.0, 4096.0),
        0.03: (256.0, LONGEST),
        0.08: (64.0, LONGEST),
        0.2: (SHORTEST, LONGEST),
        0.5: (SHORTEST, 4096.0),
        1.2: (SHORTEST, 1024.0),
        3.0: (SHORTEST, 256.0),
        7.5: (SHORTEST, 32.0),
    },
    "warmup_stable_decay": {
        0.03: (1024.0, LONGEST),
        0.08: (128.0, LONGEST),
        0.2: (SHORTEST, LONGEST),
        0.5: (SHORTEST, 4096.0),
        1.2: (SHORTEST, 4096.0),
        3.0: (SHORTEST, 2048.0),
        7.5: (SHORTEST, 256.0),
    },
}
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
    rates = {rate: RATES["warmup_stable_decay"][rate] for rate in (0.5, 1.2)}
    grids = equal_cost((256, 1024, 4096), (2, 4, 8, 16), rates, rate_schedule=("warmup_stable_decay",))
    return Study(CELL, grids, replicates=8, rows=8)


def full() -> Study:
    """Eight costs, a factor of two apart, two exponents, both schedules, four to seven rates."""
    costs, widths = tuple(2.0**n for n in range(6, 14)), (1, 2, 4, 8, 16, 32)
    grids: list[Grid] = []
    for schedule, rates in RATES.items():
        axes = {"rate_schedule": (schedule,), "options.decay": DECAYS}
        grids += equal_cost(costs, widths, rates, **axes)
    return Study(CELL, tuple(grids), replicates=16, rows=16)


PRESETS = {"quick": quick, "full": full}
