"""What the scorers need of a model: init and apply, and for some the hidden activations.

Accepted models: a flax.linen Module; a function `rngs -> flax.nnx.Module`; or a `Network`. A model that has a
method `features(x)` listing the outputs of its blocks, logits last, can be scored by prediction
depth and by the last-layer gradient. Models must be deterministic functions of parameters and input,
the same in training and in evaluation: no dropout, no running averages.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen
from jax import Array
from jaxtyping import PyTree


@dataclass(frozen=True)
class Network:
    """Pure functions of a model.

    init : (key, inputs (n, ...)) -> params
    apply : (params, inputs) -> logits (n, C)
    features : (params, inputs) -> activations after each block, logits last; None if not known
    """

    init: Callable[[Any, Array], Any]
    apply: Callable[[Any, Array], Array]
    features: Callable[[Any, Array], list[Array]] | None = None


#: A linen module, a function rngs -> nnx.Module, or a `Network`.
Model = linen.Module | Callable[..., Any] | Network


def as_network(model: Model) -> Network:
    """Turn any accepted model into a `Network`; equal models give the same object."""
    try:
        hash(model)
    except TypeError as error:
        raise ValueError(f"the model cannot be hashed; give its settings as tuples ({error})") from error
    return _as_network(model)


@functools.lru_cache(maxsize=64)
def _as_network(model: object) -> Network:
    if isinstance(model, Network):
        return model
    if isinstance(model, linen.Module):
        return _from_linen(model)
    if callable(model):
        return _from_nnx(model)
    raise ValueError(
        f"model is a {type(model).__name__}; need a flax.linen Module, a function "
        "rngs -> nnx.Module or a Network"
    )


def _from_linen(model: linen.Module) -> Network:
    def init(key: Array, inputs: Array) -> Any:
        variables = model.init(key, inputs)
        if extra := sorted(set(variables) - {"params"}):
            raise ValueError(
                f"the model keeps {', '.join(extra)} besides params; use one without, e.g. LayerNorm"
            )
        return variables

    def apply(params: PyTree, inputs: Array) -> Array:
        return jnp.asarray(model.apply(params, inputs))

    def features(params: PyTree, inputs: Array) -> list[Array]:
        blocks: Any = model.apply(params, inputs, method="features")
        return list(blocks)

    return Network(init, apply, features if hasattr(model, "features") else None)


def _from_nnx(make: Callable[[Any], Any]) -> Network:
    from flax import nnx

    shape = nnx.eval_shape(lambda: make(nnx.Rngs(0)))
    if not isinstance(shape, nnx.Module):
        raise ValueError(
            f"the model function returned a {type(shape).__name__}; need one that returns an nnx.Module"
        )
    graph, _, other = nnx.split(shape, nnx.Param, ...)
    if jax.tree.leaves(other):
        raise ValueError(
            "the model keeps state besides nnx.Param; use one without dropout or batch statistics"
        )

    def init(key: Array, inputs: Array) -> Any:
        return nnx.split(make(nnx.Rngs(key)), nnx.Param)[1]

    def apply(params: PyTree, inputs: Array) -> Array:
        return nnx.merge(graph, params)(inputs)

    def features(params: PyTree, inputs: Array) -> list[Array]:
        module: Any = nnx.merge(graph, params)
        return list(module.features(inputs))

    return Network(init, apply, features if hasattr(shape, "features") else None)
