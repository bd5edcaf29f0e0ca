"""Order: how hard each example is, in which order to show them, and how many at a time.

One sign everywhere: a higher score means a harder example. The parts can be used alone, in any
training loop, since what comes out are plain index arrays:

    ranking = load_ranking("cifar100-cscores-orig-order.npz", labels=labels)   # a published file
    ranking = rank("el2n", images, labels)                                     # or trained here
    path    = order(ranking, "curriculum")                                     # permutation, easiest first
    pacing  = pace("linear", total=10_000, a=0.8, b=0.2)                       # step -> fraction in (0, 1]

and `Sampler(ranking, pacing=pacing, batch_size=128, seed=0)` gives the batches of any training loop, the same
for every number of workers and replicas and after any interruption. Importing the package loads neither
JAX nor any scorer or framework; `python -m curricula list` prints what there is to choose from.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curricula.difficulty.menu import rank
    from curricula.difficulty.stored import load_ranking
    from curricula.ordering import order
    from curricula.pacing import pace
    from curricula.ranking import Ranking
    from curricula.sampler import Sampler

__all__ = ["Ranking", "Sampler", "load_ranking", "order", "pace", "rank"]

_HOME = {
    "Ranking": "curricula.ranking",
    "Sampler": "curricula.sampler",
    "load_ranking": "curricula.difficulty.stored",
    "order": "curricula.ordering",
    "pace": "curricula.pacing",
    "rank": "curricula.difficulty.menu",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'curricula' has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
