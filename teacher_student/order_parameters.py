"""Order parameters of a student, and the square roots that sampling needs of them."""

from collections.abc import Collection
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, PyTree


class Overlaps(NamedTuple):
    """The state of a student as far as its law goes: Q = along along^T + sum_b gram_b.

    along   : (K, P) M_kp = w_k . e_p, overlaps with the task directions
    gram    : (n_blocks, K, K) Gram matrix, per isotropic block, of the parts of the weights
              orthogonal to the task directions
    readout : (K,) v, without the output scale; of a head (`teacher_student.students.heads`) theta, a mapping
        of arrays, and K are the rows of its W
    """

    along: Float[Array, "*batch K P"]
    gram: Float[Array, "*batch n_blocks K K"]
    readout: PyTree[Float[Array, "..."]]


def squared_norm(overlaps: Overlaps, counters: Collection[str] = ()) -> Float[Array, ""]:
    """Sum of the squares of all weights, whichever layer they are in; `counters` of theta are none."""
    theta = overlaps.readout
    if counters:
        theta = {name: x for name, x in theta.items() if name not in counters}
    rest = overlaps.along, *jax.tree.leaves(theta)
    return jnp.sum(jnp.trace(overlaps.gram, axis1=-2, axis2=-1)) + sum(jnp.sum(x**2) for x in rest)


def joint_covariance(
    along: Float[Array, "K P"],
    noise: Float[Array, "n_blocks K K"],
    teacher_rows: Float[np.ndarray, "M P"],
) -> Float[Array, "n n"]:
    """Covariance of (w_1 . x, ..., w_K . x, w*_1 . x, ..., w*_M . x) for zero-mean inputs, n = K + M.

    `noise` holds Delta_b q^b: variance of the inputs times Gram matrix of the weights orthogonal to the task
    directions, per block; `teacher_rows` the components of the teacher vectors along the task directions.
    """
    rows = jnp.concatenate([along, jnp.asarray(teacher_rows, along.dtype)])
    width = len(along)
    return (rows @ rows.T).at[:width, :width].add(jnp.sum(noise, 0))


def factor(gram: Float[Array, "*batch K K"]) -> Float[Array, "*batch K K"]:
    """Lower triangular F with F F^T = gram + 64 eps diag(gram); reads the lower triangle only.

    The jitter is relative to each unit's own variance. It keeps the factor of a singular Gram matrix
    finite (merged or dead units, K > N) and perturbs what is sampled through F by that relative amount,
    once: it never accumulates, because the state itself is not rebuilt from F.
    """
    info = jnp.finfo(gram.dtype)
    eye = jnp.eye(gram.shape[-1], dtype=gram.dtype)
    return jnp.linalg.cholesky(gram * (1 + 64 * info.eps * eye) + info.tiny * eye, symmetrize_input=False)


def after(earlier: Float[Array, "*shape"], x: Float[Array, "*own"]) -> Float[Array, "*own"]:
    """`x`, once `earlier` has been computed; NaN where the first number of that is.

    It puts batches of factorisations in an order that do not need each other's results, see
    `teacher_student.one_thread`, where the other numbers of the program are to be computed by all threads.
    """
    first = jnp.ravel(earlier)[0].astype(x.dtype)
    return jnp.where(jnp.isnan(first), first, x)
