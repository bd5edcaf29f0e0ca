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
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from teacher_student.checks import within
from teacher_student.students.plain import PlainNet
from teacher_student.training.finite_parts import LOSSES

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
    x: Float[Array, "P N"],
    y: Float[Array, " P"],
    shown: Float[Array, " P"],
    pull: Float[Array, ""],
    start: Any,
    centre: Any,
    rate: Float[Array, ""],
    steps: int,
) -> Any:
    """Parameters after `steps` steps of full-batch descent with momentum from `start`; centre = w_0.

    Parameters
    ----------
    shown : 1 for the examples that count, 0 for the others
    rate : a step is rate / N times the slope of the sum above over the number of examples shown
    """
    n, count = x.shape[1], jnp.maximum(shown.sum(), 1)

    def objective(params: Any) -> Array:
        far = sum(jnp.sum((p - q) ** 2) for p, q in zip(*map(jax.tree.leaves, (params, centre)), strict=True))
        losses = LOSSES["logistic"](net.apply(params, x), y[:, None])
        return (jnp.sum(shown * losses) + 0.5 * pull * n * far) / count

    def step(_: Array, carry: Any) -> Any:
        params, memory = carry
        memory = jax.tree.map(lambda m, g: MOMENTUM * m + g, memory, jax.grad(objective)(params))
        return jax.tree.map(lambda p, m: p - rate / n * m, params, memory), memory

    return jax.lax.fori_loop(0, steps, step, (start, jax.tree.map(jnp.zeros_like, start)))[0]
