"""Figures: every one is drawn, from a fresh result and from a published summary, its numbers beside it."""

import numpy as np
import pandas as pd
import pytest
import small
import xarray as xr

from figures.__main__ import main
from studies.analysis import benefit
from studies.catalogue.xor_mixture import CELL, PROTOCOLS
from studies.store import STATUS, Store, load
from studies.study import Study


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A made-up xor_mixture study on disk, with one diverged run."""
    out = tmp_path_factory.mktemp("results")
    cell = small.with_record(CELL, budget=40.0)
    widths = (2, 4, 8)
    grids = (
        {"budget": (20.0, 40.0, 60.0), "protocol": PROTOCOLS, "width": widths},
        {"parametrisation": ("ntk", "mean_field"), "protocol": PROTOCOLS, "width": widths},
    )
    study = Study("xor_mixture", "none", cell, grids, 6, rows=6)
    store = Store(out, "xor_mixture")
    store.prepare()
    store.describe(study.entry())
    for block in study.blocks():
        store.write(block.address, small.made_up(block))
    return out


def test_all_figures_and_their_numbers(results):
    assert main(["xor_mixture", "--from", str(results)]) == 0
    folder = results / "xor_mixture" / "figures"
    names = {"accuracy", "benefit", "map", "lottery", "parametrisations"}
    assert {p.stem for p in folder.glob("*.png")} == names
    assert {p.stem for p in folder.glob("*.csv")} == names
    table = pd.read_csv(folder / "benefit.csv").set_index(["parametrisation", "budget", "width"])
    ds = load("xor_mixture", results)
    assert int((ds.status == STATUS["diverged"]).sum()) == 1
    part = ds.sel(parametrisation="standard", budget=60.0)
    expected = benefit(part).sel(time=60.0)
    row = table.loc["standard", 60.0]
    np.testing.assert_allclose(row.benefit, expected.benefit, rtol=1e-4)
    np.testing.assert_allclose(row.ci_low, expected.ci_low, rtol=1e-4)
    assert row.n.tolist() == [5, 6, 6]


def test_published_summary_gives_the_same_figures_as_vector_graphics(results, tmp_path):
    main(["xor_mixture", "--from", str(results), "--out", str(tmp_path / "a")])
    main(["xor_mixture", "--from", str(tmp_path / "a"), "--out", str(tmp_path / "b"), "--format", "svg"])
    for name in ("accuracy", "benefit", "map"):
        assert (tmp_path / "b" / f"{name}.svg").exists()
        one, two = ((tmp_path / folder / f"{name}.csv").read_text() for folder in "ab")
        assert one == two
    assert "Diverged runs left out: 1" in (tmp_path / "b" / "accuracy.svg").read_text().replace("\n", " ")


def test_a_study_with_one_budget_and_parametrisation_draws_too(results, tmp_path):
    from figures import xor_mixture

    ds = load("xor_mixture", results).sel(parametrisation="standard", budget=60.0)
    summary = xor_mixture.summarise(ds)
    drawn = list(xor_mixture.draw(summary, tmp_path, "png"))
    assert {p.stem for p in drawn} == {"accuracy", "benefit", "map", "lottery"}
    assert isinstance(summary, xr.Dataset)
