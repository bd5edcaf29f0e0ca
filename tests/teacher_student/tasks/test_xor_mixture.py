"""The task: its distribution, and accuracy from the order parameters against accuracy on drawn inputs."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import evaluate, sample, single

from teacher_student.interfaces import OrderParameters
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import Params, TwoLayer
from teacher_student.tasks.xor_mixture import CLUSTERS, LABELS, MEANS, XorMixture
from teacher_student.theory.integrate import equations

pytestmark = pytest.mark.usefixtures("quick_module")

TASK = XorMixture(20)


@cache
def asymmetric_student():
    """Weights that favour +e1, on skew directions: a sign or index mistake cannot hide."""
    directions = directions_of(5)
    w = single(0.2 * np.random.default_rng(6).normal(size=(3, 20)))
    w[0] += 1.3 * directions[0]
    w[1] += 0.2 * directions[0] - 0.4 * directions[1]
    params = Params(w, single([0.9, -1.1, 0.35]))
    along = single(w @ directions.T)
    return directions, params, OrderParameters(along, (w - along @ directions,), params.v)


def directions_of(seed):
    return np.asarray(DIRECTIONS(jax.random.key(seed)))


DIRECTIONS = jax.jit(TASK.directions)
APPLY = jax.jit(lambda student, *arguments: student.apply(*arguments), static_argnums=0)


def points(*shape):
    """Standard normal numbers."""
    return single(np.random.default_rng(4).normal(size=shape))


def test_samples_have_the_stated_mean_covariance_and_labels():
    directions = directions_of(3)
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-6)
    level = TASK.level(noise=0.5, signal=2.0, prior=(0.1, 0.2, 0.3, 0.4))
    x, y = map(np.asarray, sample(TASK, jax.random.key(0), 40_000, level, directions))
    prior = np.array([0.1, 0.2, 0.3, 0.4])
    mean = 2 * (prior @ MEANS) @ directions
    np.testing.assert_allclose(x.mean(0), mean, atol=5 * 1.5 / 200)
    assert abs(float(y.mean()) - prior @ LABELS) < 5 / 200
    along = x @ directions.T
    covariance = (
        0.5 * np.eye(2) + 4 * (MEANS.T @ np.diag(prior) @ MEANS) - 4 * np.outer(prior @ MEANS, prior @ MEANS)
    )
    np.testing.assert_allclose(np.cov(along.T), covariance, atol=0.1)
    rest = x - along @ directions
    assert np.sum(rest.var(0)) == pytest.approx(0.5 * 18, rel=0.02)


def test_difficulty_may_differ_per_sample_and_prior_zero_means_never():
    noise = np.repeat([1e-6, 4.0], 500)
    x, _ = sample(TASK, jax.random.key(1), 1000, noise)
    far = np.linalg.norm(x, axis=1)
    assert far[:500].max() < 1.1
    assert far[500:].mean() > 5
    choice, prior = np.arange(1000) / 1000, np.broadcast_to([0, 0.5, 0, 0.5], (1000, 4))
    seen = jax.jit(TASK.cluster)(choice, prior)
    assert np.bincount(np.asarray(seen), minlength=4).tolist() == [0, 500, 0, 500]


@pytest.mark.slow
@pytest.mark.parametrize(("activation", "loss"), [("relu", "squared"), ("quadratic", "logistic")])
def test_accuracy_and_loss_from_order_parameters_match_drawn_inputs(activation, loss):
    directions, params, order = asymmetric_student()
    student = TwoLayer(3, activation, loss)
    level = TASK.level(noise=0.6, signal=1.2, prior=(0.4, 0.1, 0.3, 0.2))
    n = 100_000
    x, y = map(np.asarray, sample(TASK, jax.random.key(2), n, level, directions))
    f = np.asarray(APPLY(student, params, x))
    correct = 0.5 * (1 + np.sign(f) * y)
    losses = 0.5 * (f - y) ** 2 if loss == "squared" else np.logaddexp(0, -y * f)
    found = jax.tree.map(np.asarray, evaluate(TASK, student, order, level, points(n, 22)))
    se = correct.std() / n**0.5
    assert abs(float(found["test_accuracy"]) - correct.mean()) < 5 * se
    assert abs(float(found["test_loss"]) - losses.mean()) < 5 * losses.std() / n**0.5
    assert found["group_accuracy"].shape == (len(CLUSTERS),)
    np.testing.assert_allclose(found["group_accuracy"] @ level["prior"], found["test_accuracy"], rtol=1e-5)


@pytest.mark.slow
def test_group_accuracy_is_that_of_each_cluster():
    directions, params, order = asymmetric_student()
    student, n = TwoLayer(3), 50_000
    found = np.asarray(evaluate(TASK, student, order, TASK.level(noise=0.6), points(n, 22))["group_accuracy"])
    for c in range(4):
        only = TASK.level(noise=0.6, prior=tuple(np.eye(4)[c].tolist()))
        x, y = sample(TASK, jax.random.key(c), n, only, directions)
        correct = 0.5 * (1 + np.sign(APPLY(student, params, x)) * y)
        assert abs(correct.mean() - found[c]) < 5 * (0.5 / n**0.5)


def test_clusters_right_by_hand():
    """Units along the axes, little noise: a unit at its cluster is right there, and pure noise elsewhere.

    Theory counts alike from the same state.
    """
    # at +e1 and -e2; at +e1, -e1 and -e2; at +e1 and -e1 with the wrong sign, and +e2 with the right one
    rows = np.array([[[1, 0], [0, -1], [0, 0]], [[1, 0], [-1, 0], [0, -1]], [[1, 0], [-1, 0], [0, 2]]], "f4")
    readout = np.array([[1, -1, 0], [1, 1, -1], [-1, -1, -2]], "f4")
    student, level = TwoLayer(3), jax.tree.map(jnp.float32, TASK.level(noise=0.01))
    equation = equations(TASK, student, n_nodes=256)
    normals = jnp.asarray(points(4000, 5))

    def measured(along, v):
        order = OrderParameters(along, (jnp.zeros((3, 3)),), v)
        state = Overlaps(along, jnp.zeros((1, 3, 3)), v)
        return TASK.evaluate(student, order, level, normals), equation.observe(
            state, level, 1.0, equation.nodes(0)
        )

    found, solved = jax.tree.map(np.asarray, jax.jit(jax.vmap(measured))(rows, readout))
    # noise has the wrong sign half of the time, and is off (an output of 0) in the other half
    np.testing.assert_allclose(found["group_accuracy"][0], [1, 0.25, 0.25, 1], atol=0.03)
    np.testing.assert_allclose(found["group_accuracy"][1, [0, 1, 3]], 1, atol=0.001)
    assert found["group_accuracy"][1, 2] < 0.5
    np.testing.assert_allclose(found["group_accuracy"][2, :3], [0, 0, 1], atol=0.001)
    assert found["clusters_right"][:2].tolist() == solved["clusters_right"][:2].tolist() == [2, 3]
    for values in (found, solved):
        counted = (values["group_accuracy"] > 0.5).sum(1)
        assert values["clusters_right"].tolist() == counted.tolist()


def test_a_constant_network_gets_two_clusters_right():
    order = OrderParameters(single([[0, 0]]), (single([[1]]),), single([1]))
    found = evaluate(TASK, TwoLayer(1), order, TASK.level(), np.abs(points(50, 3)))
    # 0 at the mirrored half of the points
    assert found["group_accuracy"].tolist() == [0.75, 0.75, 0.25, 0.25]
    assert float(found["clusters_right"]) == 2


def test_an_output_of_exactly_zero_counts_one_half():
    order = OrderParameters(single(np.zeros((2, 2))), (single(np.zeros((2, 2))),), single([1, 1]))
    found = evaluate(TASK, TwoLayer(2), order, TASK.level(), points(10, 4))
    assert float(found["test_accuracy"]) == 0.5


def test_coverage_counts_clusters_and_right_signs():
    along = single([[1.0, 0.1], [-0.5, 0.2], [0.1, -2.0], [0.9, 0.0]])
    order = OrderParameters(along, (single(np.eye(4)),), single([1.0, -1.0, -1.0, 1.0]))
    found = jax.jit(TASK.coverage)(order)
    assert float(found["covered"]) == 3  # +e1, -e1, -e2
    assert float(found["covered_aligned"]) == 2  # +e1 with v > 0, -e2 with v < 0; -e1 has v < 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"noise": 0.0}, "noise is 0.0; need 0 < noise"),
        ({"noise": -1.0}, "noise is -1.0"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"signal": -0.1}, "signal is -0.1"),
        ({"prior": (0.5, 0.5, 0.5, 0.5)}, "sum to 1"),
        ({"prior": (1.5, -0.5, 0.0, 0.0)}, "prior"),
    ],
)
def test_bad_levels_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        TASK.level(**arguments)


def test_odd_activations_are_refused():
    with pytest.raises(ValueError, match="'erf' is odd"):
        TASK.check_student(TwoLayer(2, "erf"))
