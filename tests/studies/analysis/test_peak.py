"""Rise and fall of a benefit over width: a case by hand, a truth without a peak, one with."""

import numpy as np
import pytest
import xarray as xr

from studies import analysis

DIMS = ("protocol", "depth", "learning_rate", "width", "replicate", "time")


def runs(accuracy: np.ndarray, widths=(8, 32, 128)) -> xr.Dataset:
    """Accuracies (arm, depth, rate, width, replicate) at the only record, no run failed."""
    return xr.Dataset(
        {"test_accuracy": (DIMS, accuracy[..., None]), "status": (DIMS[:-1], np.zeros(accuracy.shape, int))},
        {"protocol": ["curriculum", "no_curriculum"], "depth": np.arange(accuracy.shape[1]) + 1,
         "learning_rate": 0.1 * 2.0 ** np.arange(accuracy.shape[2]), "width": list(widths)},
    )  # fmt: skip


def test_each_half_is_judged_at_the_width_that_the_other_chose():
    """Even replicates have their peak at 32, odd ones at 8.

    Depth 1, benefits of even replicates .1, .3, .2 and of odd ones .5, .2, .1: the even choose 32, where the
    odd have .2, a rise of -.3 and a fall of .1; the odd choose 8, where the even have .1, a rise of 0 and a
    fall of -.1. So -.15 and 0. Depth 2 has .1, .4, .0 in both: a rise of .3, a fall of .4.
    """
    accuracy = np.zeros((2, 2, 1, 3, 6)) + 0.3
    accuracy[0, 0, 0, :, 0::2] += np.reshape([0.1, 0.3, 0.2], (3, 1))
    accuracy[0, 0, 0, :, 1::2] += np.reshape([0.5, 0.2, 0.1], (3, 1))
    accuracy[0, 1, 0] += np.reshape([0.1, 0.4, 0.0], (3, 1))
    found = analysis.peak(runs(accuracy))
    for ending in ("", "_ci_low", "_ci_high"):  # replicates of a half are alike, so all resamples are
        np.testing.assert_allclose(found[f"rise{ending}"], [-0.15, 0.3], atol=1e-12)
        np.testing.assert_allclose(found[f"fall{ending}"], [0, 0.4], atol=1e-12)
        np.testing.assert_allclose(found[f"steeper{ending}"], [0, 0.4], atol=1e-12)
    assert found.peak_width.values.tolist() == [8, 32]
    assert (int(found.narrowest), int(found.widest)) == (8, 128)
    turned = runs(accuracy).isel(width=[2, 0, 1]).transpose("width", "time", ...)
    xr.testing.assert_allclose(analysis.peak(turned), found)


def test_each_arm_has_the_rate_that_the_other_half_chose_and_none_that_failed():
    """The control is better at the second rate by 0.1 at the widest only, the curriculum at the first."""
    accuracy = np.zeros((2, 1, 3, 3, 8)) + 0.5
    accuracy[0, 0, 0] += np.reshape([0.1, 0.2, 0.2], (3, 1))
    accuracy[1, 0, 1, 2] += 0.1
    accuracy[:, 0, 2] = 0.9
    ds = runs(accuracy)
    ds.status[:, 0, 2, :, 3] = 1
    found = analysis.peak(ds)
    assert (float(found.rise[0]), float(found.fall[0])) == pytest.approx((0.1, 0.1))
    assert found.peak_width == 32
    ds.status[1, 0, :, 2, 5] = 1  # the control has no rate at the widest
    narrower = analysis.peak(ds)
    assert (float(narrower.fall[0]), int(narrower.widest)) == (pytest.approx(0.0), 32)


def test_intervals_hold_a_known_truth_where_the_curve_is_flat_and_where_it_is_not():
    """150 studies of 20 replicates stand side by side as depths, half with no peak, half with a fall of .04.

    Read off the curves, the fall of the flat ones would be 1 standard error or so, never below 0.
    """
    rng = np.random.default_rng(5)
    studies, count, noise = 150, 20, 0.03
    accuracy = 0.6 + noise * rng.normal(size=(2, studies, 1, 5, count))
    accuracy += 0.2 * rng.normal(size=(studies, 1, 1, count))  # what both arms share
    truth = np.repeat([0, 0.04], studies // 2)
    accuracy[0, :, 0] += np.stack([truth / 2, truth, truth / 2, truth / 4, 0 * truth], 1)[..., None]
    found = analysis.peak(runs(accuracy, 2 ** np.arange(5)))
    flat, peaked = slice(0, studies // 2), slice(studies // 2, None)
    error = noise * (2 / count) ** 0.5
    for part in (flat, peaked):
        fall = found.fall[part].values
        held = ((found.fall_ci_low <= truth) & (found.fall_ci_high >= truth))[part].mean()
        assert float(held) > 0.87
        assert fall.mean() < truth[part].mean() + 4 * fall.std() / 75**0.5
    assert abs(float(found.fall[flat].mean())) < 4 * float(found.fall[flat].std()) / 75**0.5
    assert float(found.fall[peaked].mean()) > 0.04 - error
    assert float((found.fall_ci_low[flat] > 0).mean()) < 0.1
    assert float((found.fall_ci_low[peaked] > 0).mean()) > 0.5


def test_too_few_widths_or_replicates_have_no_peak():
    for shape, widths in (((2, 2, 1, 1, 8), (8,)), ((2, 2, 1, 3, 3), (8, 32, 128))):
        found = analysis.peak(runs(np.zeros(shape), widths))
        assert all(values.isnull().all() for values in found.values())
        assert found.fall.sizes == {"depth": 2}
