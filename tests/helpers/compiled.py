"""Methods of tasks as one program each; called by themselves they compile dozens of single operations."""

from typing import Any

import jax
import numpy as np

sample = jax.jit(
    lambda task, key, n, level, directions=None: task.sample(key, n, level, directions), static_argnums=(0, 2)
)
evaluate = jax.jit(
    lambda task, student, order, level, normals: task.evaluate(student, order, level, normals),
    static_argnums=(0, 1),
)


def single(x: Any) -> Any:
    """In single precision, of NumPy: programs take it as it is."""
    return np.asarray(x, "float32")
