"""The formula for training FLOPs against the compiler's own count."""

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import single

from teacher_student.flops import UPDATES, training_flops
from teacher_student.students.deep import Deep
from teacher_student.students.flax_nets import make_student
from teacher_student.students.two_layer import Params, TwoLayer
from teacher_student.training.evaluation import cross_entropy
from teacher_student.training.full import plain_step
from teacher_student.training.optimisers import Optimiser


def lowered(step, *arguments) -> Any:
    return jax.jit(step).lower(*arguments)


def compilers_count(program: Any) -> float:
    """Of a program as it was written, where products are nearly all of it, or compiled."""
    return program.cost_analysis()["flops"]


@pytest.mark.parametrize("optimiser", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("widths", [(300, 100), (64,)])
def test_a_step_of_a_network(optimiser, widths):
    """LeNet-300-100 and a two-layer network on 784 inputs, 60 examples: within 3 %."""
    name = "lenet" if len(widths) == 2 else "mlp"
    student = make_student(name, widths[-1], 10)
    x, y = single(np.ones((60, 784))), np.zeros(60, "int32")
    params = jax.eval_shape(student.init, jax.random.key(0), x)
    rule = Optimiser(optimiser).transform()

    def step(params, memory, x, y):
        slope = jax.grad(lambda p: cross_entropy(student.apply(p, x), y).mean())(params)
        with jax.numpy_dtype_promotion("standard"):
            change, memory = rule.update(slope, memory, params)
        return jax.tree.map(lambda p, u: p - 0.01 * u, params, change), memory

    sizes = (784, *widths, 10)
    weights = [a * b for a, b in itertools.pairwise(sizes)]
    counted = compilers_count(lowered(step, params, jax.eval_shape(rule.init, params), x, y))
    assert training_flops(weights, 60, optimiser) == pytest.approx(counted, rel=0.03)


@pytest.mark.parametrize("optimiser", UPDATES)
def test_an_update(optimiser):
    rule: Any = Optimiser(optimiser).transform()
    params = single(np.ones((300, 100)))

    def step(params, memory, slope):
        change, memory = rule.update(slope, memory, params)
        return params - 0.01 * change, memory

    with jax.numpy_dtype_promotion("standard"):
        counted = compilers_count(lowered(step, params, jax.eval_shape(rule.init, params), params))
    assert UPDATES[optimiser] == pytest.approx(counted / params.size, rel=1e-3)


@pytest.mark.parametrize("width", [16, 64])
def test_a_step_of_online_sgd(width):
    """One sample, two layers: within 5 %, the rest being activations."""
    student = TwoLayer(width)

    def step(params, x, y):
        slope = jax.grad(lambda p: student.losses(student.apply(p, x)[0], y))(params)
        return jax.tree.map(lambda p, g: p - 0.01 * g, params, slope)

    params = jax.eval_shape(lambda key: student.init(key, 300), jax.random.key(0))
    program = lowered(step, params, single(np.ones((1, 300))), single(1))
    counted = compilers_count(program.compile())
    assert training_flops([width * 300, width]) == pytest.approx(counted, rel=0.05)


def test_a_step_of_a_deep_student():
    """One sample, three hidden layers, the gradient with respect to W itself: within 5 %."""
    student, scaling = Deep(16, depth=3), Deep(16, depth=3).scaling(0.1, 300)
    theta = jax.eval_shape(student.start, jax.random.key(0), scaling)
    params = Params(single(np.ones((16, 300))), theta)
    program = lowered(
        lambda params, x, y: plain_step(student, scaling, params, x, y, jnp.array(True)),
        params, single(np.ones(300)), single(1),
    )  # fmt: skip
    counted = compilers_count(program.compile())
    assert student.weights(300) == (4800, 256, 256, 16)
    assert training_flops(student.weights(300)) == pytest.approx(counted, rel=0.05)


def test_pruned_weights_cost_nothing_and_the_first_layer_needs_no_gradient_of_inputs():
    assert training_flops([100, 10], 4) == 4 * (6 * 110 - 2 * 100) + 2 * 110
    assert training_flops([50, 10], 4) < training_flops([100, 10], 4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimiser": "lamb"}, "unknown optimiser 'lamb'; known: adam"),
        ({"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_bad_input_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        training_flops([1], **options)
