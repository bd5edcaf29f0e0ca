"""Figures of the studies of rates, experts and teachers: what is planted in the results is what they show."""

from typing import Any

import numpy as np
import pytest
import small
import xarray as xr

from figures import distillation, experts, rates_and_curricula
from figures.parts.distilled import halfway
from studies.catalogue import get
from teacher_student.flops import training_flops


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


def test_guidance_is_compared_with_a_curriculum_and_its_cost_counted(tmp_path):
    """A source's worth is planted at its best rate, which is another one for students with a teacher."""
    worth = {0.0: 0.03, 60.0: 0.2, 200.0: 0.1}

    def gain(cell, protocol):
        taught = cell.student == "pair"
        own = worth[cell.checkpoint] if taught else 0.06 * (protocol == "curriculum")
        return own - 0.1 * (cell.learning_rate != (1.2 if taught else 0.6))

    summary = distillation.summarise(planted("distillation", tmp_path, gain))
    tables = drawn(distillation, summary)
    assert set(tables) == {"teachers", "checkpoints", "replaces", "cost", "rates"}
    ahead = tables["replaces"].benefit.sel(width=4)
    for source, stop in (("progressive", 0.0), ("stopped at 60", 60.0), ("final", 200.0)):
        one = ahead.sel(source=f"64 units, {source}")
        assert float(one.sel(comparison="replaces")) == pytest.approx(worth[stop] - 0.06, abs=2e-3)
        assert float(one.sel(comparison="guidance")) == pytest.approx(worth[stop], abs=2e-3)
        assert float(one.sel(comparison="curriculum")) == pytest.approx(0, abs=2e-3)
    labels = ahead.sel(source="labels only")
    assert float(labels.sel(comparison="curriculum")) == pytest.approx(0.06, abs=2e-3)
    assert labels.sel(comparison="replaces").isnull()
    flops = tables["cost"].flops.sel(width=4)
    own, wide = training_flops([400, 4]), training_flops([6400, 64])
    stopped = own * 20000 + wide * 6000 + 2 * 6464 * 20000
    for source, count in (
        ("labels only", own * 20000),
        ("64 units, progressive", (own + wide) * 20000),
        ("64 units, stopped at 60", stopped),
    ):
        assert float(flops.sel(source=source)) == pytest.approx(count, rel=1e-6)
    rates = tables["rates"].sel(width=4)
    assert (rates.rate.sel(source="labels only") == np.float32(0.6)).all()
    assert (rates.rate.sel(source="64 units, final") == np.float32(1.2)).all()


def test_a_teacher_is_halfway_where_its_curve_has_risen_by_half():
    curve = xr.DataArray([0.5, 0.5, 0.54, 0.58, 0.6], {"time": [0.0, 10.0, 20.0, 30.0, 40.0]}, ("time",))
    assert halfway(curve) == 30
    assert halfway(1 - curve) == 30
