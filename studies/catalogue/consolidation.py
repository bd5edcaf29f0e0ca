"""Does an elastic pull to what easy examples taught make learning in two steps better than all at once?

A fit of the easy examples, then one of the hard ones that is pulled to where the first one ended
(arXiv 2106.08068). A linear student, whose fits are convex and exact, and two-layer students of growing
width. The pull is tuned on replicates that take no part in the result.
"""

from dataclasses import replace
from typing import Any

from studies.cells.consolidation import PROTOCOLS, ConsolidationCell
from studies.study import Study

COUPLINGS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
CELL = ConsolidationCell()
#: Descent of two layers ends at its minimum at this rate.
DESCENT: dict[str, Any] = {"learning_rate": 20.0, "n_steps": 500}
SINGLE = ("all_at_once", "hard_only", "easy_only")


def quick() -> Study:
    """The linear student, ridge and pull on a grid."""
    swept = {"ridge": (0.003, 0.01, 0.1), "coupling": COUPLINGS, "protocol": tuple(PROTOCOLS)}
    return Study(CELL, (swept,), replicates=10, rows=10)


def full() -> Study:
    """One more ridge, and two-layer students, whose single fits need no grid of pulls."""
    linear = {"ridge": (0.003, 0.01, 0.03, 0.1), "coupling": COUPLINGS, "protocol": tuple(PROTOCOLS)}
    wide = {"student": ("two_layer",), "ridge": (0.003, 0.01, 0.1), "width": (2, 4, 8, 16, 32)}
    single = wide | {"coupling": (1.0,), "protocol": SINGLE}
    twice = wide | {"coupling": COUPLINGS[:-1], "protocol": ("easy_to_hard",)}
    return Study(replace(CELL, **DESCENT), (linear, single, twice), replicates=10, rows=10)


PRESETS = {"quick": quick, "full": full}
