"""Figures of the studies of rates and experts: what is planted in the results is what they show."""

from typing import Any

import numpy as np
import small
import xarray as xr

from figures import experts, rates_and_curricula
from studies.catalogue import get


def planted(name: str, out, gain) -> xr.Dataset:
    """Results of a quick preset; `gain(cell, protocol)` is the accuracy above 0.6."""

    def compute(block):
        cell: Any = block.cell
        ds = small.at_random(block)
        noise = 0.001 * (ds.test_accuracy - 0.5)
        for protocol in block.protocols:
            noise.loc[{"protocol": protocol}] += 0.6 + gain(cell, protocol)
        ds["test_accuracy"] = noise
        if "gate_share" in ds:
            ds["gate_share"] = ds.gate_share / ds.gate_share.sum("expert")
        return ds

    return small.stored(get(name, "quick").changed({"replicates": "4"}), out, compute)


def drawn(module, summary) -> dict[str, Any]:
    """The tables of all figures by name, each laid out once."""
    found = {name: figure(summary) for name, figure in module.FIGURES.items()}
    for one in found.values():
        one.figure.draw_without_rendering()
    return {name: one.table for name, one in found.items()}


def test_a_benefit_belongs_to_its_run_and_task(tmp_path):
    gains = {"constant, last 20% averaged": 0.08, "cosine": 0.01, "constant": 0.05}

    def gain(cell, protocol):
        run = rates_and_curricula.run_name(cell.rate_schedule, cell.average)
        worth = gains.get(run, 0.02) * (2 if cell.task == "sparse_teacher" else 1)
        best = 1.2 if protocol == "curriculum" else 0.6
        return worth * (protocol == "curriculum") - 0.1 * (cell.learning_rate != best)

    summary = rates_and_curricula.summarise(planted("rates_and_curricula", tmp_path, gain))
    tables = drawn(rates_and_curricula, summary)
    assert set(tables) == {"benefit", "order", "accuracy", "rates"}
    for run, worth in gains.items():
        for task, times in (("xor_mixture", 1), ("sparse_teacher", 2)):
            for name in ("benefit", "order"):
                row = tables[name].benefit.sel(run=run, task=task)
                np.testing.assert_allclose(row, times * worth, atol=2e-3)
    assert (tables["rates"].tuned_rate.sel(protocol="curriculum") == np.float32(1.2)).all()
    assert (tables["rates"].tuned_rate.sel(protocol="no_curriculum") == np.float32(0.6)).all()


def test_experts_are_compared_at_the_weights_that_count(tmp_path):
    def gain(cell, protocol):
        return 0.1 * (protocol == "curriculum") / cell.experts - 0.05 * (cell.learning_rate != 0.6)

    summary = experts.summarise(planted("experts", tmp_path, gain))
    tables = drawn(experts, summary)
    assert set(tables) == {"benefit", "order", "accuracy", "specialisation", "who"}
    table = tables["benefit"]
    for student, rows, counting, worth in (
        ("dense", [8, 16], [8, 16], 0.1),
        ("all of 4 experts", [8, 16], [8, 16], 0.025),
        ("2 of 4 experts", [12, 28], [8, 16], 0.025),
    ):
        own = table.sel(student=student).dropna("width", subset=["benefit"])
        assert own.rows.values.tolist() == rows
        assert own.counting.values.tolist() == counting
        np.testing.assert_allclose(own.benefit, worth, atol=2e-3)
    np.testing.assert_allclose(tables["who"].share.sum("expert"), 1, rtol=1e-5)
