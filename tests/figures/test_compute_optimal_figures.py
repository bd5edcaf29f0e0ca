"""Figures of the best width: they show what is planted in the results."""

import numpy as np
import small
from planted import drawn, stored

from figures import compute_optimal
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
