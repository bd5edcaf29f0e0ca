"""The generator of `jax.random`, written out: the same numbers from programs that are compiled sooner.

A round of threefry2x32 is a handful of operations on two words. On a CPU JAX makes a loop of the five groups
of four rounds, which in every program and for every key is compiled as half a dozen kernels and goes
through memory five times. Here the rounds are one expression, so one kernel and one pass; a barrier keeps the
compiler from repeating them in everything that uses the words.

Every function gives the bits of its namesake in `jax.random` for keys of threefry2x32, under
jax_threefry_partitionable (see `teacher_student.fixed_settings`); tests compare them.

Source: Salmon, Moraes, Dror, Shaw, SC 2011, "Parallel random numbers: as easy as 1, 2, 3".
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Integer, Key, UInt32

#: Bits by which the second word is turned in the four rounds of a group, groups taking turns.
TURNS = ((13, 15, 26, 6), (17, 29, 16, 24))
#: A constant of the key schedule.
PARITY = np.uint32(0x1BD11BDA)


@jax.jit
def threefry(
    key: UInt32[Array, " 2"], high: UInt32[Array, "*n"], low: UInt32[Array, "*n"]
) -> tuple[UInt32[Array, "*n"], UInt32[Array, "*n"]]:
    """Two random words for every counter of two words, by twenty rounds."""
    schedule = key[0], key[1], key[0] ^ key[1] ^ PARITY
    high, low = high + schedule[0], low + schedule[1]
    for group in range(5):
        for turn in TURNS[group % 2]:
            high = high + low
            low = high ^ (low << np.uint32(turn) | low >> np.uint32(32 - turn))
        high = high + schedule[(group + 1) % 3]
        low = low + schedule[(group + 2) % 3] + np.uint32(group + 1)
    return jax.lax.optimization_barrier((high, low))


def fold_in(key: Key[Array, ""], data: Integer[Array, ""] | int) -> Key[Array, ""]:
    """The key that `data`, a whole number of 32 bits, makes of a key."""
    word = jnp.asarray(data).astype(jnp.uint32)
    pair = threefry(jax.random.key_data(key), jnp.zeros_like(word), word)
    return jax.random.wrap_key_data(jnp.stack(pair), impl="threefry2x32")


def split(key: Key[Array, ""], count: int = 2) -> Key[Array, " count"]:
    """`count` keys of one."""
    numbers = jnp.arange(count, dtype=jnp.uint32)
    pairs = threefry(jax.random.key_data(key), jnp.zeros_like(numbers), numbers)
    return jax.random.wrap_key_data(jnp.stack(pairs, 1), impl="threefry2x32")


def words(key: Key[Array, ""], n: int) -> UInt32[Array, " n"]:
    """n random words, two of a counter: those of `jax.extend.random.threefry_2x32` at 0 .. n - 1, n even."""
    half = (n + 1) // 2
    numbers = jnp.arange(half, dtype=jnp.uint32)
    return jnp.concatenate(threefry(jax.random.key_data(key), numbers, numbers + np.uint32(half)))[:n]


def normal(key: Key[Array, ""], shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """Standard normals in single precision, by the inverse distribution function."""
    numbers = jnp.arange(math.prod(shape), dtype=jnp.uint32)
    high, low = threefry(jax.random.key_data(key), jnp.zeros_like(numbers), numbers)
    lowest = np.nextafter(np.float32(-1), np.float32(0))
    mantissa = (high ^ low) >> np.uint32(9) | np.uint32(0x3F800000)
    unit = jax.lax.bitcast_convert_type(mantissa, jnp.float32) - np.float32(1)
    u = jnp.maximum(lowest, unit * (np.float32(1) - lowest) + lowest)
    return (np.float32(2**0.5) * jax.lax.erf_inv(u)).reshape(shape)
