"""Moments in closed form: an erf student with squared loss and a teacher of erf or sign units.

Student and teacher units are one list of n = K + M Gaussian pre-activations with weights (u, -A), since
f - f* = sum_j w_j phi_j. With `triples`, `quadruples`, `slopes` and `pairs` of `expectations`,

    E[g_k t]          = u_k triples_k(t)                     t = x_p or lambda^b_l
    E[g_k g_l]        = u_k u_l (quadruples_kl + sigma^2 slopes_kl)
    E[(f - y) phi_k]  = sum_j pairs_kj w_j

Source: Saad & Solla, PRE 52, 4225 (1995); Goldt et al., arXiv 1906.08632.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from teacher_student.expectations import pairs, quadruples, slopes, triples
from teacher_student.order_parameters import Overlaps, joint_covariance
from teacher_student.theory.rates import Moments


def joint(
    state: Overlaps, teacher_rows: Float[np.ndarray, "M P"], variances: Float[Array, " n_blocks"]
) -> tuple[Float[Array, "n n"], Float[Array, "r n"]]:
    """Covariance of all units, and of the probes x_p, lambda^b_l with them (P + n_blocks K rows)."""
    width = len(state.readout)
    noise = variances[:, None, None] * state.gram
    rows = jnp.concatenate([state.along, jnp.asarray(teacher_rows, state.along.dtype)])
    rest = jnp.pad(noise.reshape(-1, width), ((0, 0), (0, len(teacher_rows))))
    return joint_covariance(state.along, noise, teacher_rows), jnp.concatenate([rows.T, rest])


class Teacher(NamedTuple):
    """What the moments need to know of the teacher and of the inputs at a level.

    rows        : (M, P) its units in the basis of the task directions
    readout     : (M,) A
    offset      : of D_m = offset + C_mm, see `expectations`: 1.0 for erf units, 0.0 for signs
    variances   : (n_blocks,) Delta_b, of the inputs of each block
    share       : (n_blocks,) (N_b / N) Delta_b
    label_noise : sigma^2, the variance of what is added to a label
    """

    rows: Float[np.ndarray, "M P"]
    readout: Float[np.ndarray, " M"]
    offset: float
    variances: Float[Array, " n_blocks"]
    share: Float[Array, " n_blocks"]
    label_noise: float | Array


def closed_moments(state: Overlaps, output_scale: float | Array, teacher: Teacher) -> Moments:
    """The moments of all orders."""
    width, n_directions = state.along.shape
    cov, probes = joint(state, teacher.rows, teacher.variances)
    u = output_scale * state.readout
    weight = jnp.concatenate([u, -jnp.asarray(teacher.readout, u.dtype)])
    offset = np.append(np.ones(width), np.full(len(teacher.readout), teacher.offset))
    first = u[:, None] * triples(cov, probes, weight, offset, width)
    second = quadruples(cov, weight, offset, width) + teacher.label_noise * slopes(cov, width)
    cross = jnp.moveaxis(first[:, n_directions:].reshape(width, -1, width), 1, 0)
    return Moments(
        first[:, :n_directions],
        cross,
        teacher.share[:, None, None] * (u[:, None] * u * second),
        pairs(cov, offset)[:width] @ weight,
    )
