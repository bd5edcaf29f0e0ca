"""Options of JAX change no number, wherever they are set; seeds and schedules that do not fit are refused."""

import re
from contextlib import ExitStack
from typing import Any

import jax
import numpy as np
import pytest

from curricula.difficulty.trained import as_key
from curricula.schedule import level_table
from teacher_student.checks import seed_fits, within
from teacher_student.fixed_settings import FIXED, fixed_settings
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.plan import prepare
from teacher_student.training.simulate import simulate
from teacher_student.training.start import draw_start
from teacher_student.training.streams import replicate_numbers, root_key

#: Another value for every option that is fixed.
OTHER = {
    "jax_enable_x64": True, "jax_explicit_x64_dtypes": "allow", "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "raise", "jax_default_matmul_precision": "highest",
    "jax_allow_f16_reductions": False, "jax_default_prng_impl": "rbg", "jax_threefry_partitionable": False,
    "jax_random_seed_offset": 3, "jax_enable_custom_prng": True, "jax_legacy_prng_key": "error",
    "jax_high_dynamic_range_gumbel": True, "jax_disable_jit": True, "jax_disable_most_optimizations": True,
    "jax_optimization_level": "O1", "jax_exec_time_optimization_effort": 0.5,
    "jax_memory_fitting_effort": 0.5, "jax_memory_fitting_level": "O1",
    "jax_compiler_enable_remat_pass": False, "jax_softmax_custom_jvp": True,
    "jax_use_direct_linearize": False, "eager_constant_folding": True, "jax_debug_nans": True,
    "jax_debug_infs": True, "jax_debug_key_reuse": True, "jax_check_tracer_leaks": True,
    "jax_error_checking_behavior_nan": "raise", "jax_error_checking_behavior_divide": "raise",
    "jax_error_checking_behavior_oob": "raise", "jax_no_tracing": True, "jax_no_execution": True,
    "jax_transfer_guard_host_to_device": "disallow", "jax_transfer_guard_device_to_device": "disallow",
    "jax_transfer_guard_device_to_host": "disallow",
}  # fmt: skip

TASK, STUDENT = XorMixture(40), TwoLayer(4)
TABLE = level_table(TASK, TASK.level(noise=0.1), TASK.level(noise=1.0))


def text(value) -> str:
    return str(getattr(value, "name", value)).lower()


def test_every_fixed_option_is_held_and_given_back():
    known = {name for name in FIXED if name in jax.config.values}
    assert known <= OTHER.keys()
    before = {name: jax.config.values[name] for name in known}
    try:
        for name in known:
            jax.config.update(name, OTHER[name])
        with fixed_settings():
            inside = {name: text(jax.config.values[name]) for name in known}
        after = {name: text(jax.config.values[name]) for name in known}
    finally:
        for name, value in before.items():
            jax.config.update(name, value.name.lower() if hasattr(value, "name") else value)
    assert inside == {name: text(FIXED[name]) for name in known}
    assert after == {name: text(OTHER[name]) for name in known}


def test_an_option_set_for_the_thread_is_held_too():
    with jax.enable_x64(True), jax.threefry_partitionable(False), fixed_settings():
        assert not jax.config.values["jax_enable_x64"]
        assert jax.config.values["jax_threefry_partitionable"]
    with jax.enable_x64(True), fixed_settings(dtype=None):
        assert jax.config.values["jax_enable_x64"]


def run(**changes):
    """Of the sizes of test_simulate.py: the same program."""
    steps = np.repeat([[0, 1], [1, 0]], 200, axis=1)
    arguments = {"target": TABLE[1], "learning_rate": 0.3, "n_records": 2, "n_test": 16, "replicates": 4}
    return simulate(TASK, STUDENT, TABLE, steps, record=("v", "test_accuracy"), **arguments | changes)


@pytest.mark.slow
def test_simulate_and_draw_start_give_the_same_bits_whatever_jax_is_set_to(quick_compilation):
    usual, start = run(), draw_start(TASK, STUDENT, learning_rate=0.3, replicates=2)
    with ExitStack() as stack:
        for name in ("enable_x64", "threefry_partitionable", "default_prng_impl", "numpy_rank_promotion"):
            stack.enter_context(getattr(jax, name)(OTHER[f"jax_{name}"]))
        found, begun = run(), draw_start(TASK, STUDENT, learning_rate=0.3, replicates=2)
    for key, values in usual.values.items():
        assert values.dtype == np.float32
        np.testing.assert_array_equal(values, found.values[key])
    jax.tree.map(np.testing.assert_array_equal, start, begun)


@pytest.mark.slow
def test_float64_is_what_is_asked_for_whatever_jax_is_set_to(quick_compilation):
    with jax.enable_x64(True):
        wide = run(dtype="float64")
    found = run(dtype="float64")
    assert found.values["v"].dtype == np.float64
    np.testing.assert_array_equal(wide.values["v"], found.values["v"])
    assert (found.values["v"] != found.values["v"].astype(np.float32)).any(), "not of single precision"
    with pytest.raises(ValueError, match="64-bit JAX"):
        draw_start(TASK, STUDENT, learning_rate=0.3, dtype="float64")


def test_the_key_of_a_seed_is_the_same_for_all_generators():
    usual = jax.random.key_data(root_key(7))
    with jax.default_prng_impl("rbg"):
        np.testing.assert_array_equal(usual, jax.random.key_data(root_key(7)))


@pytest.mark.parametrize("seed", [2**32, 2**63, 10**400, -1, 1.0, True])
def test_a_seed_that_does_not_fit_is_refused_in_one_line(seed):
    shown = re.escape(f"seed is {seed!r}; need ")
    with pytest.raises(ValueError, match=shown) as error:
        seed_fits(seed)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("seed", [2**32, -1])
def test_seeds_of_calls(seed):
    for call in (
        lambda: run(seed=seed),
        lambda: draw_start(TASK, STUDENT, learning_rate=0.3, seed=seed),
        lambda: as_key(seed),
    ):
        with pytest.raises(ValueError, match=f"seed is {seed}; need 0 <= seed <= 4294967295|integer >= 0"):
            call()


def test_the_largest_seed_has_a_key_of_its_own():
    keys = [jax.random.key_data(root_key(seed)).tolist() for seed in (0, 2**31, 2**32 - 1)]
    assert keys == [[0, 0], [0, 2**31], [0, 2**32 - 1]]


def bare(function: Any) -> Any:
    """A function past the checker of types that tests have on."""
    return bare(function.__wrapped__) if hasattr(function, "__wrapped__") else function


@pytest.mark.parametrize(
    ("replicates", "message"),
    [(0, "replicates is 0"), (-1, "replicates is -1"), (2.5, "replicates is 2.5"), ([0.5], "float64 of sh"),
     ([2**31], "need 0 <= number < 2147483648"), ([-1], "replicates run from -1"), ([], "of shape"),
     ([[1]], "of shape")],
)  # fmt: skip
def test_replicates_that_are_no_numbers_of_replicates_are_refused(replicates, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        bare(replicate_numbers)(replicates)
    np.testing.assert_array_equal(replicate_numbers(np.int64(2)), [0, 1])


@pytest.mark.parametrize("steps", [np.full(40, 0.5), np.linspace(0, 1, 40), np.ones(40, bool), np.ones(40)])
def test_a_schedule_of_anything_but_whole_numbers_is_refused(steps):
    """Floats would be cut to level 0; the check is called past the checker of types."""
    with pytest.raises(ValueError, match=f"steps are {steps.dtype}; need whole numbers"):
        bare(prepare)(
            TASK, STUDENT, TABLE, steps, target=TABLE[1], learning_rate=0.3, replicates=1, seed=0,
            record=("v",), n_records=1, room=None, n_test=16, method="auto", dtype="float32", initial=None,
        )  # fmt: skip


def test_a_huge_whole_number_is_out_of_range_not_an_overflow():
    with pytest.raises(ValueError, match="need x <= 5|need -inf"):
        within("x", 10**400, high=5)
