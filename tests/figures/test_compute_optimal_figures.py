"""Figures of the best width: they show what is planted in the results."""

import json

import numpy as np
import pytest
import small
import xarray as xr
from matplotlib.figure import Figure
from planted import drawn, stored

from figures import compute_optimal, compute_optimal_committee
from studies.analysis import isoflop
from studies.analysis.isoflop import least_squared_loss
from studies.catalogue import get


def test_the_best_width_is_the_planted_one(tmp_path, monkeypatch):
    """Loss above the floor 0.02 (1 + log(K / K*)^2) / cost, K* = 8, 12, 16 at the three costs."""
    monkeypatch.setattr(isoflop, "AGAIN", 10)
    best, floor = {256: 7.0, 1024: 10.0, 4096: 14.0}, least_squared_loss(0.5)

    def compute(block):
        ds, cell = small.at_random(block), block.cell
        cost = cell.width * cell.budget
        log = np.log(cell.width / best[cost])
        loss = floor + (0.02 + 0.01 * log**2 + 0.1 * (cell.learning_rate != 0.5)) * (cost / 256) ** -0.25
        ds["test_loss"] = 0 * ds.test_loss + loss
        return ds

    study = get("compute_optimal").changed({"replicates": "4", "rows": "4", "record": "test_loss"})
    summary = compute_optimal.summarise(stored(study, tmp_path, compute))
    tables = drawn(compute_optimal, summary)
    assert set(tables) == {"isoflop", "optimum", "ratio"}
    found = tables["optimum"].sel(rate_schedule="warmup_stable_decay")
    np.testing.assert_allclose(found.best_width[0], list(best.values()), rtol=1e-3)
    np.testing.assert_allclose(found.best_loss[0] - floor, 0.02 * np.array([1, 4, 16]) ** -0.25, rtol=2e-3)
    np.testing.assert_allclose(found.loss_exponent, -0.25, rtol=1e-2)
    np.testing.assert_allclose(tables["ratio"].width_ratio, 1)
    assert (tables["isoflop"].rate.stack(at=[...]).dropna("at") == np.float32(0.5)).all()


def test_a_committee_shows_the_planted_slopes_of_both_exponents(tmp_path, monkeypatch):
    """Loss ~ D^-0.4 at beta 1, D^-0.7 at beta 2, twice that with a curriculum, 3 times at the worse rate."""
    monkeypatch.setattr(isoflop, "AGAIN", 10)
    planted = {1.0: -0.4, 2.0: -0.7}

    def shape(width):
        return 1 + 2 * np.log(width / 6) ** 2

    def compute(block):
        ds, cell = small.at_random(block), block.cell
        loss = (
            shape(cell.width) * cell.budget ** planted[cell.options["decay"]] * 3 ** (cell.learning_rate > 1)
        )
        ds["test_loss"] = 0 * ds.test_loss + loss * (1 + (ds.protocol == "curriculum"))
        return ds

    study = get("compute_optimal_committee").changed({"options.decay": "1,2", "replicates": "4", "rows": "4"})
    summary = compute_optimal_committee.summarise(stored(study, tmp_path, compute))
    assert {"cell", "grids", "blocks"} - json.loads(summary.attrs["description"]).keys() == {"blocks"}
    figures = compute_optimal_committee.figures(summary)
    each = {f"{name}_beta_{beta}" for name in ("isoflop", "optimum", "samples") for beta in (1, 2)}
    assert set(figures) == each | {"slopes", "ratio"}
    slopes, samples = (figures[name](summary).table for name in ("slopes", "samples_beta_2"))
    assert isinstance(slopes, xr.Dataset)
    found = slopes.sample_exponent.squeeze("rate_schedule")
    for beta, exponent in planted.items():
        np.testing.assert_allclose(found.sel({"options.decay": beta}), exponent, rtol=1e-5)
    assert isinstance(samples, xr.Dataset)
    table = samples.squeeze("rate_schedule")
    for protocol, factor in (("curriculum", 2), ("no_curriculum", 1)):
        expected = factor * table.samples**-0.7 * shape(table.width)
        np.testing.assert_allclose(table.own_above.sel(protocol=protocol), expected, rtol=1e-5)


def test_the_slope_of_theory_is_drawn():
    """-1/2 at beta 1, -3/4 at beta 2, towards -1."""
    assert [compute_optimal_committee.slope(beta) for beta in (1, 2, 1e9)] == pytest.approx([-0.5, -0.75, -1])
    axes = Figure().subplots()
    part = xr.Dataset(
        {"samples": (("flops", "width"), [[np.nan, 16.0], [64.0, 32.0], [np.nan, 256.0]]),
         "own_above": (("flops", "width"), [[np.nan, 0.5], [0.3, 0.2], [np.nan, 0.1]])},
        {"width": [4, 8], compute_optimal_committee.DECAY: 2.0},
    )  # fmt: skip
    compute_optimal_committee.guide(axes, part)
    x, y = map(np.asarray, axes.lines[0].get_data())
    np.testing.assert_array_equal(x, [16, 32, 256])  # those of the widest
    np.testing.assert_allclose(np.diff(np.log(y)) / np.diff(np.log(x)), -0.75)
    assert 0.1 < y[1] < 0.2
