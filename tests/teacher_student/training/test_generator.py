"""The generator written out gives the bits of `jax.random`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32

from teacher_student import generator

KEYS = jax.random.split(jax.random.key(12345), 3)
data = jax.random.key_data


@pytest.mark.parametrize("number", [0, 7, 2**31 - 1])
def test_keys_are_those_of_jax(number):
    count = number % 5 + 1

    @jax.jit
    @jax.vmap
    def both(key):
        ours, theirs = ((by.fold_in(key, number), by.split(key, count)) for by in (generator, jax.random))
        return jax.tree.map(data, ours), jax.tree.map(data, theirs)

    jax.tree.map(np.testing.assert_array_equal, *both(KEYS))


@pytest.mark.parametrize("shape", [(1,), (7,), (33, 5), (2, 3, 4)])
def test_normals_are_those_of_jax(shape):
    ours = jax.jit(jax.vmap(lambda key: generator.normal(key, shape)))(KEYS)
    theirs = jax.jit(jax.vmap(lambda key: jax.random.normal(key, shape, jnp.float32)))(KEYS)
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("n", [1, 2, 9, 64])
def test_words_are_those_of_jax_in_two_halves(n):
    @jax.jit
    @jax.vmap
    def both(key):
        even = jnp.arange(n + n % 2, dtype=jnp.uint32)
        return generator.words(key, n), threefry_2x32(data(key), even)[:n]

    np.testing.assert_array_equal(*both(KEYS))
