"""Mixtures with given shares: rows on the simplex whose mean is the share of every level.

    { u : u_jc >= 0, sum_c u_jc = 1, mean_j u_jc = share_c }

Its extreme points are bang-bang but for pieces that the shares split. Without shares any row of the simplex
will do, and the share is part of what is optimised.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int
from scipy.optimize import linprog

#: Halvings of an interval in a search for a multiplier, and rounds of searches where there are several.
HALVINGS, ROUNDS = 40, 30


def on_simplex(z: Float[Array | np.ndarray, "*n C"]) -> Float[Array, "*n C"]:
    """The nearest points with non-negative entries of sum 1 (by sorting: Held, Wolfe & Crowder 1974).

    >>> [round(x, 3) for x in on_simplex(jnp.array([0.9, 0.5, -3.0])).tolist()]
    [0.7, 0.3, 0.0]
    """
    ordered = jnp.flip(jnp.sort(z, -1), -1)
    rank = jnp.arange(1, z.shape[-1] + 1, dtype=z.dtype)
    excess = (jnp.cumsum(ordered, -1) - 1) / rank
    kept = jnp.sum(ordered > excess, -1, keepdims=True)
    return jnp.maximum(z - jnp.take_along_axis(excess, kept - 1, -1), 0)


@jax.jit
def project(z: Float[Array | np.ndarray, "J C"], shares: Float[Array, " C"] | None) -> Float[Array, "J C"]:
    """The nearest mixture with the given shares: the projection of z - mu on the simplex, row by row.

    The multipliers mu of the shares are found one after the other by halving, each share falling as its own
    multiplier grows: for two levels in one go, for more in rounds (the dual problem is concave and smooth).
    """
    if shares is None:
        return on_simplex(z)
    n_levels = z.shape[-1]
    span = jnp.max(z) - jnp.min(z) + 2

    def search(c, mu):
        def halve(_, ends):
            low, high = ends
            middle = (low + high) / 2
            more = jnp.mean(on_simplex(z - mu.at[c].set(middle))[:, c]) > shares[c]
            return jnp.where(more, middle, low), jnp.where(more, high, middle)

        reach = span + jnp.max(jnp.abs(mu))
        low, high = jax.lax.fori_loop(0, HALVINGS, halve, (-reach, reach))
        return mu.at[c].set((low + high) / 2)

    def several(_, mu):
        return jax.lax.fori_loop(0, n_levels - 1, search, mu)

    rounds = 1 if n_levels == 2 else ROUNDS
    return on_simplex(z - jax.lax.fori_loop(0, rounds, several, jnp.zeros(n_levels, z.dtype)))


def extreme(score: Float[np.ndarray, "J C"], shares: Float[np.ndarray, " C"] | None) -> np.ndarray:
    """The extreme point (J, C) of the largest sum of scores: each level where its score is largest.

    >>> score = np.array([[3.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    >>> np.abs(extreme(score, np.array([1 / 3, 2 / 3]))[:, 0]).round(6).tolist()
    [1.0, 0.0, 0.0]
    """
    pieces, n_levels = score.shape
    if shares is None:
        return np.eye(n_levels)[np.argmax(score, 1)]
    rows = np.kron(np.eye(pieces), np.ones(n_levels))
    columns = np.kron(np.ones(pieces), np.eye(n_levels))
    scale = np.abs(score).max() or 1.0
    found = linprog(
        -(score / scale).ravel(),
        A_eq=np.concatenate([rows, columns]),
        b_eq=np.concatenate([np.ones(pieces), pieces * np.asarray(shares)]),
        bounds=(0, 1),
        method="highs-ds",
    )
    return np.clip(found.x.reshape(pieces, n_levels), 0, 1)


def rounded(mix: Float[np.ndarray, "J C"]) -> Int[np.ndarray, " J"]:
    """The level of every piece such that no level ever lags behind its share by much (sum-up rounding).

    What is bang-bang stays; where levels are mixed they alternate.

    Source: Sager, Bock & Diehl, Math. Program. 133, 1 (2012).

    >>> rounded(np.array([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5], [0.0, 1.0]])).tolist()
    [0, 0, 1, 1]
    """
    owed = np.zeros(mix.shape[1])
    levels = np.empty(len(mix), int)
    for j, row in enumerate(mix):
        owed += row
        levels[j] = np.argmax(owed.round(9))
        owed[levels[j]] -= 1
    return levels
