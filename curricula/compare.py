"""How far two rankings agree, and one ranking out of many runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from curricula.ranking import Ranking
from teacher_student.checks import within


@dataclass(frozen=True)
class Agreement:
    """Rank correlations in [-1, 1] (NaN if one side is constant) and overlap in [0, 1].

    spearman : Pearson correlation of the ranks, ties averaged
    kendall : tau-b, (concordant - discordant) pairs over the pairs not tied on either side
    overlap : share of the easiest `fraction` of one that is among the easiest `fraction` of the other
    """

    spearman: float
    kendall: float
    overlap: float
    fraction: float


def check_alignment(rankings: Sequence[Ranking]) -> None:
    """Refuse rankings that cannot refer to the same examples: other length, labels or ids."""
    first, *rest = rankings
    for other in rest:
        if len(other) != len(first):
            raise ValueError(f"rankings have {len(first)} and {len(other)} examples; need the same examples")
        for name in ("labels", "ids"):
            a, b = getattr(first, name), getattr(other, name)
            if a is not None and b is not None and (differ := int(np.sum(a != b))):
                raise ValueError(f"{name} differ at {differ} of {len(first)} examples: not the same order")


def compare(a: Ranking, b: Ranking, fraction: float = 0.2) -> Agreement:
    """Compare two rankings of the same examples.

    Parameters
    ----------
    a, b : Ranking
        Of the same P examples in the same order; labels or ids present on both sides must agree.
    fraction : float in (0, 1], default 0.2
        Size of the easy set whose overlap is reported; ties are broken by index.

    Raises
    ------
    ValueError
        If lengths, labels or ids differ, or `fraction` is outside (0, 1].

    Examples
    --------
    >>> agreement = compare(Ranking(np.array([1.0, 2, 3, 4])), Ranking(np.array([1.0, 2, 4, 3])), 0.5)
    >>> round(agreement.spearman, 3), round(agreement.kendall, 3), agreement.overlap
    (0.8, 0.667, 1.0)
    """
    within("fraction", fraction, low=0, high=1, open_low=True)
    check_alignment([a, b])
    easy = a.easiest(fraction)
    overlap = np.intersect1d(easy, b.easiest(fraction)).size / easy.size
    if np.ptp(a.scores) == 0 or np.ptp(b.scores) == 0:
        return Agreement(float("nan"), float("nan"), overlap, fraction)
    spearman: Any = stats.spearmanr(a.scores, b.scores)
    kendall: Any = stats.kendalltau(a.scores, b.scores)
    return Agreement(float(spearman.statistic), float(kendall.statistic), overlap, fraction)


def merge(rankings: Sequence[Ranking]) -> Ranking:
    """Average rankings of the same examples from independent runs (seeds).

    score_i = mean over R rankings; error_i = std_i / sqrt(R) with the unbiased std, NaN-free: for
    R = 1 the error is that of the single ranking. Definition, source and policy are the first one's.

    Raises
    ------
    ValueError
        For an empty list, rankings that do not refer to the same examples, or different directions.

    Examples
    --------
    >>> both = merge([Ranking(np.array([0.0, 4.0])), Ranking(np.array([2.0, 4.0]))])
    >>> both.scores.tolist(), both.error.tolist(), both.runs
    ([1.0, 4.0], [1.0, 0.0], 2)
    """
    if not rankings:
        raise ValueError("nothing to merge; pass at least one ranking")
    check_alignment(rankings)
    first = rankings[0]
    if len(rankings) == 1:
        return first
    if len({(r.definition, r.higher_was) for r in rankings}) > 1:
        raise ValueError("rankings have different definitions or directions; merge runs of one score only")
    table = np.stack([r.scores for r in rankings])
    return Ranking(
        table.mean(0),
        first.definition,
        first.source,
        first.higher_was,
        first.index_space,
        next((r.labels for r in rankings if r.labels is not None), None),
        next((r.ids for r in rankings if r.ids is not None), None),
        table.std(0, ddof=1) / len(rankings) ** 0.5,
        sum(max(1, r.runs) for r in rankings),
        first.never_learned,
    )
