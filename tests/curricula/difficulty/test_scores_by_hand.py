"""Each scorer on numbers that can be checked with a pencil.

Scores over training are run through the whole trainer on a scripted network: its one parameter counts the
optimizer's steps, and input x[i, t] says what it answers for example i after t steps.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from curricula.difficulty import gradients, known, pointwise, teacher
from curricula.difficulty.depth import depth, neighbour_label
from curricula.difficulty.heldout import reduce_consistency, reduce_memorisation
from curricula.difficulty.networks import Network
from curricula.difficulty.score import View
from curricula.difficulty.trained import SCORES
from curricula.difficulty.training import Runs, train_scores

pytestmark = pytest.mark.usefixtures("quick_module")

LOGITS = jnp.log(jnp.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]))
LABEL = jnp.array([0, 1])

POINTWISE = {
    "error_l2": [(0.25 + 0.09 + 0.04) ** 0.5, (0.01 + 0.81 + 0.64) ** 0.5],
    "error_l1": [1.0, 1.8],
    "cross_entropy": [np.log(2), np.log(10)],
    "entropy": [
        -0.5 * np.log(0.5) - 0.3 * np.log(0.3) - 0.2 * np.log(0.2),
        -0.2 * np.log(0.1) - 0.8 * np.log(0.8),
    ],
    "max_probability": [0.5, 0.8],
    "probability": [0.5, 0.1],
    "margin": [0.2, -0.7],
    "logit_margin": [np.log(5 / 3), -np.log(8)],
    "correct": [1.0, 0.0],
}


@pytest.mark.parametrize("name", sorted(POINTWISE))
def test_pointwise(name):
    np.testing.assert_allclose(getattr(pointwise, name)(LOGITS, LABEL), POINTWISE[name], rtol=1e-5)


COUNTER = optax.GradientTransformation(
    lambda params: optax.EmptyState(),
    lambda updates, state, params=None: (jax.tree.map(jnp.ones_like, updates), state),
)


def _logits(params, x):
    """Class 0 with probability p = x[i, t] after t steps."""
    p = jnp.take_along_axis(x, jnp.full((x.shape[0], 1), params["t"].astype(jnp.int32)), 1)[:, 0]
    return jnp.log(jnp.stack([p, 1 - p], 1))


SCRIPTED = Network(lambda key, x: {"t": jnp.float32(0)}, _logits)
HI, LO = 0.8, 0.2
#: Probability of the label after 0, 1, 2, 3, 4 steps; evaluations see 1..4, minibatches see 0..3.
SCRIPT = np.array(
    [
        [LO, HI, HI, HI, HI],  # learned at once and kept
        [HI, LO, HI, LO, HI],  # forgotten again and again
        [LO, LO, LO, LO, LO],  # never learned
        [LO, LO, LO, HI, HI],  # learned late
    ],
    np.float32,
)
OVER_TIME = {
    "confidence": [0.8, 0.5, 0.2, 0.5],
    "variability": [0, 0.3, 0, 0.3],
    "correctness": [4, 2, 0, 2],
    "threshold_closeness": [0.16, 0.25, 0.16, 0.25],
    "forgetting": [0, 2, 4, 0],
    "forgetting_epoch": [0, 1, 4, 0],
    "first_learned": [0, 1, 4, 2],
    "learned_iteration": [0, 3, 4, 2],
    "aum": np.log(4) * np.array([1, 0, -1, 0]),
    "el2n": np.array([0.2, 0.2, 0.8, 0.2]) * 2**0.5,
    "el1n": [0.4, 0.4, 1.6, 0.4],
    "loss": -np.log([HI, HI, LO, HI]),
    "margin": [0.6, 0.6, -0.6, 0.6],
    "max_confidence": [0.8] * 4,
    "entropy": [-0.8 * np.log(0.8) - 0.2 * np.log(0.2)] * 4,
}


@cache
def over_time():
    """All of these from one training."""
    runs = Runs(epochs=4, batch_size=4, optimizer=COUNTER)
    keys, scores = jax.random.split(jax.random.key(0), 2), tuple(SCORES[name] for name in OVER_TIME)
    tables = train_scores(SCRIPTED, scores, runs, SCRIPT, np.zeros(4, np.int32), keys)
    return dict(zip(OVER_TIME, tables, strict=True))


@pytest.mark.parametrize("name", sorted(OVER_TIME))
def test_over_time_through_the_trainer(name):
    np.testing.assert_allclose(over_time()[name], np.tile(OVER_TIME[name], (2, 1)), rtol=2e-6, atol=1e-6)


def test_history_and_skip_by_hand():
    labels, keys = np.zeros(4, np.int32), jax.random.split(jax.random.key(0), 1)
    runs = Runs(epochs=4, batch_size=4, optimizer=COUNTER)
    (table,) = train_scores(SCRIPTED, (SCORES["correctness"],), runs, SCRIPT, labels, keys, history=True)
    assert np.asarray(table)[0].T.tolist() == [[1, 2, 3, 4], [0, 1, 1, 2], [0, 0, 0, 0], [0, 0, 1, 2]]
    late = Runs(epochs=4, batch_size=4, optimizer=COUNTER, skip=2)
    (table,) = train_scores(SCRIPTED, (SCORES["correctness"],), late, SCRIPT, labels, keys)
    assert np.asarray(table)[0].tolist() == [2, 1, 0, 2]
    twice = Runs(epochs=2, batch_size=2, evaluations=2, optimizer=COUNTER)
    (table,) = train_scores(SCRIPTED, (SCORES["correctness"],), twice, SCRIPT, labels, keys)
    assert np.asarray(table)[0].tolist() == [4, 2, 0, 2]


LINEAR = Network(
    lambda key, x: {"w": jnp.zeros((2, 2)), "b": jnp.zeros(2)},
    lambda params, x: x @ params["w"] + params["b"],
    lambda params, x: [x @ params["w"] + params["b"]],
)


def test_gradient_norms_of_a_linear_network():
    # p = (1/2, 1/2): the gradient is (x, 1) times (p - onehot), norm sqrt(|x|^2 + 1) sqrt(1/2)
    x, y = np.array([[3.0, 4.0], [0.0, 0.0]], np.float32), np.array([0, 1], np.int32)
    for measure in (gradients.grand, gradients.grand_last):
        np.testing.assert_allclose(measured(measure, LINEAR, x, y), [13**0.5, 0.5**0.5], rtol=1e-6)


def measured(measure, net, x, y):
    """A measure of a network at its start."""

    @jax.jit
    def compiled(x, y):
        params = net.init(None, x)
        return measure(View(net, params, x, y, net.apply(params, x)))

    return compiled(x, y)


def test_gradient_norm_of_all_layers_is_larger_than_of_the_last():
    # two scalar layers h = a x, z = (c h, 0), a = 2, c = 1, x = 1, y = 0: p_0 = s(2); dz/dc = 2, dz/da = 1
    net = Network(
        lambda key, x: {"a": jnp.float32(2), "c": jnp.float32(1)},
        lambda q, x: jnp.concatenate([q["c"] * q["a"] * x, 0 * x], 1),
    )
    value = measured(gradients.grand, net, np.ones((1, 1), np.float32), np.zeros(1, np.int32))
    np.testing.assert_allclose(value, [5**0.5 / (1 + np.exp(2.0))], rtol=1e-5)


def test_vog_by_hand():
    # z_0 = t (1, 3) . x after t steps, so the pixel gradients at t = 1, 2, 3 are (1, 3), (2, 6), (3, 9)
    net = Network(
        lambda key, x: {"t": jnp.float32(0)},
        lambda q, x: jnp.stack([q["t"] * (x @ jnp.array([1.0, 3.0])), jnp.zeros(len(x))], 1),
    )
    runs = Runs(epochs=3, batch_size=2, optimizer=COUNTER)
    keys = jax.random.split(jax.random.key(0), 1)
    (table,) = train_scores(net, (SCORES["vog"],), runs, jnp.ones((2, 2)), jnp.array([0, 1]), keys)
    std = (2 / 3) ** 0.5
    np.testing.assert_allclose(table[0], [(std + 3 * std) / 2, 0], rtol=1e-5, atol=1e-6)


def test_input_gradient_averages_channels():
    net = Network(lambda key, x: {}, lambda q, x: (x * jnp.array([1.0, 5.0])).sum((1, 2))[:, :2])
    slope = measured(gradients.input_gradient, net, np.ones((1, 2, 2, 2), np.float32), np.ones(1, np.int32))
    assert slope.tolist() == [[[2.5, 2.5], [2.5, 2.5]]]


def test_prediction_depth_by_hand():
    points = jnp.array([[0.0], [1.0], [2.0], [10.0], [11.0], [13.0]])
    labels = jnp.array([0, 1, 0, 1, 1, 0])
    # two nearest others: 0 -> 1, 2; 1 -> 0, 2; 2 -> 1, 0; 10 -> 11, 13; 11 -> 10, 13; 13 -> 11, 10
    assert neighbour_label(points, labels, 2, 2).tolist() == [0, 0, 0, 0, 0, 1]
    assert neighbour_label(points, labels, 1, 2).tolist() == [1, 0, 1, 1, 1, 1]
    assert depth(jnp.array([[1.0, 0, 0, 1], [1, 1, 0, 0], [1, 1, 1, 0]])).tolist() == [0, 1, 2, 3]


def test_heldout_frequencies_by_hand():
    right = np.array([[1, 1], [0, 1], [1, 0], [1, 0]], bool)
    inside = np.array([[1, 0], [0, 1], [0, 1], [1, 0]], bool)
    assert reduce_consistency(right, inside).tolist() == [0.5, 0.5]
    assert reduce_memorisation(right, inside).tolist() == [0.5, 0.0]
    with pytest.raises(ValueError, match="1 examples are held out in none of the 2 runs; use more"):
        reduce_consistency(right[:2], np.array([[1, 0], [1, 1]], bool))


def test_oracles_by_hand():
    assert known.noise_level([0.5, 2.0]).scores.tolist() == [0.5, 2.0]
    assert known.noise_norm([[1.0, -1], [0, 2]]).scores.tolist() == [1.0, 2**0.5]
    assert known.boundary_distance([[1.0, 1], [-3, 0]], [0.0, 5]).scores.tolist() == [-1.0, 0.0]
    # at x = e1 with signal and noise 1: (e + 1/e) against 2
    plus = (np.e + 1 / np.e) / (np.e + 1 / np.e + 2)
    posterior = known.xor_posterior([[1.0, 0.0]], np.eye(2), 1.0)
    np.testing.assert_allclose(posterior, [[1 - plus, plus]])
    np.testing.assert_allclose(known.bayes_error(posterior).scores, [1 - plus])
    np.testing.assert_allclose(known.label_surprise(posterior, [0]).scores, [plus])
    only_plus = known.xor_posterior([[0.0, 5.0]], np.eye(2), 1.0, prior=[0.5, 0.5, 0, 0])
    np.testing.assert_allclose(only_plus, [[0, 1]])


def test_teacher_scores_by_hand():
    table, y = [[0.25, 0.75], [0.75, 0.25], [0.9, 0.1], [0.1, 0.9], [0.5, 0.5]], [0, 0, 0, 1, 0]
    np.testing.assert_allclose(
        teacher.teacher_loss(table, y).scores, -np.log([0.25, 0.75, 0.9, 0.9, 0.5]), rtol=1e-12
    )
    assert teacher.prototype_distance([[0.0, 0], [6, 8], [1, 1]], [0, 0, 1]).scores.tolist() == [5, 5, 0]

    class Fixed:
        classes_ = np.array([3, 7])

        def fit(self, x, y):
            return self

        def predict_proba(self, x):
            return np.array([[0.9, 0.1], [0.4, 0.6]])

    assert teacher.transfer(np.zeros((2, 1)), [7, 7], classifier=Fixed()).scores.tolist() == [-0.1, -0.6]
