"""The two-layer student f(x) = output_scale * sum_k v_k phi(w_k . x), and its parametrisations.

Online SGD, one fresh sample (x, y) a step, with slope g = dloss/df taken at the current weights:

    w_k <- w_k - hidden_rate  * g * output_scale * v_k * phi'(lambda_k) * x,   lambda_k = w_k . x
    v_k <- v_k - readout_rate * g * output_scale * phi(lambda_k)

Weights start as w_k ~ N(0, I/N). The parametrisation sets the four numbers of `Scaling`:

    name        output_scale  v_k at start        hidden_rate  readout_rate
    standard    1             N(0, 1/K)           eta / N      eta / N
    ntk         K^-1/2        N(0, 1)             eta / N      eta / N
    mean_field  1/K           N(0, 1) or +-1      K eta / N    K eta / N

(mean_field is muP for two layers.) `readout_scale` multiplies v_k at the start. Sources: Saad & Solla,
PRE 52, 4225 (1995); Goldt et al., arXiv 1906.08632, eq. (3); Refinetti et al., arXiv 2102.11742.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Key, PyTree

from teacher_student.checks import known, whole, within


class Activation(NamedTuple):
    """An activation and what tasks and theory ask of it.

    value    : phi, elementwise
    slope    : its derivative phi'; at a jump of phi' either one-sided value
    parity   : "odd" (phi(-u) = -phi(u)), "even" (phi(-u) = phi(u)) or "neither"; tasks refuse students
               whose parity keeps them from learning
    averages : the Gaussian averages theory has of it: "erf", "relu" or "quadratic" are families in closed
               form, "sampled" leaves phi and phi' to quasi-Monte Carlo, None means none: theory refuses it
    """

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    parity: Literal["odd", "even", "neither"]
    averages: str | None = None


class Loss(NamedTuple):
    """A loss and what tasks and theory ask of it.

    value    : loss(f, y), elementwise
    slope    : its derivative with respect to the output f
    labels   : "real" if any label will do, "signs" if it needs labels +-1
    averages : as for `Activation`: "squared" has the closed forms, as its slope is linear in f
    """

    value: Callable[[Array, Array], Array]
    slope: Callable[[Array, Array], Array]
    labels: Literal["real", "signs"]
    averages: str | None = None


ACTIVATIONS = {
    "relu": Activation(lambda u: jnp.maximum(u, 0), lambda u: (u > 0).astype(u.dtype), "neither", "relu"),
    "quadratic": Activation(lambda u: u * u, lambda u: 2 * u, "even", "quadratic"),
    "erf": Activation(
        lambda u: jax.lax.erf(u * 0.5**0.5),
        lambda u: (2 / jnp.pi) ** 0.5 * jnp.exp(-0.5 * u * u),
        "odd",
        "erf",
    ),
}

LOSSES = {
    "squared": Loss(lambda f, y: 0.5 * (f - y) ** 2, lambda f, y: f - y, "real", "squared"),
    "logistic": Loss(
        lambda f, y: jax.nn.softplus(-y * f), lambda f, y: -y * jax.nn.sigmoid(-y * f), "signs", "sampled"
    ),
}

PARAMETRISATIONS = ("standard", "ntk", "mean_field")
READOUT_STARTS = ("gaussian", "sign")


class Scaling(NamedTuple):
    """The numbers a parametrisation stands for; traced, so changing them never recompiles.

    output_scale : factor in front of the sum over units
    readout_std  : standard deviation of v_k at the start
    readout_sign : 1.0 if v_k starts as +-readout_std, 0.0 if Gaussian
    hidden_rate  : step of w, learning rate / N and the parametrisation's factor included
    readout_rate : step of v; 0 for a fixed readout
    """

    output_scale: float | Array
    readout_std: float | Array
    readout_sign: float | Array
    hidden_rate: float | Array
    readout_rate: float | Array


class Params(NamedTuple):
    """w (K, N) hidden weights and v (K,) readout; of a head W and theta."""

    w: Float[Array, "K N"]
    v: PyTree[Float[Array, "..."]]


@dataclass(frozen=True)
class TwoLayer:
    """A two-layer student of K = `width` units and the loss it is trained with.

    Parameters
    ----------
    width : int >= 1
        Number of hidden units K.
    activation : name in ACTIVATIONS, {"relu", "quadratic", "erf"}
        phi; quadratic is u^2, erf is erf(u / sqrt 2).
    loss : {"squared", "logistic"}
        (f - y)^2 / 2, or log(1 + exp(-y f)) for labels +-1.
    parametrisation : {"standard", "ntk", "mean_field"}
        See the table above. It changes what width does: with "standard" a wider student learns
        faster at the same rate, with "mean_field" the trajectory has a limit as K grows.
    train_readout : bool
        Whether v is trained; a fixed readout keeps its start.
    readout_start : {"gaussian", "sign"}
        Gaussian or +- entries of the same variance at the start.
    readout_scale : float >= 0
        Factor on the readout at the start. For relu units and one rate for both layers, scales a and b of
        the weights of the two layers act through a b and a / b only, up to a change of the rate.

    Examples
    --------
    >>> import jax
    >>> student = TwoLayer(width=4)
    >>> params = student.init(jax.random.key(0), n_inputs=10)
    >>> student.apply(params, jax.numpy.ones((3, 10))).shape
    (3,)
    >>> TwoLayer(4, loss="logistic").loss
    'logistic'
    """

    width: int
    activation: str = "relu"
    loss: str = "squared"
    parametrisation: str = "standard"
    train_readout: bool = True
    readout_start: str = "gaussian"
    readout_scale: float = 1.0

    def __post_init__(self) -> None:
        whole("width", self.width, low=1)
        known("activation", self.activation, ACTIVATIONS)
        known("loss", self.loss, LOSSES)
        known("parametrisation", self.parametrisation, PARAMETRISATIONS)
        known("readout_start", self.readout_start, READOUT_STARTS)
        within("readout_scale", self.readout_scale, low=0)

    def scaling(self, learning_rate: float, n_inputs: int) -> Scaling:
        """The parametrisation's numbers at `learning_rate` (eta > 0) and input dimension N."""
        within("learning_rate", learning_rate, low=0, open_low=True)
        k = self.width
        output, std, factor = {
            "standard": (1.0, k**-0.5, 1.0),
            "ntk": (k**-0.5, 1.0, 1.0),
            "mean_field": (1.0 / k, 1.0, float(k)),
        }[self.parametrisation]
        rate = factor * learning_rate / n_inputs
        sign = float(self.readout_start == "sign")
        std *= self.readout_scale
        return Scaling(output, std, sign, rate, rate if self.train_readout else 0.0)

    def core(self) -> "TwoLayer":
        """The part that shapes the compiled program: width, activation, loss."""
        return TwoLayer(self.width, self.activation, self.loss)

    def init(self, key: Key[Array, ""], n_inputs: int, dtype="float32") -> Params:
        """Draw w ~ N(0, 1/N) of shape (K, N) and v of shape (K,)."""
        w_key, v_key = jax.random.split(key)
        w = jax.random.normal(w_key, (self.width, n_inputs), jnp.float32).astype(dtype) * n_inputs**-0.5
        scaling = self.scaling(1.0, n_inputs)
        return Params(w, draw_readout(v_key, self.width, scaling, dtype))

    def apply(self, params: Params, x: Float[Array, "n N"]) -> Float[Array, " n"]:
        """f(x) for inputs of shape (n, N)."""
        scale = self.scaling(1.0, x.shape[-1]).output_scale
        return scale * (self.phi(x @ params.w.T) @ params.v)

    @property
    def rows(self) -> int:
        """Number of pre-activations, one a unit."""
        return self.width

    @property
    def counters(self) -> tuple[()]:
        """None: all of theta is weights."""
        return ()

    def weights(self, n_inputs: int) -> tuple[int, int]:
        """Weights of both layers, as `teacher_student.flops.training_flops` takes them."""
        return self.width * n_inputs, self.width

    @property
    def parity(self) -> str:
        """Of phi: "odd", "even" or "neither"."""
        return ACTIVATIONS[self.activation].parity

    @property
    def labels(self) -> str:
        """Labels that the loss takes: "real", or "signs" for +-1 only."""
        return LOSSES[self.loss].labels

    @property
    def averages(self) -> tuple[str | None, str | None]:
        """The families of Gaussian averages of activation and loss, see `Activation`."""
        return ACTIVATIONS[self.activation].averages, LOSSES[self.loss].averages

    def phi(self, preactivation: Array) -> Array:
        """phi, elementwise."""
        return ACTIVATIONS[self.activation].value(preactivation)

    def dphi(self, preactivation: Array) -> Array:
        """phi', elementwise."""
        return ACTIVATIONS[self.activation].slope(preactivation)

    def losses(self, output: Array, label: Array) -> Array:
        """loss(f, y), elementwise."""
        return LOSSES[self.loss].value(output, label)

    def dloss(self, output: Array, label: Array) -> Array:
        """d loss / d f, elementwise."""
        return LOSSES[self.loss].slope(output, label)

    def start(self, key: Key[Array, ""], scaling: Scaling, dtype: str = "float32") -> Float[Array, " K"]:
        """The readout v of a fresh student."""
        return draw_readout(key, self.width, scaling, dtype)

    def effective(self, v: Float[Array, " K"], scaling: Scaling) -> Float[Array, " K"]:
        """What `output` takes: the readout with the output scale."""
        return scaling.output_scale * v

    def output(self, readout: Float[Array, " K"], lam: Float[Array, "*n K"]) -> Float[Array, "*n"]:
        """f at pre-activations, as tasks evaluate it."""
        return self.phi(lam) @ readout

    def step(
        self,
        lam: Float[Array, " K"],
        v: Float[Array, " K"],
        label: Float[Array, ""],
        on: Bool[Array, ""],
        scaling: Scaling,
    ) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
        """One step of SGD from the pre-activations: h (K,) and dv (K,); `on` false changes nothing."""
        scale = scaling.output_scale
        return sgd_step(
            self, lam, v, label, on, output_scale=scale, slope_scale=scale,
            hidden_rate=scaling.hidden_rate, readout_rate=scaling.readout_rate,
        )  # fmt: skip


def sgd_step(
    student: TwoLayer,
    lam: Float[Array, " K"],
    v: Float[Array, " K"],
    label: Float[Array, ""],
    on: Bool[Array, ""],
    *,
    output_scale: float | Array,
    slope_scale: float | Array,
    hidden_rate: float | Array,
    readout_rate: float | Array,
) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
    """One step of SGD from the pre-activations: h (K,) and dv (K,) with w <- w - h x^T, v <- v - dv.

    The output scale enters twice, in f = s v . phi and as a factor of the gradient. The second is given as
    `slope_scale`, or with slope_scale = 1 inside both rates: the same products, rounded in another order.
    A step with `on` false changes nothing.
    """
    phi = student.phi(lam)
    slope = jnp.where(on, slope_scale * student.dloss(output_scale * (v @ phi), label), 0)
    return hidden_rate * slope * v * student.dphi(lam), readout_rate * slope * phi


def draw_readout(key: Key[Array, ""], width: int, scaling: Scaling, dtype="float32") -> Float[Array, " K"]:
    """Draw v_k ~ N(0, readout_std^2), or +-readout_std where readout_sign is 1."""
    normal = jax.random.normal(key, (width,), jnp.float32).astype(dtype)
    return scaling.readout_std * jnp.where(scaling.readout_sign > 0, jnp.sign(normal), normal)
