"""Analysis against numbers that can be worked out by hand."""

import json

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from studies import analysis
from studies.analysis import with_axes
from studies.analysis.replicates import resampled
from studies.analysis.theory import distance_to_theory
from studies.store import STATUS


def dataset(accuracy, protocols=("curriculum", "no_curriculum"), widths=(2, 4, 8), times=(0.0, 10.0), bad=()):
    status = np.zeros(accuracy.shape[:3], np.int8)
    for cell in bad:
        status[cell] = 1
    return xr.Dataset(
        {
            "test_accuracy": (("protocol", "width", "replicate", "time"), accuracy),
            "status": (("protocol", "width", "replicate"), status),
        },
        coords={"protocol": list(protocols), "width": list(widths), "time": list(times)},
    )


def noisy(gains, n=40, seed=0):
    rng = np.random.default_rng(seed)
    base = 0.6 + 0.05 * rng.normal(size=(1, len(gains), n, 1))
    accuracy = np.repeat(np.repeat(base, 2, 0), 2, 3)
    accuracy = accuracy + 0.01 * rng.normal(size=accuracy.shape)
    accuracy[0, :, :, 1] += np.array(gains)[:, None]
    return accuracy


def test_benefit_is_paired_and_its_interval_is_the_paired_one():
    accuracy = noisy([0.05, 0.02, 0.0])
    found = analysis.benefit(dataset(accuracy))
    difference = accuracy[0] - accuracy[1]
    np.testing.assert_allclose(found.benefit, difference.mean(1), rtol=1e-12)
    half = stats.t.ppf(0.975, 39) * difference.std(1, ddof=1) / 40**0.5
    np.testing.assert_allclose(found.ci_high - found.ci_low, 2 * half, rtol=0.15)
    assert (found.n == 40).all()


def test_interval_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        _, low, high, _ = analysis.interval(rng.exponential(size=(30, 1)), confidence=0.9)
        hits += bool(low[0] <= 1 <= high[0])
    assert 0.82 <= hits / 200 <= 0.96


ULP = np.spacing(0.5)


@pytest.mark.parametrize(
    "values",
    [
        [0.5] * 15 + [0.5 + ULP],
        [0.5] * 8 + [0.5 + ULP] * 8,
        [-0.5, -0.5 - ULP] * 8,
        [0.1 + 0.2, 0.3] * 8,
        [0.5, 0.5 + ULP],
        [0.0] * 15 + [1e-160],
        [0.0] * 15 + [5e-324],
    ],
)
def test_replicates_that_differ_by_rounding_only_have_an_interval(values):
    estimate, low, high, n = (float(x) for x in analysis.interval(np.array(values)))
    assert n == len(values)
    assert min(values) <= low <= estimate <= high <= max(values)


def test_a_curriculum_that_is_behind_by_the_same_amount_everywhere_has_faded():
    """Behind by 0.25 up to the last bit at the widest, where half of the replicates are one bit off."""
    accuracy = noisy([0.05, 0.0, 0.0])
    accuracy[:, 2] = np.array([0.25, 0.5])[:, None, None]
    accuracy[0, 2, ::2] -= ULP / 2
    found = analysis.benefit(dataset(accuracy)).sel(time=10.0)
    assert float(found.ci_high.sel(width=8)) == pytest.approx(-0.25, abs=2 * ULP)
    assert float(found.fading_width) == 4


def test_a_statistic_of_several_samples_that_differ_by_rounding_only_has_an_interval():
    samples = [np.array([0.5] * 7 + [0.5 + ULP]), np.array([0.25] * 5 + [0.25 + ULP])]
    low, high = resampled(samples, lambda a, b, axis: a.mean(axis) - b.mean(axis), 0.95)
    assert 0.25 - ULP <= low <= 0.25 <= high <= 0.25 + ULP


def test_an_infinite_replicate_makes_the_mean_and_its_interval_infinite():
    estimate, low, high, _ = analysis.interval(np.array([[0.0, 1.0], [np.inf, 2.0], [1.0, 4.0]]))
    assert estimate[0] == low[0] == high[0] == np.inf
    assert 1 <= low[1] < estimate[1] < high[1] <= 4


@pytest.mark.parametrize(
    ("kind", "expected"), [("tied", (0.533, 0.755, 0.906, 0.946)), ("skewed", (0.845, 0.904, 0.918, 0.937))]
)
def test_coverage_of_the_bootstrap_on_tied_and_skewed_differences_is_as_stated(kind, expected):
    """What docs/intervals.md says at 8, 16, 32, 64 replicates, to three standard errors of 500 draws."""
    rng = np.random.default_rng(5)
    for n, stated in zip((8, 16, 32, 64), expected, strict=True):
        values = rng.exponential(size=(n, 500))
        truth = 1.0
        if kind == "tied":
            values = np.where(rng.random(values.shape) < 0.9, 0, rng.normal(0.1, 0.05, values.shape))
            truth = 0.01
        _, low, high, _ = analysis.interval(values)
        found = np.mean((low <= truth) & (truth <= high))
        assert found == pytest.approx(stated, abs=3 * (stated * (1 - stated) / 500) ** 0.5)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("n", [1, 2, 8, 16, 32, 64])
def test_share_holds_the_truth_at_least_as_often_as_it_says(n, confidence):
    """Every outcome listed, so this is the coverage itself; the bounds are those of scipy's exact test."""
    outcomes = np.arange(n + 1)
    hits = xr.DataArray(np.arange(n)[:, None] < outcomes, dims=("replicate", "outcome"))
    found = analysis.share(hits, confidence)
    np.testing.assert_allclose(found["mean"], outcomes / n)
    assert (found.n == n).all()
    expected = [stats.binomtest(int(k), n).proportion_ci(confidence, "exact") for k in outcomes]
    np.testing.assert_allclose(np.transpose([found.ci_low, found.ci_high]), expected, rtol=1e-9, atol=1e-12)
    for truth in (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.77, 0.95, 0.999):
        held = ((found.ci_low <= truth) & (truth <= found.ci_high)).values
        assert stats.binom.pmf(outcomes, n, truth)[held].sum() >= confidence - 1e-12


def test_share_leaves_unknown_replicates_out_and_counts_the_others():
    hits = xr.DataArray([[1, 1, np.nan, 0], [np.nan] * 4, [0, 0, 0, np.nan]], dims=("width", "replicate"))
    found = analysis.share(hits)
    assert found.n.values.tolist() == [3, 0, 3]
    np.testing.assert_allclose(found["mean"], [2 / 3, np.nan, 0])
    np.testing.assert_allclose(found.ci_low, [0.0943, np.nan, 0], atol=1e-4)
    np.testing.assert_allclose(found.ci_high, [0.9916, np.nan, 1 - 0.025 ** (1 / 3)], atol=1e-4)


def test_share_takes_nothing_but_zeros_and_ones():
    with pytest.raises(ValueError, match="a share needs 0 or 1 per replicate, got 0.5; use over_replicates"):
        analysis.share(xr.DataArray([0.0, 0.5, 1.0], dims="replicate"))
    with pytest.raises(ValueError, match="confidence is 95"):
        analysis.share(xr.DataArray([0.0, 1.0], dims="replicate"), 95)


def test_lottery_is_the_share_of_replicates_that_cover_all_with_binomial_intervals():
    """At width 2 two of seven runs cover all four clusters at first, all at the end; the eighth failed."""
    ds = dataset(np.zeros((2, 3, 8, 2)), bad=[(0, 0, 7)])
    counts = np.zeros((2, 3, 8, 2))
    counts[0, 0, :2, 0] = counts[0, 0, :, 1] = 4
    for name in ("covered", "covered_aligned"):
        ds[name] = (ds.test_accuracy.dims, counts)
    found = analysis.lottery(ds).sel(protocol="curriculum", width=2)
    np.testing.assert_allclose(found.all_covered, [2 / 7, 1])
    assert found.n_covered.values.tolist() == [7, 7]
    for i, k in enumerate((2, 7)):
        expected = stats.binomtest(k, 7).proportion_ci()
        np.testing.assert_allclose([found.ci_low_covered[i], found.ci_high_covered[i]], expected)
    never = analysis.lottery(ds).sel(protocol="no_curriculum", width=4, moment="end")
    np.testing.assert_allclose([never.ci_low_aligned, never.ci_high_aligned], [0, 1 - 0.025 ** (1 / 8)])


def test_failed_runs_leave_in_pairs_and_are_counted():
    accuracy = noisy([0.05, 0.05, 0.05])
    accuracy[1, 0, 3] = np.nan
    accuracy[0, 0, 5] = 1e9
    found = analysis.benefit(dataset(accuracy, bad=[(1, 0, 3), (0, 0, 5)]))
    assert found.n.values.tolist() == [38, 40, 40]
    keep = np.delete(np.arange(40), [3, 5])
    expected = (accuracy[0, 0, keep] - accuracy[1, 0, keep]).mean(0)
    np.testing.assert_allclose(found.benefit.sel(width=2), expected, rtol=1e-12)


def test_identical_arms_have_a_degenerate_interval_not_a_nan():
    accuracy = noisy([0, 0, 0])
    accuracy[1] = accuracy[0]
    found = analysis.benefit(dataset(accuracy))
    assert (found.benefit == 0).all()
    assert (found.ci_low == 0).all()
    assert (found.critical_width == 2).all()


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        ([0, 0, 1, 1], 16),
        ([0, 1, 0, 1], 32),
        ([1, 1, 1, 1], 4),
        ([0, 0, 1, 0], np.inf),
        ([0, np.nan, 1, 1], 16),
        ([1, np.nan, 1, 1], 4),
        ([np.nan] * 4, np.nan),
    ],
)
def test_smallest_width_from_which_something_holds(holds, expected):
    array = xr.DataArray(np.array(holds, float), {"width": [4, 8, 16, 32]})
    np.testing.assert_equal(float(analysis.smallest_from(array)), expected)
    shuffled = array.isel(width=[2, 0, 3, 1])
    np.testing.assert_equal(float(analysis.smallest_from(shuffled)), expected)


def test_a_benefit_that_reverses_has_faded_but_has_no_critical_width():
    found = analysis.benefit(dataset(noisy([0.05, 0.0, -0.05]))).sel(time=10.0)
    assert float(found.fading_width) == 4
    assert float(found.critical_width) == np.inf


def test_tuned_takes_the_best_rate_of_each_arm_and_reports_other_replicates():
    accuracy = np.zeros((3, 2, 1, 40, 2)) + np.arange(40)[:, None] / 1e4
    accuracy[:, 0] += np.array([0.5, 0.7, 0.6])[:, None, None, None]  # curriculum: the second rate
    accuracy[:, 1] += np.array([0.5, 0.6, 0.9])[:, None, None, None]  # control: the third, which diverges
    dims = ("learning_rate", "protocol", "width", "replicate", "time")
    ds = xr.Dataset(
        {"test_accuracy": (dims, accuracy), "status": (dims[:-1], np.zeros(accuracy.shape[:-1], np.int8))},
        coords={"learning_rate": [0.1, 0.2, 0.3], "protocol": ["curriculum", "no_curriculum"], "width": [4]},
    )
    ds.status[2, 1, 0, 0] = 1
    found = analysis.tuned(ds)
    assert found.best.values.tolist() == [[0.2], [0.2]]
    odd = np.arange(1, 40, 2) / 1e4
    np.testing.assert_allclose(found.test_accuracy.sel(protocol="curriculum", width=4)[:, -1], 0.7 + odd)
    np.testing.assert_allclose(found.test_accuracy.sel(protocol="no_curriculum", width=4)[:, -1], 0.6 + odd)


def test_time_to_threshold_with_censoring():
    curves = np.array(
        [
            [0.5, 0.6, 0.7, 0.8],  # reaches .65 at t = 20
            [0.5, 0.7, 0.6, 0.8],  # dips: stays from t = 30
            [0.5, 0.5, 0.5, 0.5],  # never
            [0.7, 0.8, 0.8, 0.6],  # leaves it again
        ]
    )
    ds = dataset(curves[None, None], ("curriculum",), (4,), (0.0, 10.0, 20.0, 30.0), bad=[])
    found = analysis.time_to_threshold(ds, 0.65).squeeze()
    np.testing.assert_equal(found.reached.values, [20, 30, np.nan, np.nan])
    assert found.censored.values.tolist() == [False, False, True, True]


def test_speed_up_counts_every_pair_once():
    fast, slow, never = [0.5, 0.8, 0.8, 0.8], [0.5, 0.5, 0.8, 0.8], [0.5] * 4
    accuracy = np.array([[fast, fast, never, never], [slow, never, slow, never]])[:, None]
    ds = dataset(accuracy, widths=(4,), times=(0.0, 10.0, 20.0, 30.0))
    found = analysis.speed_up(ds, 0.7).squeeze()
    assert float(found.ratio) == 2.0
    counts = [int(found[n]) for n in ("n_pairs", "n_treatment_only", "n_control_only", "n_neither")]
    assert counts == [1, 1, 1, 1]


@pytest.mark.parametrize("share", [0.25, 0.125])
def test_coverage_probability_is_that_of_random_units(share):
    rng = np.random.default_rng(0)
    hits = rng.random((20_000, 10)) // share
    covered = np.mean([set(range(4)) <= set(row) for row in hits])
    assert analysis.coverage_probability(np.array([10]), share=share)[0] == pytest.approx(covered, abs=0.015)
    assert analysis.coverage_probability(np.array([3]), share=share)[0] == 0


def test_last_takes_the_end_of_each_run():
    data = xr.DataArray([[1.0, 2.0, np.nan], [3.0, 4.0, 5.0]], dims=("budget", "time"))
    assert analysis.last(data).values.tolist() == [2.0, 5.0]


def test_bad_requests_are_refused():
    ds = dataset(noisy([0, 0, 0]))
    with pytest.raises(
        ValueError, match="unknown protocol 'anti'; this study has: curriculum, no_curriculum"
    ):
        analysis.benefit(ds, "anti")
    with pytest.raises(ValueError, match="'loss' was not recorded"):
        analysis.benefit(ds, variable="loss")
    with pytest.raises(ValueError, match="confidence is 95"):
        analysis.benefit(ds, confidence=95)


def test_distance_to_theory_by_hand():
    """Distances 1, -1, 2, -2, 3, -3 over sqrt(N) in every entry: slope -1/2, mean on the solution."""
    sizes = np.array([100, 400, 1600])
    sign = np.array([1.0, -1.0, 2.0, -2.0, 3.0, -3.0])
    runs = 3.0 + sign[None, :, None] / np.sqrt(sizes)[:, None, None] * np.ones(4)
    values = np.stack([np.full_like(runs, np.nan), runs])  # method, n_inputs, replicate, time
    values[0, 0] = 3.0
    values[..., 0] = 3.0
    status = np.zeros((2, 3, 6), int)
    status[0, 1:] = STATUS["not_asked"]
    ds = xr.Dataset(
        {"M": (("method", "n_inputs", "replicate", "time"), values),
         "status": (("method", "n_inputs", "replicate"), status)},
        coords={"method": ["theory", "gram"], "n_inputs": sizes, "time": np.arange(4.0)},
    ).expand_dims(width=[4])  # fmt: skip
    found = distance_to_theory(ds).sel(width=4)
    np.testing.assert_allclose(found.gap, (28 / 6 / sizes) ** 0.5)
    np.testing.assert_allclose(found.mean_gap, 0, atol=1e-12)
    np.testing.assert_allclose(found.slope, -0.5)
    ds.status.loc[{"method": "gram", "n_inputs": 400, "replicate": 3}] = STATUS["diverged"]
    assert distance_to_theory(ds).gap_n.squeeze().values.tolist() == [6, 5, 6]
    with pytest.raises(ValueError, match="need the method 'theory' and one other"):
        distance_to_theory(ds.sel({"method": ["gram"]}))


def test_distance_to_theory_slope_interval_covers_the_slope_of_noise():
    rng = np.random.default_rng(0)
    sizes = np.array([100, 200, 400, 800])
    noise = rng.normal(size=(4, 200, 1)) / np.sqrt(sizes)[:, None, None]
    values = np.stack([np.zeros((4, 200, 2)), np.concatenate([0 * noise, noise], -1)])
    ds = xr.Dataset(
        {"M": (("method", "n_inputs", "replicate", "time"), values),
         "status": (("method", "n_inputs", "replicate"), np.zeros((2, 4, 200), int))},
        coords={"method": ["theory", "full"], "n_inputs": sizes},
    ).expand_dims(width=[1])  # fmt: skip
    found = distance_to_theory(ds).isel(width=0)
    assert float(found.slope_ci_low) < -0.5 < float(found.slope_ci_high)
    assert 0.02 < float(found.slope_ci_high - found.slope_ci_low) < 0.2


def test_an_axis_that_was_not_swept_is_there_with_its_single_value():
    description = {"cell": {"budget": 40.0, "hard": {"noise": 2.0}}}
    ds = xr.Dataset({"x": ("width", [1.0])}, {"width": [4]}, attrs={"description": json.dumps(description)})
    found = with_axes(ds.assign_coords(budget=20.0), ("budget", "hard.noise"))
    assert (found.budget.values.tolist(), found["hard.noise"].values.tolist()) == ([20.0], [2.0])
    assert found.x.sizes == {"hard.noise": 1, "budget": 1, "width": 1}
