"""Moments in closed form: an erf student with squared loss and a teacher of erf or sign units.

Student and teacher units are one list of n = K + M Gaussian pre-activations with weights (u, -A), since
f - f* = sum_j w_j phi_j. With `triples`, `quadruples`, `slopes` and `pairs` of `expectations`,

    E[g_k t]          = u_k triples_k(t)                     t = x_p or lambda^b_l
    E[g_k g_l]        = u_k u_l (quadruples_kl + sigma^2 slopes_kl)
    E[(f - y) phi_k]  = sum_j pairs_kj w_j

Source: Saad & Solla, PRE 52, 4225 (1995); Goldt et al., arXiv 1906.08632.
"""

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


def closed_moments(
    state: Overlaps,
    output_scale: float | Array,
    *,
    teacher_rows: Float[np.ndarray, "M P"],
    teacher_readout: Float[np.ndarray, " M"],
    signs: bool,
    variances: Float[Array, " n_blocks"],
    share: Float[Array, " n_blocks"],
    label_noise: float | Array,
) -> Moments:
    """The moments; `signs` makes the teacher's units signs, `share` is (N_b / N) Delta_b."""
    width, n_directions = state.along.shape
    cov, probes = joint(state, teacher_rows, variances)
    u = output_scale * state.readout
    weight = jnp.concatenate([u, -jnp.asarray(teacher_readout, u.dtype)])
    offset = np.append(np.ones(width), np.full(len(teacher_readout), 0.0 if signs else 1.0))
    first = u[:, None] * triples(cov, probes, weight, offset, width)
    second = quadruples(cov, weight, offset, width) + label_noise * slopes(cov, width)
    cross = jnp.moveaxis(first[:, n_directions:].reshape(width, -1, width), 1, 0)
    return Moments(
        first[:, :n_directions],
        cross,
        share[:, None, None] * (u[:, None] * u * second),
        pairs(cov, offset)[:width] @ weight,
    )
