"""How does the benefit of a curriculum change with width when a committee learns a committee?

Online SGD on `teacher_student.tasks.committee` with M = 4 teacher units and students from narrower (K < M)
to overparameterised (K > M). Two kinds of difficulty: label noise (no label noise, then much), and the
variance of the irrelevant inputs (little, then much). Benefit is the generalisation error at the hard level,
shuffled minus curriculum, paired by replicate: above 0 the curriculum helps.
"""

from studies.cells.online import OnlineCell
from studies.study import Study

PROTOCOLS = ("curriculum", "anti_curriculum", "no_curriculum", "target_only")
WIDTHS = (2, 4, 8, 16, 32, 64)
#: The two difficulties as hard levels; the easy level has neither.
LABEL_NOISE = {"hard.noise": (0.5,), "hard.irrelevant": (0.1,)}
DISTRACTORS = {"hard.noise": (0.0,), "hard.irrelevant": (4.0,)}
CELL = OnlineCell(
    task="committee",
    n_inputs=300,
    options={"teacher_units": 4.0, "relevant": 0.5},
    activation="erf",
    learning_rate=0.5,
    easy={"noise": 0.0, "irrelevant": 0.1},
    hard={"noise": 0.5, "irrelevant": 0.1},
    budget=100.0,
    record_every=5.0,
    record=("test_loss",),
)


def quick() -> Study:
    """One budget, both difficulties."""
    grids = tuple(kind | {"protocol": PROTOCOLS, "width": WIDTHS} for kind in (LABEL_NOISE, DISTRACTORS))
    return Study(CELL, grids, replicates=32)


def full() -> Study:
    """Three budgets; learning rates, so that each arm may have its own best."""
    pair = ("curriculum", "no_curriculum")
    grids = tuple(
        kind | axes
        for kind in (LABEL_NOISE, DISTRACTORS)
        for axes in (
            {"budget": (50.0, 100.0, 200.0), "protocol": PROTOCOLS, "width": WIDTHS},
            {"learning_rate": (0.1, 0.25, 0.5, 1.0, 2.0), "protocol": pair, "width": WIDTHS},
        )
    )
    return Study(CELL, grids, replicates=32)


PRESETS = {"quick": quick, "full": full}
