"""First-order moments in closed form: a relu student with squared loss and a teacher of erf or sign units.

The pre-activations lambda (K,) of the student and s (M,) of the teacher are Gaussian with mean zero, and the
label y = sum_m A_m psi_m(s_m) is odd in s. By parts, for a Gaussian t with covariances C_tk, C_tm with them,
and with the moments `both`, `lift` and `relu_relu` of `rectified`,

    E[g_k t] / u_k    = sum_i both_ki u_i C_ti + C_tk (lift u)_k - sum_m C_tm A_m rise_m
    E[(f - y) phi_k]  = (relu_relu u)_k - sum_m C_km A_m rise_m

where rise_m = E[H(lambda_k) psi'_m(s_m)] = E[psi'_m] / 2 = (2 pi D_m)^-1/2 with D_m = 1 + C_mm of an erf and
C_mm of a sign: psi' is even, so half of it goes with either sign of lambda_k. A label at lambda_k = 0 has
mean zero. The second-order term E[g_k g_l] has no such form; label noise adds u_k u_l sigma^2 both_kl to it.

Source: Straat & Biehl, arXiv 1903.07378, study relu students of relu teachers; erf and sign teachers are
derived here.
"""

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from teacher_student.order_parameters import Overlaps
from teacher_student.theory.erf_teacher import Teacher, joint
from teacher_student.theory.rates import Moments
from teacher_student.theory.rectified import rectified

#: Families of averages that this is for.
RELU = ("relu", "squared")


def half_closed_moments(
    state: Overlaps, output_scale: float | Array, teacher: Teacher, square: Float[Array, "n_blocks K K"]
) -> Moments:
    """The moments, of first order in closed form; `square` is the other one, for labels without noise."""
    width, n_directions = state.along.shape
    cov, probes = joint(state, teacher.rows, teacher.variances)
    u = output_scale * state.readout
    m = rectified(jnp.zeros_like(u), cov[:width, :width])
    spread = jnp.diagonal(cov)[width:] + teacher.offset
    rise = jnp.asarray(teacher.readout, u.dtype) / jnp.sqrt(2 * np.pi * spread)
    own, taught = probes[:, :width].T, probes[:, width:].T
    first = u[:, None] * ((m.both * u) @ own + (m.lift @ u)[:, None] * own - rise @ taught)
    cross = jnp.moveaxis(first[:, n_directions:].reshape(width, -1, width), 1, 0)
    readout = m.relu_relu @ u - cov[:width, width:] @ rise
    noise = teacher.share[:, None, None] * (teacher.label_noise * u[:, None] * u * m.both)
    return Moments(first[:, :n_directions], cross, square + noise, readout)
