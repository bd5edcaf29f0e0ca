"""Experts, pairs and outputs for labels, against two-layer students and by hand."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chunks import chunk_of, same, through

from teacher_student.students.experts import Experts
from teacher_student.students.pair import Pair
from teacher_student.students.softmax import Softmax
from teacher_student.students.two_layer import LOSSES, PARAMETRISATIONS, TwoLayer

pytestmark = pytest.mark.usefixtures("quick_module")


@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS)
def test_one_expert_is_the_plain_student(parametrisation, float64):
    rng = np.random.default_rng(0)
    chunk, v = chunk_of(rng, 5, 20), rng.normal(size=4)
    plain = TwoLayer(4, parametrisation=parametrisation)
    head, scale = Experts(4, experts=1, parametrisation=parametrisation), plain.scaling(2.0, 40).output_scale
    h, lam, theta = through(head, chunk, {"readout": scale * v})
    assert not h[:, 0].any()
    same((h[:, 1:], lam[:, 1:], theta["readout"] / scale), through(plain, chunk, v, slice(1, None)))


@pytest.mark.parametrize("loss", LOSSES)
def test_a_pair_is_a_teacher_alone_and_without_guidance_two_separate_runs(loss, float64):
    rng = np.random.default_rng(1)
    chunk, v = chunk_of(rng, 7, 20), rng.normal(size=7)
    theta = {"teacher": v[:3], "student": v[3:]}
    alone = Pair(4, "erf", loss, teacher_width=3, guidance=0.0)
    h, lam, after = through(alone, chunk, theta)
    for name, width, rows in (("teacher", 3, slice(3)), ("student", 4, slice(3, 7))):
        ours = h[:, rows], lam[:, rows], after[name]
        same(ours, through(TwoLayer(width, "erf", loss), chunk, theta[name], rows))
    guided, _, taught = through(replace(alone, guidance=0.6), chunk, theta)
    same((guided[:, :3], taught["teacher"]), (h[:, :3], after["teacher"]))
    assert np.abs(taught["student"] - after["student"]).max() > 1e-3


STEP = jax.jit(lambda head, *arguments: head.step(*arguments), static_argnums=0)


def own_step(head, v, lam, label):
    """h and dtheta of one step at rate 1 and N = 1."""
    found = STEP(head, np.asarray(lam), v, label, True, head.scaling(1.0, 1))
    return jax.tree.map(np.asarray, found)


@pytest.mark.parametrize(
    ("loss", "target"), [("squared", float), ("logistic", lambda f: 1 / (1 + np.exp(-f)))]
)
def test_a_student_learns_what_its_teacher_says_and_nothing_else(loss, target, float64):
    """By hand: the slope is f_S - f_T, or sigmoid(f_S) - sigmoid(f_T), whatever the label is."""
    v = {"teacher": np.array([0.5, -2.0]), "student": np.array([1.5])}
    lam, f_teacher, f_student = [3.0, 0.7, 0.4], 0.5 * 3.0 - 2.0 * 0.7, 1.5 * 0.4
    slope = target(f_student) - target(f_teacher)
    guided = Pair(1, loss=loss, teacher_width=2)
    for label in (-1.0, 1.0):
        h, change = own_step(guided, v, lam, label)
        np.testing.assert_allclose(h[2:], [slope * 1.5], rtol=1e-12)
        np.testing.assert_allclose(change["student"], [slope * 0.4], rtol=1e-12)
    half, _ = own_step(replace(guided, guidance=0.25), v, lam, 1.0)
    alone, _ = own_step(replace(guided, guidance=0.0), v, lam, 1.0)
    np.testing.assert_allclose(half[2:], 0.75 * alone[2:] + 0.25 * h[2:], rtol=1e-12)
    assert np.abs(alone[2:] - h[2:]).max() > 0.1


@pytest.mark.parametrize("loss", LOSSES)
def test_a_student_that_is_its_teacher_has_nothing_to_learn(loss, float64):
    v, lam = np.array([0.5, -2.0, 0.3]), [3.0, 0.7, -1.0]
    h, change = own_step(Pair(3, loss=loss, teacher_width=3), {"teacher": v, "student": v}, 2 * lam, -1.0)
    np.testing.assert_allclose(np.concatenate([h[3:], change["student"]]), 0, atol=1e-15)
    assert np.abs(h[:3]).max() > 0.01
    assert np.abs(change["teacher"]).max() > 0.01


def test_outputs_for_labels_are_a_margin_at_twice_the_readout_rate(float64):
    rng = np.random.default_rng(2)
    chunk, v = chunk_of(rng, 4, 20), rng.normal(size=(2, 4))
    head, plain = Softmax(4), TwoLayer(4, "relu", "logistic")
    h, lam, theta = through(head, chunk, {"readout": v})
    one = plain.scaling(2.0, 40)
    twice = one._replace(readout_rate=2 * one.readout_rate)
    margin = theta["readout"][1] - theta["readout"][0]
    same((h, lam, margin), through(plain, chunk, v[1] - v[0], scaling=twice))

    @jax.jit
    def seen(theta, lam):
        return head.apply(theta, lam), head.losses(head.output(theta, lam), jnp.ones(20))

    outputs, losses = map(np.asarray, seen({"readout": v}, lam))
    same(losses, np.log(np.exp(outputs).sum(1)) - outputs[:, 1])


def test_experts_by_hand():
    """Gates ln 3, 0, -1 weigh 3 to 1 (to 1/e) the outputs of units 2 (v = 1), 1 (v = -1) and 4 (v = 0.5)."""
    lam = np.array([np.log(3), 0.0, -1.0, 2.0, 1.0, 4.0], "float32")
    theta = {"readout": np.array([1.0, -1.0, 0.5], "float32")}
    one, two, every = (Experts(3, experts=3, active=active) for active in (1, 2, None))
    outputs = jax.jit(lambda *x: [head.apply(*x) for head in (one, two, every)])(theta, lam)
    expected = [2.0, 0.75 * 2 - 0.25, (3 * 2 - 1 + 2 / np.e) / (4 + 1 / np.e)]
    np.testing.assert_allclose(outputs, expected, rtol=1e-6)
    h, change = own_step(two, theta, lam, 1.0)
    # f - y = 0.25; df/dg = p (f_e - f), df/dlambda = p v phi', df/dv = p phi
    np.testing.assert_allclose(h, 0.25 * np.array([0.5625, -0.5625, 0, 0.75, -0.25, 0]), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(change["readout"], 0.25 * np.array([1.5, 0.25, 0]), rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Experts(4, experts=0), "experts is 0; need 1 <= experts"),
        (lambda: Experts(6, experts=4), "width is 6; need a multiple of experts = 4"),
        (lambda: Experts(6, experts=3, active=4), "active is 4; need 1 <= active <= 3"),
        (lambda: Experts(6, experts=3, active=0), "active is 0; need 1 <= active <= 3"),
        (lambda: Pair(4, teacher_width=0), "teacher_width is 0"),
        (lambda: Softmax(4, loss="squared"), "loss is 'squared', but outputs for labels learn by"),
        (lambda: Pair(4, guidance=1.5), "guidance is 1.5; need 0 <= guidance <= 1"),
    ],
)
def test_bad_input_is_refused_in_one_line(wrong, message):
    with pytest.raises(ValueError, match=message) as refusal:
        wrong()
    assert "\n" not in str(refusal.value)
