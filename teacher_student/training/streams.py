"""Randomness: one key per replicate, one stream per role.

Protocols of a replicate share every stream, so they share teacher, initial student and samples and
differ only in the difficulty schedule. A replicate's key depends on nothing but the seed and its
number, so adding replicates, widths or protocols changes no existing one.
"""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int, Integer, Key, UInt32
from numpy.typing import ArrayLike

from teacher_student import generator
from teacher_student.checks import seed_fits, whole
from teacher_student.roles import REPLICATE

#: The generator of all keys made here, by its name in `jax.random.key`.
GENERATOR = "threefry2x32"

#: Numbers of replicates are below this, so that they fit the 32 bits of a key.
MOST_REPLICATES = 2**31


def root_key(seed: int) -> Key[Array, ""]:
    """The key of a seed, from the same generator whatever JAX is set to; ValueError beyond 32 bits."""
    return jax.random.wrap_key_data(jax.device_put(_seed_words(seed)), impl=GENERATOR)


def _seed_words(seed: int) -> UInt32[np.ndarray, " 2"]:
    """The two words of a seed's key: what `jax.random.key` makes of it, without a program."""
    seed_fits(seed)
    return np.array([0, seed], np.uint32)


@jax.jit
def fold_each(keys: Key[Array, " #R"], numbers: UInt32[Array, " #R"]) -> Key[Array, " R"]:
    """Number r folded into key r, (R,); one key, or one number, is that of all."""
    keys, numbers = jnp.broadcast_arrays(keys, numbers)
    return jax.vmap(generator.fold_in)(keys, numbers)


#: How many replicates, or their numbers.
Replicates = int | np.integer | Integer[np.ndarray, " R"] | Sequence[int]


def replicate_numbers(replicates: Replicates) -> Int[np.ndarray, " R"]:
    """The numbers of the replicates asked for: 0 .. n - 1 for a count n, else the numbers given.

    Raises
    ------
    ValueError : a count below 1, numbers that are not whole, or none, or that do not fit

    Examples
    --------
    >>> replicate_numbers(3).tolist(), replicate_numbers([7, 2]).tolist()
    ([0, 1, 2], [7, 2])
    """
    if np.ndim(replicates) == 0:
        whole("replicates", replicates, 1, MOST_REPLICATES)
        return np.arange(int(np.asarray(replicates)))
    numbers = np.asarray(replicates)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu" or not numbers.size:
        raise ValueError(
            f"replicates are {numbers.dtype} of shape {numbers.shape}; need a count, or whole numbers (R,)"
        )
    if numbers.min() < 0 or numbers.max() >= MOST_REPLICATES:
        raise ValueError(
            f"replicates run from {numbers.min()} to {numbers.max()}; need 0 <= number < {MOST_REPLICATES}"
        )
    return numbers


def replicate_keys(seed: int, replicates: ArrayLike | Sequence[int]) -> Key[Array, " R"]:
    """One key per replicate number, (R,)."""
    root = jax.random.wrap_key_data(jax.device_put(_seed_words(seed)[None]), impl=GENERATOR)
    return fold_each(root, np.asarray(replicates, np.uint32))


def role_keys(seed: int, role: int, numbers: ArrayLike | Sequence[int]) -> Key[Array, " R"]:
    """Keys (R,) of replicates or runs of these numbers within `role`, a number in `teacher_student.roles`."""
    return fold_each(replicate_keys(seed, [role]), np.asarray(numbers, np.uint32))


def stream(key: Key[Array, ""], role: str) -> Key[Array, ""]:
    """The stream of a replicate for `role`, a name in `roles.REPLICATE`."""
    return generator.fold_in(key, REPLICATE[role])


def streams(keys: Key[Array, " R"], role: str) -> Key[Array, " R"]:
    """The streams of replicates for `role`, (R,)."""
    return fold_each(keys, np.array([REPLICATE[role]], np.uint32))


def round_keys(keys: Key[Array, " R"], number: int) -> Key[Array, " R"]:
    """Keys from which the samples of round `number` of pruning come, (R,); round 0 has the replicates' own.

    The number is folded into the replicate's key, so rounds 1, 2 and 3 have the keys of its streams "init",
    "data" and "test" as theirs. No number is drawn twice for that: samples of round n come from keys four
    levels below the replicate's (n, "data", sample, part), the numbers of those streams from higher ones.
    """
    return fold_each(keys, np.array([number], np.uint32)) if number else keys
