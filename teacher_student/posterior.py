"""What the best possible rule knows: the posterior of the labels, where a task has it in closed form.

NumPy in double precision, for grading scores; no JAX.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logsumexp


def xor_posterior(
    inputs: ArrayLike,
    directions: ArrayLike,
    noise: ArrayLike | Sequence[float],
    signal: ArrayLike | Sequence[float] = 1.0,
    prior: ArrayLike | Sequence[float] = (0.25, 0.25, 0.25, 0.25),
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
