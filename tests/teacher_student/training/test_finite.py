"""Epochs over a fixed set of examples against SGD written out by hand, and what is measured along the way."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from teacher_student.students.lipschitz import (
    flipped,
    lipschitz,
    mean_square_gradient,
    pattern_products,
    steepest,
)
from teacher_student.students.plain import PlainNet
from teacher_student.training.finite import train
from teacher_student.training.finite_parts import Bank, Plan, Setting, gradient_norm, shown
from teacher_student.training.optimisers import Optimiser

pytestmark = pytest.mark.usefixtures("quick_module")

N, K, P = 6, 4, 8
RNG = np.random.default_rng(3)
X = RNG.normal(size=(P, N)).astype(np.float32)
Y = np.sign(RNG.normal(size=(P, 1))).astype(np.float32)
NET = PlainNet("two_layer", K)
RATE, DECAY = 0.07, 0.02
#: One window of all examples.
WHOLE = [[0, P, 0]]
BANK = Bank(jnp.asarray(X), jnp.asarray(Y))
TESTS = Bank(BANK.inputs[None, :3], BANK.labels[None, :3])


def descended(params, batches):
    """SGD with weight decay on f = v . relu(W x), squared loss: parameters, |db| and bounds at every step."""
    w, v = (np.array(layer["w"], float) for layer in params)
    v, steps, moved = v[0], [], np.zeros(K)
    for batch in batches:
        x, y = X[batch].astype(float), Y[batch, 0].astype(float)
        u = x @ w.T
        slope = np.maximum(u, 0) @ v - y
        by_shift = (slope[:, None] * v * (u > 0)).mean(0)
        singular = np.linalg.svd(w, compute_uv=False)
        gradient = np.linalg.norm(w.T @ (v * (u[0] > 0)))
        size = np.linalg.norm(RATE * by_shift)
        steps.append((size, singular[-1], singular[0], gradient, RATE * abs(slope[0])))
        moved += RATE * by_shift
        by_w = (slope[:, None] * v * (u > 0)).T @ x / len(batch)
        by_v = (slope[:, None] * np.maximum(u, 0)).mean(0)
        w, v = w - RATE * (by_w + DECAY * w), v - RATE * (by_v + DECAY * v)
    return w, v, np.array(steps), moved


def trained(windows, n_examples, batch_size, epochs, record=(), net=NET, keys=(5,), **options):
    count = len(keys)
    windows = np.tile(np.array(windows), (count, 1, 1))
    plan = Plan(np.tile(np.arange(P), (count, 1)), windows, np.zeros(count, bool))
    setting = Setting(n_examples, batch_size, "squared", Optimiser(), record)
    return train(
        net, BANK, TESTS, plan, setting=setting, keys=jax.vmap(jax.random.key)(jnp.array(keys)),
        rates=np.full(count, RATE, np.float32), at=np.arange(epochs + 1), decay=DECAY, **options,
    )  # fmt: skip


def first_params(key=5):
    return NET.init(jax.random.fold_in(jax.random.key(key), 0), N)


def test_epochs_over_windows_are_sgd_by_hand():
    """The first window has 6 of the 8 examples: they are shown again until 8 have been; then all."""
    found = trained([[0, 6, 0], [0, 8, 0]], P, 4, 3, ("path_length", "path_variance"), keys=(5, 6))
    all_of_it = [range(4), range(4, 8)]
    w, v, steps, moved = descended(first_params(), [range(4), [4, 5, 0, 1], *all_of_it, *all_of_it])
    assert np.allclose(found.params[0]["w"][0], w, atol=1e-5)
    assert np.allclose(found.params[1]["w"][0], v, atol=1e-5)
    f = np.maximum(X @ w.T, 0) @ v
    assert np.isclose(found.values["train_loss"][0, -1], 0.5 * np.mean((f - Y[:, 0]) ** 2), rtol=1e-4)
    assert np.isclose(found.values["test_accuracy"][0, -1], np.mean(np.sign(f[:3]) == Y[:3, 0]))
    assert np.isclose(found.values["path_length"][0, -1], steps[:, 0].sum(), rtol=1e-4)
    variance = np.mean(steps[:, 0] ** 2) - np.sum((moved / len(steps)) ** 2)
    assert np.isclose(found.values["path_variance"][0, -1], variance, rtol=1e-3)
    assert not np.allclose(found.params[0]["w"][0], found.params[0]["w"][1])


def test_steps_of_the_bias_bound_the_gradient_at_every_step():
    """An epoch of one example is one step, so every step is recorded; K < N leaves sigma_min above 0."""
    order = RNG.integers(0, P, 60)
    found = trained([[i, i + 1, 0] for i in order], 1, 1, 60, ("path_length",))
    *_, steps, _ = descended(first_params(), [[i] for i in order])
    taken = np.diff(found.values["path_length"][0])
    assert np.allclose(taken, steps[:, 0], atol=1e-5)
    _, low, high, gradient, scale = steps.T
    alive = gradient > 0  # no unit is on: nothing moves and nothing is bounded
    assert alive.sum() > 30
    assert low.min() > 0
    assert (low * taken / scale <= gradient * (1 + 1e-4) + 1e-6).all()
    assert (gradient * (1 - 1e-4) <= high * taken / scale + 1e-6).all()
    # neither bound is idle
    assert (low * taken / scale)[alive].max() > 0.3 * gradient[alive].max()


def test_an_epoch_shows_each_example_of_its_window_equally_often():
    show = jax.jit(shown, static_argnums=(3, 4))
    seen = np.asarray(show(jax.random.key(0), np.array([2, 5, 0]), True, 9, P))
    assert sorted(seen[:3].tolist()) == [2, 3, 4]
    assert (seen[3:6] == seen[:3]).all()
    assert len(seen) == 9
    other = np.asarray(show(jax.random.key(1), np.array([0, P, 0]), True, P, P))
    assert sorted(other.tolist()) == list(range(P)) != other.tolist()


def test_a_window_is_left_when_its_test_set_is_learnt_and_not_before():
    """Windows of one example each; their test sets have its label, or the opposite one."""
    tests = Bank(jnp.stack([BANK.inputs[:1]] * 2), jnp.stack([-BANK.labels[:1], BANK.labels[:1]]))
    plan = Plan(np.zeros((2, 1), int), np.array([[[0, 1, 0]] * 2, [[0, 1, 1]] * 2]), np.zeros(2, bool))
    found = train(
        NET, BANK, tests, plan, setting=Setting(1, 1, "squared", Optimiser(), ("solved",)),
        keys=jax.vmap(jax.random.key)(jnp.array([5, 5])), rates=np.full(2, RATE), at=np.array([0, 40]),
        stop=1.0,
    )  # fmt: skip
    never, soon = found.values["solved"][:, -1]
    assert never == np.inf
    assert 1 <= soon <= 40


@pytest.mark.parametrize("k", [5, 6])
def test_the_lipschitz_constant_is_the_largest_over_all_patterns(k):
    w, v = RNG.normal(size=(k, 9)).astype(np.float32), RNG.normal(size=k).astype(np.float32)
    patterns = np.array(np.meshgrid(*[[0, 1]] * k)).reshape(k, -1).T
    every = np.linalg.norm((patterns * v) @ w, axis=1)
    # every pattern is that of some input, so the gradient there is that large
    x = np.linalg.pinv(w) @ (2.0 * patterns[every.argmax()] - 1)

    @jax.jit
    def constants(w, v, x):
        there = gradient_norm(PlainNet("two_layer", k), [{"w": w}, {"w": v[None]}], x[None])
        return lipschitz(w, v), flipped(pattern_products(w, v)), there, mean_square_gradient(w, v)

    most, square, there, mean = map(float, constants(w, v, x.astype(np.float32)))
    assert np.isclose(most, every.max(), rtol=1e-5)
    below = square**0.5
    assert 0.8 * every.max() < below <= every.max() * (1 + 1e-5)
    assert np.isclose(there, every.max(), rtol=1e-4)
    # and the mean over normal inputs is in closed form
    z = RNG.normal(size=(20_000, 9))
    squares = np.sum((((z @ w.T > 0) * v) @ w) ** 2, 1)
    away = squares.mean() - mean
    assert abs(away) < 4 * squares.std() / 20_000**0.5


def test_the_steepest_gradient_is_that_of_an_input():
    """Twelve units on three inputs: few of the 2^12 patterns are real, all seen on a sphere."""
    rng = np.random.default_rng(4)
    w, v = rng.normal(size=(12, 3)).astype(np.float32), rng.normal(size=12).astype(np.float32)
    sphere = rng.normal(size=(200_000, 3)).astype(np.float32)
    slopes = np.linalg.norm(((sphere @ w.T > 0) * v) @ w, axis=1)
    climbed, largest = jax.jit(steepest), jax.jit(lipschitz)
    found = float(climbed(w, v, sphere[:20]))
    assert 0.9 * slopes.max() < found <= slopes.max() * (1 + 1e-5)
    assert slopes[:20].max() < 0.9 * slopes.max(), "there is something to climb"
    assert slopes.max() < 0.95 * float(largest(w, v))
    # with as many inputs as units all patterns are real
    w, v = rng.normal(size=(9, 9)).astype(np.float32), v[:9]
    assert float(climbed(w, v, np.zeros((1, 9), np.float32))) == float(largest(w, v))


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("batch_size 3 does not divide n_examples = 8", lambda: trained(WHOLE, 8, 3, 1)),
        ("width is 9, but there are 6 inputs", lambda: trained(WHOLE, 8, 4, 1, net=PlainNet("linear", 9))),
        ("of student 'two_layer'", lambda: trained(WHOLE, 8, 4, 1, ("lipschitz",), PlainNet("mlp", 2))),
        ("stop is 2", lambda: trained(WHOLE, 8, 4, 1, stop=2)),
        ("depth is 2, but student", lambda: PlainNet("two_layer", 4, depth=2)),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_in_one_line(message, call):
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
