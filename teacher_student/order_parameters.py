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
    """Lower triangular F with F F^T = gram + 64 eps diag(gram); reads the lower triangle only.

    The jitter is relative to each unit's own variance. It keeps the factor of a singular Gram matrix
    finite (merged or dead units, K > N) and perturbs what is sampled through F by that relative amount,
    once: it never accumulates, because the state itself is not rebuilt from F.
    """
    info = jnp.finfo(gram.dtype)
    eye = jnp.eye(gram.shape[-1], dtype=gram.dtype)
    return jnp.linalg.cholesky(gram * (1 + 64 * info.eps * eye) + info.tiny * eye, symmetrize_input=False)
