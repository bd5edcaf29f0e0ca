"""Moments of relu units with shifted means, in closed form up to one-dimensional smooth integrals.

For Gaussian lambda (K,) with mean mu and covariance S, and H the step function, the kinks are dealt
with by Gaussian integration by parts, E[(t - E t) h] = sum_j Cov(t, lambda_j) E[dh/dlambda_j]. What is
left are, with s_k^2 = S_kk,

    density_k = pdf of lambda_k at 0
    edge_km   = E[delta(lambda_k) H(lambda_m)] = density_k Phi(m / s),  m, s^2: lambda_m given lambda_k = 0
    lift_km   = E[delta(lambda_k) relu(lambda_m)] = density_k (m Phi(m / s) + s phi(m / s))
    both_km   = E[H(lambda_k) H(lambda_m)] = P(lambda_k > 0, lambda_m > 0)

and from them E[H_k relu_m] = mu_m both_km + S_mm edge_mk + S_mk edge_km and
E[relu_k relu_m] = mu_k E[H_k relu_m] + S_kk lift_km + S_km both_km.

`both` is Owen's: P(X < h, Y < k) from T(h, a) = 1/(2 pi) int_0^a exp(-h^2 (1 + x^2) / 2) / (1 + x^2) dx,
with |a| <= 1 by reflection and 20 Gauss-Legendre nodes (error below 1e-14).

Source: Owen, Ann. Math. Stat. 27, 1075 (1956), eqs. (2.1) and (2.3); zero-mean relu moments:
Cho & Saul, NIPS 2009.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.stats import norm
from jaxtyping import Float

_X, _W = np.polynomial.legendre.leggauss(20)


def _owen(h: Array, ah: Array) -> Array:
    """T(h, a) from h > 0 and the product a h (T is odd in a)."""
    b = jnp.abs(ah)
    swap = b > h
    small, large = jnp.where(swap, h, b), jnp.where(swap, b, h)
    a = small / large
    x = jnp.asarray(0.5 * (_X + 1), a.dtype) * a[..., None]
    terms = jnp.exp(-0.5 * large[..., None] ** 2 * (1 + x * x)) / (1 + x * x)
    t = a * (terms @ jnp.asarray(0.5 * _W, a.dtype)) / (2 * np.pi)
    p, q = norm.cdf(h), norm.cdf(b)
    return jnp.sign(ah) * jnp.where(swap, 0.5 * (p + q) - p * q - t, t)


@jax.custom_jvp
def orthant(h: Array, k: Array, r: Array) -> Array:
    """P(X < h, Y < k) for standard normals of correlation r, elementwise, |r| < 1.

    >>> round(float(jax.jit(orthant)(0.0, 0.0, 0.5)), 6)
    0.333333
    """
    tiny = jnp.finfo(h.dtype).tiny ** 0.25
    h, k = (jnp.where(jnp.abs(t) < tiny, tiny, t) for t in (h, k))
    root = jnp.sqrt((1 - r) * (1 + r))
    t = _owen(jnp.abs(h), jnp.sign(h) * (k - r * h) / root)
    s = _owen(jnp.abs(k), jnp.sign(k) * (h - r * k) / root)
    return 0.5 * (norm.cdf(h) + norm.cdf(k)) - t - s - jnp.where(h * k < 0, 0.5, 0.0)


@orthant.defjvp
def _orthant_jvp(primals, tangents):
    h, k, r = primals
    root = jnp.sqrt((1 - r) * (1 + r))
    by_h = norm.pdf(h) * norm.cdf((k - r * h) / root)
    by_k = norm.pdf(k) * norm.cdf((h - r * k) / root)
    by_r = norm.pdf(h) * norm.pdf((k - r * h) / root) / root
    return orthant(h, k, r), by_h * tangents[0] + by_k * tangents[1] + by_r * tangents[2]


class Rectified(NamedTuple):
    """Moments of H(lambda) and relu(lambda): on, relu, density (K,); the others (K, K) as above."""

    on: Float[Array, " K"]
    relu: Float[Array, " K"]
    density: Float[Array, " K"]
    lift: Float[Array, "K K"]
    both: Float[Array, "K K"]
    on_relu: Float[Array, "K K"]
    relu_relu: Float[Array, "K K"]


def rectified(mean: Float[Array, " K"], cov: Float[Array, "K K"]) -> Rectified:
    """Moments of K relu units with pre-activations N(mean, cov).

    `on_relu[k, m]` is E[H(lambda_k) relu(lambda_m)]; a unit of zero variance counts as having a tiny one.
    """
    info = jnp.finfo(cov.dtype)
    same = np.eye(len(mean), dtype=bool)
    var = jnp.maximum(jnp.diagonal(cov), info.tiny**0.5)
    std = jnp.sqrt(var)
    h = mean / std
    on, density = norm.cdf(h), norm.pdf(h) / std
    limit = 1 - 4 * info.eps
    r = jnp.clip(jnp.where(same, 0, cov / (std[:, None] * std)), -limit, limit)
    h_k, h_m = jnp.broadcast_arrays(h[:, None], h)
    both = jnp.where(same, on[:, None], orthant(h_k, h_m, r))
    # lambda_m given lambda_k = 0, in units of std_m
    root = jnp.sqrt((1 - r) * (1 + r))
    ratio = jnp.where(same, 0, (h_m - r * h_k) / root)
    edge = density[:, None] * norm.cdf(ratio)
    lift = density[:, None] * std * root * (ratio * norm.cdf(ratio) + norm.pdf(ratio))
    lift = jnp.where(same, 0, lift)
    on_relu = mean * both + var * edge.T + cov * edge
    relu_relu = mean[:, None] * on_relu + var[:, None] * lift + cov * both
    return Rectified(on, mean * on + var * density, density, lift, both, on_relu, relu_relu)
