"""Does a curriculum from biased to uniform bits help to learn a parity, and does that fade with width?

A small share of the inputs has few -1, so that single bits say something of the label; these are shown first,
then all (arXiv 2306.16921). All arms show as many examples.
"""

from studies.cells.finite import FiniteCell
from studies.study import Study

#: Share of inputs with few -1, and their probability of -1.
SHARE, FEW = 0.1, 0.05
CELL = FiniteCell(
    source="parity",
    n_inputs=20,
    bits=(1, 2, 3, 4, 5),
    easy={"flip": FEW},
    hard={"flip": 0.5},
    easy_fraction=SHARE,
    n_examples=2000,
    student="mlp",
    loss="hinge",
    learning_rate=2.0,
    batch_size=20,
    epochs=40,
    record_every=2,
    pacing="step",
    a=0.3,
    b=SHARE,
    n_test=1000,
)
PROTOCOLS = ("curriculum", "random", "standard")


def quick() -> Study:
    """Two widths."""
    return Study(CELL, ({"protocol": PROTOCOLS, "width": (25, 100)},), replicates=4, rows=4)


def full() -> Study:
    """More widths and epochs."""
    swept = {"epochs": (100,), "protocol": PROTOCOLS, "width": (25, 50, 100, 200, 400)}
    return Study(CELL, (swept,), replicates=5, rows=5)


PRESETS = {"quick": quick, "full": full}
