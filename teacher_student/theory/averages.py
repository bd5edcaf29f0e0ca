"""Averages of iterates in the equations: the sum S of the weights over the tail of a run, and its overlaps.

Simulations carry an average that moves at the end of every chunk (`teacher_student.training.averages`). As
N -> infinity it is the integral of the weights over the tail, divided by its length. S_k does not move on its
own, dS/dalpha = w inside the tail and 0 before it, so no second-order term of SGD meets it, and per block

    d(S.e)/dalpha = w.e
    d(w.S)/dalpha = w.w - eta E[g_k lambda^b_Sl] - c w.S
    d(S.S)/dalpha = w.S + S.w
    dv_S/dalpha   = v

with the terms without eta and c inside the tail alone. g depends on the noise in block b through lambda^b, so
of lambda^b_S counts what lambda^b says of it, and the rest, which is independent and Gaussian, averages out:

    E[g_k lambda^b_Sl] = sum_m E[g_k lambda^b_m] (q^-1 w.S)_ml.

This is ours.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from teacher_student.order_parameters import Overlaps, factor
from teacher_student.theory.rates import Moments, Rates


class Tailed(NamedTuple):
    """The state of a student, and of the sum of its weights over the tail.

    along, gram, readout : of the student, see `Overlaps`
    sum_along : (K, P) overlaps of the sum with the task directions
    cross : (n_blocks, K, K) w_k . S_l, orthogonal to the task directions, per isotropic block
    sum_gram : (n_blocks, K, K) of the sum with itself, likewise
    sum_readout : (K,) sum of the readouts
    """

    along: Float[Array, "*batch K P"]
    gram: Float[Array, "*batch n_blocks K K"]
    readout: Float[Array, "*batch K"]
    sum_along: Float[Array, "*batch K P"]
    cross: Float[Array, "*batch n_blocks K K"]
    sum_gram: Float[Array, "*batch n_blocks K K"]
    sum_readout: Float[Array, "*batch K"]


def with_sum(start: Overlaps) -> Tailed:
    """A student at the start of a run, and an empty sum."""
    along, gram, readout = jax.tree.map(jnp.zeros_like, start)
    return Tailed(*start, along, gram, gram, readout)


def sum_slope(
    state: Tailed, change: Overlaps, moments: Moments, rates: Rates, inside: Float[Array, ""]
) -> Tailed:
    """d/dalpha of everything from that of the student; `inside` is 1 in the tail and 0 before it."""
    root = factor(state.gram)
    known = jax.scipy.linalg.cho_solve((root, True), state.cross)
    cross = inside * state.gram - rates.hidden * moments.cross @ known - rates.decay * state.cross
    both = inside * (state.cross + state.cross.mT)
    return Tailed(*change, inside * state.along, cross, both, inside * state.readout)


def mean_states(
    states: Tailed, duration: Float[Array, " J"], inside: Float[Array, " J"], times: Float[Array, " T"]
) -> Overlaps:
    """The average at T times; before the tail, and where it has just begun, the student itself.

    `duration` and `inside` are those of the schedule.
    """
    horizon = jnp.sum(duration)
    elapsed = times - horizon + jnp.sum(inside * duration)
    begun = elapsed > 1e-5 * horizon  # beyond rounding
    share = 1 / jnp.where(begun, elapsed, 1)

    def either(total, own, power):
        shape = (-1, *[1] * (own.ndim - 1))
        return jnp.where(begun.reshape(shape), share.reshape(shape) ** power * total, own)

    return Overlaps(
        either(states.sum_along, states.along, 1),
        either(states.sum_gram, states.gram, 2),
        either(states.sum_readout, states.readout, 1),
    )
