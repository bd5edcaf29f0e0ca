"""The task: its distribution, and accuracy from the order parameters against accuracy on drawn inputs."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from teacher_student.interfaces import OrderParameters
from teacher_student.students.two_layer import Params, TwoLayer
from teacher_student.tasks.xor_mixture import CLUSTERS, LABELS, MEANS, XorMixture

TASK = XorMixture(20)


def asymmetric_student():
    """Weights that favour +e1, on skew directions: a sign or index mistake cannot hide."""
    directions = TASK.directions(jax.random.key(5))
    w = 0.2 * jax.random.normal(jax.random.key(6), (3, 20))
    w = w.at[0].add(1.3 * directions[0]).at[1].add(-0.4 * directions[1] + 0.2 * directions[0])
    return directions, Params(w, jnp.array([0.9, -1.1, 0.35]))


def test_samples_have_the_stated_mean_covariance_and_labels():
    directions = TASK.directions(jax.random.key(3))
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-6)
    level = TASK.level(noise=0.5, signal=2.0, prior=(0.1, 0.2, 0.3, 0.4))
    x, y = TASK.sample(jax.random.key(0), 40_000, level, directions)
    prior = np.array([0.1, 0.2, 0.3, 0.4])
    mean = 2 * (prior @ MEANS) @ np.asarray(directions)
    np.testing.assert_allclose(x.mean(0), mean, atol=5 * 1.5 / 200)
    assert abs(float(y.mean()) - prior @ LABELS) < 5 / 200
    along = np.asarray(x @ directions.T)
    covariance = (
        0.5 * np.eye(2) + 4 * (MEANS.T @ np.diag(prior) @ MEANS) - 4 * np.outer(prior @ MEANS, prior @ MEANS)
    )
    np.testing.assert_allclose(np.cov(along.T), covariance, atol=0.1)
    rest = np.asarray(x - along @ directions)
    assert np.sum(rest.var(0)) == pytest.approx(0.5 * 18, rel=0.02)


def test_difficulty_may_differ_per_sample_and_prior_zero_means_never():
    noise = jnp.repeat(jnp.array([1e-6, 4.0]), 500)
    x, _ = TASK.sample(jax.random.key(1), 1000, noise)
    far = np.linalg.norm(x, axis=1)
    assert far[:500].max() < 1.1
    assert far[500:].mean() > 5
    choice = jnp.linspace(0, 1, 1001)[:-1]
    seen = TASK.cluster(choice, jnp.broadcast_to(jnp.array([0, 0.5, 0, 0.5]), (1000, 4)))
    assert np.bincount(np.asarray(seen), minlength=4).tolist() == [0, 500, 0, 500]


@pytest.mark.parametrize("activation", ["relu", "quadratic"])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_accuracy_and_loss_from_order_parameters_match_drawn_inputs(activation, loss):
    directions, params = asymmetric_student()
    student = TwoLayer(3, activation, loss)
    level = TASK.level(noise=0.6, signal=1.2, prior=(0.4, 0.1, 0.3, 0.2))
    n = 100_000
    x, y = TASK.sample(jax.random.key(2), n, level, directions)
    f = student.apply(params, x)
    correct, losses = np.asarray(0.5 * (1 + jnp.sign(f) * y)), np.asarray(student.losses(f, y))
    along = params.w @ directions.T
    factor = params.w - along @ directions
    order = OrderParameters(along, (factor,), params.v)
    level = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), level)
    found = TASK.evaluate(student, order, level, jax.random.normal(jax.random.key(4), (n, 22)))
    se = correct.std() / n**0.5
    assert abs(float(found["test_accuracy"]) - correct.mean()) < 5 * se
    assert abs(float(found["test_loss"]) - losses.mean()) < 5 * losses.std() / n**0.5
    cluster = np.argmax(np.asarray(x @ directions.T) @ MEANS.T, 1)
    assert cluster.shape == (n,)
    assert found["group_accuracy"].shape == (len(CLUSTERS),)
    np.testing.assert_allclose(found["group_accuracy"] @ level["prior"], found["test_accuracy"], rtol=1e-5)


def test_group_accuracy_is_that_of_each_cluster():
    directions, params = asymmetric_student()
    student = TwoLayer(3)
    order = OrderParameters(
        params.w @ directions.T, (params.w - params.w @ directions.T @ directions,), params.v
    )
    level = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), TASK.level(noise=0.6))
    found = TASK.evaluate(student, order, level, jax.random.normal(jax.random.key(4), (50_000, 22)))[
        "group_accuracy"
    ]
    for c in range(4):
        only = TASK.level(noise=0.6, prior=tuple(np.eye(4)[c].tolist()))
        x, y = TASK.sample(jax.random.key(c), 50_000, only, directions)
        correct = np.asarray(0.5 * (1 + jnp.sign(student.apply(params, x)) * y))
        assert abs(correct.mean() - float(found[c])) < 5 * (0.5 / 50_000**0.5)


def test_an_output_of_exactly_zero_counts_one_half():
    order = OrderParameters(jnp.zeros((2, 2)), (jnp.zeros((2, 2)),), jnp.ones(2))
    level = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), TASK.level())
    found = TASK.evaluate(TwoLayer(2), order, level, jax.random.normal(jax.random.key(0), (10, 4)))
    assert float(found["test_accuracy"]) == 0.5


def test_coverage_counts_clusters_and_right_signs():
    along = jnp.array([[1.0, 0.1], [-0.5, 0.2], [0.1, -2.0], [0.9, 0.0]])
    order = OrderParameters(along, (jnp.eye(4),), jnp.array([1.0, -1.0, -1.0, 1.0]))
    found = TASK.coverage(order)
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
