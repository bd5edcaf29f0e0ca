"""Do pruned networks win because of their initial weights, and down to which size?

Iterative magnitude pruning of LeNet on images (Frankle & Carbin, ICLR 2019, arXiv 1803.03635): test accuracy
and early-stopping step against the weights left, for tickets, the same masks on other initial weights,
and random masks.
"""

from studies.cells.tickets.base import ARMS
from studies.cells.tickets.images import ImageTickets
from studies.study import Study

PROTOCOLS = ("no_curriculum",)


def quick() -> Study:
    """LeNet of 60 and 20 units on digits, 13 rounds to 0.06 of the weights, all arms."""
    cell = ImageTickets(width=20, n_steps=400, n_records=20, batch_size=40, rounds=13, arms=ARMS)
    return Study(cell, ({"protocol": PROTOCOLS},), replicates=24, rows=24)


def full() -> Study:
    """LeNet-300-100 on 4000 images of MNIST, 17 rounds to 0.02 of the weights."""
    cell = ImageTickets(
        data_set="mnist",
        n_examples=4000,
        n_validation=1000,
        n_test=2000,
        n_steps=800,
        n_records=20,
        rounds=17,
    )
    return Study(cell, ({"protocol": PROTOCOLS},), replicates=8, rows=8)


PRESETS = {"quick": quick, "full": full}
