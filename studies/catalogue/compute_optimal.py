"""Which width is best at a fixed cost of training, and does a curriculum move it?

Online SGD of two-layer relu students on `teacher_student.tasks.xor_mixture`. Runs of one cost C, in training
operations (`teacher_student.flops`, proportional to K D for D samples), on many samples of a narrow student
or few of a wide one, over two decades of C, at constant rates and with warm-up and decay at the end of a run,
every width, cost and arm at its own best peak rate. An order is that of a whole run, so a run at constant
rates gives one D only, as one with decay does.
"""

from collections.abc import Mapping, Sequence

from studies.cells.online import OnlineCell
from studies.study import Grid, Study

PAIR = ("curriculum", "no_curriculum")
SCHEDULES = ("constant", "warmup_stable_decay")
#: Shortest and longest runs, in units of N samples; the first is also the time between two records.
SHORTEST, LONGEST = 16.0, 4096.0
#: Peak rates, and the shortest and longest runs that each is tried in.
Rates = Mapping[float, tuple[float, float]]
#: The longer a run, the smaller its best rate.
RATES: Rates = {
    0.03: (1024.0, LONGEST),
    0.08: (256.0, LONGEST),
    0.2: (SHORTEST, LONGEST),
    0.5: (SHORTEST, LONGEST),
    1.2: (SHORTEST, LONGEST),
    3.0: (SHORTEST, LONGEST),
    7.5: (SHORTEST, 64.0),
}
CELL = OnlineCell(
    n_inputs=100,
    hard={"noise": 0.5},
    budget=SHORTEST,
    record_every=SHORTEST,
    n_test=2048,
    record=("test_loss", "test_accuracy"),
)


def equal_cost(
    costs: Sequence[float], widths: Sequence[int], rates: Rates, **more: Sequence
) -> tuple[Grid, ...]:
    """A grid for every width at every cost K D / N that it can spend: in a run that a rate is tried in.

    Parameters
    ----------
    costs : values of K D / N
    widths : K of all students
    rates : peak rates, each with the shortest and the longest run that it is tried in
    more : further axes

    Raises
    ------
    ValueError
        In one line, for a cost that fewer than three widths can spend: a curve needs a minimum.
    """
    found: list[Grid] = []
    for cost in costs:
        tried = {
            width: tuple(rate for rate, (least, most) in rates.items() if least <= cost / width <= most)
            for width in widths
        }
        spent = {width: own for width, own in tried.items() if own}
        if len(spent) < 3:
            least, most = min(ends[0] for ends in rates.values()), max(ends[1] for ends in rates.values())
            raise ValueError(
                f"cost {cost:g} can be spent by {len(spent)} of the widths {', '.join(map(str, widths))} in "
                f"runs of {least:g} to {most:g}; need three: take other costs or widths"
            )
        for width, own in spent.items():
            one = {"width": (width,), "budget": (cost / width,), "learning_rate": own, "protocol": PAIR}
            found.append({**more, **one})
    return tuple(found)


def quick() -> Study:
    """Three costs, decay only, two rates."""
    rates = {rate: RATES[rate] for rate in (0.5, 1.2)}
    grids = equal_cost((256, 1024, 4096), (4, 8, 16, 32), rates, rate_schedule=SCHEDULES[1:])
    return Study(CELL, grids, replicates=8, rows=8)


def full() -> Study:
    """Eight costs, a factor of two apart, both schedules, four to six rates."""
    costs = tuple(2.0**n for n in range(7, 15))
    grids = equal_cost(costs, (2, 4, 8, 16, 32, 64), RATES, rate_schedule=SCHEDULES)
    return Study(CELL, grids, replicates=16, rows=16)


PRESETS = {"quick": quick, "full": full}
