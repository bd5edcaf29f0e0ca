"""Order parameters of a two-layer student, and the square roots that sampling needs of them."""

from typing import NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


class Overlaps(NamedTuple):
    """The state of a student as far as its law goes: Q = along along^T + sum_b gram_b.

    along   : (K, P) M_kp = w_k . e_p, overlaps with the task directions
    gram    : (n_blocks, K, K) Gram matrix, per isotropic block, of the parts of the weights
              orthogonal to the task directions
    readout : (K,) v, without the output scale
    """

    along: Float[Array, "*batch K P"]
    gram: Float[Array, "*batch n_blocks K K"]
    readout: Float[Array, "*batch K"]


def factor(gram: Float[Array, "*batch K K"]) -> Float[Array, "*batch K K"]:
    """Lower triangular F with F F^T = gram up to a relative 64 eps of each unit's own variance.

    The jitter is added to the correlation matrix, so that it is relative to every unit alone and
    the factor of a singular Gram matrix (merged units, K > N) is still finite. It perturbs what is
    sampled through F by that relative amount once; it never accumulates in the state.
    """
    variance = jnp.diagonal(gram, axis1=-2, axis2=-1)
    std = jnp.sqrt(jnp.where(variance > 0, variance, jnp.finfo(gram.dtype).tiny))
    jitter = 64 * jnp.finfo(gram.dtype).eps * jnp.eye(gram.shape[-1], dtype=gram.dtype)
    correlation = gram / (std[..., :, None] * std[..., None, :])
    return std[..., :, None] * jnp.linalg.cholesky(correlation + jitter, symmetrize_input=False)
