"""Floating-point operations of training fully connected networks, by formula.

A multiplication and an addition are one operation each. A layer with W weights, on a batch of B examples:

    forward                2 B W
    gradient of weights    2 B W       (B W for B = 1, an outer product: nothing to sum over examples)
    gradient of inputs     2 B W       not in the first layer, whose inputs are data
    update                 c W         c = 2 for sgd (times the rate, subtracted), 4 momentum, 13 adam

so a step of sgd costs about 6 B W, less 2 B W_1 in the first layer. Pruned weights count as 0: this is what a
program that skips them would need, which for whole units is simply a smaller network, and for single weights
asks for sparse kernels that few devices have. Left out are activations, losses and biases, which grow with
units and not with weights, and whatever multiplying by masks costs here. Tests hold the formula against the
compiler's own count (`jax.stages.Compiled.cost_analysis`).

The count of 6 operations per weight and example is that of Kaplan et al., arXiv 2001.08361, sec. 2.1; the
first layer, single examples and updates are added here.
"""

from collections.abc import Sequence
from typing import Any

from teacher_student.checks import known, within

#: Operations per weight and step.
UPDATES = {"sgd": 2, "momentum": 4, "adam": 13}


def training_flops(weights: Sequence[Any], batch_size: int = 1, optimiser: str = "sgd") -> Any:
    """Operations of one training step.

    Parameters
    ----------
    weights : weights (not pruned) of every layer, first to last; a two-layer student of K units on N inputs
        has (K N, K). Numbers, or arrays for many networks at once
    batch_size : B >= 1
    optimiser : {"sgd", "momentum", "adam"}

    Examples
    --------
    >>> training_flops([784 * 300, 300 * 100, 100 * 10], batch_size=60) / 1e6
    68.1404
    >>> training_flops([16 * 300, 16])
    24112
    """
    known("optimiser", optimiser, UPDATES)
    within("batch_size", batch_size, low=1)
    total = sum(weights)
    per_weight = 2 * batch_size + (2 * batch_size if batch_size > 1 else 1) + UPDATES[optimiser]
    return per_weight * total + 2 * batch_size * (total - weights[0])
