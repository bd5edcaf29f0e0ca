"""Which order of easy and hard samples is best, what does any other lose, and does width make it matter less?

For every task, width and learning rate the best schedule is found through the N -> infinity equations
(`teacher_student.theory.control`) and run as SGD beside curriculum, anti-curriculum, shuffled samples and a
ramp, all with the same easy share. What is hard differs: irrelevant inputs (`sparse_teacher`), wrong labels
(`committee`, M = 2 units: students from K < M to K > M), the spread of the clusters (`xor_mixture`).
"""

from studies.cells.control import PROTOCOLS, ControlCell
from studies.study import Grid, Study

CELL = ControlCell(
    task="sparse_teacher",
    easy={"noise": 0.0},
    hard={"noise": 2.0},
    learning_rate=1.0,
    budget=6.0,
    record_every=6.0,
    n_starts=8,
    restarts=4,
)

#: Task -> activation, easy and hard noise, budget, learning rates, that of them which all widths are run at.
TASKS = {
    "sparse_teacher": ("erf", 0.0, 2.0, 6.0, (1.0, 2.0, 4.0, 8.0), 2.0),
    "committee": ("erf", 0.0, 0.5, 24.0, (0.25, 0.5, 1.0, 2.0), 1.0),
    "xor_mixture": ("relu", 0.1, 0.5, 60.0, (0.5, 1.0, 2.0), 1.0),
}
#: Relu equations cost ten times as much, and 32 nodes are enough for what is sampled of them. At K = 4 what
#: is best for 4 students is not so for others.
CHEAPER: Grid = {"n_nodes": (16,), "n_starts": (4,), "iterations": (20,)}
LONGER: Grid = {"n_nodes": (16,), "n_starts": (16,)}


def _grid(
    task: str, widths: tuple[int, ...], rates: tuple[float, ...] = (), effort: Grid | None = None
) -> Grid:
    activation, easy, hard, budget, own, _ = TASKS[task]
    return {
        "task": (task,),
        "activation": (activation,),
        "easy.noise": (easy,),
        "hard.noise": (hard,),
        "budget": (budget,),
        "learning_rate": rates or own,
        "protocol": PROTOCOLS,
        "width": widths,
        **(effort or {}),
    }


def quick() -> Study:
    """One rate, few widths; without the XOR mixture, whose relu equations cost too much."""
    grids = (_grid("sparse_teacher", (1, 4), (1.0,)), _grid("committee", (1, 2, 4), (1.0,)))
    return Study(CELL, grids, replicates=64, rows=64)


def full() -> Study:
    """Several rates, so that every order may have its own best; K = 16, and 4 on the mixture, at one."""
    grids = [_grid(task, (1, 2, 4, 8)) for task in ("sparse_teacher", "committee")]
    grids += [_grid("xor_mixture", (2,), effort=CHEAPER)]
    grids += [_grid(task, (16,), TASKS[task][5:]) for task in ("sparse_teacher", "committee")]
    grids += [_grid("xor_mixture", (4,), TASKS["xor_mixture"][5:], LONGER)]
    return Study(CELL, tuple(grids), 64, rows=64)


PRESETS = {"quick": quick, "full": full}
