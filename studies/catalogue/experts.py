"""Does a mixture of experts need the curriculum less than a dense student, and who takes which cluster?

Online SGD on `teacher_student.tasks.xor_mixture` of a dense student (a single expert), of four experts that
all count for every input, and of four of which the two with the largest gates count. Compared are students
of equal weights, and of equal weights that count for an input, gates included; benefit is the accuracy at the
hard noise over the same samples shuffled, and over samples that end as the curriculum does, each arm at its
own best rate. The weight of every expert within every cluster is recorded over time, with and without
rule_curriculum, which shows one cluster of each label first.
"""

from studies.cells.online import OnlineCell
from studies.study import Grid, Study

PROTOCOLS = ("curriculum", "no_curriculum", "no_curriculum_then_target", "rule_curriculum")
CELL = OnlineCell(
    n_inputs=100,
    student="experts",
    learning_rate=0.6,
    budget=200.0,
    record_every=20.0,
    record=("test_accuracy", "gate_share"),
)

#: Experts, active ones (0: all) -> units of students with 8, 16 and 32 rows of N weights that count.
STUDENTS = {(1, 0): (8, 16, 32), (4, 0): (4, 12, 28), (4, 2): (8, 24, 56)}


def _grids(sizes: slice, rates: tuple[float, ...]) -> tuple[Grid, ...]:
    return tuple(
        {
            "experts": (experts,),
            "active": (active,),
            "learning_rate": rates,
            "protocol": PROTOCOLS,
            "width": widths[sizes],
        }
        for (experts, active), widths in STUDENTS.items()
    )


def quick() -> Study:
    """Two sizes, two rates."""
    return Study(CELL, _grids(slice(2), (0.6, 1.2)), replicates=16, rows=16)


def full() -> Study:
    """Three sizes, six rates."""
    return Study(CELL, _grids(slice(3), (0.15, 0.3, 0.6, 1.2, 2.4, 4.8)), replicates=24, rows=24)


PRESETS = {"quick": quick, "full": full}
