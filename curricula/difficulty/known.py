"""The oracle: difficulty that the task itself knows, exact and free, to grade every other score against.

    noise_level        the noise scale Delta an example was drawn with                          harder
    noise_norm         ||noise||_2 / sqrt(dimension) of the example's own noise or irrelevant part  harder
    boundary_distance  -|w* . x| / ||w*||: closer to the teacher's boundary is harder           harder
    bayes_error        1 - max_c p(c | x): error of the best possible rule at x                 harder
    label_surprise     1 - p(y | x): posterior probability of another label than the one shown  harder

Sources: Saglietti, Sarao Mannelli, Saxe, NeurIPS 2022, arXiv 2106.08068 (noise of the irrelevant inputs, sign
teacher); Refinetti et al., ICML 2021, arXiv 2102.11742 (the XOR mixture, whose posterior is `xor_posterior`).
"""

import numpy as np
from numpy.typing import ArrayLike

from curricula.classes import check_range, whole_labels
from curricula.ranking import Ranking
from teacher_student.posterior import xor_posterior as xor_posterior

_SAGLIETTI = "Saglietti, Sarao Mannelli, Saxe, NeurIPS 2022, arXiv 2106.08068"


def noise_level(noise: ArrayLike) -> Ranking:
    """Rank by the noise scale Delta (P,) >= 0 that each example was drawn with.

    Examples
    --------
    >>> noise_level([0.1, 1.0]).scores.tolist()
    [0.1, 1.0]
    """
    values = np.asarray(noise, np.float64)
    if not (values >= 0).all():
        raise ValueError("noise must be >= 0")
    return Ranking(values, "noise scale Delta of the sample", _SAGLIETTI)


def noise_norm(noise: ArrayLike) -> Ranking:
    """Rank by ||noise_i||_2 / sqrt(D) of noise or irrelevant inputs (P, D).

    Examples
    --------
    >>> noise_norm([[3.0, 4.0], [1.0, 1.0]]).scores.round(3).tolist()
    [3.536, 1.0]
    """
    values = np.asarray(noise, np.float64)
    return Ranking(np.sqrt((values**2).mean(1)), "root mean square of the sample's noise", _SAGLIETTI)


def boundary_distance(inputs: ArrayLike, teacher: ArrayLike) -> Ranking:
    """Rank by -|w* . x| / ||w*|| for inputs (P, N) and a teacher's weights (N,).

    Examples
    --------
    >>> boundary_distance([[3.0, 4.0], [0.0, 1.0]], [2.0, 0.0]).scores.tolist()
    [-3.0, 0.0]
    """
    x, w = np.asarray(inputs, np.float64), np.asarray(teacher, np.float64)
    if w.ndim != 1 or x.shape[1:] != w.shape or not w.any():
        raise ValueError(
            f"inputs have shape {x.shape} and the teacher {w.shape}; need (P, N) and a nonzero (N,)"
        )
    return Ranking(0.0 - np.abs(x @ w) / np.linalg.norm(w), "-distance to the teacher's boundary", _SAGLIETTI)


def bayes_error(posterior: ArrayLike) -> Ranking:
    """Rank by 1 - max_c p(c | x), from the true posterior (P, C).

    Examples
    --------
    >>> bayes_error([[0.5, 0.5], [1.0, 0.0]]).scores.tolist()
    [0.5, 0.0]
    """
    return Ranking(1 - _posterior(posterior).max(1), "Bayes error at x: 1 - max p(c | x)", "by definition")


def label_surprise(posterior: ArrayLike, labels: ArrayLike) -> Ranking:
    """Rank by 1 - p(y | x), from the true posterior (P, C) and the labels (P,) in 0..C-1.

    Examples
    --------
    >>> label_surprise([[0.75, 0.25], [1.0, 0.0]], [1, 0]).scores.tolist()
    [0.75, 0.0]
    """
    p, y = _posterior(posterior), whole_labels(labels)
    if len(y) != len(p):
        raise ValueError(f"the posterior has {len(p)} rows but there are {len(y)} labels")
    check_range(y, p.shape[1])
    return Ranking(
        1 - p[np.arange(len(p)), y], "posterior probability of another label", "by definition", labels=y
    )


def _posterior(posterior: ArrayLike) -> np.ndarray:
    p = np.asarray(posterior, np.float64)
    if p.ndim != 2 or not (p >= 0).all() or not np.allclose(p.sum(1), 1):
        raise ValueError("the posterior must have shape (P, C), entries >= 0 and rows that sum to 1")
    return p
