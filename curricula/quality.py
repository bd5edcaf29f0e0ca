"""Is a score worth using? How far its runs agree, how many are needed, and what it does with wrong labels.

Runs of one score that differ by their seed alone agree with a mean rank correlation r. The mean of n of them
then agrees with the mean of n others by Spearman and Brown's formula, and with the mean of all runs that
could be made by its root:

    r_n = n r / (1 + (n - 1) r),      rho_n = r_n^(1/2)

so that n = c (1 - r) / (r (1 - c)) runs reach the agreement c = r_n; for rho_n = c, put c^2 for c. Sources:
Spearman, Br. J. Psychol. 3, 271 (1910); Brown, ibid. 296; the root is the reliability index of classical
test theory. Both are exact for Pearson's correlation of runs that are a truth plus independent noise of one
size, and near for ranks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from curricula.compare import check_alignment
from curricula.ranking import Ranking
from teacher_student.checks import within

FRACTIONS = (0.01, 0.05, 0.1, 0.2)


@dataclass(frozen=True, eq=False)
class Stability:
    """How far runs of a score agree.

    between : (R, R) Spearman's correlation of every two runs
    single : mean over pairs, r
    """

    between: np.ndarray
    single: float

    def of_mean(self, runs: int) -> float:
        """Expected correlation r_n of the mean of `runs` runs with the mean of as many others."""
        return runs * self.single / (1 + (runs - 1) * self.single)

    def with_truth(self, runs: int) -> float:
        """Expected correlation rho_n of the mean of `runs` runs with the mean of all possible ones."""
        return max(0.0, self.of_mean(runs)) ** 0.5

    def runs_needed(self, correlation: float = 0.9, *, truth: bool = False) -> float:
        """Smallest n with r_n >= correlation (rho_n with `truth`); infinity where runs do not agree."""
        within("correlation", correlation, low=0, high=1 - 1e-12, open_low=True)
        goal = correlation**2 if truth else correlation
        if self.single <= 0:
            return inf
        return max(1, ceil(goal * (1 - self.single) / (self.single * (1 - goal)) - 1e-9))


def stability(runs: Sequence[Ranking]) -> Stability:
    """Rank correlations between runs of one score, at least two, of the same examples.

    Raises
    ------
    ValueError
        For fewer than two runs, runs of other examples, or a run whose scores are all equal.

    Examples
    --------
    >>> a, b = (Ranking(np.array(s)) for s in ([1.0, 2, 3, 4], [1.0, 2, 4, 3]))
    >>> found = stability([a, b])
    >>> round(found.single, 3), round(found.of_mean(2), 3), found.runs_needed(0.9)
    (0.8, 0.889, 3)
    """
    if len(runs) < 2:
        raise ValueError(f"{len(runs)} runs cannot be compared; need two or more that differ by their seed")
    check_alignment(runs)
    for number, run in enumerate(runs):
        if np.ptp(run.scores) == 0:
            raise ValueError(f"all scores of run {number} are equal: it ranks nothing")
    between = np.corrcoef(np.stack([rankdata(run.scores) for run in runs]))
    return Stability(between, float(between[np.triu_indices(len(runs), 1)].mean()))


@dataclass(frozen=True)
class NoiseRow:
    """What is in the hardest `fraction` of the examples.

    wrong : share of it whose labels are wrong
    found : share of all wrong labels that lie in it
    lift : `wrong` over the share of wrong labels in all examples; 1 = the score does not see them
    """

    fraction: float
    wrong: float
    found: float
    lift: float


def label_noise(
    ranking: Ranking, wrong: ArrayLike, fractions: Sequence[float] = FRACTIONS
) -> tuple[list[NoiseRow], float]:
    """How far the score takes wrong labels for hard examples.

    Parameters
    ----------
    ranking : Ranking of P examples
    wrong : (P,) bool, or the probability in [0, 1] that the label is wrong, where it is only estimated
    fractions : sizes of the hardest part; ties of scores are broken by index

    Returns
    -------
    rows, one per fraction, and the probability that a wrong label has a higher score than a right one
    (1/2 = the score does not see them; equal scores count half)

    Raises
    ------
    ValueError
        If there is not one entry in [0, 1] per example, or all or none are wrong.

    Examples
    --------
    >>> rows, above = label_noise(Ranking(np.array([0.1, 0.2, 0.9, 0.3])), [0, 0, 1, 0], [0.25])
    >>> rows[0].wrong, rows[0].found, rows[0].lift, above
    (1.0, 1.0, 4.0, 1.0)
    """
    share = np.asarray(wrong, np.float64)
    if share.shape != (len(ranking),) or not ((share >= 0) & (share <= 1)).all():
        raise ValueError(
            f"wrong has shape {share.shape}; need one of False, True, or a probability, for each of "
            f"{len(ranking)} examples"
        )
    total = float(share.sum())
    if not 0 < total < share.size:
        raise ValueError(f"{total:g} of {share.size} labels are wrong: nothing to tell apart")
    hardest, rows = ranking.easiest(1.0)[::-1], []
    for fraction in fractions:
        within("fraction", fraction, low=0, high=1, open_low=True)
        part = share[hardest[: max(1, round(fraction * share.size))]]
        mean = float(part.mean())
        rows.append(NoiseRow(fraction, mean, float(part.sum()) / total, mean / (total / share.size)))
    ranks, right = rankdata(ranking.scores), share.size - total
    # weighted Mann-Whitney: sum over pairs of w_i (1 - w_j) [s_i > s_j], from the mean ranks of both sides
    difference = float(share @ ranks) / total - float((1 - share) @ ranks) / right
    return rows, 0.5 + difference / share.size
