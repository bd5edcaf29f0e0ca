"""Can a wide teacher's guidance replace the curriculum of a narrow student, and what does it cost?

Online SGD on `teacher_student.tasks.xor_mixture` of narrow students that learn from labels only, or from the
output of a wide network: while it learns from the same samples (progressive), or after it has stopped at a
time t of its own run (a checkpoint, the end of the run among them), on fresh samples. Teacher and student see
their samples in the order that the protocol says. Cost is counted in training FLOPs with and without the
teacher's. arXiv 2410.05464 does this on parities, without curricula.
"""

from studies.cells.online import OnlineCell
from studies.study import Grid, Study

PROTOCOLS = ("curriculum", "no_curriculum", "no_curriculum_then_target")
CELL = OnlineCell(n_inputs=100, learning_rate=0.6, budget=200.0, record_every=20.0)


def _grids(
    widths: tuple[int, ...], rates: tuple[float, ...], checkpoints: tuple[float, ...], wide: tuple[float, ...]
) -> tuple[Grid, ...]:
    """Labels only, and the teachers alone; teachers of 64 units at all checkpoints, of 256 at some."""
    pair = {"student": ("pair",), "learning_rate": rates, "protocol": PROTOCOLS, "width": widths}
    alone = {"student": ("two_layer",), "learning_rate": rates, "protocol": PROTOCOLS}
    grids: tuple[Grid, ...] = (
        alone | {"width": (*widths, 64)},
        pair | {"teacher_width": (64,), "checkpoint": checkpoints},
    )
    return (*grids, pair | {"teacher_width": (256,), "checkpoint": wide}) if wide else grids


def quick() -> Study:
    """One width, one rate, three checkpoints."""
    return Study(CELL, _grids((4,), (0.6,), (0.0, 60.0, 200.0), ()), replicates=8, rows=8)


def full() -> Study:
    """Four widths, two rates, progressive and five checkpoints."""
    return Study(
        CELL,
        _grids((2, 4, 8, 16), (0.3, 0.6), (0.0, 20.0, 60.0, 100.0, 200.0), (0.0, 200.0)),
        replicates=16,
        rows=16,
    )


PRESETS = {"quick": quick, "full": full}
