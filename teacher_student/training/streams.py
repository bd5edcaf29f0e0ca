"""Randomness: one key per replicate, one stream per role.

Protocols of a replicate share every stream, so they share teacher, initial student and samples and
differ only in the difficulty schedule. A replicate's key depends on nothing but the seed and its
number, so adding replicates, widths or protocols changes no existing one.
"""

import jax
from jax import Array
from jaxtyping import Int, Key

from teacher_student.roles import REPLICATE


def replicate_keys(seed: int, replicates: Int[Array, " R"]) -> Key[Array, " R"]:
    """One key per replicate number, (R,)."""
    root = jax.random.key(seed)
    return jax.vmap(lambda r: jax.random.fold_in(root, r))(replicates)


def stream(key: Key[Array, ""], role: str) -> Key[Array, ""]:
    """The stream of a replicate for `role`, a name in `roles.REPLICATE`."""
    return jax.random.fold_in(key, REPLICATE[role])


def streams(keys: Key[Array, " R"], role: str) -> Key[Array, " R"]:
    """The streams of replicates for `role`, (R,)."""
    return jax.vmap(lambda key: stream(key, role))(keys)


def round_keys(keys: Key[Array, " R"], number: int) -> Key[Array, " R"]:
    """Keys from which the samples of round `number` of pruning come, (R,); round 0 has the replicates' own.

    The number is folded into the replicate's key, so rounds 1, 2 and 3 have the keys of its streams "init",
    "data" and "test" as theirs. No number is drawn twice for that: samples of round n come from keys four
    levels below the replicate's (n, "data", sample, part), the numbers of those streams from higher ones.
    """
    return jax.vmap(lambda key: jax.random.fold_in(key, number))(keys) if number else keys
