"""What a run over finite data is made of: examples, the plan of its epochs, losses, and what is measured."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Integer, Key, PyTree

from teacher_student.checks import known, whole
from teacher_student.students.plain import PlainNet
from teacher_student.training.optimisers import Optimiser

#: Losses of outputs and labels (..., C): (...). Of one output labels are +-1 or real, of several 0 or 1.
LOSSES: Mapping[str, Callable[[Array, Array], Array]] = {
    "squared": lambda f, y: 0.5 * jnp.sum((f - y) ** 2, -1),
    "cross_entropy": lambda f, y: -jnp.sum(y * jax.nn.log_softmax(f), -1),
    "logistic": lambda f, y: jnp.sum(jax.nn.softplus(-y * f), -1),
    "hinge": lambda f, y: jnp.sum(jnp.maximum(1 - y * f, 0), -1),
}

#: What can be recorded besides loss and accuracy on the training and the test set.
#: lipschitz      largest gradient over patterns of units (two_layer, one output), `students.lipschitz`
#: steepest       largest gradient found at an input, never above the Lipschitz constant (likewise)
#: gradient_norm  root mean square of the gradient of f with respect to x over `PROBES` test inputs
#: path_length    sum of |db| over the steps so far
#: path_variance  mean of |db - mean of db|^2 over the steps so far
#: solved         epochs until the accuracy on the last test set reached `stop`; inf before
QUANTITIES = ("lipschitz", "steepest", "gradient_norm", "path_length", "path_variance", "solved")

#: Test inputs at which gradients are taken.
PROBES = 256


class Bank(NamedTuple):
    """Examples, or with a leading axis several sets of them: inputs (D, ...) and labels (D, C), float."""

    inputs: Float[Array, "*D"]
    labels: Float[Array, "*D"]


class Plan(NamedTuple):
    """What each run shows, with a leading axis R.

    path    : (R, M) positions in the bank
    windows : (R, S, 3) first and last + 1 of the path, and the test set that says when to move on
    shuffle : (R,) whether an epoch is in random order, else in that of the path
    """

    path: Integer[np.ndarray, "R M"]
    windows: Integer[np.ndarray, "R S 3"]
    shuffle: Bool[np.ndarray, " R"]


class Setting(NamedTuple):
    """What shapes the program besides arrays: hashable.

    n_examples : P, shown in an epoch; the last so many of the last window are the training set
    batch_size : B, divides P
    loss : name in `LOSSES`
    optimiser : Optimiser
    record : names in `QUANTITIES`
    """

    n_examples: int
    batch_size: int
    loss: str
    optimiser: Optimiser
    record: tuple[str, ...] = ()


def check(net: PlainNet, setting: Setting) -> None:
    """Refuse settings that do not fit each other, in one line."""
    known("loss", setting.loss, LOSSES)
    whole("n_examples", setting.n_examples, low=1)
    whole("batch_size", setting.batch_size, 1, setting.n_examples)
    if setting.n_examples % setting.batch_size:
        raise ValueError(f"batch_size {setting.batch_size} does not divide n_examples = {setting.n_examples}")
    if setting.loss == "cross_entropy" and net.outputs == 1:
        raise ValueError("loss 'cross_entropy' needs an output for each class; this student has one")
    if setting.loss in ("logistic", "hinge") and net.outputs > 1:
        raise ValueError(f"loss {setting.loss!r} is of one output; this student has {net.outputs}")
    for name in setting.record:
        known("quantity to record", name, QUANTITIES)
        if name in ("lipschitz", "steepest") and not (
            net.kind == "two_layer" and net.outputs == 1 and net.activation == "relu"
        ):
            raise ValueError(f"{name} is known of student 'two_layer' with relu and one output only")
        if name.startswith("path") and not net.hidden:
            raise ValueError(f"{name} is that of a first layer, and student {net.kind!r} has none")


def shown(key: Key[Array, ""], window: Integer[Array, " 3"], shuffle: Array, count: int, size: int) -> Array:
    """Places on the path that an epoch shows, (count,): those of the window, over and over."""
    first, last, _ = window
    places = jnp.arange(size)
    chance = jax.random.uniform(key, (size,))
    first_come = jnp.where(shuffle, chance, places / size)
    order = jnp.argsort(jnp.where((places >= first) & (places < last), first_come, 2.0))
    return order[jnp.arange(count) % (last - first)]


def slopes(
    net: PlainNet, loss: str, params: PyTree, x: Float[Array, "B ..."], y: Float[Array, "B C"]
) -> tuple[PyTree, Float[Array, " K"]]:
    """Gradients of the mean loss with respect to the parameters and to the shift of the first layer."""

    def objective(params: PyTree, shift: Array) -> Array:
        return LOSSES[loss](net.apply(params, x, shift), y).mean()

    return jax.grad(objective, (0, 1))(params, net.shift())


def right(f: Float[Array, "n C"], y: Float[Array, "n C"]) -> Float[Array, " n"]:
    """Whether outputs say the label: by their sign (0 counts one half), of several by the largest."""
    if f.shape[-1] == 1:
        return 0.5 * (1 + jnp.sign(f) * jnp.sign(y))[..., 0]
    return (f.argmax(-1) == y.argmax(-1)).astype(f.dtype)


def gradient_norm(net: PlainNet, params: PyTree, x: Float[Array, "n ..."]) -> Float[Array, ""]:
    """Root mean square over inputs of the norm of d f / d x, all outputs together."""
    slope = jax.vmap(jax.jacrev(lambda one: net.apply(params, one[None])[0]))(x)
    return jnp.sqrt(jnp.mean(jnp.sum(slope.reshape(x.shape[0], -1) ** 2, 1)))
