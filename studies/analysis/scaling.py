"""A law of scaling, L = E + A K^-p + B D^-q, fitted to losses at widths K and numbers of samples D.

With training operations C proportional to K D, the best width and the loss there follow

    K* ~ C^a,  a = q / (p + q),        L* - E ~ C^-b,  b = p q / (p + q).

Source: Hoffmann et al., arXiv 2203.15556, eq. (2) and appendix D.3 (the fit: Huber loss of the logarithms,
from many starts). Which starts, and that E, A and B are taken at the middle of the data, is ours.
"""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares
from scipy.special import softmax

#: Differences of log L above this count linearly, not squared.
HUBER = 0.01

#: Bounds of p and q; exponents at a bound are not known.
STEEPEST = 4.0

#: Starts: E as a share of the smallest loss, p and q.
SHARES, SLOPES = (0.1, 0.9), (0.25, 1.0)

#: Points that a fit of five numbers needs.
FEWEST = 7


class Law(NamedTuple):
    """L = floor + width_factor K^-width_exponent + sample_factor D^-sample_exponent."""

    floor: float
    width_factor: float
    width_exponent: float
    sample_factor: float
    sample_exponent: float

    @property
    def optimum_exponent(self) -> float:
        """a in K* ~ C^a; NaN where the loss depends on neither."""
        total = self.width_exponent + self.sample_exponent
        return self.sample_exponent / total if total > 0 else np.nan

    @property
    def loss_exponent(self) -> float:
        """b in L* - E ~ C^-b."""
        return self.width_exponent * self.optimum_exponent

    def loss(self, width: Float[np.ndarray, " n"], samples: Float[np.ndarray, " n"]) -> np.ndarray:
        """L at widths and numbers of samples (n,)."""
        return (
            self.floor
            + self.width_factor * width**-self.width_exponent
            + self.sample_factor * samples**-self.sample_exponent
        )


def fit_law(
    width: Float[np.ndarray, " n"],
    samples: Float[np.ndarray, " n"],
    loss: Float[np.ndarray, " n"],
    start: Law | None = None,
) -> Law:
    """The law that fits best: Huber loss of the differences of log L, the best of eight starts.

    Parameters
    ----------
    width, samples, loss : (n,) K, D and L > 0; points with a NaN are left out
    start : where to start from instead, as for a resample of the data that it was fitted to

    Raises
    ------
    ValueError
        In one line: too few points, or all at one width or one number of samples.

    Examples
    --------
    >>> K, D = (x.ravel() for x in np.meshgrid(2.0 ** np.arange(1, 7), 2.0 ** np.arange(4, 12)))
    >>> law = fit_law(K, D, 0.1 + 2 * K**-1.0 + 3 * D**-0.5)
    >>> round(law.width_exponent, 3), round(law.sample_exponent, 3), round(law.optimum_exponent, 3)
    (1.0, 0.5, 0.333)
    """
    known = np.isfinite(width) & np.isfinite(samples) & np.isfinite(loss)
    width, samples, loss = (np.asarray(x, float)[known] for x in (width, samples, loss))
    if loss.size < FEWEST or np.unique(width).size < 3 or np.unique(samples).size < 3:
        raise ValueError(
            f"a law of five numbers cannot be fitted to {loss.size} losses at {np.unique(width).size} widths "
            f"and {np.unique(samples).size} numbers of samples; need {FEWEST}, 3 and 3"
        )
    if (loss <= 0).any():
        raise ValueError(f"a loss is {loss.min():g}; the logarithm needs losses above 0")
    middle = np.log(width).mean(), np.log(samples).mean()
    x, y, logs = np.log(width) - middle[0], np.log(samples) - middle[1], np.log(loss)

    def parts(five: np.ndarray) -> np.ndarray:
        """Logarithms of the three terms, (3, n)."""
        e, a, p, b, q = five
        return np.stack([np.full(x.shape, e), a - p * x, b - q * y])

    def residual(five: np.ndarray) -> np.ndarray:
        return np.logaddexp.reduce(parts(five)) - logs

    def slopes(five: np.ndarray) -> np.ndarray:
        floor, of_width, of_samples = softmax(parts(five), 0)
        return np.stack([floor, of_width, -of_width * x, of_samples, -of_samples * y], 1)

    jacobian: Any = slopes
    least = logs.min()
    low, high = [least - 20, -np.inf, 0, -np.inf, 0], [least, np.inf, STEEPEST, np.inf, STEEPEST]
    found = [
        least_squares(residual, five, jacobian, (low, high), x_scale="jac", loss="huber", f_scale=HUBER)
        for five in (_starts(loss) if start is None else [_inside(start, middle, low, high)])
    ]
    e, a, p, b, q = min(found, key=lambda one: one.cost).x
    return Law(*map(float, (np.exp(e), np.exp(a + p * middle[0]), p, np.exp(b + q * middle[1]), q)))


def _starts(loss: np.ndarray) -> Sequence[np.ndarray]:
    """Some of the smallest loss for E, the rest of the median for both other terms alike."""
    found = []
    for share, p, q in product(SHARES, SLOPES, SLOPES):
        rest = np.log((np.median(loss) - share * loss.min()) / 2)
        found.append(np.array([np.log(share * loss.min()), rest, p, rest, q]))
    return found


def _inside(law: Law, middle: tuple[float, float], low: list[float], high: list[float]) -> np.ndarray:
    """A law as the numbers that are fitted, inside of the bounds."""
    floor, a, p, b, q = law
    five = [
        np.log(max(floor, 1e-300)),
        np.log(max(a, 1e-300)) - p * middle[0],
        p,
        np.log(max(b, 1e-300)) - q * middle[1],
        q,
    ]
    margin = 1e-6
    return np.clip(five, np.add(low, margin), np.subtract(high, margin))
