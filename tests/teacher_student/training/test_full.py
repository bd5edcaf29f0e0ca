"""Full vectors: the chunked form is the stepwise form; both precisions; accuracy beside a loop in NumPy."""

import numpy as np
import pytest

from curricula.schedule import draw_steps, level_table
from teacher_student.students.two_layer import PARAMETRISATIONS, TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.simulate import simulate

RECORD = ("M", "Q", "v")


def run(method, student, n, t, dtype="float64"):
    """With room for as many records whatever the length t: one program for short runs and long ones."""
    task = XorMixture(n)
    easy, hard = task.level(noise=0.1, signal=1.3), task.level(noise=0.8)
    steps = draw_steps(("rule_curriculum", "no_curriculum"), 0.4, t, 0, np.arange(2))
    return simulate(
        task, student, level_table(task, easy, hard), steps, target=hard, replicates=2, method=method,
        learning_rate=0.5, record=RECORD, n_records=t // 80, room=125, n_test=1, dtype=dtype,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize("parametrisation", PARAMETRISATIONS)
def test_chunked_equals_stepwise_to_rounding(parametrisation, float64):
    """More units than inputs, and chunks of two pieces, whose steps look back."""
    student = TwoLayer(23, "relu", "logistic", parametrisation)
    chunked, stepwise = (run(method, student, n=20, t=400) for method in ("full", "stepwise"))
    for name in RECORD:
        np.testing.assert_allclose(
            chunked.values[name], stepwise.values[name], rtol=1e-9, atol=1e-11, err_msg=name
        )
    assert np.ptp(chunked.values["M"][..., -1, :, :]) > 0.01


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
@pytest.mark.parametrize("method", ["full", "gram"])
def test_single_precision_drifts_little(method, float64):
    """Both precisions draw the same samples, so the difference is rounding alone."""
    student, n = (TwoLayer(8), 100) if method == "gram" else (TwoLayer(23, "relu", "logistic"), 20)
    double = run(method, student, n=n, t=10_000)
    single = run(method, student, n=n, t=10_000, dtype="float32")
    for name in ("M", "Q", "v"):
        drift = np.abs(double.values[name] - single.values[name]).max()
        assert 0 < drift < 5e-5 * np.abs(double.values[name]).max(), name


#: Runs of either program: three standard errors of the gap of their means are 0.0037.
RUNS = 86


def numpy_sgd(rng, runs, width, n, rate, levels):
    """Online SGD in plain NumPy, written apart from the package; the final accuracy of each run."""
    clusters = np.zeros((4, n))
    clusters[0, 0] = clusters[2, 1] = 1
    clusters[1, 0] = clusters[3, 1] = -1
    labels = np.array([1.0, 1.0, -1.0, -1.0])
    w = rng.normal(size=(runs, width, n)) / np.sqrt(n)
    v = rng.normal(size=(runs, width)) / np.sqrt(width)
    for noise in levels:
        c = rng.integers(4, size=runs)
        x = clusters[c] + np.sqrt(noise) * rng.normal(size=(runs, n))
        pre = (w @ x[:, :, None])[..., 0]
        hidden = np.maximum(pre, 0)
        error = (v * hidden).sum(1) - labels[c]
        step = rate / n * error[:, None]
        w -= (step * v * (pre > 0))[:, :, None] * x[:, None]
        v = v - step * hidden
    c = rng.integers(4, size=4000)
    points = clusters[c] + np.sqrt(levels[-1]) * rng.normal(size=(4000, n))
    f = (np.maximum(points @ w.mT, 0) @ v[:, :, None])[..., 0]
    return np.mean(np.where(f == 0, 0.5, np.sign(f) == labels[c]), 1)


@pytest.mark.slow
def test_accuracy_at_width_16_agrees_with_a_numpy_loop():
    n, t, rate = 50, 6000, 0.6
    task = XorMixture(n)
    easy, hard = task.level(noise=0.1), task.level(noise=0.5)
    steps = np.repeat([0, 1], [t // 2, t // 2])
    levels = np.where(steps == 0, 0.1, 0.5)
    theirs = numpy_sgd(np.random.default_rng(0), RUNS, 16, n, rate, levels)
    assert theirs.mean() > 0.6
    ours = simulate(
        task, TwoLayer(16), [easy, hard], steps, target=hard, learning_rate=rate, replicates=RUNS,
        n_records=1, method="gram",
    ).values["test_accuracy"][:, 0, -1]  # fmt: skip
    gap = ours.mean() - theirs.mean()
    assert abs(gap) < 3 * np.hypot(ours.std(), theirs.std()) / RUNS**0.5
