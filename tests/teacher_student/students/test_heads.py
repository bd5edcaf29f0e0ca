"""Heads: against two layers, against backpropagation by hand, and their parametrisations over width."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chunks import chunk_of
from compiled import evaluate, sample, single

import teacher_student as ts
from teacher_student.interfaces import OrderParameters, Student
from teacher_student.students.deep import Deep
from teacher_student.students.two_layer import PARAMETRISATIONS, Params, TwoLayer
from teacher_student.tasks import TASKS, task_class
from teacher_student.training.chunk import descend
from teacher_student.training.full import plain_step

pytestmark = pytest.mark.usefixtures("quick_module")


# one width updates ahead, the other looks back
@pytest.mark.parametrize(("width", "loss"), [(5, "squared"), (12, "logistic")])
def test_depth_one_is_the_two_layer_student(width, loss, float64):
    """Step by step to rounding, in every parametrisation, whose factor the head has in its weights."""
    rng = np.random.default_rng(width)
    chunk, v = chunk_of(rng, width, 24), rng.normal(size=width)
    plain, deep = TwoLayer(width, "erf", loss), Deep(width, "erf", loss)

    @jax.jit
    def both(two, head, v, lambda0, gram, label, on):
        theta = {"readout": two.output_scale * v}
        return tuple(
            descend(student, scaling, lambda0, gram, label, on, start)
            for student, scaling, start in ((plain, two, v), (deep, head, theta))
        )

    for name in PARAMETRISATIONS:
        two = TwoLayer(width, "erf", loss, name).scaling(2.0, 40)
        head = Deep(width, "erf", loss, name).scaling(2.0, 40)
        (h, lam, readout), (h_, lam_, theta) = jax.tree.map(np.asarray, both(two, head, v, *chunk))
        np.testing.assert_allclose(h_, h, rtol=1e-11, atol=1e-14)
        np.testing.assert_allclose(lam_, lam, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(theta["readout"], two.output_scale * readout, rtol=1e-11, atol=1e-14)
        assert np.abs(readout - v).max() > 1e-3
        assert (h[~chunk[-1]] == 0).all()


def backpropagated(student, theta, lam, y):
    """Gradients of (f - y)^2 / 2 of a relu network with first-layer biases, layer by layer in NumPy."""
    t = {name: np.asarray(x, float) for name, x in theta.items()}
    names = [f"layer_{i}" for i in range(2, student.depth + 1)]
    us = [np.asarray(lam, float) + t["bias"]]
    for name in names:
        us.append(t[name] @ np.maximum(us[-1], 0))
    error = t["readout"] @ np.maximum(us[-1], 0) - y
    slopes = {"readout": error * np.maximum(us[-1], 0)}
    delta = error * t["readout"] * (us[-1] > 0)
    for name, u in zip(names[::-1], us[-2::-1], strict=True):
        slopes[name] = np.outer(delta, np.maximum(u, 0))
        delta = (t[name].T @ delta) * (u > 0)
    return delta, slopes | {"bias": delta}


@pytest.mark.parametrize("depth", [1, 3])
def test_a_step_is_backpropagation(depth, float64):
    student = Deep(6, depth=depth, bias=True, parametrisation="ntk")
    rng = np.random.default_rng(depth)
    theta = {name: rng.normal(size=array.shape) for name, array in student.arrays.items()}
    lam, step = rng.normal(size=6), jax.jit(student.step)
    h, change = step(lam, theta, -1.0, True, student.scaling(0.7, 10))
    delta, slopes = backpropagated(student, theta, lam, -1.0)
    np.testing.assert_allclose(h, 0.07 * delta, rtol=1e-12)
    rates = {"readout": 0.07 / 6, "bias": 0.07} | {f"layer_{i}": 0.07 / 6 for i in range(2, depth + 1)}
    assert change.keys() == slopes.keys()
    for name, slope in slopes.items():
        np.testing.assert_allclose(change[name], rates[name] * slope, rtol=1e-12, atol=1e-16)
    still = step(lam, theta, -1.0, False, student.scaling(0.7, 10))
    assert not any(np.any(x) for x in jax.tree.leaves(still))


def test_parametrisations_are_the_table():
    """Width 16, N = 100, rate 0.5: standard deviations, then rates, by hand."""
    expected = {
        "standard": (0.005, (0.25, 0.25, 0), (0.005, 0.005, 0.005)),
        "ntk": (0.005, (0.25, 0.25, 0), (0.005 / 16, 0.005 / 16, 0.005)),
        "mean_field": (0.08, (0.25, 0.0625, 0), (0.005, 0.005 / 16, 0.08)),
    }
    for name, (hidden, spread, rates) in expected.items():
        scaling = Deep(16, parametrisation=name, depth=2, bias=True).scaling(0.5, 100)
        order = ("layer_2", "readout", "bias")
        assert scaling.hidden_rate == pytest.approx(hidden)
        assert [scaling.spread[x] for x in order] == pytest.approx(spread)
        assert [scaling.rates[x] for x in order] == pytest.approx(rates)


def test_a_start_has_the_stated_spread():
    student = Deep(64, depth=2, bias=True, parametrisation="mean_field")
    theta = jax.tree.map(np.asarray, jax.jit(student.start)(jax.random.key(0), student.scaling(1.0, 10)))
    assert np.std(theta["layer_2"]) == pytest.approx(1 / 8, rel=5 / (2 * 64**2) ** 0.5)
    assert np.std(theta["readout"]) == pytest.approx(1 / 64, rel=5 / 128**0.5)
    assert not theta["bias"].any()


def moved(depth, width, steps=5, n=20, runs=32):
    """Root-mean-square change of the pre-activations of every layer, and of f, after some steps of SGD."""
    student = Deep(width, depth=depth)

    def layers(params, x):
        u = [x @ params.w.T]
        for i in range(2, depth + 1):
            u.append(jnp.maximum(u[-1], 0) @ params.v[f"layer_{i}"].T)
        return [*u, (jnp.maximum(u[-1], 0) @ params.v["readout"])[:, None]]

    def run(scaling, key):
        w, v, x, probe = jax.random.split(key, 4)
        start = Params(jax.random.normal(w, (width, n)) / n**0.5, student.start(v, scaling))

        def step(params, x):
            return plain_step(student, scaling, params, x, jnp.sign(x[0] * x[1]), jnp.array(True)), None

        end, _ = jax.lax.scan(step, start, jax.random.normal(x, (steps, n)))
        points = jax.random.normal(probe, (50, n))
        return [
            jnp.mean((b - a) ** 2) for a, b in zip(layers(start, points), layers(end, points), strict=True)
        ]

    keys, batch = jax.random.split(jax.random.key(depth), runs), jax.jit(jax.vmap(run, (None, 0)))
    names = ("mean_field", "standard")
    scalings = [Deep(width, depth=depth, parametrisation=name).scaling(0.5, n) for name in names]
    return [np.sqrt([np.mean(x) for x in map(np.asarray, batch(scaling, keys))]) for scaling in scalings]


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 3])
def test_coordinate_check(depth):
    """Powers of the width by which layers move; f also scatters at the start, which fades with width.

    mean_field: 0 for every layer. standard: W moves less and the output more, the wider the student.
    """
    powers = np.log(np.divide(moved(depth, 128), moved(depth, 16))) / np.log(8)
    mean_field, standard = powers
    assert np.abs(mean_field[:-1]).max() < 0.1
    assert abs(mean_field[-1]) < 0.25
    assert standard[0] < -0.3
    assert standard[-1] > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_tasks_measure_a_head_as_samples_of_theirs_do(name):
    """Loss and accuracy of a deep student on drawn inputs, forward in NumPy, without its order parameters."""
    task, n, student = task_class(name)(30), 20_000, Deep(4, depth=3, bias=True)
    rng = np.random.default_rng(1)
    theta = {name: single(rng.normal(size=x.shape) / 2) for name, x in student.arrays.items()}
    w = single(0.6 * rng.normal(size=(4, 30)) / 30**0.5 + np.eye(4, 30))
    x, y = (np.asarray(a, float) for a in sample(task, jax.random.key(3), n, task.level()))
    u = x @ w.T + theta["bias"]
    for layer in ("layer_2", "layer_3"):
        u = np.maximum(u, 0) @ theta[layer].T
    f = np.maximum(u, 0) @ theta["readout"]
    p = task.blocks[0].directions
    parts = np.split(w[:, p:], np.cumsum([task.blocks[0].size - p]), 1)[: len(task.blocks)]
    factors = tuple(single(np.linalg.cholesky(part @ part.T)) for part in parts)
    points = rng.normal(size=(n // 2, p + 4 * len(parts)))
    found = evaluate(task, student, OrderParameters(w[:, :p], factors, theta), task.level(), single(points))
    losses, right = 0.5 * (f - y) ** 2, 0.5 * (1 + np.sign(f) * np.sign(y))
    assert abs(found["test_loss"] - losses.mean()) < 5 * 2**0.5 * losses.std() / n**0.5
    if "test_accuracy" in found:
        assert abs(found["test_accuracy"] - right.mean()) < 5 * 2**0.5 * 0.5 / n**0.5


def test_parity_is_that_of_the_output():
    lam = single([[0.3, -1.0, 0.7]])
    cases = (
        ("erf", False, "odd"),
        ("quadratic", False, "even"),
        ("relu", False, "neither"),
        ("erf", True, "neither"),
    )
    for activation, bias, parity in cases:
        student = Deep(3, activation, depth=2, bias=bias)
        rng = np.random.default_rng(0)
        theta = {name: single(rng.normal(size=x.shape)) for name, x in student.arrays.items()}
        here, there = jax.jit(student.apply)(theta, np.concatenate([lam, -lam])).tolist()
        odd, even = np.isclose(there, -here), np.isclose(there, here)
        assert student.parity == ("odd" if odd else "even" if even else "neither") == parity


def test_heads_are_students_and_their_parametrisation_compiles_nothing():
    assert isinstance(Deep(4), Student)
    assert isinstance(TwoLayer(4), Student)
    assert Deep(4, depth=2, parametrisation="ntk").core() == Deep(4, depth=2) != Deep(4)


RUN: dict[str, Any] = {"protocol": "curriculum", "easy": 0.1, "hard": 1.0, "budget": 1, "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Deep(4, depth=0), "depth is 0; need 1 <= depth <= 16"),
        (lambda: Deep(4, depth=17), "depth is 17; need 1 <= depth <= 16"),
        (lambda: Deep(0), "width is 0"),
        (lambda: Deep(4, "relu6"), "unknown activation 'relu6'; known: erf"),
        (lambda: Deep(4, parametrisation="mup"), "unknown parametrisation 'mup'; known: mean_field"),
        (lambda: Deep(4).scaling(0.0, 10), "learning_rate is 0.0"),
        (
            lambda: ts.trajectory(ts.XorMixture(50), Deep(4), **RUN),
            "TwoLayer students, not of Deep; simulate",
        ),
        (lambda: ts.simulate(ts.XorMixture(50), Deep(4, "erf", depth=2), **RUN), "activation 'erf' is odd"),
        (
            lambda: ts.simulate(ts.XorMixture(50), Deep(4), record="v", **RUN, n_records=1),
            "xor_mixture with a Deep student does not measure v; it measures",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=message) as refusal:
        wrong()
    assert "\n" not in str(refusal.value)
