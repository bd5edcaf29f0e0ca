"""The sequential heart of a chunk of B samples: small vectors only, no N, no weights.

With pre-activations lambda0_i at the start of the chunk and the Gram matrix G of its inputs,

    lambda_i = lambda0_i - sum_{j<i} G_ij h_j
    h_i, dtheta = the student's step of SGD at lambda_i, y_i
    theta <- theta - dtheta

is exactly online SGD, step after step, whatever weights and inputs lie behind lambda0 and G. With two layers
theta is the readout v, and with f_i = s v . phi(lambda_i), g_i = dloss/df(f_i, y_i),

    h_i = hidden_rate * g_i * s * v * phi'(lambda_i),   dv = readout_rate * g_i * s * phi(lambda_i);

what it is elsewhere `teacher_student.students.heads` says. Rates that change over time multiply h_i and
dtheta by the factor of the step.

How it is laid out for speed: the chunk is cut into pieces of 16 steps; what earlier pieces do to a
piece is one matrix product, and only the steps inside a piece are scanned. In a piece a step either
looks back (lambda_i from all h_j before it, best for many units) or updates ahead (each h_i at once
subtracted from all later lambda, best for a handful of units).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, PyTree

from teacher_student.interfaces import Learner

PIECE = 16
#: Up to this width a step updates ahead; above it looks back.
FEW_UNITS = 8


def descend(
    student: Learner,
    scaling: PyTree,
    lambda0: Float[Array, "B K"],
    gram: Float[Array, "B B"],
    label: Float[Array, " B"],
    on: Bool[Array, " B"],
    theta: PyTree,
    rate: Float[Array, "B *networks"] | None = None,
) -> tuple[Float[Array, "B K"], Float[Array, "B K"], PyTree]:
    """Take B steps of SGD; steps with `on` false leave everything as it is.

    `rate` are factors on all rates, 1 where there are none.

    Returns
    -------
    h (B, K) such that the weights change by -h^T X, the pre-activations lambda (B, K) each at its own
    step, and the new theta
    """
    few = student.rows <= FEW_UNITS

    def learn(lam, theta, label, on, factor):
        h, change = faster(student, factor, student.step(lam, theta, label, on, scaling))
        return h, jax.tree.map(jnp.subtract, theta, change)

    h, lam = lambda0[:0], lambda0[:0]
    for start in range(0, len(label), PIECE):
        piece = slice(start, min(start + PIECE, len(label)))
        begin = lambda0[piece] - gram[piece, :start] @ h
        own, labels, ons = gram[piece, piece], label[piece], on[piece]
        factors = None if rate is None else rate[piece]

        def look_back(carry, i, begin=begin, own=own, labels=labels, ons=ons, factors=factors):
            h, theta = carry
            lam = begin[i] - own[i] @ h
            factor = None if factors is None else factors[i]
            new, theta = learn(lam, theta, labels[i], ons[i], factor)
            return (h.at[i].set(new), theta), (new, lam)

        def update_ahead(carry, i, own=own, labels=labels, ons=ons, factors=factors):
            ahead, theta = carry
            factor = None if factors is None else factors[i]
            new, theta = learn(ahead[i], theta, labels[i], ons[i], factor)
            return (ahead - own[:, i, None] * new, theta), (new, ahead[i])

        step, carry = (update_ahead, begin) if few else (look_back, jnp.zeros_like(begin))
        (_, theta), (new, lams) = jax.lax.scan(step, (carry, theta), jnp.arange(len(labels)))
        h, lam = jnp.concatenate([h, new]), jnp.concatenate([lam, lams])
    return h, lam, theta


def faster(
    student: Any, factor: Float[Array, "*networks"] | None, change: tuple[Any, Any]
) -> tuple[Any, Any]:
    """What a step changes, h and dtheta, at rates multiplied by a factor, or by one for each network."""
    if factor is None:
        return change
    if factor.ndim:
        return student.apart(factor, *change)
    h, dtheta = jax.tree.map(lambda x: factor * x, change)
    return h, dtheta
