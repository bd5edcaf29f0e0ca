"""Loss and accuracy of students on labelled examples, a chunk of examples at a time."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array
from jaxtyping import Float, Int, PyTree

#: Examples evaluated at a time.
CHUNK = 1000

#: Runs that an accelerator evaluates at once; a CPU takes one after the other.
RUNS = 32

#: A run whose parameters have a larger mean square, or are not finite, has diverged.
DIVERGED_MEAN_SQUARE = 1e6


class Labelled(NamedTuple):
    """Inputs (P, ...) float and labels (P,) in 0..C-1."""

    inputs: Float[Array, "P ..."]
    labels: Int[Array, " P"]


def cross_entropy(logits: Float[Array, "n C"], labels: Int[Array, " n"]) -> Any:
    """-ln softmax(logits)_label, (n,)."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels)


def over_examples(measure: Callable[..., Any], *arrays: Array, chunk: int = CHUNK) -> Any:
    """`measure` of arrays (P, ...), `chunk` rows at a time; its results (chunk, ...) joined to (P, ...)."""
    count = arrays[0].shape[0]
    size = min(chunk, count)
    rows = jnp.arange(-(-count // size) * size) % count
    pieces = jax.lax.map(lambda index: measure(*(a[index] for a in arrays)), rows.reshape(-1, size))
    return jax.tree.map(lambda piece: piece.reshape(-1, *piece.shape[2:])[:count], pieces)


def evaluate(student: Any, examples: Labelled, params: PyTree) -> tuple[Array, Array]:
    """Mean loss and accuracy of one run; a tie counts as the smallest class."""

    def measure(x: Array, y: Array) -> tuple[Array, Array]:
        logits = student.apply(params, x)
        return cross_entropy(logits, y), (logits.argmax(-1) == y).astype(logits.dtype)

    loss, right = over_examples(measure, examples.inputs, examples.labels)
    return loss.mean(), right.mean()


def blown_up(params: PyTree) -> Array:
    """Whether the mean square of the parameters is above `DIVERGED_MEAN_SQUARE`, or not finite."""
    leaves = jax.tree.leaves(params)
    square = jnp.stack([jnp.sum(leaf * leaf) for leaf in leaves]).sum()
    return ~(square < DIVERGED_MEAN_SQUARE * sum(leaf.size for leaf in leaves))
