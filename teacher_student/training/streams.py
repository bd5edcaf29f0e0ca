"""Randomness: one key per replicate, one stream per role.

Protocols of a replicate share every stream, so they share teacher, initial student and samples and
differ only in the difficulty schedule. A replicate's key depends on nothing but the seed and its
number, so adding replicates, widths or protocols changes no existing one.
"""

import jax
from jax import Array
from jaxtyping import Int, Key

STREAMS = ("teacher", "init", "data", "test")


def replicate_keys(seed: int, replicates: Int[Array, " R"]) -> Key[Array, " R"]:
    """One key per replicate number, (R,)."""
    root = jax.random.key(seed)
    return jax.vmap(lambda r: jax.random.fold_in(root, r))(replicates)


def stream(key: Key[Array, ""], role: str) -> Key[Array, ""]:
    """The stream of a replicate for `role`, one of STREAMS."""
    return jax.random.fold_in(key, STREAMS.index(role))
