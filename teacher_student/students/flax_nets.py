"""Flax students for images: fully connected and convolutional, one width knob, three parametrisations.

Every layer computes W (s h) + b. What a parametrisation fixes is the multiplier s, the start of W and a
factor on the learning rate, layer by layer. With n_in inputs and n_out outputs (units or channels), F
the fan-in (n_in, times the size of the patch or of the image), and the factor for sgd and momentum | adam:

    name        layer   s       W at start   factor of W             factor of b
    standard    all     1       N(0, 1/F)    1                       1
    ntk         first   1       N(0, 1/F)    1                       1
                others  F^-1/2  N(0, 1)      1                       1
    mean_field  first   1       N(0, 1/F)    n_out       | 1         n_out | 1
                middle  1       N(0, 1/F)    n_out/n_in  | 1/F       n_out | 1
                last    1/F     N(0, 1)      F           | 1         1

mean_field is muP. For one hidden layer these are the rows of `teacher_student.students.two_layer` at learning
rate eta / N: constants that depend on the input, not on the width, are part of the rate. N(0, 1/F) is
truncated at two standard deviations (flax's default start), biases start at 0.

Sources: Jacot, Gabriel, Hongler, NeurIPS 2018, arXiv 1806.07572 (ntk); Yang et al., arXiv 2203.03466,
table 3, and Yang, Simon, Bernstein, arXiv 2310.17813, eq. (1) for layers of different widths (muP); LeCun et
al., Proc. IEEE 86, 2278 (1998) (LeNet-300-100).
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen
from jax import Array
from jaxtyping import PyTree

from teacher_student.checks import known, whole, within
from teacher_student.students.two_layer import PARAMETRISATIONS

PATCH = (3, 3)

#: Fewest rows and columns of an image of a CNN, which halves them twice.
SMALLEST = 4


class MLP(linen.Module):
    """Fully connected relu layers of the given widths, then one linear layer to the classes.

    widths : units of each hidden layer
    classes : number of logits
    parametrisation : {"standard", "ntk", "mean_field"}, see the module; standard is flax's own start
    """

    widths: Sequence[int]
    classes: int
    parametrisation: str = "standard"

    def __post_init__(self) -> None:
        _check(self.widths, self.classes, self.parametrisation)
        super().__post_init__()

    @linen.compact
    def features(self, x: Array | np.ndarray) -> list[Array]:
        """Activations (n, width) after each hidden layer, then the logits (n, classes)."""
        hidden = x.reshape(x.shape[0], -1)
        blocks = []
        for i, width in enumerate(self.widths):
            place = "middle" if i else "first"
            hidden = linen.relu(_layer(linen.Dense, width, hidden, place, self.parametrisation))
            blocks.append(hidden)
        last = "last" if self.widths else "first"
        return [*blocks, _layer(linen.Dense, self.classes, hidden, last, self.parametrisation)]

    def __call__(self, x: Array | np.ndarray) -> Array:
        """Logits (n, classes) of inputs (n, ...)."""
        return self.features(x)[-1]

    def layers(self) -> list[str]:
        """Names of the layers in the parameters, first to last."""
        return [f"Dense_{i}" for i in range(len(self.widths) + 1)]


class CNN(linen.Module):
    """Two 3 x 3 convolutions of K and 2 K channels, relu and 2 x 2 mean pooling after each; one linear layer.

    width : K, channels of the first convolution
    classes : number of logits
    parametrisation : see the module
    patches : whether convolutions are computed as products of patches with the weights
        The same function of the same parameters, rounded otherwise. Runs that are trained together have
        weights of their own; on a CPU a convolution with many weights is slow, and a product is not.
    """

    width: int
    classes: int
    parametrisation: str = "standard"
    patches: bool = False

    def __post_init__(self) -> None:
        _check((self.width,), self.classes, self.parametrisation)
        super().__post_init__()

    @linen.compact
    def features(self, x: Array | np.ndarray) -> list[Array]:
        """Activations after each convolution (n, h, w, channels), then the logits (n, classes)."""
        hidden = x if x.ndim == 4 else x[..., None]
        if min(hidden.shape[1:3]) < SMALLEST:
            raise ValueError(
                f"images are {hidden.shape[1]} x {hidden.shape[2]} pixels; "
                f"a CNN needs at least {SMALLEST} x {SMALLEST}"
            )
        blocks = []
        for i, channels in enumerate((self.width, 2 * self.width)):
            plain = partial(linen.Conv, kernel_size=PATCH)
            make = partial(_PatchConv, name=f"Conv_{i}") if self.patches else plain
            place = "middle" if i else "first"
            hidden = linen.relu(
                _layer(make, channels, hidden, place, self.parametrisation, patch=PATCH[0] * PATCH[1])
            )
            hidden = _halved(hidden)
            blocks.append(hidden)
        flat = hidden.reshape(hidden.shape[0], -1)
        return [*blocks, _layer(linen.Dense, self.classes, flat, "last", self.parametrisation)]

    def __call__(self, x: Array | np.ndarray) -> Array:
        """Logits (n, classes) of images (n, h, w) or (n, h, w, c); h and w at least `SMALLEST`."""
        return self.features(x)[-1]

    def layers(self) -> list[str]:
        """Names of the layers in the parameters, first to last."""
        return ["Conv_0", "Conv_1", "Dense_0"]

    @property
    def alone(self) -> bool:
        """Whether a CPU should train runs one after the other: patches of one already fill its cache."""
        return self.patches


class _PatchConv(linen.Module):
    """A 3 x 3 convolution with zeros around the image, with the parameters and the start of `linen.Conv`."""

    channels: int
    kernel_init: Any = linen.initializers.lecun_normal()

    @linen.compact
    def __call__(self, x: Array) -> Array:
        rows, columns, n_in = x.shape[1:]
        kernel = self.param("kernel", self.kernel_init, (*PATCH, n_in, self.channels))
        bias = self.param("bias", linen.initializers.zeros_init(), (self.channels,))
        around = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
        parts = [
            around[:, i : i + rows, j : j + columns] for i, j in product(range(PATCH[0]), range(PATCH[1]))
        ]
        flat = jnp.concatenate(parts, -1).reshape(-1, len(parts) * n_in)
        return (flat @ kernel.reshape(-1, self.channels)).reshape(*x.shape[:3], self.channels) + bias


#: Name -> (width K, classes, parametrisation) -> student.
STUDENTS: dict[str, Callable[[int, int, str], linen.Module]] = {
    "mlp": lambda k, classes, parametrisation: MLP((k,), classes, parametrisation),
    "mlp2": lambda k, classes, parametrisation: MLP((k, k), classes, parametrisation),
    "lenet": lambda k, classes, parametrisation: MLP((3 * k, k), classes, parametrisation),
    "cnn": CNN,
    "cnn_patches": lambda k, classes, parametrisation: CNN(k, classes, parametrisation, patches=True),
}


def make_student(
    name: str, width: int, classes: int, parametrisation: str = "standard", depth: int = 1
) -> Any:
    """A student by name, scaled by one number.

    Parameters
    ----------
    name : {"mlp", "mlp2", "lenet", "cnn", "cnn_patches"}
        Hidden layers of K units each, `depth` of them; two of K and K; two of 3 K and K (K = 100 is
        LeNet-300-100); two convolutions of K and 2 K channels; the same network, faster on a CPU.
    width : K >= 1
    classes : number of logits, at least 2
    parametrisation : {"standard", "ntk", "mean_field"}
    depth : L >= 1, hidden layers of "mlp"; all others have a depth of their own

    Examples
    --------
    >>> make_student("lenet", 100, 10).widths, make_student("mlp", 50, 10, depth=4).widths
    ((300, 100), (50, 50, 50, 50))
    """
    known("student", name, STUDENTS)
    within("width", width, low=1)
    whole("depth", depth, low=1)
    if depth == 1:
        return STUDENTS[name](width, classes, parametrisation)
    if name != "mlp":
        raise ValueError(f"depth is {depth}, but student {name!r} has a depth of its own; need depth = 1")
    return MLP((width,) * depth, classes, parametrisation)


def rate_factors(student: MLP | CNN, params: PyTree, optimiser: str) -> Any:
    """Factors on the learning rate, one number per array of `params`, as in the module's table.

    Parameters
    ----------
    student : MLP or CNN
    params : its parameters
    optimiser : "sgd", "momentum" or "adam"
    """
    if student.parametrisation != "mean_field":
        return jax.tree.map(lambda _: 1.0, params)
    names, factors = student.layers(), {}
    for name in names:
        *patch, n_in, n_out = params["params"][name]["kernel"].shape
        fan_in = float(n_in)
        for size in patch:
            fan_in *= size
        last = name == names[-1]
        if optimiser == "adam":
            kernel, bias = (1.0 if last or name == names[0] else 1 / fan_in), 1.0
        elif last:
            kernel, bias = fan_in, 1.0
        else:
            kernel, bias = (float(n_out) if name == names[0] else n_out / n_in), float(n_out)
        factors[name] = {"kernel": kernel, "bias": bias}
    return {"params": factors}


def _check(widths: Sequence[int], classes: int, parametrisation: str) -> None:
    for width in widths:
        within("width", width, low=1)
    within("classes", classes, low=1)
    known("parametrisation", parametrisation, PARAMETRISATIONS)


def _halved(images: Array) -> Any:
    """Means of 2 x 2 pixels; a last odd row or column is left out."""
    n, h, w, channels = images.shape
    even = images[:, : h // 2 * 2, : w // 2 * 2]
    return even.reshape(n, h // 2, 2, w // 2, 2, channels).mean((2, 4))


def _layer(
    make: Callable[..., Any],
    n_out: int,
    hidden: Array | np.ndarray,
    place: str,
    parametrisation: str,
    patch: int = 1,
) -> Any:
    """W (s h) + b with s and the start of W from the table; a unit sees a patch of so many pixels."""
    fan_in = hidden.shape[-1] * patch
    if parametrisation == "ntk" and place != "first":
        scale = fan_in**-0.5
    elif parametrisation == "mean_field" and place == "last":
        scale = 1 / fan_in
    else:
        return make(n_out)(hidden)
    return make(n_out, kernel_init=linen.initializers.normal(1.0))(hidden * scale)
