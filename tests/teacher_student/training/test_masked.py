"""Masked online SGD: the reference's own numbers without masks, exact zeros with them, a smaller student."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from curricula.schedule import draw_steps
from teacher_student.pruning import of_units
from teacher_student.students.two_layer import Params, TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.full import FullVectors
from teacher_student.training.masked import initialise, train_masked
from teacher_student.training.simulate import simulate
from teacher_student.training.streams import replicate_keys

pytestmark = pytest.mark.usefixtures("quick_module")
PROGRAM: Any = train_masked
N, K, R, T = 20, 5, 3, 90
TASK, STUDENT = XorMixture(N), TwoLayer(K)
EASY, HARD = TASK.level(noise=0.1), TASK.level(noise=1.0)
TABLE = {name: jnp.asarray(np.stack([EASY[name], HARD[name]]), "float32") for name in EASY}
TARGET = jax.tree.map(lambda x: jnp.asarray(x, "float32"), HARD)
PROTOCOLS = ("curriculum", "no_curriculum")
STEPS = draw_steps(PROTOCOLS, 0.3, T, 0, np.arange(R))
RNG = np.random.default_rng(0)
MASKS = Params(
    jnp.asarray(RNG.integers(0, 2, (R, 2, K, N)), "float32"),
    jnp.asarray(RNG.integers(0, 2, (R, 2, K)), "float32"),
)
ONES = jax.tree.map(jnp.ones_like, MASKS)


def scaling(student=STUDENT, rate=0.5):
    return jax.tree.map(lambda x: jnp.asarray(x, "float32"), student.scaling(rate, N))


def start(method, student=STUDENT):
    own = initialise(method, replicate_keys(0, jnp.arange(R)), scaling(student))
    return jax.tree.map(lambda x: jnp.repeat(x[:, None], 2, 1), own)


def run(masks, stops=(T,), chunk=8, params: Any = None, student=STUDENT, record=("test_accuracy", "M", "v")):
    method = FullVectors(TASK, student.core(), chunk)
    keys, begin, found = replicate_keys(0, jnp.arange(R)), 0, None
    params = start(method, student) if params is None else params
    levels = jnp.asarray(np.pad(STEPS, ((0, 0), (0, 0), (0, chunk))))
    for stop in stops:
        found = train_masked(
            method, keys, levels, TABLE, TARGET, scaling(student), masks, params,
            jnp.asarray(begin), jnp.asarray(stop), record=record, n_test=64,
        )  # fmt: skip
        params, begin = found.params, stop
    assert found is not None
    return found


@pytest.mark.slow
def test_without_masks_it_is_the_stepwise_reference():
    truth = simulate(
        TASK, STUDENT, [EASY, HARD], STEPS, target=HARD, learning_rate=0.5, replicates=R, n_records=1,
        n_test=64, record=("test_accuracy", "M", "v"), method="stepwise",
    )  # fmt: skip
    found = run(ONES)
    for name in ("M", "v", "test_accuracy"):
        np.testing.assert_allclose(found.values[name], truth.values[name][:, :, -1], rtol=2e-4, atol=2e-5)
    assert not found.diverged.any()


@pytest.mark.slow
def test_pruned_weights_stay_exactly_zero_and_the_others_move():
    begin, end = start(FullVectors(TASK, STUDENT.core(), 8)), run(MASKS).params
    for before, after, mask in zip(begin, end, MASKS, strict=True):
        assert (np.asarray(after)[np.asarray(mask) == 0] == 0).all()
        assert (after != before)[np.asarray(mask) == 1].mean() > 0.3


@pytest.mark.slow
def test_a_step_is_the_gradient_step_of_the_masked_student():
    """One step against jax.grad of the loss of the masked parameters on the same sample."""
    student = TwoLayer(K, loss="logistic", parametrisation="mean_field")
    method = FullVectors(TASK, student.core(), 8)
    keys, own, size = replicate_keys(0, jnp.arange(R)), start(method, student), scaling(student)
    found = run(MASKS, stops=(1,), student=student, record=("v",))

    @jax.jit
    def step(key, params, mask, index):
        teacher = method.teacher(key)
        samples = method.draw(key, teacher, jnp.asarray(0))
        x, y = method.inputs(samples, teacher, {name: values[index] for name, values in TABLE.items()})

        def loss(p):
            masked = jax.tree.map(jnp.multiply, p, mask)
            return student.losses(student.apply(masked, x[:1])[0], y[0])

        slope = jax.grad(loss)(params)
        w = (params.w - size.hidden_rate * slope.w) * mask.w
        return w, (params.v - size.readout_rate * slope.v) * mask.v

    for r in range(R):
        for lane in range(2):
            params, mask = (jax.tree.map(lambda x, r=r, lane=lane: x[r, lane], t) for t in (own, MASKS))
            w, v = step(keys[r], params, mask, STEPS[r, lane, :1].repeat(8))
            np.testing.assert_allclose(found.params.w[r, lane], w, rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(found.params.v[r, lane], v, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_a_student_without_units_is_the_smaller_student():
    kept = jnp.array([1.0, 0.0, 1.0, 1.0, 0.0])
    one = jax.tree.map(lambda x: x[0, 0], ONES)
    masks = jax.tree.map(lambda m: jnp.broadcast_to(m, (R, 2, *m.shape)), of_units(one, [kept]))
    small = TwoLayer(3)
    begin = start(FullVectors(TASK, STUDENT.core(), 8))
    index = np.flatnonzero(kept)
    chosen = Params(begin.w[:, :, index], begin.v[:, :, index])
    # the same parameters; standard scaling does not know the width
    mine = run(masks)
    fewer = run(jax.tree.map(jnp.ones_like, chosen), params=chosen, student=small, record=("v",))
    np.testing.assert_allclose(mine.params.w[:, :, index], fewer.params.w, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_segments_and_chunks_give_the_numbers_of_one_go():
    whole, parts = run(MASKS), run(MASKS, stops=(16, 64, 90))
    jax.tree.map(np.testing.assert_array_equal, whole.params, parts.params)
    odd = run(MASKS, stops=(13, 90), chunk=5, record=("v",))
    np.testing.assert_allclose(odd.params.w, whole.params.w, rtol=1e-4, atol=1e-6)


def test_a_lane_that_blows_up_is_marked_and_does_no_harm():
    begin = start(FullVectors(TASK, STUDENT.core(), 8))
    wild = begin._replace(v=begin.v.at[1, 0].mul(1e6))
    found, calm = run(MASKS, params=wild), run(MASKS, params=begin)
    assert found.diverged.tolist() == [[False, False], [True, False], [False, False]]
    np.testing.assert_array_equal(found.params.w[2], calm.params.w[2])
    np.testing.assert_array_equal(found.params.w[1, 1], calm.params.w[1, 1])


def test_one_compilation_for_all_masks_rates_and_segments():
    run(MASKS)
    compiled = PROGRAM._cache_size()
    for masks in (MASKS, ONES):
        run(masks, stops=(10, 30, 90))
    assert PROGRAM._cache_size() == compiled
