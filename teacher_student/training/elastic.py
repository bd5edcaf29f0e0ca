"""Learning one set of examples after another without forgetting the first: an elastic pull to where it left.

A fit minimises, over all parameters w of a student,

    sum_i loss(f(x_i), y_i) + (pull N / 2) |w - w_0|^2

with the logistic loss of labels +-1 and inputs of N coordinates of order 1. The first fit has w_0 = 0, a
ridge; the second has the parameters of the first for w_0 and starts there: consolidation. For a linear
student this is convex and solved by Newton's method; two layers are descended in full batches.

Source: Saglietti, Sarao Mannelli, Saxe, NeurIPS 2022, arXiv 2106.08068, sec. 4 (in units where inputs are
divided by sqrt N, so that w there is sqrt N times w here and the pull has no N).
"""

from functools import partial
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, PyTree

from teacher_student.checks import within
from teacher_student.interfaces import Level, OrderParameters, Task
from teacher_student.order_parameters import factor
from teacher_student.students.plain import PlainNet
from teacher_student.students.two_layer import TwoLayer
from teacher_student.training.finite_parts import LOSSES
from teacher_student.training.recording import draw_test_points

#: Momentum of the descent.
MOMENTUM = 0.9
#: Newton's method ends when no weight moves by more than this, in units of 1 / sqrt N.
TOLERANCE = 1e-9


def newton(
    x: Float[np.ndarray, "P N"], y: Float[np.ndarray, " P"], pull: float, centre: Float[np.ndarray, " N"]
) -> Float[np.ndarray, " N"]:
    """Weights of the linear student f = w . x of least loss, from `centre` = w_0; pull > 0.

    Examples
    --------
    >>> x, y = np.array([[2.0], [1.0]]), np.array([1.0, -1.0])
    >>> w = newton(x, y, 0.5, np.array([3.0]))
    >>> p = 1 / (1 + np.exp(y * (x @ w)))
    >>> bool(np.isclose((p * y) @ x, 0.5 * (w - 3)))       # where the slope is 0
    True
    """
    within("pull", pull, low=0, open_low=True)
    n, w = x.shape[1], np.array(centre, float)
    inputs = np.asarray(x, float) / n**0.5
    middle, w = w * n**0.5, w * n**0.5

    def loss(w: np.ndarray) -> float:
        return float(np.logaddexp(0, -y * (inputs @ w)).sum() + pull / 2 * np.sum((w - middle) ** 2))

    for _ in range(100):
        p = np.exp(-np.logaddexp(0, y * (inputs @ w)))
        slope = pull * (w - middle) - inputs.T @ (y * p)
        bend = (inputs * (p * (1 - p))[:, None]).T @ inputs + pull * np.eye(n)
        step, size = np.linalg.solve(bend, slope), 1.0
        while loss(w - size * step) > loss(w) - 1e-4 * size * (slope @ step) and size > 1e-9:
            size /= 2
        w = w - size * step
        if np.abs(size * step).max() < TOLERANCE:
            break
    return w / n**0.5


@partial(jax.jit, static_argnames=("net", "steps"))
def descend(
    net: PlainNet,
    x: Float[Array, "R P N"],
    y: Float[Array, "R P"],
    shown: Float[Array, " P"],
    pull: Float[Array, ""],
    start: PyTree,
    centre: PyTree,
    rate: Float[Array, ""],
    steps: int,
) -> Any:
    """Parameters of R students after `steps` steps of full-batch descent from `start`; centre = w_0.

    Parameters
    ----------
    shown : 1 for the examples that count, 0 for the others
    rate : a step is rate / N times the slope of the sum above over the number of examples shown
    """
    n, count = x.shape[-1], jnp.maximum(shown.sum(), 1)

    def one(x: Array, y: Array, start: PyTree, centre: PyTree) -> Any:
        def objective(params: PyTree) -> Array:
            pairs = zip(*map(jax.tree.leaves, (params, centre)), strict=True)
            far = sum(jnp.sum((p - q) ** 2) for p, q in pairs)
            losses = LOSSES["logistic"](net.apply(params, x), y[:, None])
            return (jnp.sum(shown * losses) + 0.5 * pull * n * far) / count

        def step(_: Array, carry: PyTree) -> Any:
            params, memory = carry
            memory = jax.tree.map(lambda m, g: MOMENTUM * m + g, memory, jax.grad(objective)(params))
            return jax.tree.map(lambda p, m: p - rate / n * m, params, memory), memory

        return jax.lax.fori_loop(0, steps, step, (start, jax.tree.map(jnp.zeros_like, start)))[0]

    return jax.vmap(one)(x, y, start, centre)


@partial(jax.jit, static_argnames=("task", "n"))
def draw(task: Task, n: int, keys: Key[Array, " R"], level: Level) -> Any:
    """Inputs (R, n, N) and labels (R, n) of a task at a level for each of the n examples."""
    return jax.vmap(lambda key: task.sample(key, n, level))(keys)


@partial(jax.jit, static_argnames=("net", "n_inputs"))
def first(net: PlainNet, n_inputs: int, keys: Key[Array, " R"]) -> Any:
    """Parameters of R students as they are drawn."""
    return jax.vmap(lambda key: net.init(key, n_inputs))(keys)


@partial(jax.jit, static_argnames=("task", "net", "n_test"))
def accuracy(
    task: Task, net: PlainNet, n_test: int, keys: Key[Array, " R"], params: PyTree, level: Level
) -> Float[Array, " R"]:
    """Accuracy at a level from the order parameters; the task directions are the first axes."""
    n_directions = sum(block.directions for block in task.blocks)
    student = TwoLayer(net.width if net.hidden else 1, "relu" if net.hidden else "erf")  # erf keeps the sign
    ends = np.cumsum([0, *(block.size for block in task.blocks)]).tolist()

    def one(key: Array, params: PyTree) -> Array:
        w, readout = params[0]["w"], params[1]["w"][0] if net.hidden else jnp.ones(1)
        rest = w.at[:, :n_directions].set(0)
        gram = jnp.stack([rest[:, a:b] @ rest[:, a:b].T for a, b in pairwise(ends)])
        order = OrderParameters(w[:, :n_directions], tuple(factor(gram)), readout)
        normals = draw_test_points(key, task, student, n_test, "float32")
        return task.evaluate(student, order, level, normals)["test_accuracy"]

    return jax.vmap(one)(keys, params)
