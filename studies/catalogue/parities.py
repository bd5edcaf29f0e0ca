"""Where does the benefit of a curriculum not fade with width: a parity of few bits among growing inputs?

The parity of bits 1, 5 and 8 of n, with n = 10, 30, 50 in turn, each until 95 % of its test set are right, or
n = 50 from the start; how many epochs until n = 50 is learnt.
"""

from dataclasses import replace

from studies.cells.finite import FiniteCell
from studies.study import Study

#: Rate 0.1, which is learning_rate / n_inputs.
CELL = FiniteCell(
    source="parity",
    n_inputs=50,
    bits=(1, 5, 8),
    stages=(10, 30, 50),
    stop=0.95,
    easy={"flip": 0.5},
    hard={"flip": 0.5},
    easy_fraction=0.0,
    n_examples=992,
    student="mlp",
    loss="hinge",
    learning_rate=5.0,
    weight_decay=0.01,
    batch_size=32,
    epochs=100,
    record_every=10,
    record=("solved",),
    protocol="standard",
    n_test=1000,
)
ARMS = ("growing_inputs", "standard")


def quick() -> Study:
    """A hundred epochs."""
    return Study(CELL, ({"protocol": ARMS, "width": (25, 100, 400)},), replicates=4, rows=4)


def full() -> Study:
    """Five hundred epochs."""
    swept = {"protocol": ARMS, "width": (25, 50, 100, 200, 400)}
    return Study(replace(CELL, epochs=500), (swept,), replicates=5, rows=5)


PRESETS = {"quick": quick, "full": full}
