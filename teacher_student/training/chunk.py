"""The sequential heart of a chunk of B samples: small vectors only, no N, no weights.

With pre-activations lambda0_i at the start of the chunk and the Gram matrix G of its inputs,

    lambda_i = lambda0_i - sum_{j<i} G_ij h_j
    f_i = s * v . phi(lambda_i),   g_i = dloss/df(f_i, y_i)
    h_i = hidden_rate * g_i * s * v * phi'(lambda_i)
    v   <- v - readout_rate * g_i * s * phi(lambda_i)

is exactly online SGD, step after step, whatever weights and inputs lie behind lambda0 and G.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float

from teacher_student.interfaces import Student
from teacher_student.students.two_layer import Scaling


def descend(
    student: Student,
    scaling: Scaling,
    lambda0: Float[Array, "B K"],
    gram: Float[Array, "B B"],
    label: Float[Array, " B"],
    on: Bool[Array, " B"],
    v: Float[Array, " K"],
) -> tuple[Float[Array, "B K"], Float[Array, " K"]]:
    """Take B steps of SGD; steps with `on` false leave everything as it is.

    Returns
    -------
    h (B, K) such that the weights change by -h^T X, and the new readout v (K,)
    """

    def step(carry, i):
        lam_all, v = carry
        lam = lam_all[i]
        phi = student.phi(lam)
        scale = scaling.output_scale
        g = jnp.where(on[i], student.dloss(scale * (v @ phi), label[i]), 0)
        h = (scaling.hidden_rate * scale) * g * v * student.dphi(lam)
        return (lam_all - gram[:, i, None] * h, v - (scaling.readout_rate * scale) * g * phi), h

    (_, v), h = jax.lax.scan(step, (lambda0, v), jnp.arange(len(label)))
    return h, v
