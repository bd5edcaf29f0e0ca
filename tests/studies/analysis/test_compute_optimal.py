"""The best width at a fixed cost: planted laws and minima are found, edges are not taken for minima."""

import json

import numpy as np
import pytest
import xarray as xr

from studies.analysis import isoflop
from studies.analysis.isoflop import by_cost, compute_optimal, least_squared_loss, minimum, power
from studies.analysis.scaling import Law, fit_law
from studies.catalogue.compute_optimal import equal_cost

#: Hoffmann et al., arXiv 2203.15556, eq. (10).
PUBLISHED = Law(1.69, 406.4, 0.34, 410.7, 0.28)
#: K and D differ in everything, so that no exchange of the two goes unseen.
ASYMMETRIC = Law(0.2, 3.0, 0.9, 40.0, 0.3)


def points(widths, samples) -> tuple[np.ndarray, np.ndarray]:
    width, sample = (x.ravel() for x in np.meshgrid(widths, samples))
    return width, sample


PLACES = {
    PUBLISHED: points(10.0 ** np.arange(7.5, 10.5, 0.5), 10.0 ** np.arange(9, 12.5, 0.5)),
    ASYMMETRIC: points(2.0 ** np.arange(1, 7), 2.0 ** np.arange(6, 15)),
}


@pytest.mark.parametrize("law", PLACES, ids=["published", "asymmetric"])
def test_a_law_is_found_again(law):
    found = fit_law(*PLACES[law], law.loss(*PLACES[law]))
    np.testing.assert_allclose(found, law, rtol=1e-3)
    p, q = law.width_exponent, law.sample_exponent
    assert found.optimum_exponent == pytest.approx(q / (p + q), rel=1e-3)
    if law is PUBLISHED:
        assert round(found.optimum_exponent, 2) == 0.45
    # where the law says the optimum is, there it is: C = K D, by search
    cost = 2.0 ** np.arange(10, 30, 4)
    fine = np.exp(np.linspace(-5, 25, 30001))
    best = [fine[law.loss(fine, c / fine).argmin()] for c in cost]
    assert power(cost, np.array(best)) == pytest.approx(found.optimum_exponent, abs=2e-3)


def test_what_cannot_be_fitted_is_refused_in_one_line():
    width, samples = points([2.0, 4, 8], [10.0, 20, 40])
    loss = ASYMMETRIC.loss(width, samples)
    with pytest.raises(ValueError, match=r"to 6 losses at 2 widths and 3 numbers"):
        fit_law(width, samples, np.where(width > 4, np.nan, loss))
    with pytest.raises(ValueError, match=r"a loss is -"):
        fit_law(width, samples, loss - 20)


def test_minima_lie_between_points_and_not_at_edges():
    """A parabola about 6.5, with and without its lowest point; a curve that falls to its end has none."""
    width = 2.0 ** np.arange(1, 6)
    curve = (np.log(width / 6.5)) ** 2
    assert minimum(width, 3 + curve) == pytest.approx((6.5, 3))
    gap = np.where(width == 4, np.nan, 3 + curve)
    assert minimum(width, gap) == pytest.approx((6.5, 3))
    for falling in (-width, width, np.ones(5), np.where(width > 4, np.nan, curve)):
        assert np.isnan(minimum(width, falling)).all()


def made_up(law: Law, noise: float, replicates: int, seed: int = 0, better: float = 1.0) -> xr.DataArray:
    """Runs of a law with noise, at two rates, the second worse; the curriculum's D counts `better` times."""
    width, flops = 2.0 ** np.arange(1, 8), 2.0 ** np.arange(9, 17)
    rng = np.random.default_rng(seed)
    arms = []
    for times in (better, 1.0):
        loss = law.loss(width, times * flops[:, None] / width)
        runs = loss[..., None] * np.exp(noise * rng.normal(size=(*loss.shape, replicates)))
        arms.append(np.stack([runs, 1.2 * runs], 2))
    dims = ("protocol", "flops", "width", "learning_rate", "replicate")
    coords = {"protocol": ["curriculum", "no_curriculum"], "flops": flops, "width": width.astype(int)}
    return xr.DataArray(np.stack(arms), coords | {"learning_rate": [0.1, 0.2]}, dims)


#: The narrowest, then the widest student would be best at the smallest and the largest cost.
STEEP = Law(0.2, 3.0, 0.8, 12.0, 0.4)
#: A rate that is tried in runs of every length.
ALWAYS = {0.1: (16.0, 4096.0)}


def test_noisy_runs_hold_the_truth_in_their_intervals(monkeypatch):
    monkeypatch.setattr(isoflop, "AGAIN", 60)
    found = compute_optimal(made_up(STEEP, 0.03, 16, better=2.0), floor=STEEP.floor)
    truth = {
        "law_floor": 0.2, "law_width_exponent": 0.8, "law_sample_exponent": 0.4,
        "law_optimum_exponent": 1 / 3, "law_loss_exponent": 0.8 / 3, "width_exponent": 1 / 3,
        "loss_exponent": -0.8 / 3,
    }  # fmt: skip
    for name, value in truth.items():
        low, high = found[f"{name}_ci_low"], found[f"{name}_ci_high"]
        room = 0.1 * abs(value) if name in ("width_exponent", "loss_exponent") else 0  # of the parabola
        assert ((low - room <= value) & (value <= high + room)).all(), name
        assert (high - low < abs(value)).all(), name
    assert (found.rate == 0.1).all()
    assert ((found.own_loss_ci_low < found.own_loss) & (found.own_loss < found.own_loss_ci_high)).all()
    # a law of 16 replicates with noise 0.03: its logarithm has a standard error of 0.03 / 4
    wide = np.log(found.own_loss_ci_high / found.own_loss_ci_low) / (2 * 1.96 * 0.03 / 4)
    assert float(wide.mean()) == pytest.approx((7 / 8) ** 0.5, abs=0.15)  # two halves of eight
    # twice the worth of a sample: K* is that of twice the cost
    np.testing.assert_allclose(found.width_ratio.median(), 2 ** (1 / 3), rtol=0.15)
    np.testing.assert_allclose(found.loss_ratio.median(), 2 ** (-0.8 / 3), rtol=0.05)


def test_edges_are_marked_and_no_exponent_uses_them(monkeypatch):
    monkeypatch.setattr(isoflop, "AGAIN", 20)
    loss = made_up(STEEP, 0.0, 4).sel(protocol=["curriculum"])
    narrow = loss.where(loss.width <= 16)
    found = compute_optimal(narrow, floor=STEEP.floor).sel(protocol="curriculum")
    free = compute_optimal(loss, floor=STEEP.floor).sel(protocol="curriculum")
    edge = narrow.isel(learning_rate=0, replicate=0, protocol=0).fillna(9).argmin("width").isin([0, 3])
    assert edge.any()
    assert not edge.all()
    assert (found.best_width.isnull() == edge.values).all()
    assert (found.resolved == (~edge.values)).all()
    inside = ~edge.values & free.best_width.notnull().values
    assert power(found.flops.values, found.best_width.values) == pytest.approx(
        power(found.flops.values[inside], found.best_width.values[inside])
    )


def test_a_rate_with_a_failed_run_is_not_chosen():
    loss = made_up(STEEP, 0.0, 4)
    loss[{"protocol": 0, "learning_rate": 0, "replicate": 3}] = np.nan
    best = isoflop.best_rate(loss)
    assert (best.sel(protocol="curriculum") == 0.2).all()
    assert (best.sel(protocol="no_curriculum") == 0.1).all()
    failed, good = (isoflop.resampled(loss.sel(protocol=p).values)[0] for p in loss.protocol.values)
    np.testing.assert_allclose(failed, 1.2 * good)


def test_a_best_rate_at_an_end_of_those_tried_is_marked():
    """Losses at three rates; the largest is not run (NaN), or fails (infinite): then it was tried."""
    cases = {
        (2.0, 1.0, 3.0): (0.2, 0), (1.0, 2.0, 3.0): (0.1, 1), (3.0, 2.0, 1.0): (0.4, 1),
        (2.0, 1.0, np.nan): (0.2, 1), (2.0, 1.0, np.inf): (0.2, 0),
        (np.inf, np.inf, np.nan): (np.nan, np.nan),
    }  # fmt: skip
    values = np.array([*cases])[:, :, None]
    loss = xr.DataArray(values, {"learning_rate": [0.1, 0.2, 0.4]}, ("flops", "learning_rate", "replicate"))
    rate = isoflop.best_rate(loss)
    np.testing.assert_array_equal(np.stack([rate, isoflop.at_edge(rate, loss)], 1), [*cases.values()])


def test_runs_are_put_together_by_what_they_cost():
    """N = 10: a sample costs K (5 N + 7) operations; 2 x 16 and 4 x 8 are one cost, 4 x 16 another."""
    dims = ("budget", "width", "replicate")
    status = np.array([[[3], [0]], [[0], [0]]])
    values = np.arange(4.0).reshape(2, 2, 1, 1) + np.array([0, 0.5])
    ds = xr.Dataset(
        {"test_loss": ((*dims, "time"), values), "status": (dims, status)},
        {"budget": [8.0, 16.0], "width": [2, 4], "time": [0.0, 16.0]},
        {"description": json.dumps({"cell": {"n_inputs": 10, "learning_rate": 0.3}})},
    )
    found = by_cost(ds)
    assert found.flops.values.tolist() == [80 * 4 * 57, 160 * 4 * 57]
    np.testing.assert_array_equal(found.squeeze(), [[2.5, 1.5], [np.nan, 3.5]])
    np.testing.assert_array_equal(found.samples, [[16, 8], [np.nan, 16]])
    ds["status"][1, 1, 0] = 1
    np.testing.assert_array_equal(by_cost(ds).squeeze(), [[2.5, 1.5], [np.nan, np.inf]])


def test_the_least_loss_is_that_of_samples():
    rng = np.random.default_rng(0)
    n, noise = 200_000, 0.5
    z = np.sqrt(noise) * rng.normal(size=(n, 2)) + [1, 0]
    along = np.cosh(z / noise)
    best = (along[:, 0] - along[:, 1]) / along.sum(1)
    loss = 0.5 * (best - 1) ** 2
    assert abs(least_squared_loss(noise) - loss.mean()) < 4 * loss.std() / n**0.5


def test_a_cost_that_no_three_widths_can_spend_is_refused_in_one_line():
    spent = [(*grid["width"], *grid["budget"]) for grid in equal_cost((256.0,), (2, 4, 8, 64), ALWAYS)]
    assert spent == [(2, 128), (4, 64), (8, 32)]  # 64 units would have a run of 4, shorter than the shortest
    with pytest.raises(
        ValueError, match=r"cost 64 can be spent by 2 of the widths 2, 4, 8 in runs of 16 to 4096"
    ):
        equal_cost((64.0,), (2, 4, 8), ALWAYS)


def test_rates_are_tried_in_runs_of_their_lengths_only():
    grids = equal_cost((256.0,), (2, 4, 8), ALWAYS | {0.02: (64.0, 128.0), 3.0: (16.0, 32.0)})
    assert [grid["learning_rate"] for grid in grids] == [(0.1, 0.02), (0.1, 0.02), (0.1, 3.0)]
