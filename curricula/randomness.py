"""One kind of key for all draws: an int, a numpy Generator or a JAX key."""

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import jax

    Key: TypeAlias = int | np.random.Generator | jax.Array
else:
    Key = Any


def generator(key: Key) -> np.random.Generator:
    """A numpy Generator from `key`; the same key gives the same draws, different keys different ones.

    Examples
    --------
    >>> int(generator(3).integers(1000)) == int(generator(3).integers(1000))
    True
    """
    if isinstance(key, np.random.Generator):
        return key
    if isinstance(key, (int, np.integer)) and key >= 0:
        return np.random.default_rng(int(key))
    if "key<" in str(getattr(key, "dtype", "")):
        import jax

        return np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel())
    if getattr(key, "dtype", None) == np.uint32 and np.ndim(key) == 1:  # an old-style JAX key
        return np.random.default_rng(np.asarray(key))
    raise ValueError(f"key is {key!r}; need a whole number >= 0, a numpy Generator or a jax.random.key")
