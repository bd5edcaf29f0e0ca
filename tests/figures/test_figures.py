"""Figures: drawn from fresh results and from published summaries, their numbers beside them."""

import re
from dataclasses import replace
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import small
import xarray as xr
from small import stored

import figures
from figures import committee, xor_mixture
from figures.__main__ import main
from figures.parts.drawing import names
from figures.parts.summary import CONTROLS, Missing
from studies.analysis import benefit
from studies.catalogue import get
from studies.catalogue.xor_mixture import CELL, PROTOCOLS
from studies.store import STATUS, load
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
    stored(Study(cell, grids, 6, rows=6, name="xor_mixture"), out, small.made_up)
    return out


@pytest.fixture(scope="module")
def folder(results):
    """Its figures, painted."""
    assert main(["xor_mixture", "--from", str(results)]) == 0
    return results / "xor_mixture" / "figures"


@pytest.mark.slow
def test_all_figures_and_their_numbers(results, folder):
    drawn = {"accuracy", "benefit", "map", "lottery", "parametrisations"}
    for ending in ("png", "csv", "txt"):
        assert {p.stem for p in folder.glob(f"*.{ending}")} == drawn
    for image in folder.glob("*.png"):
        assert plt.imread(image)[..., :3].std() > 0.05  # there is something on it
    table = pd.read_csv(folder / "benefit.csv").set_index(["panel", "parametrisation", "budget", "width"])
    ds = load("xor_mixture", results)
    assert int((ds.status == STATUS["diverged"]).sum()) == 1
    expected = benefit(ds.sel(parametrisation="standard", budget=60.0)).sel(time=60.0)
    row = table.loc["a: by budget", "standard", 60.0]
    np.testing.assert_allclose(row.benefit, expected.benefit, rtol=1e-4)
    np.testing.assert_allclose(row.ci_low, expected.ci_low, rtol=1e-4)
    assert row.n.tolist() == [5, 6, 6]
    expected = benefit(ds.sel(parametrisation="standard", budget=40.0), "target_only").sel(time=40.0)
    orders = table.loc["b: by order"].set_index("treatment").loc["target_only"]
    np.testing.assert_allclose(orders.benefit, expected.benefit, rtol=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("painted")
def test_published_summary_gives_the_same_numbers_and_a_caption_beside_vector_graphics(folder, tmp_path):
    main(["xor_mixture", "--from", str(folder), "--out", str(tmp_path), "--format", "svg"])
    for name in ("accuracy", "benefit", "map"):
        for ending in ("csv", "txt"):
            one, two = ((place / f"{name}.{ending}").read_text() for place in (folder, tmp_path))
            assert one == two
    graphic = re.sub("<[^>]*>", " ", (tmp_path / "accuracy.svg").read_text())
    assert "test accuracy" in graphic
    assert "replicates" not in graphic
    caption = (tmp_path / "accuracy.txt").read_text()
    assert caption.endswith(
        "6 replicates; bands: 95 % intervals. Runs left out (diverged or out of steps): 0.\n"
    )
    caption = (tmp_path / "map.txt").read_text()
    assert "6 replicates. Runs" in caption


def test_the_lead_over_each_control_is_that_at_the_end(tmp_path):
    protocols = ("curriculum", *CONTROLS)
    cell = small.with_record(CELL, budget=40.0)
    study = Study(cell, ({"protocol": protocols, "width": (2, 4)},), 6, rows=6, name="xor_mixture")
    ds = stored(study, tmp_path, small.made_up)
    drawn = xor_mixture.order(xor_mixture.summarise(ds))
    assert isinstance(drawn.table, xr.Dataset)
    for control in CONTROLS:
        expected = benefit(ds, control=control).isel(time=-1)
        row = drawn.table.sel(control=control)
        np.testing.assert_allclose(row.order_benefit, expected.benefit, rtol=1e-5)
        np.testing.assert_allclose(row.order_ci_high, expected.ci_high, rtol=1e-5)
    _, labels = drawn.figure.axes[0].get_legend_handles_labels()
    assert labels == [
        "over no curriculum: order and end",
        "over no curriculum, then target: order alone, ends alike",
        "over target only: easy samples",
    ]
    with pytest.raises(Missing, match="needs --protocol curriculum,no_curriculum,no_curriculum_then_target"):
        xor_mixture.order(xor_mixture.summarise(ds.drop_sel(protocol=CONTROLS[1])))


def test_captions_count_runs_that_diverged_or_ran_out_of_steps_but_none_that_is_missing(results):
    from figures.parts.summary import left_out

    ds = load("xor_mixture", results).sel(parametrisation="standard", budget=60.0)
    status = ds.status.copy()
    status[0, 0, :4] = [STATUS[name] for name in ("max_steps", "diverged", "pending", "not_asked")]
    assert int(left_out(ds.assign(status=status)).sum()) == int((status == STATUS["diverged"]).sum()) + 1
    summary = xor_mixture.summarise(ds.assign(status=status))
    assert int(summary.left_out.sum()) == int((status == STATUS["diverged"]).sum()) + 1


@pytest.mark.usefixtures("unplaced")
@pytest.mark.slow
def test_a_study_with_one_budget_and_parametrisation_draws_too(results, tmp_path):
    ds = load("xor_mixture", results).sel(parametrisation="standard", budget=60.0)
    drawn = figures.draw(ds, tmp_path)
    assert {p.stem for p in drawn} == {"accuracy", "benefit", "map", "lottery"}
    summary = xr.load_dataset(tmp_path / "xor_mixture.nc", engine="h5netcdf")
    assert summary.benefit.sizes == {"treatment": 4, "parametrisation": 1, "budget": 1, "width": 3, "time": 4}


@pytest.mark.usefixtures("unplaced")
@pytest.mark.slow
def test_draw_takes_a_name_results_and_a_summary_and_refuses_anything_else(results, folder, tmp_path):
    by_data = figures.draw(load("xor_mixture", results), tmp_path / "data")
    summary = xr.load_dataset(tmp_path / "data" / "xor_mixture.nc", engine="h5netcdf")
    by_summary = figures.draw(summary, tmp_path / "summary", "pdf")
    assert len(by_data) == 5
    for one, two in zip(by_data, by_summary, strict=True):
        by_name = (folder / f"{one.stem}.csv").read_text()
        assert one.with_suffix(".csv").read_text() == two.with_suffix(".csv").read_text() == by_name
        assert two.suffix == ".pdf"
    with pytest.raises(ValueError, match="unknown format 'bmp'; known: png, pdf, svg"):
        figures.draw("xor_mixture", fmt="bmp")
    with pytest.raises(ValueError, match="not of a study"):
        figures.draw(xr.Dataset())
    with pytest.raises(AttributeError, match="it has draw"):
        figures.paint  # noqa: B018


@pytest.mark.usefixtures("unplaced")
@pytest.mark.slow
def test_an_export_beside_the_results_or_alone_is_taken_for_results(results, folder, tmp_path):
    file = tmp_path / "xor_mixture.nc"
    load("xor_mixture", results).to_netcdf(file, engine="h5netcdf")
    assert main(["xor_mixture", "--from", str(tmp_path)]) == 0
    assert main(["xor_mixture", "--from", str(file), "--out", str(tmp_path / "b")]) == 0
    for name in ("accuracy", "benefit"):
        places = (tmp_path / "xor_mixture" / "figures", tmp_path / "b", folder)
        assert len({(place / f"{name}.csv").read_text() for place in places}) == 1


def refused(capsys, *arguments: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main([*map(str, arguments)])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.count("\n") == 1
    return said


def test_places_that_cannot_be_read_or_written_are_refused_in_one_line(results, tmp_path, capsys):
    file = tmp_path / "notes.txt"
    file.write_text("none")
    assert f"{file} is a file; give a folder" in refused(
        capsys, "xor_mixture", "--from", results, "--out", file
    )
    assert f"{file} is not a netCDF file" in refused(capsys, "xor_mixture", "--from", file)
    said = refused(capsys, "none", "--from", results)
    assert "unknown figure 'none'; known: " in said
    assert " committee, " in said


@pytest.mark.usefixtures("unplaced")
@pytest.mark.parametrize(
    ("name", "there", "missing"),
    [
        ("xor_mixture", "curriculum", "no_curriculum"),
        ("sparse_teacher", "no_curriculum", "curriculum"),
        ("committee", "curriculum", "no_curriculum"),
        ("images_online", "no_curriculum", "curriculum"),
        ("images_ranking", "curriculum", "standard"),
        ("efficiency", "no_curriculum", "curriculum"),
        ("tickets_and_curricula", "curriculum", "no_curriculum"),
        ("tickets_and_curricula_images", "no_curriculum", "curriculum"),
    ],
)
def test_where_two_protocols_are_compared_one_is_drawn_as_curves(name, there, missing, tmp_path, capsys):
    pair = ",".join(sorted((there, missing)))
    study = get(name).changed({"protocol": there, "replicates": "2"})
    study = replace(study, grids=({axis: values[:1] for axis, values in study.grids[0].items()},))

    def flat(part):
        lead, shape = ("protocol", "replicate"), (1, part.rows)
        names = {
            "test_accuracy": ((*lead, "time"), np.ones((*shape, 2))),
            "status": (lead, np.zeros(shape, np.int8)),
        }
        coords = {"protocol": [there], "replicate": part.replicates, "time": [0.0, 1.0]}
        return xr.Dataset(names, coords, small.ATTRS)

    stored(study, tmp_path, flat)
    assert main([name, "--from", str(tmp_path)]) == 0
    said = capsys.readouterr().err.splitlines()
    assert f"but the study has no {missing}; run it with --protocol {pair}" in said[0]
    assert said[1:] == ["not drawn: benefit (no curriculum beside its control, or no test accuracy or loss)"]
    assert len(pd.read_csv(tmp_path / name / "figures" / "test_accuracy.csv")) == 2


DRAWN = {
    "sparse_teacher": {"accuracy", "benefit", "map", "perceptron"},
    "committee": {"loss_label_noise", "loss_distractors", "benefit", "tuned", "map"},
    "theory_vs_simulation": {"overlay", "gap"},
    "depth_and_width": {"benefit", "map", "controls", "rates", "accuracy"},
}


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["quick", "full"])
@pytest.mark.parametrize("name", DRAWN)
def test_both_presets_of_the_other_tasks_draw(name, preset, tmp_path, placed_once):
    """The figures of the quick one are among those of the full one, which are laid out."""
    if preset == "quick":
        placed_once()
    study = get(name, preset)
    # every block is a file to write and to read
    grids = tuple(
        {axis: values if axis == "protocol" else values[:3] for axis, values in grid.items()}
        for grid in study.grids
    )
    stored(replace(study, grids=grids, replicates=4, rows=4), tmp_path)
    assert main([name, "--from", str(tmp_path)]) == 0
    folder = tmp_path / name / "figures"
    drawn = DRAWN[name] - ({"tuned"} if preset == "quick" else set())
    assert {p.stem for p in folder.glob("*.png")} == {p.stem for p in folder.glob("*.csv")} == drawn


def test_error_avoided_is_the_control_minus_the_treatment(tmp_path):
    def compute(block):
        cell: Any = block.cell
        ds = small.at_random(block)
        ds["test_loss"] = 0.5 + 0 * ds.test_loss
        gain = 0.1 if cell.hard["noise"] else 0.2
        ds.test_loss.loc[{"protocol": "curriculum"}] -= gain * (ds.time > 0)
        return ds

    study = get("committee", "quick").changed({"width": "2,4"})
    summary = committee.summarise(stored(study, tmp_path, compute))
    end = summary.benefit.isel(time=-1, budget=0)
    np.testing.assert_allclose(end.sel(difficulty="label_noise"), 0.1, rtol=1e-6)
    np.testing.assert_allclose(end.sel(difficulty="distractors"), 0.2, rtol=1e-6)
    assert "label noise 0.5" in committee.loss("label_noise", summary).caption.splitlines()[0]


def test_every_study_of_the_catalogue_has_figures():
    from studies.catalogue import names as studies

    assert set(names()) <= set(studies())
