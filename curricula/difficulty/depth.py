"""Prediction depth: from which layer on the neighbours of an example have its label.

With probes m = 0..L-1 on the input, after each block, and on the softmax, and kNN_m(x) the majority label
of the k nearest other examples in layer m (Euclidean; ties go to the smallest class),

    depth(x) = min {l : kNN_m(x) = y*(x) for all m >= l}, in 0..L;  L if the last probe disagrees

with y* the final class of the network (paper) or the true label. Higher = harder.
Source: Baldock, Maennel, Neyshabur, NeurIPS 2021, arXiv 2106.09647, sec. 2.
"""

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int

from curricula.difficulty.score import View
from teacher_student.checks import known, within

QUERIES_AT_ONCE = 128
REFERENCES = ("predicted", "true")


def neighbour_label(
    points: Float[Array, "P D"], labels: Int[Array, " P"], k: int, classes: int
) -> Int[Array, " P"]:
    """Majority label of the k nearest other points; ties to the smallest class."""
    norms = (points**2).sum(-1)

    def vote(query):
        distance = norms - 2 * points @ points[query] + norms[query]
        nearest = jax.lax.top_k(-distance.at[query].set(jnp.inf), k)[1]
        return jax.nn.one_hot(labels[nearest], classes).sum(0).argmax()

    count = points.shape[0]
    return jax.lax.map(vote, jnp.arange(count), batch_size=min(QUERIES_AT_ONCE, count)).astype(labels.dtype)


def depth(agree: Float[Array, "L P"]) -> Float[Array, " P"]:
    """Smallest l such that all rows from l on are 1; L if the last is 0.

    Examples
    --------
    >>> depth(jnp.array([[1.0, 1, 0], [0.0, 1, 1], [1.0, 1, 0]])).tolist()
    [2.0, 0.0, 3.0]
    """
    return agree.shape[0] - jnp.cumprod(agree[::-1], 0).sum(0)


@functools.lru_cache(maxsize=16)
def prediction_depth(k: int = 30, reference: str = "predicted") -> Callable[[View], Array]:
    """The measure for k neighbours; `reference` is what they must agree with, "predicted" or "true"."""
    within("k", k, low=1)
    known("reference", reference, REFERENCES)

    def measure(view: View) -> Array:
        if view.network.features is None:
            raise ValueError("prediction_depth needs a model with a method features(x) that lists its blocks")
        count = view.labels.shape[0]
        if k >= count:
            raise ValueError(f"k is {k} but there are {count} examples; need k < examples")
        blocks = view.network.features(view.params, view.inputs)
        layers = [view.inputs, *blocks[:-1], jax.nn.softmax(blocks[-1])]
        target = view.logits.argmax(-1) if reference == "predicted" else view.labels
        votes = [
            neighbour_label(layer.reshape(count, -1), view.labels, k, view.logits.shape[-1])
            for layer in layers
        ]
        return depth(jnp.stack([(vote == target).astype(jnp.float32) for vote in votes]))

    return measure
