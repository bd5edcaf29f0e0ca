"""Runs side by side on accelerators: the same numbers as in turn, whatever runs beside them.

Those of full vectors are in test_rates_and_averages.py.
"""

from functools import partial

import jax
import numpy as np
import pytest

from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.training import chunk, kernel
from teacher_student.training.lanes import run_lanes
from teacher_student.training.plan import prepare
from teacher_student.training.simulate import run_plans

pytestmark = pytest.mark.usefixtures("quick_module")


TASK = SparseTeacher(90, 0.4)


def plan(student, rate, seed, records):
    """Two protocols, skewed: three tenths easy first, and shuffled."""
    table = [TASK.level(noise=0.2), TASK.level(noise=1.5)]
    steps = np.repeat([0, 1], [30 * records, 70 * records])
    shuffled = np.random.default_rng(seed).permutation(steps)
    return prepare(
        TASK, student, table, np.stack([steps, shuffled]), target=table[1], learning_rate=rate,
        replicates=3, seed=seed, record=("test_accuracy", "M", "v"), n_records=records, room=4,
        n_test=32, method="gram", dtype="float32", initial=None,
    )  # fmt: skip


def plans():
    """Other rates, seeds, parametrisations and lengths: one program, of two isotropic blocks."""
    return [
        plan(TwoLayer(5), 0.3, 0, 4),
        plan(TwoLayer(5, parametrisation="ntk"), 0.5, 1, 2),
        plan(TwoLayer(5, parametrisation="mean_field"), 0.1, 2, 3),
    ]


def equal(found, expected, **tolerance):
    for (values, diverged), (others, others_diverged) in zip(found, expected, strict=True):
        np.testing.assert_array_equal(diverged, others_diverged)
        for name in values:
            np.testing.assert_allclose(values[name], others[name], **tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scan", "pallas"])
def test_side_by_side_is_in_turn(name, monkeypatch):
    monkeypatch.setenv("TILTING_ODDS_KERNEL", name)
    asked = plans()
    in_turn = [run_plans([one])[0] for one in asked]
    beside = run_lanes(asked, abreast=4)
    for one, result, (values, diverged) in zip(asked, in_turn, beside, strict=True):
        last = one.n_records + 1
        for quantity, expected in result.values.items():
            np.testing.assert_allclose(values[quantity][:, :, :last], expected, rtol=0, atol=2e-5)
        np.testing.assert_array_equal(diverged, result.diverged)
        assert np.ptp(result.values["M"][:, 0, -1]) > 0.1  # something was learned, and not all alike


@pytest.mark.slow
def test_a_block_does_not_see_what_runs_beside_it():
    first, *others = plans()
    alone, beside = run_lanes([first], abreast=4), run_lanes([first, *others], abreast=4)
    last = run_lanes([*others, first], abreast=4)
    equal(alone, beside[:1], rtol=0, atol=0)
    equal(alone, last[-1:], rtol=0, atol=0)


@pytest.mark.slow
def test_a_run_that_diverges_is_marked_and_harms_no_other():
    wild, calm = plan(TwoLayer(5), 500.0, 0, 4), plan(TwoLayer(5), 0.3, 0, 4)
    (_, blown), (values, fine) = run_lanes([wild, calm], abreast=4)
    assert blown.all()
    assert not fine.any()
    equal([(values, fine)], run_lanes([calm, calm], abreast=4)[:1], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("samples", "width", "activation", "loss"),
    [
        (16, 4, "relu", "squared"),
        (30, 5, "erf", "logistic"),
        (64, 33, "quadratic", "squared"),
        (48, 200, "relu", "logistic"),  # in two pieces, the second one half full
    ],
)
def test_the_kernel_is_the_scan_to_rounding(samples, width, activation, loss):
    student = TwoLayer(width, activation, loss)
    rng = np.random.default_rng(width)
    x = rng.normal(size=(samples, 250)).astype("float32")
    w = rng.normal(size=(width, 250)).astype("float32") / 250**0.5
    arguments = (
        jax.tree.map(np.float32, student.scaling(0.5, 250)),
        x @ w.T,
        x @ x.T,
        np.sign(rng.normal(size=samples)).astype("float32"),
        rng.random(samples) < 0.9,
        rng.normal(size=width).astype("float32") / np.float32(width**0.5),
    )
    found, expected = (jax.jit(partial(by.descend, student))(*arguments) for by in (kernel, chunk))
    for one, other in zip(found, expected, strict=True):
        assert np.abs(other).max() > 1e-4
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("activation", ["relu", "erf", "quadratic"])
def test_the_kernel_can_be_compiled_for_a_gpu(activation, monkeypatch):
    """Triton's lowering runs without a GPU, batched as in a run: blocks, protocols, replicates."""
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    student = TwoLayer(12, activation)
    scaling = student.scaling(0.3, 100)
    run = jax.jit(jax.vmap(jax.vmap(jax.vmap(lambda *a: kernel.descend(student, scaling, *a)))))
    kinds = [
        jax.ShapeDtypeStruct((2, 3, 4, *shape), "float32") for shape in ((32, 12), (32, 32), (32,), (12,))
    ]
    on = jax.ShapeDtypeStruct((2, 3, 4, 32), bool)
    lowered = run.trace(*kinds[:3], on, kinds[3]).lower(lowering_platforms=("cuda",))
    assert "triton" in lowered.as_text()


def test_erf_in_products_is_erf():
    from scipy.special import erf

    x = np.linspace(-5, 5, 20001, dtype=np.float32)
    np.testing.assert_allclose(jax.jit(kernel.erf)(x), erf(x.astype(float)), rtol=0, atol=4e-7)


def test_an_unknown_kernel_is_refused_with_the_known_ones(monkeypatch):
    monkeypatch.setenv("TILTING_ODDS_KERNEL", "cuda")
    with pytest.raises(ValueError, match="unknown kernel 'cuda'; known: auto, pallas, scan"):
        kernel.chosen()


@pytest.mark.parametrize(
    ("backend", "found", "taken"), [("cpu", True, "scan"), ("gpu", True, "pallas"), ("gpu", False, "scan")]
)
def test_the_kernel_is_that_of_the_platform_and_the_scan_where_there_is_none(
    monkeypatch, backend, found, taken
):
    monkeypatch.delenv("TILTING_ODDS_KERNEL", raising=False)
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    monkeypatch.setattr(kernel, "find_spec", lambda name: found or None)
    assert kernel.chosen() == taken
