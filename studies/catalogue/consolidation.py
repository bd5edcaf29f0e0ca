"""Does an elastic pull to what easy examples taught make learning in two steps better than all at once?

A fit of the easy examples, then one of the hard ones that is pulled to where the first one ended
(arXiv 2106.08068). A linear student, whose fits are convex and exact, and two-layer students of growing
width. The pull is tuned on replicates that take no part in the result.
"""

from studies.cells.consolidation import PROTOCOLS, ConsolidationCell
from studies.study import Study

COUPLINGS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
CELL = ConsolidationCell()
WIDE = {"student": ("two_layer",), "coupling": (1e-3, 1e-2, 3e-2, 1e-1, 3e-1), "ridge": (1e-3, 1e-2)}


def quick() -> Study:
    """The linear student, ridge and pull on a grid."""
    swept = {"ridge": (0.003, 0.01, 0.1), "coupling": COUPLINGS, "protocol": tuple(PROTOCOLS)}
    return Study(CELL, (swept,), replicates=10, rows=10)


def full() -> Study:
    """More replicates of it, and two-layer students."""
    linear = {"ridge": (0.003, 0.01, 0.03, 0.1), "coupling": COUPLINGS, "protocol": tuple(PROTOCOLS)}
    wide = WIDE | {"protocol": tuple(PROTOCOLS), "width": (2, 4, 8, 16, 32)}
    return Study(CELL, (linear, wide), replicates=20, rows=20)


PRESETS = {"quick": quick, "full": full}
