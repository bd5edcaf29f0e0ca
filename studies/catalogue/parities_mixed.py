"""Does a curriculum from biased to uniform bits help to learn a parity, and does that fade with width?

A small share of the inputs has few -1, so that single bits say something of the label; these are shown first,
then all (arXiv 2306.16921). All arms show as many examples.
"""

from dataclasses import replace

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
    """Five of twenty bits, two widths."""
    return Study(CELL, ({"protocol": PROTOCOLS, "width": (25, 100)},), replicates=4, rows=4)


def full() -> Study:
    """Five, seven and ten of a hundred bits; one input of a hundred has few -1, one on average.

    Logistic loss and weight decay, as what the first inputs teach must outgrow the start.
    """
    cell = replace(CELL, n_inputs=100, easy={"flip": 0.01}, easy_fraction=0.01, b=0.01, a=0.2)
    cell = replace(cell, n_examples=50_000, batch_size=50, epochs=15, record_every=1)
    cell = replace(cell, loss="logistic", learning_rate=20.0, weight_decay=0.003)
    bits = tuple(tuple(range(1, k + 1)) for k in (5, 7, 10))
    return Study(cell, ({"bits": bits, "protocol": PROTOCOLS, "width": (16, 48, 128)},), replicates=4, rows=4)


PRESETS = {"quick": quick, "full": full}
