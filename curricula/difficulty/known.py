"""The oracle: difficulty that the task itself knows, exact and free, to grade every other score against.

    noise_level        the noise scale Delta an example was drawn with                          harder
    noise_norm         ||noise||_2 / sqrt(dimension) of the example's own noise or irrelevant part  harder
    boundary_distance  -|w* . x| / ||w*||: closer to the teacher's boundary is harder           harder
    bayes_error        1 - max_c p(c | x): error of the best possible rule at x                 harder
    label_surprise     1 - p(y | x): posterior probability of another label than the one shown  harder

Sources: Saglietti, Sarao Mannelli, Saxe, NeurIPS 2022, arXiv 2106.08068 (noise of the irrelevant inputs, sign
teacher); Refinetti et al., ICML 2021, arXiv 2102.11742 (the XOR mixture, whose posterior is below).
"""

from typing import Any

import numpy as np
from scipy.special import logsumexp

from curricula.ranking import Ranking

_SAGLIETTI = "Saglietti, Sarao Mannelli, Saxe, NeurIPS 2022, arXiv 2106.08068"


def noise_level(noise: Any) -> Ranking:
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


def noise_norm(noise: Any) -> Ranking:
    """Rank by ||noise_i||_2 / sqrt(D) of noise or irrelevant inputs (P, D).

    Examples
    --------
    >>> noise_norm([[3.0, 4.0], [1.0, 1.0]]).scores.round(3).tolist()
    [3.536, 1.0]
    """
    values = np.asarray(noise, np.float64)
    return Ranking(np.sqrt((values**2).mean(1)), "root mean square of the sample's noise", _SAGLIETTI)


def boundary_distance(inputs: Any, teacher: Any) -> Ranking:
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


def bayes_error(posterior: Any) -> Ranking:
    """Rank by 1 - max_c p(c | x), from the true posterior (P, C).

    Examples
    --------
    >>> bayes_error([[0.5, 0.5], [1.0, 0.0]]).scores.tolist()
    [0.5, 0.0]
    """
    return Ranking(1 - _posterior(posterior).max(1), "Bayes error at x: 1 - max p(c | x)", "by definition")


def label_surprise(posterior: Any, labels: Any) -> Ranking:
    """Rank by 1 - p(y | x), from the true posterior (P, C) and the labels (P,) in 0..C-1.

    Examples
    --------
    >>> label_surprise([[0.75, 0.25], [1.0, 0.0]], [1, 0]).scores.tolist()
    [0.75, 0.0]
    """
    p, y = _posterior(posterior), np.asarray(labels)
    if y.shape != (len(p),) or y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= p.shape[1]:
        raise ValueError(f"labels must be {len(p)} whole numbers in 0..{p.shape[1] - 1}")
    return Ranking(
        1 - p[np.arange(len(p)), y], "posterior probability of another label", "by definition", labels=y
    )


def xor_posterior(
    inputs: Any, directions: Any, noise: Any, signal: Any = 1.0, prior: Any = (0.25, 0.25, 0.25, 0.25)
) -> np.ndarray:
    """Posterior (P, 2) of the labels (-1, +1) of `XorMixture` at inputs (P, N).

    ln p(cluster c | x) = ln prior_c + signal (x . c) / noise + const, since all cluster centres have the
    same length; p(+1 | x) sums the clusters +-e1, p(-1 | x) the clusters +-e2.

    Parameters
    ----------
    inputs : (P, N)
    directions : (2, N), e1 and e2
    noise, signal : Delta > 0 and s, scalar or (P,)
    prior : (4,) over +e1, -e1, +e2, -e2

    Examples
    --------
    >>> xor_posterior([[1.0, 1.0], [5.0, 0.0]], np.eye(2), noise=1.0).round(2).tolist()
    [[0.5, 0.5], [0.01, 0.99]]
    """
    along = np.asarray(inputs, np.float64) @ np.asarray(directions, np.float64).T
    scale = np.broadcast_to(np.asarray(signal, float) / np.asarray(noise, float), len(along))
    pull = scale[:, None] * np.stack([along[:, 0], -along[:, 0], along[:, 1], -along[:, 1]], 1)
    weights = np.asarray(prior, float)
    plus, minus = (logsumexp(pull[:, c], b=weights[c], axis=1) for c in (slice(0, 2), slice(2, 4)))
    gap = np.exp(-np.logaddexp(0, minus - plus))
    return np.stack([1 - gap, gap], 1)


def _posterior(posterior: Any) -> np.ndarray:
    p = np.asarray(posterior, np.float64)
    if p.ndim != 2 or not (p >= 0).all() or not np.allclose(p.sum(1), 1):
        raise ValueError("the posterior must have shape (P, C), entries >= 0 and rows that sum to 1")
    return p
