"""Heads: networks that see their input through pre-activations lambda = W x and through nothing else.

With any differentiable f = F(theta, lambda), one fresh sample (x, y) a step of SGD is

    h      = hidden_rate * d loss(f, y) / d lambda         W     <- W - h x^T
    dtheta = rate        * d loss(f, y) / d theta          theta <- theta - dtheta

Weights and inputs enter through lambda alone, so the recursion of `teacher_student.training.chunk` is
this SGD step after step, whatever F is, and the Gram-space simulation is exact in law at a cost that does
not depend on N. The order-parameter equations know two layers only.

A head is one file: a subclass of `Head` that says which arrays theta has (`arrays`) and what becomes of the
pre-activations (`apply`). W starts as N(0, 1/N). What a parametrisation does to any other array is its
standard deviation at the start and its rate; K is the array's fan-in, eta the learning rate:

    name         rate of W    hidden: std, rate    readout: std, rate    bias, from 0: rate
    standard     eta/N        K^-1/2, eta/N        K^-1/2, eta/N         eta/N
    ntk          eta/N        K^-1/2, eta/(K N)    K^-1/2, eta/(K N)     eta/N
    mean_field   K eta/N      K^-1/2, eta/N        K^-1,   eta/(K N)     K eta/N

These are those of `teacher_student.students.two_layer`, the factor in front of a layer absorbed in its
weights: f = s v . phi with v ~ N(0, b^2) at rate r is f = u . phi with u ~ N(0, s^2 b^2) at rate s^2 r.
mean_field is muP at any depth: a step changes the pre-activations of every layer, and f, by an amount that
does not depend on K. Source: Yang & Hu, ICML 2021, arXiv 2011.14522, sec. 5, for SGD; that rates carry 1/N
is ours.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Key

from teacher_student.checks import known, whole, within
from teacher_student.students.two_layer import ACTIVATIONS, LOSSES, PARAMETRISATIONS

#: theta: name -> array.
Theta = Mapping[str, Array]

#: Parametrisation -> kind of array -> powers of its fan-in K in the standard deviation at the start and in
#: the rate; "rows" are those of W, biases start at 0.
POWERS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "standard": {"rows": (0, 0), "hidden": (-0.5, 0), "readout": (-0.5, 0), "bias": (0, 0)},
    "ntk": {"rows": (0, 0), "hidden": (-0.5, -1), "readout": (-0.5, -1), "bias": (0, 0)},
    "mean_field": {"rows": (0, 1), "hidden": (-0.5, 0), "readout": (-1, -1), "bias": (0, 1)},
}


class Layer(NamedTuple):
    """One array of theta: its kind, a column of the table above, its shape, and the fan-in K of its row."""

    kind: Literal["hidden", "readout", "bias"]
    shape: tuple[int, ...]
    fan_in: int


class HeadScaling(NamedTuple):
    """What a parametrisation stands for at a learning rate and an N; traced, so changing it compiles nothing.

    hidden_rate : step of W, for all rows or (rows,)
    spread      : name -> standard deviation of the array at the start
    rates       : name -> step of the array
    """

    hidden_rate: float | np.ndarray | Array
    spread: Mapping[str, float | Array]
    rates: Mapping[str, float | Array]


@dataclass(frozen=True)
class Head(ABC):
    """A student with a head on K = `width` units; the interface, and what all heads share.

    Parameters
    ----------
    width : int >= 1
        Number of units K of a layer.
    activation, loss, parametrisation
        As for `teacher_student.students.two_layer.TwoLayer`, the parametrisation by the table above.
    """

    width: int
    activation: str = "relu"
    loss: str = "squared"
    parametrisation: str = "standard"

    def __post_init__(self) -> None:
        whole("width", self.width, low=1)
        known("activation", self.activation, ACTIVATIONS)
        known("loss", self.loss, LOSSES)
        known("parametrisation", self.parametrisation, PARAMETRISATIONS)
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Refuse settings of the head's own that are out of range, in one line."""

    @property
    def rows(self) -> int:
        """Number of pre-activations: the rows of W, one a unit unless a head says otherwise."""
        return self.width

    @property
    def row_fan_in(self) -> int | tuple[int, ...]:
        """Fan-in K of the layer that a row of W feeds, for all rows or each: it sets the row's rate."""
        return self.width

    @property
    def counters(self) -> tuple[str, ...]:
        """None: all of theta is weights."""
        return ()

    @property
    def parity(self) -> str:
        """Of the output as a function of the input: "odd", "even" or "neither"; that of phi."""
        return ACTIVATIONS[self.activation].parity

    @property
    @abstractmethod
    def arrays(self) -> dict[str, Layer]:
        """The arrays of theta."""

    @abstractmethod
    def apply(self, theta: Theta, lam: Float[Array, "*n rows"]) -> Array:
        """The outputs at pre-activations: one, (*n), or several, (*n, C)."""

    @property
    def labels(self) -> str:
        """Labels that the loss takes: "real", or "signs" for +-1 only."""
        return LOSSES[self.loss].labels

    @property
    def averages(self) -> tuple[None, None]:
        """No closed form of a Gaussian average is known to theory or tasks."""
        return None, None

    def core(self) -> "Head":
        """The part that shapes the compiled program: all but the parametrisation."""
        return replace(self, parametrisation="standard")

    def scaling(self, learning_rate: float, n_inputs: int) -> HeadScaling:
        """The parametrisation's numbers at `learning_rate` (eta > 0) and input dimension N."""
        within("learning_rate", learning_rate, low=0, open_low=True)
        powers, eta = POWERS[self.parametrisation], learning_rate / n_inputs
        spread, rates = {}, {}
        for name, (kind, _, fan_in) in self.arrays.items():
            spread[name] = 0.0 if kind == "bias" else float(fan_in ** powers[kind][0])
            rates[name] = eta * fan_in ** powers[kind][1]
        fan_in, power = self.row_fan_in, powers["rows"][1]
        rows = fan_in**power if isinstance(fan_in, int) else np.asarray(fan_in, float) ** power
        return HeadScaling(eta * rows, spread, rates)

    def start(self, key: Key[Array, ""], scaling: HeadScaling, dtype: str = "float32") -> dict[str, Array]:
        """theta of a fresh student: normal entries of the stated standard deviations."""
        keys = jax.random.split(key, len(self.arrays))
        return {
            name: scaling.spread[name] * jax.random.normal(own, layer.shape, jnp.float32).astype(dtype)
            for own, (name, layer) in zip(keys, self.arrays.items(), strict=True)
        }

    def weights(self, n_inputs: int) -> tuple[int, ...]:
        """Weights of every layer, first to last, as `teacher_student.flops.training_flops` takes them."""
        upper = (prod(x.shape) for x in self.arrays.values() if x.kind != "bias")
        return (self.rows * n_inputs, *upper)

    def effective(self, theta: Theta, scaling: HeadScaling) -> Theta:
        """What `output` takes: theta itself, which holds all factors."""
        return theta

    def output(self, theta: Theta, lam: Float[Array, "*n rows"]) -> Float[Array, "*n"]:
        """f at pre-activations, as tasks evaluate it; of several outputs the number that is tested."""
        return self.apply(theta, lam)

    def losses(self, output: Array, label: Array) -> Array:
        """loss(f, y), elementwise."""
        return LOSSES[self.loss].value(output, label)

    def objective(
        self, theta: Theta, lam: Float[Array, " rows"], label: Float[Array, ""]
    ) -> Float[Array, ""]:
        """What one sample's step descends: the loss, or what a head with several outputs makes of it."""
        return self.losses(self.apply(theta, lam), label)

    def step(
        self,
        lam: Float[Array, " rows"],
        theta: Theta,
        label: Float[Array, ""],
        on: Bool[Array, ""],
        scaling: HeadScaling,
    ) -> tuple[Float[Array, " rows"], Theta]:
        """One step of SGD from the pre-activations: h (rows,) and dtheta; `on` false changes nothing."""

        def objective(lam, theta):
            return jnp.where(on, self.objective(theta, lam, label), 0)

        by_lam, by_theta = jax.grad(objective, (0, 1))(lam, theta)
        change = jax.tree.map(lambda rate, slope: rate * slope, dict(scaling.rates), by_theta)
        return scaling.hidden_rate * by_lam, change


def activation_of(name: str) -> Callable[[Array], Array]:
    """phi, whose derivative is the slope it is registered with, at kinks as well."""
    entry = ACTIVATIONS[name]
    phi = jax.custom_jvp(entry.value)
    phi.defjvps(lambda tangent, _, u: entry.slope(u) * tangent)
    return phi
