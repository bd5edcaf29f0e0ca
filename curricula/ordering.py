"""Orderings: in which order the examples become available.

    curriculum       easiest first
    anti_curriculum  hardest first
    random           a permutation drawn from the key
    standard         the data set's own order, 0..P-1

Any of them can be class-balanced: round r holds the r-th example of every class, and a round is
sorted by the position in the unbalanced order. Source of the four and of the balancing: Wu, Dyer,
Neyshabur, ICLR 2021, arXiv 2012.03107, sec. 3.
"""

from collections.abc import Callable

import numpy as np

from curricula.randomness import Key, generator
from curricula.ranking import Ranking
from curricula.sorting import stable_order
from teacher_student.checks import known


def _curriculum(ranking: Ranking, key: Key) -> np.ndarray:
    return stable_order(ranking.scores)


def _anti_curriculum(ranking: Ranking, key: Key) -> np.ndarray:
    return stable_order(ranking.scores, descending=True)


def _random(ranking: Ranking, key: Key) -> np.ndarray:
    return generator(key).permutation(len(ranking))


def _standard(ranking: Ranking, key: Key) -> np.ndarray:
    return np.arange(len(ranking))


ORDERINGS: dict[str, Callable[[Ranking, Key], np.ndarray]] = {
    "curriculum": _curriculum,
    "anti_curriculum": _anti_curriculum,
    "random": _random,
    "standard": _standard,
}


def order(ranking: Ranking, name: str = "curriculum", key: Key = 0, *, balanced: bool = False) -> np.ndarray:
    """Indices of the examples in the order in which they become available.

    Parameters
    ----------
    ranking : Ranking
        Higher = harder. Ties keep the order of the data set, in every ordering.
    name : {"curriculum", "anti_curriculum", "random", "standard"}
    key : int, numpy Generator or jax.random.key
        Used by "random" only.
    balanced : bool, default False
        Deal the classes out evenly: the first C examples are one of each of the C classes, and so on
        until a class runs out. Needs labels.

    Returns
    -------
    (P,) int64, a permutation of 0..P-1

    Raises
    ------
    ValueError
        For an unknown name, or `balanced` without labels.

    Examples
    --------
    >>> easy_to_hard = Ranking(np.array([0.3, 0.1, 0.2, 0.9]), labels=np.array([0, 0, 0, 1]))
    >>> order(easy_to_hard, "curriculum").tolist(), order(easy_to_hard, "anti_curriculum").tolist()
    ([1, 2, 0, 3], [3, 0, 2, 1])
    >>> order(easy_to_hard, "curriculum", balanced=True).tolist()
    [1, 3, 2, 0]
    """
    if not isinstance(ranking, Ranking):
        raise ValueError(
            f"ranking is a {type(ranking).__name__}; need a Ranking: for bare scores, "
            'Ranking.from_scores(scores, higher="harder" or "easier")'
        )
    return compact_order(ranking, name, key, balanced=balanced).astype(np.int64)


def compact_order(ranking: Ranking, name: str, key: Key = 0, *, balanced: bool = False) -> np.ndarray:
    """`order` in 4 bytes per example: (P,) uint32."""
    known("ordering", name, ORDERINGS)
    path = ORDERINGS[name](ranking, key).astype(np.uint32, copy=False)
    return balance(path, ranking.required_labels()) if balanced else path


def balance(path: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Re-deal the permutation `path` (P,) so that every round holds one example of each class left."""
    by_class = np.argsort(labels[path], kind="stable")
    sizes = np.unique(labels, return_counts=True)[1]
    turn = np.empty(path.size, np.int64)
    turn[by_class] = np.arange(path.size) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return path[np.argsort(turn, kind="stable")]
