"""Gaussian expectations of erf units in closed form, arranged so that no (K + M)^4 array appears.

Let u (n,) be zero-mean Gaussian with covariance C. Unit i computes

    phi_i = erf(u_i / sqrt 2) where offset_i = 1,   phi_i = sign(u_i) where offset_i = 0,

the sign being the limit of infinite gain, in which 1 + C_ii becomes C_ii. The first K of the n units
are the student's (offset 1). Sums over units with weights w are taken inside the formulas:

    pairs        E[phi_i phi_j]                              (2 / pi) asin(C_ij / sqrt(D_i D_j))
    triples      E[phi'_k t sum_j w_j phi_j]                 t jointly Gaussian with u
    slopes       E[phi'_k phi'_l]                            (2 / pi) / sqrt(L_kl)
    quadruples   E[phi'_k phi'_l (sum_i w_i phi_i)^2]

with D_i = offset_i + C_ii, L_kl = (1 + C_kk)(1 + C_ll) - C_kl^2 and phi'(u) = sqrt(2/pi) exp(-u^2/2).

A slope is a Gaussian weight, so `triples` and `quadruples` are pairs under a smaller covariance:
weighting by phi'_k phi'_l turns C into

    C' = C - [c_k c_l] (1 + C_{kl,kl})^-1 [c_k c_l]^T,

and quadruples = (2 / pi) L_kl^-1/2 sum_ij w_i w_j (2 / pi) asin(C'_ij / sqrt(D'_i D'_j)). In this form
the rank-two correction costs two multiply-adds per (k, l, i, j), and both symmetries k <-> l and
i <-> j are used: (K^2 / 2)(n^2 / 2) arcsines.

Source: Saad & Solla, PRE 52, 4225 (1995), where the pairs, triples and quadruples are called I_2, I_3
and I_4 (I_4's Lambda_4 is L_kl, Lambda_0 / Lambda_4 is C'_ij, Lambda_1 / Lambda_4 is D'_i); Goldt et al.,
arXiv 1906.08632, for the readouts. Equation numbers of Saad & Solla are not cited: no copy could be
checked. The sign limit: Saglietti et al., arXiv 2106.08068.
"""

from functools import cache
from math import comb

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float


@cache
def _arcsine_coefficients(degree: int) -> tuple[float, ...]:
    """p with asin(x) = x + x z p(z), z = x^2 <= 1/4, highest power first.

    The Taylor series (31 terms, 1e-20 at z = 1/4) economised in Chebyshev polynomials on [0, 1/4].
    """
    series = [comb(2 * m, m) / (4.0**m * (2 * m + 1)) for m in range(1, 32)]
    full = np.polynomial.Polynomial(series, domain=[-1, 1])
    shifted = full.convert(kind=np.polynomial.Chebyshev, domain=[0, 0.25])
    short = np.polynomial.Chebyshev(shifted.coef[: degree + 1], domain=[0, 0.25])
    return tuple(short.convert(kind=np.polynomial.Polynomial, domain=[-1, 1]).coef[::-1].tolist())


@jax.custom_jvp
def arcsine(x: Array) -> Array:
    """asin(x) for |x| <= 1 to rounding, from multiply-adds and one square root so that it vectorises.

    The slope at |x| = 1 is large but finite, so that it times a zero change is zero.

    >>> round(float(jax.jit(arcsine)(-1.0)), 5)
    -1.5708
    """
    double = x.dtype == jnp.float64
    size = jnp.minimum(jnp.abs(x), 1)
    large = size > 0.5
    z = jnp.where(large, 0.5 * (1 - size), size * size)
    root = jnp.where(large, jnp.sqrt(z), size)
    poly = jnp.zeros_like(z)
    for c in _arcsine_coefficients(12 if double else 5):
        poly = poly * z + c
    small = root + root * (z * poly)
    return jnp.copysign(jnp.where(large, 0.5 * np.pi - 2 * small, small), x)


@arcsine.defjvp
def _arcsine_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    return arcsine(x), dx * jax.lax.rsqrt(jnp.maximum(1 - x * x, jnp.finfo(x.dtype).eps))


def pairs(cov: Float[Array, "n n"], offset: Float[np.ndarray, " n"]) -> Float[Array, "n n"]:
    """E[phi_i phi_j], I_2 of Saad & Solla: (2 / pi) asin(C_ij / sqrt(D_i D_j)).

    >>> np.allclose(jax.jit(lambda cov: pairs(cov, np.ones(2)))(np.eye(2)), np.eye(2) / 3)
    True
    """
    inverse = jax.lax.rsqrt(jnp.asarray(offset, cov.dtype) + jnp.diagonal(cov))
    ratio = cov * inverse[:, None] * inverse
    sure = np.diag(offset == 0)
    return (2 / np.pi) * jnp.where(sure, 0.5 * np.pi, arcsine(jnp.where(sure, 0.0, ratio)))


def triples(
    cov: Float[Array, "n n"],
    probe: Float[Array, "r n"],
    weight: Float[Array, " n"],
    offset: Float[np.ndarray, " n"],
    width: int,
) -> Float[Array, "K r"]:
    """E[phi'_k t_r sum_j w_j phi_j], I_3 of Saad & Solla summed over j.

    `probe` holds the covariances of the Gaussian variables t_r with all units. One matrix product.
    """
    own = 1 + jnp.diagonal(cov)[:width, None]
    spread = own * (jnp.asarray(offset, cov.dtype) + jnp.diagonal(cov)) - cov[:width] ** 2
    d = (2 / np.pi) * weight * jax.lax.rsqrt(spread)
    return d @ probe.T - probe.T[:width] * (jnp.sum(d * cov[:width], 1, keepdims=True) / own)


def slopes(cov: Float[Array, "n n"], width: int) -> Float[Array, "K K"]:
    """E[phi'_k phi'_l] = (2 / pi) / sqrt(L_kl)."""
    c = cov[:width, :width]
    own = 1 + jnp.diagonal(c)
    return (2 / np.pi) * jax.lax.rsqrt(own[:, None] * own - c * c)


def quadruples(
    cov: Float[Array, "n n"], weight: Float[Array, " n"], offset: Float[np.ndarray, " n"], width: int
) -> Float[Array, "K K"]:
    """E[phi'_k phi'_l (sum_i w_i phi_i)^2], I_4 of Saad & Solla summed over i and j.

    Pairs k <= l lie along the last axis; i runs along the first, and j = i + d (mod n) for offsets
    d = 0 .. n/2 taken one after the other: every unordered pair (i, j) once, in long vectors.
    """
    n, half = len(cov), len(cov) // 2
    first, second = np.triu_indices(width)
    own = 1 + jnp.diagonal(cov)[:width]
    x, y, mutual = cov[:, first], cov[:, second], cov[first, second]
    det = own[first] * own[second] - mutual * mutual
    p, q = (x * own[second] - y * mutual) / det, (y * own[first] - x * mutual) / det
    left = jnp.diagonal(cov)[:, None] - p * x - q * y
    sure = np.asarray(offset) == 0
    scale = jax.lax.rsqrt(jnp.asarray(offset, cov.dtype)[:, None] + left)
    p, q, x, y = p * scale, q * scale, x * scale, y * scale
    diagonal = jnp.where(sure[:, None], 0.0, left * scale * scale)
    squares = jnp.where(sure[:, None], 0.5 * np.pi, arcsine(diagonal))
    total = jnp.sum((weight * weight)[:, None] * squares, 0)
    if n > 1:
        distance = np.arange(1, half + 1)
        partner = (np.arange(n) + distance[:, None]) % n
        twice = np.where((n % 2 == 0) & (distance == half), 1.0, 2.0)[:, None]
        wrapped = [jnp.concatenate([t, t[:half]]) for t in (scale, x, y)]

        def add(total, at):
            d, c, w = at
            scale_j, x_j, y_j = (jax.lax.dynamic_slice_in_dim(t, d, n) for t in wrapped)
            return total + w[:, None] * arcsine((c[:, None] * scale) * scale_j - p * x_j - q * y_j), None

        both = jnp.asarray(twice, cov.dtype) * weight * weight[partner]
        terms, _ = jax.lax.scan(
            jax.checkpoint(add), jnp.zeros_like(scale), (distance, cov[np.arange(n), partner], both)
        )
        total = total + jnp.sum(terms, 0)
    return _symmetric((2 / np.pi) ** 2 * jax.lax.rsqrt(det) * total, width)


def _symmetric(upper: Float[Array, " p"], width: int) -> Float[Array, "K K"]:
    """The symmetric matrix with this upper triangle, row by row."""
    first, second = np.triu_indices(width)
    position = np.zeros((width, width), int)
    position[first, second] = position[second, first] = np.arange(len(first))
    return upper[position]
