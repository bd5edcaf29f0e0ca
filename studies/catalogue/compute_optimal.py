"""Which width is best at a fixed cost of training, and does a curriculum move it?

Online SGD of two-layer relu students on `teacher_student.tasks.xor_mixture`. Runs of one cost C, in training
operations (`teacher_student.flops`, proportional to K D for D samples), on many samples of a narrow student
or few of a wide one, over two decades of C, at constant rates and with warm-up and decay at the end of a run,
every width, cost and arm at its own best peak rate. An order is that of a whole run, so a run at constant
rates gives one D only, as one with decay does.
"""

from collections.abc import Sequence

from studies.cells.online import OnlineCell
from studies.study import Grid, Study

PAIR = ("curriculum", "no_curriculum")
SCHEDULES = ("constant", "warmup_stable_decay")
#: Shortest and longest runs, in units of N samples; the first is also the time between two records.
SHORTEST, LONGEST = 16.0, 2048.0
CELL = OnlineCell(
    n_inputs=100,
    hard={"noise": 0.5},
    budget=SHORTEST,
    record_every=SHORTEST,
    n_test=2048,
    record=("test_loss", "test_accuracy"),
)


def equal_cost(
    costs: Sequence[float], widths: Sequence[int], rates: Sequence[float], **more: Sequence
) -> tuple[Grid, ...]:
    """A grid for every width at every cost K D / N that it can spend.

    Parameters
    ----------
    costs : values of K D / N
    widths : K of all students
    rates : peak rates
    more : further axes

    Raises
    ------
    ValueError
        In one line, for a cost that fewer than three widths can spend: a curve needs a minimum.
    """
    found: list[Grid] = []
    for cost in costs:
        spent = {width: cost / width for width in widths if SHORTEST <= cost / width <= LONGEST}
        if len(spent) < 3:
            raise ValueError(
                f"cost {cost:g} can be spent by {len(spent)} of the widths {', '.join(map(str, widths))} in "
                f"runs of {SHORTEST:g} to {LONGEST:g}; need three: take other costs or widths"
            )
        own = ({"width": (width,), "budget": (budget,)} for width, budget in spent.items())
        found += [{**more, **one, "learning_rate": tuple(rates), "protocol": PAIR} for one in own]
    return tuple(found)


def quick() -> Study:
    """Three costs, decay only, two rates."""
    grids = equal_cost((256, 1024, 4096), (4, 8, 16, 32), (0.5, 1.2), rate_schedule=SCHEDULES[1:])
    return Study(CELL, grids, replicates=8, rows=8)


def full() -> Study:
    """Eight costs, a factor of two apart, both schedules, four rates."""
    costs = tuple(2.0**n for n in range(7, 15))
    grids = equal_cost(costs, (2, 4, 8, 16, 32, 64), (0.2, 0.5, 1.2, 3.0), rate_schedule=SCHEDULES)
    return Study(CELL, grids, replicates=16, rows=16)


PRESETS = {"quick": quick, "full": full}
