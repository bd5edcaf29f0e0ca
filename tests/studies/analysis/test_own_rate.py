"""Arms at their own best rates: a case by hand, coverage of a known truth, the bias of choosing in sight."""

import numpy as np
import pytest
import xarray as xr

from studies import analysis

DIMS = ("learning_rate", "protocol", "width", "replicate", "time")


def rates_and_arms(accuracy: np.ndarray, widths=(4,)) -> xr.Dataset:
    """Accuracies (rate, protocol, width, replicate) at the only record, no run failed."""
    ok = np.zeros(accuracy.shape, np.int8)
    return xr.Dataset(
        {"test_accuracy": (DIMS, accuracy[..., None]), "status": (DIMS[:-1], ok)},
        {"learning_rate": 0.1 * 2.0 ** np.arange(len(accuracy)), "width": list(widths),
         "protocol": ["curriculum", "no_curriculum"]},
    )  # fmt: skip


def test_each_half_is_judged_at_the_rate_that_the_other_chose():
    """Even replicates like the first rate, odd ones the second; the control has 0.5 at both.

    Even choose rate 1, where the odd have 0.62; odd choose rate 2, where the even have 0.7; so 0.66 - 0.5.
    """
    accuracy = np.full((2, 2, 1, 4), 0.5)
    accuracy[:, 0, 0] = [[0.9, 0.62, 0.9, 0.62], [0.7, 0.8, 0.7, 0.8]]
    found = analysis.benefit_at_own_rate(rates_and_arms(accuracy))
    assert float(found.tuned_benefit[0]) == pytest.approx(0.16)
    assert found.tuned_rate[0, 0] == 0.1  # 0.76 over all replicates, 0.75 at the other
    for end in ("ci_low", "ci_high"):  # replicates of a half are alike, so all resamples are
        assert float(found[f"tuned_{end}"][0]) == pytest.approx(0.16)
    assert (int(found.tuned_n[0]), int(found.tuned_halves)) == (4, 2)
    assert float(found.tuned_fading_width) == np.inf


def test_a_rate_at_which_a_run_failed_is_not_chosen_and_an_arm_without_one_has_no_benefit():
    accuracy = np.full((2, 2, 2, 6), 0.5)
    accuracy[1, 0] = 0.9
    ds = rates_and_arms(accuracy, (4, 8))
    ds.status[1, 0, 0, 5] = 1  # the better rate at the first width
    ds.status[:, 1, 1, 0] = 1  # every rate of the control at the second
    found = analysis.benefit_at_own_rate(ds)
    np.testing.assert_array_equal(found.tuned_benefit, [0.0, np.nan])
    np.testing.assert_array_equal(found.tuned_rate, [[0.1, np.nan], [0.1, np.nan]])
    assert found.tuned_n.values.tolist() == [6, 0]


def test_the_interval_holds_a_known_truth_where_choosing_in_sight_is_biased():
    """The control is as good at each of six rates, the treatment good at one alone: the truth is 0.02.

    300 studies of 16 replicates stand side by side as widths. The largest of six means of 16 with a standard
    deviation of 0.04 lies 1.267 x 0.04 / 4 above the truth, by which choosing in sight of what is judged
    understates the benefit; four standard errors of the mean of 300 are allowed.
    """
    rng = np.random.default_rng(3)
    rates, studies, count, noise, truth = 6, 300, 16, 0.04, 0.02
    accuracy = (
        0.6 + noise * rng.normal(size=(rates, 2, studies, count)) + 0.1 * rng.normal(size=(studies, count))
    )
    accuracy[:, 0] += np.where(np.arange(rates) == 2, truth, -0.5)[:, None, None]
    found = analysis.benefit_at_own_rate(rates_and_arms(accuracy, np.arange(studies)))
    means = accuracy.mean(-1).max(0)
    in_sight = means[0] - means[1]
    error = float(found.tuned_benefit.std()) / studies**0.5
    assert abs(float(found.tuned_benefit.mean()) - truth) < 4 * error
    assert in_sight.mean() - truth == pytest.approx(-1.267 * noise / 4, abs=4 * in_sight.std() / studies**0.5)
    held = ((found.tuned_ci_low <= truth) & (found.tuned_ci_high >= truth)).mean()
    assert 0.92 < float(held) < 0.995
    assert (found.tuned_rate[0] == 0.4).all()


def test_replicates_that_vary_together_cost_no_precision():
    """Differences are paired: what all arms of a replicate share cancels in every resample."""
    rng = np.random.default_rng(0)
    accuracy = np.zeros((3, 2, 1, 12)) + rng.normal(size=12)
    accuracy[1, 0] += 0.1
    found = analysis.benefit_at_own_rate(rates_and_arms(accuracy))
    for name in ("benefit", "ci_low", "ci_high"):
        assert float(found[f"tuned_{name}"][0]) == pytest.approx(0.1)
