"""Can a wide teacher's guidance replace the curriculum of a narrow student, and what does it cost?

Online SGD on `teacher_student.tasks.xor_mixture` of narrow students that learn from labels only, or from the
output of a wide network (`teacher_student.students.pair`): while it learns from the same samples
(progressive), or after it has stopped at a time t of its own run (a checkpoint; at the end of the run the
final teacher), on fresh samples. Teacher and student learn at one rate and see their samples in the order
that the protocol says, or the teacher in that of a curriculum and its student shuffled. Cost is counted in
training FLOPs with and without the teacher's. arXiv 2410.05464 does this on parities, without curricula.
"""

from collections.abc import Mapping

from studies.cells.online import OnlineCell
from studies.study import Grid, Study

PROTOCOLS = ("curriculum", "no_curriculum")
CELL = OnlineCell(n_inputs=100, learning_rate=0.6, budget=200.0, record_every=20.0)


def grids(
    widths: tuple[int, ...],
    rates: tuple[float, ...],
    stops: Mapping[int, tuple[float, ...]],
    *,
    few: tuple[int, ...] = (),
    slow: float = 0.0,
    lesson: float = 0.0,
) -> tuple[Grid, ...]:
    """Labels only, and the teachers alone; then teachers: width -> times at which they stop, 0 progressive.

    Of two teachers the second teaches the `few` widths; labels alone have a `slow` rate more. At the time
    `lesson` the first teacher is taken from a curriculum, too, for students on shuffled samples.
    """
    shared = {"protocol": PROTOCOLS}
    taught = shared | {"student": ("pair",), "learning_rate": rates}
    labels = (slow, *rates) if slow else rates
    found: list[Grid] = [
        shared | {"student": ("two_layer",), "learning_rate": labels, "width": (*widths, *stops)}
    ]
    for (wide, times), own in zip(stops.items(), (widths, few), strict=False):
        found.append(taught | {"teacher_width": (wide,), "checkpoint": times, "width": own})
    if lesson:
        apart = {"teacher_protocol": PROTOCOLS[:1], "protocol": PROTOCOLS[1:], "checkpoint": (lesson,)}
        found.append(taught | apart | {"teacher_width": (next(iter(stops)),), "width": widths})
    return tuple(found)


def quick() -> Study:
    """One width, two rates, a teacher of 64 units, progressive and at two times."""
    return Study(CELL, grids((4,), (0.6, 1.2), {64: (0.0, 60.0, 200.0)}, lesson=60.0), replicates=8, rows=8)


def full() -> Study:
    """Four widths, four rates, teachers of 64 units, progressive and at four times, and of 256."""
    stops = {64: (0.0, 20.0, 60.0, 100.0, 200.0), 256: (0.0, 60.0, 200.0)}
    rates = (0.3, 0.6, 1.2, 2.4)
    swept = grids((2, 4, 8, 16), rates, stops, few=(4, 16), slow=0.15, lesson=60.0)
    return Study(CELL, swept, replicates=16, rows=16)


PRESETS = {"quick": quick, "full": full}
