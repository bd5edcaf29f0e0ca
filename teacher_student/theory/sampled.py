"""Expectations by quasi-Monte Carlo: fixed scrambled Sobol nodes, mapped to normals, with both signs.

A node holds P normals for the task directions and K for each block: x_par and xi_b. Then

    lambda = M x_along + sum_b sqrt(Delta_b) F_b xi_b,   F_b F_b^T = q_b,

and every expectation of the equations is a plain average. Fixed nodes make the right-hand side a
deterministic function of the state. Slopes of relu jump, so for relu that function has jumps of the
order of one node's weight; choose the tolerance of the integration above them (see `error_estimate`
in `accuracy`). Averages over ±node are exact for odd integrands.

Source: scipy.stats.qmc; Owen, J. Complexity 14, 466 (1998) for the scrambling.
"""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float
from scipy.special import ndtri
from scipy.stats import qmc

from teacher_student.checks import whole
from teacher_student.order_parameters import Overlaps, factor
from teacher_student.students.two_layer import TwoLayer
from teacher_student.theory.rates import Moments
from teacher_student.theory.schedule import floats


def check_nodes(n_nodes: int) -> None:
    """Refuse a number of nodes that is not a power of two (Sobol points lose their balance)."""
    whole("n_nodes", n_nodes, low=2)
    if n_nodes & (n_nodes - 1):
        raise ValueError(f"n_nodes is {n_nodes}; need a power of two")


@lru_cache(maxsize=32)
def _normals(dim: int, n_nodes: int, seed: int) -> Float[np.ndarray, "n D"]:
    uniform = qmc.Sobol(dim, scramble=True, rng=seed).random_base2(n_nodes.bit_length() - 1)
    half = ndtri(np.clip(uniform, 1e-15, 1 - 1e-15))
    return np.concatenate([half, -half])


def sobol_normals(dim: int, n_nodes: int, seed: int) -> Float[Array, "n D"]:
    """2 x `n_nodes` standard normal nodes in `dim` dimensions, the second half mirroring the first.

    >>> sobol_normals(3, 8, seed=0).shape
    (16, 3)
    """
    check_nodes(n_nodes)
    return jax.device_put(floats(_normals(dim, n_nodes, seed)))


def split(
    state: Overlaps, nodes: Float[Array, "n D"], scales: tuple[float | Array, ...]
) -> tuple[Float[Array, "n P"], Float[Array, "n_blocks n K"]]:
    """x_par (n, P) and sqrt(Delta_b) F_b xi_b (n_blocks, n, K) at the nodes."""
    width, n_directions = state.along.shape
    parts = [
        scale * (nodes[:, n_directions + b * width : n_directions + (b + 1) * width] @ factor(gram).T)
        for b, (scale, gram) in enumerate(zip(scales, state.gram, strict=True))
    ]
    return nodes[:, :n_directions], jnp.stack(parts)


def averages(
    student: TwoLayer,
    state: Overlaps,
    output_scale: float | Array,
    along: Float[Array, "n P"],
    rest: Float[Array, "n_blocks n K"],
    label: Float[Array, " n"],
    share: Float[Array, " n_blocks"],
) -> Moments:
    """All expectations from samples: `share` is (N_b / N) Delta_b."""
    n = len(label)
    lam = along @ state.along.T + jnp.sum(rest, 0)
    u, phi = output_scale * state.readout, student.phi(lam)
    error = student.dloss(phi @ u, label)
    g = error[:, None] * u * student.dphi(lam)
    return Moments(
        g.T @ along / n,
        jax.vmap(lambda part: g.T @ part)(rest) / n,
        share[:, None, None] * (g.T @ g / n),
        error @ phi / n,
    )


def scores(
    student: TwoLayer,
    lam: Float[Array, "n K"],
    label: Float[Array, " n"],
    readout: Float[Array, " K"],
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Accuracy and loss averaged over samples; an output of exactly 0 counts one half."""
    output = student.phi(lam) @ readout
    return jnp.mean(0.5 * (1 + jnp.sign(output) * label)), jnp.mean(student.losses(output, label))
