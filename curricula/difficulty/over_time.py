"""What is made of a number that is recorded T times during training, without storing the T numbers.

With v_t the value at record t = 0..T-1, and A_t in {0, 1} for whether the example was right:

    LAST       v_{T-1}
    MEAN       (1/T) sum_t v_t
    STD        sqrt((1/T) sum_t (v_t - mean)^2)                     population, by Welford's recursion
    SUM        sum_t v_t
    FORGOTTEN  sum_{t>0} [A_{t-1} = 1 and A_t = 0]; T if never right   Toneva et al., 1812.05159, def. 1
    FIRST      min {t : A_t = 1}; T if never right                     NED's convention; unit: records
    LEARNED    min {t* : A_t = 1 for all t >= t*}; T if A_{T-1} = 0    Baldock et al., 2106.09647, sec. 2

An example that was never right gets the largest value a score can take: counted as "forgotten 0
times", the hardest examples would look like the easiest.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

NEVER = "never learned counts as T, the number of records: harder than anything learned"


class OverTime(NamedTuple):
    """An online accumulator over records; every array keeps the shape of the values.

    init : values -> state
    update : (state, values, t) -> state, t = index of the record, as a float
    finish : (state, T) -> result
    """

    init: Callable[[Array], Any]
    update: Callable[[Any, Array, Any], Any]
    finish: Callable[[Any, Any], Array]


def _moments(state: tuple[Array, Array], v: Array, t: Array | float) -> tuple[Array, Array]:
    mean, squares = state
    step = v - mean
    mean = mean + step / (t + 1)
    return mean, squares + step * (v - mean)


def _forgotten(state: tuple[Array, Array, Array], v: Array, t: Array | float) -> tuple[Array, Array, Array]:
    before, count, ever = state
    return v, count + before * (1 - v), jnp.maximum(ever, v)


def _first(state: tuple[Array, Array], v: Array, t: Array | float) -> tuple[Array, Array]:
    first, ever = state
    return jnp.where((ever == 0) & (v > 0), t, first), jnp.maximum(ever, v)


LAST = OverTime(jnp.zeros_like, lambda s, v, t: v, lambda s, n: s)
SUM = OverTime(jnp.zeros_like, lambda s, v, t: s + v, lambda s, n: s)
MEAN = OverTime(jnp.zeros_like, lambda s, v, t: s + v, lambda s, n: s / n)
STD = OverTime(
    lambda v: (jnp.zeros_like(v), jnp.zeros_like(v)),
    _moments,
    lambda s, n: jnp.sqrt(jnp.maximum(s[1], 0) / n),
)
FORGOTTEN = OverTime(
    lambda v: (jnp.zeros_like(v),) * 3, _forgotten, lambda s, n: jnp.where(s[2] > 0, s[1], n)
)
FIRST = OverTime(lambda v: (jnp.zeros_like(v),) * 2, _first, lambda s, n: jnp.where(s[1] > 0, s[0], n))
LEARNED = OverTime(jnp.zeros_like, lambda s, v, t: jnp.where(v > 0, s, 1 + t), lambda s, n: s)
