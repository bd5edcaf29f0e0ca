"""The student: its definition against plain NumPy, its derivatives, its parametrisations."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import single

from teacher_student.students.two_layer import ACTIVATIONS, LOSSES, PARAMETRISATIONS, TwoLayer, draw_readout
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.start import draw_start

pytestmark = pytest.mark.usefixtures("quick_module")


@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS)
def test_output_is_the_stated_sum(parametrisation):
    student = TwoLayer(3, parametrisation=parametrisation)
    x = single(np.random.default_rng(2).normal(size=(5, 7)))

    @jax.jit
    def seen(key, x):
        params = student.init(key, 7)
        return params, student.apply(params, x)

    (w, v), found = jax.tree.map(np.asarray, seen(jax.random.key(1), x))
    factor = {"standard": 1, "ntk": 3**-0.5, "mean_field": 1 / 3}[parametrisation]
    expected = factor * np.maximum(x @ w.T, 0) @ v
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slope_is_the_derivative(name, float64):
    activation = ACTIVATIONS[name]
    both = jax.jit(lambda u: (activation.slope(u), jax.vmap(jax.grad(activation.value))(u)))
    np.testing.assert_allclose(*both(np.array([-1.7, -0.3, 0.2, 2.1])), rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_loss_slope_is_the_derivative(name, float64):
    loss = LOSSES[name]
    both = jax.jit(lambda f, y: (loss.slope(f, y), jax.vmap(jax.grad(loss.value))(f, y)))
    np.testing.assert_allclose(*both(np.array([-2.0, 0.3, 1.5]), np.array([1.0, -1.0, 1.0])), rtol=1e-12)


def test_the_loss_is_chosen_by_the_word_of_the_docstring():
    student = TwoLayer(4, loss="logistic")
    assert float(student.losses(jnp.array(1.5), jnp.array(-1.0))) == pytest.approx(np.log1p(np.exp(1.5)))
    assert student.loss == "logistic" == student.core().loss


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_declared_parity_is_true(name):
    u = single(np.linspace(0.1, 2, 5))
    here, there = (np.asarray(ACTIVATIONS[name].value(x)) for x in (u, -u))
    odd, even = np.allclose(there, -here), np.allclose(there, here)
    assert ACTIVATIONS[name].parity == ("odd" if odd else "even" if even else "neither")


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_of_signs_takes_only_them(name):
    """A loss for real labels is smallest where output and label agree; one of signs is not, at 0.3."""
    f, loss = single(np.linspace(-2, 2, 401)), LOSSES[name]
    best = f[np.argmin(loss.value(f, single(np.full(401, 0.3))))]
    assert (abs(best - 0.3) < 0.01) == (loss.labels == "real")


@pytest.mark.parametrize(
    ("parametrisation", "numbers"),
    [
        ("standard", (1, 16**-0.5, 0.3 / 100, 0.3 / 100)),
        ("ntk", (16**-0.5, 1, 0.3 / 100, 0.3 / 100)),
        ("mean_field", (1 / 16, 1, 16 * 0.3 / 100, 16 * 0.3 / 100)),
    ],
)
def test_scaling_is_the_table(parametrisation, numbers):
    s = TwoLayer(16, parametrisation=parametrisation).scaling(0.3, 100)
    assert (s.output_scale, s.readout_std, s.hidden_rate, s.readout_rate) == pytest.approx(numbers)


def test_fixed_readout_has_no_rate_and_sign_start_has_one_size():
    student = TwoLayer(50, train_readout=False, readout_start="sign")
    scaling = student.scaling(0.3, 100)
    v = draw_readout(jax.random.key(0), 50, scaling)
    assert scaling.readout_rate == 0
    np.testing.assert_allclose(np.abs(v), 50**-0.5, rtol=1e-6)
    assert 5 < np.sum(np.asarray(v) > 0) < 45


def test_the_scale_of_the_readout_multiplies_its_start_and_nothing_else():
    small, plain = (TwoLayer(3, parametrisation="mean_field", readout_scale=scale) for scale in (0.25, 1.0))
    assert small.scaling(0.3, 40) == plain.scaling(0.3, 40)._replace(readout_std=0.25)
    starts = [draw_start(XorMixture(40), s, learning_rate=0.3, replicates=2) for s in (small, plain)]
    np.testing.assert_array_equal(starts[0].readout, np.multiply(starts[1].readout, np.float32(0.25)))
    np.testing.assert_array_equal(starts[0].along, starts[1].along)
    own = jax.jit(lambda key: [student.init(key, 5).v for student in (small, plain)])(jax.random.key(1))
    np.testing.assert_array_equal(own[0], np.multiply(own[1], np.float32(0.25)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 4, "readout_scale": -0.1}, "readout_scale is -0.1; need 0 <= readout_scale"),
        ({"width": 0}, "width is 0"),
        (
            {"width": 4, "activation": "nonsense"},
            "unknown activation 'nonsense'; known: " + ", ".join(sorted(ACTIVATIONS)),
        ),
        ({"width": 4, "parametrisation": "mup"}, "known: mean_field, ntk, standard"),
        ({"width": 4, "loss": "hinge"}, "unknown loss"),
        ({"width": 4, "readout_start": "zero"}, "unknown readout_start"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message) as error:
        TwoLayer(**arguments)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_bad_learning_rate_is_refused(rate):
    with pytest.raises(ValueError, match="learning_rate"):
        TwoLayer(4).scaling(rate, 100)
