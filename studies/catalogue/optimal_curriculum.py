"""Which order of easy and hard samples is best, what does any other lose, and does width make it matter less?

For every task, width and learning rate the best schedule is found through the N -> infinity equations
(`teacher_student.theory.control`) and run as SGD beside curriculum, anti-curriculum, shuffled samples and a
ramp, all with the same easy share. The committee has M = 2 units: students from K < M to K > M.
"""

from studies.cells.control import PROTOCOLS, ControlCell
from studies.study import Grid, Study

CELL = ControlCell(
    task="sparse_teacher",
    easy={"noise": 0.0},
    hard={"noise": 2.0},
    learning_rate=1.0,
    budget=6.0,
    record_every=1.0,
)


#: Task -> activation, easy and hard noise, budget.
TASKS = {
    "sparse_teacher": ("erf", 0.0, 2.0, 6.0),
    "committee": ("erf", 0.0, 0.5, 24.0),
    "xor_mixture": ("relu", 0.1, 1.0, 24.0),
}


def _grid(task: str, widths: tuple[int, ...], **axes: tuple[float, ...]) -> Grid:
    activation, easy, hard, budget = TASKS[task]
    return {
        "task": (task,),
        "activation": (activation,),
        "easy.noise": (easy,),
        "hard.noise": (hard,),
        "budget": (budget,),
        "record_every": (budget / 6,),
        **axes,
        "protocol": PROTOCOLS,
        "width": widths,
    }


def quick() -> Study:
    """One rate, few widths."""
    grids = (_grid("sparse_teacher", (1, 2, 6)), _grid("committee", (1, 2, 6)), _grid("xor_mixture", (2,)))
    return Study(CELL, grids, replicates=64, rows=64)


def full() -> Study:
    """More widths; three rates, so that every order may have its own best."""
    rates = {"learning_rate": (0.5, 1.0, 2.0)}
    grids = (
        _grid("sparse_teacher", (1, 2, 4, 6, 12), **rates),
        _grid("committee", (1, 2, 4, 6, 12), **rates),
        _grid("xor_mixture", (2, 4), **rates),
    )
    return Study(CELL, grids, replicates=64, rows=64)


PRESETS = {"quick": quick, "full": full}
