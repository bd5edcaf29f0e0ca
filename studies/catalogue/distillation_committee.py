"""Can a wide teacher's guidance replace the curriculum where a narrow committee learns a committee?

As `studies.catalogue.distillation`, in the world of `studies.catalogue.committee`, with label noise as
difficulty and the generalisation error as what is measured: networks of erf units learn M = 4 of them.
"""

from dataclasses import replace

from studies.catalogue import committee
from studies.catalogue.distillation import grids
from studies.study import Study

CELL = replace(committee.CELL, n_inputs=100, learning_rate=0.15)


def quick() -> Study:
    """One width, two rates, a teacher of 64 units, progressive and at two times."""
    return Study(CELL, grids((4,), (0.15, 0.5), {64: (0.0, 30.0, 100.0)}, lesson=30.0), replicates=8, rows=8)


def full() -> Study:
    """Four widths, four rates, teachers of 64 units, progressive and at three times, and of 256."""
    stops = {64: (0.0, 5.0, 30.0, 100.0), 256: (0.0, 30.0, 100.0)}
    swept = grids((2, 4, 8, 16), (0.05, 0.15, 0.5, 1.5), stops, few=(4, 16), slow=0.015, lesson=30.0)
    return Study(CELL, swept, replicates=16, rows=16)


PRESETS = {"quick": quick, "full": full}
