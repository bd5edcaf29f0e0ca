"""A chunk of samples that some weights and inputs could have, and students that go through it."""

import jax
import numpy as np

from teacher_student.training.chunk import descend


def chunk_of(rng, width, steps):
    """Pre-activations, Gram matrix, labels and marks of a chunk that some weights and inputs could have."""
    x = rng.normal(size=(steps, 40))
    lambda0 = x @ rng.normal(size=(40, width)) / 40**0.5
    return lambda0, x @ x.T, rng.choice([-1.0, 1.0], steps), rng.random(steps) < 0.9


#: One program for all parametrisations.
DESCEND = jax.jit(descend, static_argnums=0)


def through(student, chunk, theta, rows=slice(None), scaling=None):
    """The student on some of the rows of a chunk, at rate 2 and N = 40."""
    lambda0, gram, label, on = chunk
    scaling = student.scaling(2.0, 40) if scaling is None else scaling
    found = DESCEND(student.core(), scaling, lambda0[:, rows], gram, label, on, theta)
    return jax.tree.map(np.asarray, found)


def same(ours, theirs):
    for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
