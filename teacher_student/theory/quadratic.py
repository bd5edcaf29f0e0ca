"""Moments of quadratic units with shifted means, in closed form.

lambda ~ N(mu, S), f = sum_m u_m lambda_m^2 = lambda^T V lambda with V = diag(u), F = f - y. By Gaussian
integration by parts, E[lambda_k h] = mu_k E h + sum_j S_kj E[dh/dlambda_j], and dF/dlambda = 2 V lambda:

    E F                    = mu^T V mu + tr(V S) - y
    E F^2                  = (E F)^2 + 2 tr(V S V S) + 4 mu^T V S V mu
    E[lambda F]            = mu E F + 2 S V mu
    E[lambda lambda^T F]   = E[lambda F] mu^T + S E F + 2 (S + mu mu^T) V S
    E[lambda F^2]          = mu E F^2 + 4 S V E[lambda F]
    E[lambda lambda^T F^2] = E[lambda F^2] mu^T + S E F^2 + 4 E[lambda lambda^T F] V S

Source: Gaussian integration by parts (Isserlis 1918); no reference writes them for the mixture.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


class Quadratic(NamedTuple):
    """E F (), E F^2 (), E[lambda F] (K,), E[lambda lambda^T F] (K, K) and E[lambda lambda^T F^2] (K, K)."""

    error: Float[Array, ""]
    error2: Float[Array, ""]
    first: Float[Array, " K"]
    second: Float[Array, "K K"]
    fourth: Float[Array, "K K"]


def quadratic(
    mean: Float[Array, " K"], cov: Float[Array, "K K"], readout: Float[Array, " K"], label: float | Array
) -> Quadratic:
    """Moments of the error of K quadratic units with effective readout u and label y."""
    scaled = readout[:, None] * cov
    pull = readout * mean
    error = mean @ pull + jnp.trace(scaled) - label
    error2 = error**2 + 2 * jnp.sum(scaled * scaled.T) + 4 * pull @ cov @ pull
    first = mean * error + 2 * cov @ pull
    second = jnp.outer(first, mean) + cov * error + 2 * (cov + jnp.outer(mean, mean)) @ scaled
    third = mean * error2 + 4 * cov @ (readout * first)
    fourth = jnp.outer(third, mean) + cov * error2 + 4 * second @ scaled
    return Quadratic(error, error2, first, second, fourth)
