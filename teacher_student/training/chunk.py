"""The sequential heart of a chunk of B samples: small vectors only, no N, no weights.

With pre-activations lambda0_i at the start of the chunk and the Gram matrix G of its inputs,

    lambda_i = lambda0_i - sum_{j<i} G_ij h_j
    f_i = s * v . phi(lambda_i),   g_i = dloss/df(f_i, y_i)
    h_i = hidden_rate * g_i * s * v * phi'(lambda_i)
    v   <- v - readout_rate * g_i * s * phi(lambda_i)

is exactly online SGD, step after step, whatever weights and inputs lie behind lambda0 and G.

How it is laid out for speed: the chunk is cut into pieces of 16 steps; what earlier pieces do to a
piece is one matrix product, and only the steps inside a piece are scanned. In a piece a step either
looks back (lambda_i from all h_j before it, best for many units) or updates ahead (each h_i at once
subtracted from all later lambda, best for a handful of units).
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float

from teacher_student.interfaces import Student
from teacher_student.students.two_layer import Scaling

PIECE = 16
#: Up to this width a step updates ahead; above it looks back.
FEW_UNITS = 8


def sgd_step(
    student: Student,
    lam: Float[Array, " K"],
    v: Float[Array, " K"],
    label: Float[Array, ""],
    on: Bool[Array, ""],
    *,
    output_scale: float | Array,
    slope_scale: float | Array,
    hidden_rate: float | Array,
    readout_rate: float | Array,
) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
    """One step of SGD from the pre-activations: h (K,) and dv (K,) with w <- w - h x^T, v <- v - dv.

    The output scale enters twice, in f = s v . phi and as a factor of the gradient. The second is given as
    `slope_scale`, or with slope_scale = 1 inside both rates: the same products, rounded in another order.
    A step with `on` false changes nothing.
    """
    phi = student.phi(lam)
    slope = jnp.where(on, slope_scale * student.dloss(output_scale * (v @ phi), label), 0)
    return hidden_rate * slope * v * student.dphi(lam), readout_rate * slope * phi


def descend(
    student: Student,
    scaling: Scaling,
    lambda0: Float[Array, "B K"],
    gram: Float[Array, "B B"],
    label: Float[Array, " B"],
    on: Bool[Array, " B"],
    v: Float[Array, " K"],
) -> tuple[Float[Array, "B K"], Float[Array, "B K"], Float[Array, " K"]]:
    """Take B steps of SGD; steps with `on` false leave everything as it is.

    Returns
    -------
    h (B, K) such that the weights change by -h^T X, the pre-activations lambda (B, K) each at its own
    step, and the new readout v (K,)
    """
    few = student.width <= FEW_UNITS
    scale = scaling.output_scale

    def learn(lam, v, label, on):
        h, change = sgd_step(
            student, lam, v, label, on, output_scale=scale, slope_scale=scale,
            hidden_rate=scaling.hidden_rate, readout_rate=scaling.readout_rate,
        )  # fmt: skip
        return h, v - change

    h, lam = lambda0[:0], lambda0[:0]
    for start in range(0, len(label), PIECE):
        piece = slice(start, min(start + PIECE, len(label)))
        begin = lambda0[piece] - gram[piece, :start] @ h
        own, labels, ons = gram[piece, piece], label[piece], on[piece]

        def look_back(carry, i, begin=begin, own=own, labels=labels, ons=ons):
            h, v = carry
            lam = begin[i] - own[i] @ h
            new, v = learn(lam, v, labels[i], ons[i])
            return (h.at[i].set(new), v), (new, lam)

        def update_ahead(carry, i, own=own, labels=labels, ons=ons):
            ahead, v = carry
            new, v = learn(ahead[i], v, labels[i], ons[i])
            return (ahead - own[:, i, None] * new, v), (new, ahead[i])

        step, carry = (update_ahead, begin) if few else (look_back, jnp.zeros_like(begin))
        (_, v), (new, lams) = jax.lax.scan(step, (carry, v), jnp.arange(len(labels)))
        h, lam = jnp.concatenate([h, new]), jnp.concatenate([lam, lams])
    return h, lam, v
