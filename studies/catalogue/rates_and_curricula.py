"""Does a learning rate that decays remove the benefit of a curriculum, and does averaging bring it back?

Online SGD of two-layer relu students on `teacher_student.tasks.xor_mixture` and `sparse_teacher`: at
constant rates, with cosine decay, with warm-up and decay at the end, and at constant rates with the average
of the iterates over the last fifth of the run. Benefit is the accuracy at the hard noise, curriculum minus
a control, paired by replicate, each arm at its own best peak rate. arXiv 2511.18903 asks this of language
models.
"""

from studies.cells.online import OnlineCell
from studies.study import Grid, Study

PROTOCOLS = ("curriculum", "no_curriculum", "no_curriculum_then_target")
CELL = OnlineCell(n_inputs=100, learning_rate=0.6, budget=200.0, record_every=40.0, record=("test_accuracy",))

#: Share of the run over which iterates are averaged.
TAIL = 0.2
#: Schedule and average -> peak rates of the full study.
RUNS = {
    ("constant", 0.0): (0.15, 0.3, 0.6, 1.2, 2.4),
    ("constant", TAIL): (0.15, 0.3, 0.6, 1.2, 2.4, 4.8),
    ("cosine", 0.0): (0.3, 0.6, 1.2, 2.4, 4.8, 9.6),
    ("warmup_stable_decay", 0.0): (0.3, 0.6, 1.2, 2.4, 4.8),
}
#: Task -> hard noise, budget.
TASKS = {"xor_mixture": (1.0, 200.0), "sparse_teacher": (4.0, 20.0)}


def _grids(widths: tuple[int, ...], rates: tuple[float, ...] = ()) -> tuple[Grid, ...]:
    """A grid for each task and run, at the rates given or at its own."""
    return tuple(
        {
            "task": (task,),
            "hard.noise": (noise,),
            "budget": (budget,),
            "record_every": (budget / 5,),
            "rate_schedule": (schedule,),
            "average": (average,),
            "learning_rate": rates or own,
            "protocol": PROTOCOLS,
            "width": widths,
        }
        for task, (noise, budget) in TASKS.items()
        for (schedule, average), own in RUNS.items()
    )


def quick() -> Study:
    """Two widths, two rates."""
    return Study(CELL, _grids((4, 16), (0.6, 1.2)), replicates=16, rows=16)


def full() -> Study:
    """Three widths, five or six peak rates, larger ones where rates decay."""
    return Study(CELL, _grids((4, 8, 16)), replicates=32)


PRESETS = {"quick": quick, "full": full}
