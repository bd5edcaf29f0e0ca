"""Scores of one example from its logits z (n, C) and label y (n,), with p = softmax(z).

    error_l2       ||p - onehot(y)||_2               harder   Paul et al., NeurIPS 2021, 2107.07075, def. 2.3
    error_l1       ||p - onehot(y)||_1               harder   the same, order 1
    cross_entropy  -ln p_y                           harder   Kumar et al., NeurIPS 2010
    entropy        -sum_c p_c ln p_c                 harder   Shannon
    max_probability  max_c p_c                       easier
    probability    p_y                               easier   Swayamdipta et al., 2009.10795, sec. 2
    margin         p_y - max_{c != y} p_c            easier
    logit_margin   z_y - max_{c != y} z_c            easier   Pleiss et al., NeurIPS 2020, 2001.10528, eq. (1)
    correct        1 if argmax_c z_c = y else 0      easier   (a tie counts as the smallest class)

All return (n,). These are the plain functions; `curricula.difficulty.trained` averages them over runs.

>>> z, y = jnp.zeros((1, 2)), jnp.array([0])
>>> error_l1(z, y).tolist(), [round(float(f(z, y)[0]), 3) for f in (error_l2, cross_entropy, entropy)]
([1.0], [0.707, 0.693, 0.693])
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

Logits = Float[Array, "n C"]
Labels = Int[Array, " n"]
Score = Float[Array, " n"]


def _gap(z: Logits, y: Labels) -> Logits:
    return jax.nn.softmax(z) - jax.nn.one_hot(y, z.shape[-1], dtype=z.dtype)


def error_l2(z: Logits, y: Labels) -> Score:
    """||p - onehot(y)||_2, in [0, sqrt 2]; higher = harder."""
    return jnp.linalg.norm(_gap(z, y), axis=-1)


def error_l1(z: Logits, y: Labels) -> Score:
    """||p - onehot(y)||_1 = 2 (1 - p_y), in [0, 2]; higher = harder."""
    return jnp.abs(_gap(z, y)).sum(-1)


def cross_entropy(z: Logits, y: Labels) -> Score:
    """-ln p_y >= 0; higher = harder."""
    return -_pick(jax.nn.log_softmax(z), y)


def entropy(z: Logits, y: Labels) -> Score:
    """-sum_c p_c ln p_c, in [0, ln C]; higher = harder. The label is not used."""
    return -(jax.nn.softmax(z) * jax.nn.log_softmax(z)).sum(-1)


def max_probability(z: Logits, y: Labels) -> Score:
    """max_c p_c, in [1/C, 1]; higher = easier. The label is not used."""
    return jax.nn.softmax(z).max(-1)


def probability(z: Logits, y: Labels) -> Score:
    """p_y, in [0, 1]; higher = easier."""
    return _pick(jax.nn.softmax(z), y)


def margin(z: Logits, y: Labels) -> Score:
    """p_y - max_{c != y} p_c, in [-1, 1]; higher = easier."""
    return logit_margin(jax.nn.softmax(z), y)


def logit_margin(z: Logits, y: Labels) -> Score:
    """z_y - max_{c != y} z_c; higher = easier."""
    others = jnp.where(jax.nn.one_hot(y, z.shape[-1], dtype=bool), -jnp.inf, z)
    return _pick(z, y) - others.max(-1)


def correct(z: Logits, y: Labels) -> Score:
    """1.0 where the largest logit is that of the label, else 0.0; higher = easier."""
    return (z.argmax(-1) == y).astype(z.dtype)


def _pick(values: Logits, y: Labels) -> Score:
    return jnp.take_along_axis(values, y[:, None], -1)[:, 0]
