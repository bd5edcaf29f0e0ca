"""The cheapest way to an accuracy, against costs that are known."""

import numpy as np
import xarray as xr

from studies.analysis.ways import PAIR, alike, cheapest, way

N = 8
HIT, MISS = 0.65, 0.55


def runs(curriculum, no_curriculum, price=3.0, rates=(0.3, 0.6), steps=(10, 20)) -> xr.Dataset:
    """Settings whose numbers of replicates at the target are given, (rates, steps) for each protocol."""
    hits = np.array([curriculum, no_curriculum])[..., None]
    ends = np.where(np.arange(N) < hits, HIT, MISS)
    axes = ("protocol", "learning_rate", "n_steps", "replicate")
    ds = xr.Dataset(
        {"test_accuracy": ((*axes, "time"), ends[..., None]), "status": (axes, np.zeros(ends.shape, int))},
        {"protocol": PAIR, "learning_rate": list(rates), "n_steps": list(steps), "replicate": np.arange(N)},
    )
    return way(ds, flops=price * ds.n_steps, weights=100 * price, samples=ds.n_steps)


SMALL = runs([[4, 8], [5, 8]], [[0, 4], [0, 8]])


def test_the_cheapest_setting_and_what_it_saves_by_hand():
    """Five of eight are more than half, four are not; the ticket is cheaper with a curriculum only."""
    ticket = runs([[8, 8], [0, 8]], [[0, 0], [0, 4]], price=2.0)
    found = cheapest({"small": SMALL, "ticket": ticket}, 0.6)
    np.testing.assert_array_equal(found.flops, [[30, 60], [20, np.inf]])
    np.testing.assert_array_equal(found.weights, [[300, 300], [200, np.inf]])
    np.testing.assert_array_equal(found.samples, [[10, 20], [10, np.nan]])
    np.testing.assert_array_equal(found.rate, [[0.6, 0.6], [0.3, np.nan]])
    np.testing.assert_array_equal(found["size"], [[300, 300], [200, np.nan]])
    np.testing.assert_array_equal(found.flops_ratio, [2, np.inf])
    np.testing.assert_allclose(found.flops_over, [[1, 1], [2 / 3, np.inf]])
    assert found.settings.values.tolist() == [4, 4]


def test_intervals_of_known_resamples():
    """Resamples of five in eight have no majority in a third of cases: then twice the budget is needed."""
    found = cheapest({"small": SMALL}, 0.6).isel(way=0)
    assert (found.flops_low.values.tolist(), found.flops_high.values.tolist()) == ([30, 60], [60, 60])
    assert (float(found.flops_ratio_low), float(found.flops_ratio_high)) == (1, 2)
    nobody = cheapest({"small": SMALL}, 0.7).isel(way=0)
    for name in ("flops", "flops_low", "flops_high", "weights"):
        assert np.isinf(nobody[name]).all()
    assert np.isnan(nobody.flops_ratio)


def test_runs_that_diverged_count_and_runs_that_are_missing_do_not():
    """Three reach the target and four diverged: no majority. Three reach it and four were not run: one."""
    ends = np.array([[HIT] * 3 + [MISS] + [np.nan] * 4] * 2)
    axes = ("protocol", "learning_rate", "replicate")
    for status, flops in ((1, np.inf), (2, 7.0)):
        ds = xr.Dataset(
            {
                "test_accuracy": ((*axes, "time"), ends[:, None, :, None]),
                "status": (axes, np.where(np.isnan(ends), status, 0)[:, None]),
            },
            {"protocol": PAIR, "learning_rate": [0.3], "replicate": np.arange(N)},
        )
        found = cheapest({"small": way(ds.isel(protocol=[1]), flops=7.0, weights=1.0, samples=10)}, 0.6)
        assert float(found.flops.sel(protocol="no_curriculum").squeeze()) == flops
        assert np.isnan(found.flops.sel(protocol="curriculum")).all()  # not run at all


def test_no_way_has_rates_and_budgets_for_itself():
    other = runs([[8], [8]], [[8], [8]], rates=(0.6, 1.0), steps=(20,))
    kept = alike({"small": SMALL, "other": other})
    for found in kept.values():
        assert found.rate.values.tolist() == [[0.6], [0.6]]
        assert found.samples.values.tolist() == [[20], [20]]
    assert cheapest(kept, 0.6).flops.values.tolist() == [[60, 60], [60, 60]]
    assert alike({"small": SMALL, "other": runs([[8]], [[8]], rates=(2.0,), steps=(10,))}) == {}


def test_intervals_hold_the_cost_of_the_setting_that_is_the_cheapest_in_truth():
    """Replicates reach the target with chances 0.2, 0.7, 0.9 at budgets 10, 20, 40: 20 is the least."""
    chances = np.array([0.2, 0.7, 0.9])
    one = runs([[0, 0, 0]], [[0, 0, 0]], price=1.0, rates=(0.3,), steps=(10, 20, 40)).isel(replicate=[0] * 32)
    one = one.assign_coords(replicate=np.arange(32))
    hits = np.random.default_rng(1).random((60, *one.accuracy.shape)) < chances[:, None]
    many = {
        str(i): one.assign(accuracy=(one.accuracy.dims, np.where(hit, HIT, MISS)))
        for i, hit in enumerate(hits)
    }
    found = cheapest(many, 0.6)
    held = (found.flops_low <= 20) & (found.flops_high >= 20)
    assert float(held.mean()) > 0.95 - 3 * np.sqrt(0.95 * 0.05 / held.size)
    assert held.size == 120
