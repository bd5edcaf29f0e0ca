"""Pacing: published numbers, limits, monotone growth, the same under jit, refusals."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from curricula import pace
from curricula.adaptive import LossThreshold
from curricula.pacing import PACINGS
from curricula.self_paced import WEIGHTINGS, age_for, self_paced_weights

T, N, A, B = 39_100, 45_000, 0.8, 0.2
#: Examples available at t = 0, T/10, T/4, T/2, aT, neither clipped nor rounded up.
FIXTURE = {
    "linear": [9000, 13500, 20250, 31500, 45000],
    "quad": [9000, 9562, 12515, 23062, 45000],
    "root": [9000, 21727, 29124, 37460, 45000],
    "step": [9000, 9000, 9000, 9000, 54000],
    "exp": [9000, 9004, 9035, 9845, 45000],
    "log": [9000, 37515, 40813, 43308, 45000],
}
STEPS = np.array([0, T / 10, T / 4, T / 2, A * T])
BY_FRACTION = [*FIXTURE, "geom", "root_p", "two_phase", "three_phase"]
EXAMPLES = {
    "baby_step": pace("baby_step", b=0.1, grow=0.2, interval=10),
    "exponential_step": pace("exponential_step", b=0.04, inc=1.9, interval=20),
    "table": pace("table", values=np.linspace(0.1, 1, 50)),
} | {name: pace(name, total=100, a=0.8, b=0.2) for name in BY_FRACTION}


@pytest.mark.parametrize("name", sorted(FIXTURE))
def test_published_numbers(name):
    pacing = pace(name, total=T, a=A, b=B)
    assert [int(n) for n in pacing.amount(np, STEPS, float(N))] == FIXTURE[name]
    assert pacing.count(STEPS, N).tolist() == [min(n, N) for n in FIXTURE[name]]


def test_other_families_by_hand():
    t = np.array([0, 25, 50, 100, 1000])
    np.testing.assert_allclose(pace("geom", total=100, a=1, b=0.25)(t), [0.25, 0.25**0.75, 0.5, 1, 1])
    np.testing.assert_allclose(
        pace("root_p", total=100, a=1, b=0.6, p=2)(t), [0.6, 0.52**0.5, 0.68**0.5, 1, 1]
    )
    np.testing.assert_allclose(pace("two_phase", total=100, a=0.5, b=0.3)(t), [0.3, 0.3, 1, 1, 1])
    np.testing.assert_allclose(
        pace("three_phase", total=100, a=1, b=0.2, middle=0.6)(t), [0.2, 0.2, 0.6, 1, 1]
    )
    np.testing.assert_allclose(pace("baby_step", b=0.1, grow=0.2, interval=25)(t), [0.3, 0.5, 0.7, 1, 1])
    staircase = pace("exponential_step", b=0.1, inc=2, interval=25)
    np.testing.assert_allclose(staircase(t), [0.1, 0.2, 0.4, 1, 1])
    assert staircase.count(t, 1001).tolist() == [101, 201, 401, 1001, 1001]
    np.testing.assert_allclose(pace("table", values=[0.5, 0.25, 1])(np.arange(5)), [0.5, 0.25, 1, 1, 1])


@pytest.mark.parametrize("name", sorted(PACINGS))
def test_every_pacing_is_clipped_monotone_complete_and_the_same_when_compiled(name):
    assert EXAMPLES.keys() == PACINGS.keys()
    t = np.arange(400)
    values = EXAMPLES[name](t)
    assert values.shape == t.shape
    assert ((values > 0) & (values <= 1)).all()
    assert (np.diff(values) >= 0).all()
    assert values[-1] == 1.0
    counts = EXAMPLES[name].count(t, 977, 5)
    assert counts.min() >= 5
    assert counts[-1] == 977
    compiled = jax.jit(jax.vmap(EXAMPLES[name]))(jnp.asarray(t))
    np.testing.assert_allclose(compiled, values, rtol=2e-6)
    assert np.abs(jax.jit(lambda s: EXAMPLES[name].count(s, 977, 5))(jnp.asarray(t)) - counts).max() <= 1


@given(
    st.sampled_from(BY_FRACTION),
    st.floats(0.01, 10),
    st.floats(0.01, 1 / 3),
    st.integers(1, 10_000),
    st.integers(1, 10**6),
)
def test_growth_for_any_parameters(name, a, b, total, n):
    pacing = pace(name, total=total, a=a, b=b)
    t = np.linspace(0, a * total, 50)
    counts = pacing.count(t, n)
    assert (np.diff(counts) >= 0).all()
    assert abs(counts[0] - max(1, int(b * n))) <= 1
    assert pacing.count(2 * a * total + 1, n) == n


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("sqrt", {}, "unknown pacing 'sqrt'; known: baby_step"),
        ("linear", {"total": 10, "a": 0.0}, "a is 0.0; need 0 < a"),
        ("linear", {"total": 10, "b": 0.0}, "b is 0.0; need 0 < b <= 1"),
        ("linear", {"total": 10, "b": 1.5}, "b is 1.5"),
        ("linear", {"total": 10, "b": float("nan")}, "b is nan"),
        ("linear", {"total": 0}, "total is 0"),
        ("linear", {}, "needs total"),
        ("linear", {"total": 10, "p": 2}, "unknown parameter of pacing linear: 'p'; known: a, b, total"),
        ("root_p", {"total": 10, "p": 0}, "p is 0"),
        ("three_phase", {"total": 10, "b": 0.9}, "b <= middle <= 1"),
        ("table", {"values": [0.5, 0.0]}, r"fractions in \(0, 1\]"),
        ("exponential_step", {"inc": 0.5}, "inc is 0.5"),
        ("baby_step", {"interval": 0}, "interval is 0"),
    ],
)
def test_bad_parameters_are_refused_in_one_line(name, parameters, message):
    with pytest.raises(ValueError, match=message) as caught:
        pace(name, **parameters)
    assert "\n" not in str(caught.value)


def test_loss_threshold_grows_once_per_lesson_learned():
    pacing = LossThreshold(threshold=0.5, b=0.25, grow=0.5, decay=0.5)
    losses = [1.0, 0.2, 0.1, 0.45, 0.9, 0.1]
    # running: 1, .6, .35 -> grow; fresh .45 -> grow (clipped); fresh .9, .5 (not below)
    state, seen = pacing.start(), []
    for loss in losses:
        state = pacing.update(state, loss)
        seen.append(float(state.fraction))
    assert seen == [0.25, 0.25, 0.75, 1.0, 1.0, 1.0]
    _, scanned = jax.lax.scan(
        lambda s, loss: ((new := pacing.update(s, loss)), new.fraction), pacing.start(), jnp.array(losses)
    )
    assert scanned.tolist() == seen
    with pytest.raises(ValueError, match="grow is 0"):
        LossThreshold(0.5, grow=0)


def test_self_paced_weights_by_hand():
    losses = np.array([0.0, 0.25, 0.5, 2.0])
    assert self_paced_weights(losses, 0.5).tolist() == [1, 1, 0, 0]
    assert self_paced_weights(losses, 0.5, "linear").tolist() == [1, 0.5, 0, 0]
    expected = [1, np.log(0.75) / np.log(0.5), 0, 0]
    np.testing.assert_allclose(self_paced_weights(losses, 0.5, "logarithmic"), expected, atol=1e-12)
    assert self_paced_weights(losses, age_for(losses, 0.5)).tolist() == [1, 1, 0, 0]


@given(
    st.sampled_from(sorted(WEIGHTINGS)),
    st.lists(st.floats(0, 5), min_size=2, max_size=20),
    st.floats(0.01, 0.99),
)
def test_weights_fall_with_the_loss_and_grow_with_age(name, losses, age):
    ordered = np.sort(losses)
    young, old = (self_paced_weights(ordered, a, name) for a in (age / 2, age))
    assert ((young >= 0) & (old <= 1)).all()
    assert (np.diff(old) <= 1e-12).all()
    assert name == "logarithmic" or (old >= young - 1e-12).all()


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_weights_are_the_same_when_compiled(name):
    losses = np.linspace(0, 2, 9)
    compiled = jax.jit(lambda v: self_paced_weights(v, 0.6, name))(jnp.asarray(losses))
    np.testing.assert_allclose(compiled, self_paced_weights(losses, 0.6, name), atol=1e-6)


def test_self_paced_refusals():
    with pytest.raises(ValueError, match="known: hard, linear, logarithmic"):
        self_paced_weights(np.ones(2), 1.0, "soft")
    with pytest.raises(ValueError, match="age is 0"):
        self_paced_weights(np.ones(2), 0.0)
    with pytest.raises(ValueError, match="0 < age < 1"):
        self_paced_weights(np.ones(2), 1.0, "logarithmic")
