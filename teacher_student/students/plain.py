"""Networks for finite data, written out: a linear map, two layers without biases, random features, an MLP.

    linear           f = v . (x_1, ..., x_K)                      the first K inputs, from v = 0
    two_layer        f = sum_k v_k phi(w_k . x)                   w_k ~ N(0, I/N), v_k ~ N(0, 1/K), no biases
    random_features  the same from v = 0, with w as it was drawn  convex in what is trained
    mlp              L = `depth` hidden layers of K units each    N(0, 1/fan-in), biases from 0

Of f there may be several, one for each class. Beside the flax networks of `flax_nets` they have what theory
asks for: layers without biases, frozen layers, and a shift of the first pre-activations, w_k . x + s_k, whose
gradient is that of a bias in the first layer whether there is one or not. Weights are (n_out, n_in): the
gradients of a batch of them are quicker on a CPU that way.
"""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key, PyTree

from teacher_student.checks import known, whole
from teacher_student.students.heads import activation_of
from teacher_student.students.two_layer import ACTIVATIONS

KINDS = ("linear", "two_layer", "random_features", "mlp")


@dataclass(frozen=True)
class PlainNet:
    """A network of the table above; frozen and hashable.

    Parameters
    ----------
    kind : {"linear", "two_layer", "random_features", "mlp"}
    width : int >= 1
        K, units of a layer; of "linear" the number of inputs that it sees.
    outputs : int >= 1
        Numbers that it gives: 1, or one for each class.
    depth : int >= 1
        Hidden layers of "mlp"; all others have one, or none.
    activation : name in `teacher_student.students.two_layer.ACTIVATIONS`

    Examples
    --------
    >>> net = PlainNet("mlp", 8, outputs=3, depth=2)
    >>> params = net.init(jax.random.key(0), n_inputs=5)
    >>> net.apply(params, jnp.ones((4, 5))).shape, net.n_parameters(5)
    ((4, 3), 147)
    """

    kind: str
    width: int
    outputs: int = 1
    depth: int = 1
    activation: str = "relu"

    def __post_init__(self) -> None:
        known("student", self.kind, KINDS)
        whole("width", self.width, low=1)
        whole("outputs", self.outputs, low=1)
        whole("depth", self.depth, low=1)
        known("activation", self.activation, ACTIVATIONS)
        if self.depth > 1 and self.kind != "mlp":
            raise ValueError(f"depth is {self.depth}, but student {self.kind!r} has no other depth than 1")

    @property
    def hidden(self) -> int:
        """Number of hidden layers."""
        return 0 if self.kind == "linear" else self.depth

    def check_inputs(self, n_inputs: int) -> None:
        """Refuse a linear map that is to see more inputs than there are."""
        if self.kind == "linear" and self.width > n_inputs:
            raise ValueError(f"width is {self.width}, but there are {n_inputs} inputs for student 'linear'")

    def shapes(self, n_inputs: int) -> list[tuple[int, int]]:
        """(n_out, n_in) of every layer, first to last."""
        if not self.hidden:
            return [(self.outputs, self.width)]
        ins = [n_inputs, *[self.width] * (self.hidden - 1)]
        return [*((self.width, n_in) for n_in in ins), (self.outputs, self.width)]

    def n_parameters(self, n_inputs: int) -> int:
        """Numbers that are trained."""
        shapes = self.shapes(n_inputs)
        trained = shapes[-1:] if self.kind == "random_features" else shapes
        return sum(n_out * (n_in + (self.kind == "mlp")) for n_out, n_in in trained)

    def init(self, key: Key[Array, ""], n_inputs: int) -> Any:
        """Parameters: for every layer {"w": (n_out, n_in)}, of an MLP with {"b": (n_out,)}."""
        shapes = self.shapes(n_inputs)
        keys = jax.random.split(key, len(shapes))
        layers = []
        for i, (own, shape) in enumerate(zip(keys, shapes, strict=True)):
            zero = i == self.hidden and self.kind in ("linear", "random_features")
            spread = 0.0 if zero else shape[1] ** -0.5
            layer = {"w": spread * jax.random.normal(own, shape, jnp.float32)}
            layers.append(layer | ({"b": jnp.zeros(shape[0])} if self.kind == "mlp" else {}))
        return layers

    def moves(self, params: PyTree) -> Any:
        """1.0 for every array that is trained, 0.0 for every one that is not."""
        frozen = self.kind == "random_features"
        return [
            jax.tree.map(lambda _, i=i: float(not frozen or i == self.hidden), layer)
            for i, layer in enumerate(params)
        ]

    def shift(self) -> Float[Array, " K"]:
        """Shift of the first pre-activations at which the network is itself: zeros, none for a linear map."""
        return jnp.zeros(self.width if self.hidden else 0)

    def apply(
        self, params: PyTree, x: Float[Array, "n ..."], shift: Float[Array, " K"] | None = None
    ) -> Float[Array, "n C"]:
        """Outputs (n, C) at inputs (n, ...), pre-activations of the first layer moved by `shift`."""
        phi = activation_of(self.activation)
        h = x.reshape(x.shape[0], -1)
        h = h if self.hidden else h[:, : self.width]
        for i, layer in enumerate(params):
            w = jax.lax.stop_gradient(layer["w"]) if self.kind == "random_features" and i == 0 else layer["w"]
            h = h @ w.T + layer.get("b", 0)
            if i < self.hidden:
                h = phi(h + shift if i == 0 and shift is not None else h)
        return h
