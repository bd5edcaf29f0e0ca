"""Figures: every one is drawn, from a fresh result and from a published summary, its numbers beside it."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small
import xarray as xr

from figures.__main__ import main
from studies.analysis import benefit
from studies.catalogue import get
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
    study = Study(cell, grids, 6, rows=6, name="xor_mixture")
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
    text = re.sub("<[^>]*>", " ", (tmp_path / "b" / "accuracy.svg").read_text())
    assert "left out (diverged or out of steps): 1." in " ".join(text.split())


def test_captions_count_runs_that_diverged_or_ran_out_of_steps_but_none_that_is_missing(results):
    from figures.parts.summary import counts, left_out

    ds = load("xor_mixture", results).sel(parametrisation="standard", budget=60.0)
    status = ds.status.copy()
    status[0, 0, :4] = [STATUS[name] for name in ("max_steps", "diverged", "pending", "not_asked")]
    ds = ds.assign(status=status)
    assert int(left_out(ds).sum()) == int((status == STATUS["diverged"]).sum()) + 1
    text = counts(xr.Dataset({"left_out": left_out(ds)}, attrs={"replicates": 6}))
    assert text.startswith("6 replicates; ")
    assert text.endswith(f": {int(left_out(ds).sum())}.")


def test_a_study_with_one_budget_and_parametrisation_draws_too(results, tmp_path):
    from figures import xor_mixture

    ds = load("xor_mixture", results).sel(parametrisation="standard", budget=60.0)
    summary = xor_mixture.summarise(ds)
    drawn = list(xor_mixture.draw(summary, tmp_path, "png"))
    assert {p.stem for p in drawn} == {"accuracy", "benefit", "map", "lottery"}
    assert isinstance(summary, xr.Dataset)


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("xor_mixture", "curriculum,no_curriculum"),
        ("sparse_teacher", "curriculum,no_curriculum"),
        ("committee", "curriculum,no_curriculum"),
        ("images_online", "curriculum,no_curriculum"),
        ("images_ranking", "curriculum,standard"),
        ("efficiency", "curriculum,no_curriculum"),
        ("tickets_and_curricula", "curriculum,no_curriculum"),
        ("tickets_and_curricula_images", "curriculum,no_curriculum"),
    ],
)
@pytest.mark.parametrize("which", [0, 1])
def test_a_study_of_one_protocol_is_refused_where_two_are_compared(name, pair, which, tmp_path, capsys):
    there, missing = pair.split(",")[:: 1 - 2 * which]
    study = get(name).changed({"protocol": there, "replicates": "2"})
    study = replace(study, grids=({axis: values[:1] for axis, values in study.grids[0].items()},))
    store = Store(tmp_path, name)
    store.prepare()
    store.describe(study.entry())
    (part,) = study.blocks()
    lead, shape = ("protocol", "replicate"), (1, part.rows)
    ds = xr.Dataset(
        {
            "test_accuracy": ((*lead, "time"), np.zeros((*shape, 1))),
            "status": (lead, np.zeros(shape, np.int8)),
        },
        coords={"protocol": [there], "replicate": part.replicates, "time": [0.0]},
        attrs=small.ATTRS,
    )
    store.write(part.address, ds)
    with pytest.raises(SystemExit) as stop:
        main([name, "--from", str(tmp_path)])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.count("\n") == 1
    assert f"but the study has no {missing}, only {there}; run it with --protocol {pair}" in said


DRAWN = {
    "sparse_teacher": {"accuracy", "benefit", "map", "perceptron"},
    "committee": {"loss_label_noise", "loss_distractors", "benefit", "tuned", "map"},
    "theory_vs_simulation": {"overlay", "gap"},
}


@pytest.mark.parametrize("preset", ["quick", "full"])
@pytest.mark.parametrize("name", DRAWN)
def test_both_presets_of_the_other_tasks_draw(name, preset, tmp_path):
    study = get(name, preset)
    grids = tuple({**grid, "width": grid["width"][:3]} for grid in study.grids)
    study = replace(study, grids=grids, replicates=4, rows=4)
    store = Store(tmp_path, name)
    store.prepare()
    store.describe(study.entry())
    for block in study.blocks():
        store.write(block.address, small.at_random(block))
    assert main([name, "--from", str(tmp_path)]) == 0
    folder = tmp_path / name / "figures"
    names = DRAWN[name] - ({"tuned"} if preset == "quick" else set())
    assert {p.stem for p in folder.glob("*.png")} == {p.stem for p in folder.glob("*.csv")} == names


def test_error_avoided_is_the_control_minus_the_treatment(tmp_path):
    from figures import committee

    study = get("committee", "quick")
    store = Store(tmp_path, "committee")
    store.prepare()
    store.describe(study.entry())
    for block in study.blocks():
        cell: Any = block.cell
        ds = small.at_random(block)
        ds["test_loss"] = 0.5 + 0 * ds.test_loss
        gain = 0.1 if cell.hard["noise"] else 0.2
        ds.test_loss.loc[{"protocol": "curriculum"}] -= gain * (ds.time > 0)
        store.write(block.address, ds)
    summary = committee.summarise(load("committee", tmp_path))
    end = summary.benefit.isel(time=-1, budget=0)
    np.testing.assert_allclose(end.sel(difficulty="label_noise"), 0.1, rtol=1e-6)
    np.testing.assert_allclose(end.sel(difficulty="distractors"), 0.2, rtol=1e-6)
