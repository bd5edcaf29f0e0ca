"""Figures of the studies on images, their numbers and captions."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small
import xarray as xr
from image_cells import FADING, ONE, ONLINE, RANKED, ROOT, TWO

import figures.images_online
import figures.images_ranking
from curricula import Ranking
from figures.__main__ import main as draw
from figures.parts.fading_summary import COMPARED
from figures.parts.write import said
from studies.address import describe
from studies.analysis import benefit, half_width, last
from studies.cell import Block
from studies.cells.images.fading import PROTOCOLS
from studies.study import Study


def test_half_width():
    def of(values, widths=(2, 4, 8, 16)):
        return float(half_width(xr.DataArray(list(values), {"width": list(widths)})))

    assert of([0.1, 0.2, 0.1, 0.0]) == pytest.approx(8)
    assert of([0.2, np.nan, 0.1, 0.0]) == pytest.approx(8)
    assert of([0.01, 0.2, 0.15, 0.11]) == np.inf
    assert np.isnan(of([-0.1, -0.2, np.nan, 0.0]))
    assert of([0.0, 0.1, 0.15, 0.2], (16, 8, 4, 2)) == pytest.approx(8)


def made_up(part: Block) -> xr.Dataset:
    """A plausible block without training; replicate 0 of the narrowest width has diverged."""
    cell: Any = part.cell
    rate = round(1000 * getattr(cell, "shared_rate", 0))
    rng = np.random.default_rng([cell.width, cell.n_steps, cell.depth, rate])
    shape = (len(part.protocols), part.rows, cell.n_records + 1)
    gain = np.linspace(0.2, 0, shape[0])[:, None, None] / cell.width * np.linspace(0, 1, shape[2])
    values = 0.6 + gain + 0.01 * rng.normal(size=(1, part.rows, 1)) + 0.001 * rng.normal(size=shape)
    status = np.zeros(shape[:2], np.int8)
    status[0, 0] = cell.width == 2
    lead = ("protocol", "replicate")
    return xr.Dataset(
        {
            "test_accuracy": ((*lead, "time"), values),
            "test_loss": ((*lead, "time"), 2 - values),
            "learning_rate": (lead, np.full(shape[:2], 0.02 if cell.width > 2 else 0.01)),
            "sweep_accuracy": ((*lead, "rate"), np.zeros((*shape[:2], 3))),
            "status": (lead, status),
        },
        coords={
            "protocol": list(part.protocols), "replicate": part.replicates,
            "time": np.arange(cell.n_records + 1) * cell.record_every, "rate": [0.01, 0.02, 0.04],
        },
        attrs=dict.fromkeys(("method", "device", "versions", "date"), "") | {"seconds": 1, "run_steps": 1},
    )  # fmt: skip


def stored(out: Path, name: str, cell: Any, grids: tuple) -> xr.Dataset:
    return small.stored(Study(cell, grids, 6, rows=6, name=name), out, made_up)


def test_order_on_images_is_the_lead_over_a_control_that_ends_alike(tmp_path):
    """Replicate 0 of the narrowest width has diverged, and does not count."""
    arms = ("curriculum", "no_curriculum", "no_curriculum_then_target")
    grid = {"data_set": ("digits", "mnist"), "n_steps": (20,), "protocol": arms, "width": (2, 4)}
    ds = stored(tmp_path, "images_online", ONLINE, (grid,))
    summary = figures.images_online.summarise(ds)
    order = summary.order_benefit.sel(data_set="mnist", n_steps=20, control="no_curriculum_then_target")
    ends = ds.test_accuracy.where(ds.status == 0).isel(time=-1).sel(data_set="mnist")
    lead = ends.sel(protocol="curriculum") - ends.sel(protocol="no_curriculum_then_target")
    np.testing.assert_allclose(order, lead.mean("replicate"), rtol=1e-5)
    assert abs(float(order[0]) - float(summary.order_benefit.sel(control="no_curriculum")[0, 0, 0])) > 0.01
    table = figures.images_online.order(summary).table
    assert isinstance(table, xr.Dataset)
    assert table.order_n.sel(control="no_curriculum_then_target", data_set="mnist").values.tolist() == [5, 6]


@pytest.mark.slow
def test_figures_of_the_single_pass_and_their_numbers(tmp_path, placed_once):
    grid = {
        "data_set": ("digits", "mnist"),
        "n_steps": (10, 20),
        "protocol": tuple(ONE),
        "width": (2, 4, 8, 16),
    }
    ds = stored(tmp_path, "images_online", ONLINE, (grid,))
    assert draw(["images_online", "--from", str(tmp_path)]) == 0
    folder = tmp_path / "images_online" / "figures"
    assert {p.stem for p in folder.glob("*.png")} == {"benefit", "accuracy", "collapse", "rates"}
    row = pd.read_csv(folder / "benefit.csv").set_index(["data_set", "n_steps", "width"]).loc["mnist", 20]
    part = ds.sel(data_set="mnist", n_steps=20)
    ends = part[["status"]].assign(test_accuracy=last(part.test_accuracy).expand_dims(time=[0.0], axis=-1))
    expected = benefit(ends).isel(time=0)
    np.testing.assert_allclose(row.benefit, expected.benefit, rtol=1e-4)
    np.testing.assert_allclose(row.ci_high, expected.ci_high, rtol=1e-4)
    assert row.n.tolist() == [5, 6, 6, 6]
    curves = pd.read_csv(folder / "collapse.csv")
    assert {"digits, 10 steps", "XOR mixture, one rate for both arms"} <= set(curves.curve)
    placed_once()
    assert (
        draw(["images_online", "--from", str(folder), "--out", str(tmp_path / "b"), "--format", "svg"]) == 0
    )
    text = (tmp_path / "b" / "accuracy.txt").read_text()
    assert text.endswith("Runs left out (diverged or out of steps): 4.\n")


@pytest.mark.slow
def test_figures_of_the_rankings(tmp_path, placed_once):
    Ranking(np.arange(1438.0), "made up").save(tmp_path / "{scores}.npz")
    cell = replace(RANKED, ranking_file=str(tmp_path / "{scores}.npz"), label_noise=0.4, ranking="el2n")
    common = {"protocol": tuple(TWO), "width": (2, 4, 8)}
    grids = (
        {"label_noise": (0.0, 0.4), "n_steps": (10, 20), "ranking": ("el2n", "published"), **common},
        {"pacing": ("linear", "root", "step"), **common},
    )
    stored(tmp_path, "images_ranking", cell, grids)
    assert draw(["images_ranking", "--from", str(tmp_path)]) == 0
    folder = tmp_path / "images_ranking" / "figures"
    names = {"benefit", "accuracy", "rates", "pacings", "rankings"}
    assert {p.stem for p in folder.glob("*.png")} == names
    for name in names:
        assert str(tmp_path) not in (folder / f"{name}.csv").read_text()
    summary = xr.load_dataset(folder / "images_ranking.nc", engine="h5netcdf")
    assert str(tmp_path) not in str(summary.attrs)
    checksum = hashlib.sha256((tmp_path / "{scores}.npz").read_bytes()).hexdigest()
    assert f"EL2N or a published score ({{scores}}.npz, SHA-256 {checksum[:8]})" in " ".join(
        (folder / "benefit.txt").read_text().split()
    )
    placed_once()
    stored(tmp_path / "one", "images_ranking", RANKED, (common,))
    assert draw(["images_ranking", "--from", str(tmp_path / "one")]) == 0


@pytest.mark.slow
def test_figures_of_the_fading_images_beside_the_paper(tmp_path):
    """Gains by hand, at one rate and at own ones; distance to the paper; rise and fall; the rates chosen."""
    cell = replace(FADING, data_set="fashion_mnist")
    shared = {"shared_rate": (0.05,), "depth": (1, 3), "protocol": PROTOCOLS, "width": (25, 100, 800)}
    swept = {**shared, "shared_rate": (0.1, 0.2), "protocol": PROTOCOLS[:2], "width": (25, 100)}
    ds = stored(tmp_path, "images_depth", cell, (shared, swept))
    assert draw(["images_depth", "--from", str(tmp_path)]) == 0
    folder = tmp_path / "images_depth" / "figures"
    assert {p.stem for p in folder.glob("*.png")} == {"benefit", "fall", "recency", "accuracy", "rates"}
    table = pd.read_csv(folder / "recency.csv").set_index(["comparison", "depth", "width"])
    ends = ds.test_accuracy.sel(depth=3, width=100).isel(time=-1)
    end = ends.sel(shared_rate=0.05)
    for name, pair in COMPARED.items():
        gain = float((end.sel(protocol=pair[0]) - end.sel(protocol=pair[1])).mean())
        assert table.accuracy_benefit[name, 3, 100] == pytest.approx(gain, rel=1e-4)
        assert table.loss_benefit[name, 3, 100] == pytest.approx(gain, rel=1e-4)
    drawn = pd.read_csv(folder / "benefit.csv")
    paper = drawn[drawn.panel == "paper, 3 hidden layers"].set_index("width")
    assert paper.paper[800] == pytest.approx(0.0268)
    assert paper.paper_ci_high[25] == pytest.approx(0.0346 + 0.0035)
    ours = drawn[drawn.panel == "ours"].set_index(["rates", "depth", "width"])
    best = [ends.isel(replicate=slice(half, None, 2)).mean("replicate") for half in (0, 1)]
    judged = [best[1 - half].isel(shared_rate=best[half].argmax("shared_rate")) for half in (0, 1)]
    arms = [float((judged[0] + judged[1]).sel(protocol=name)) / 2 for name in PROTOCOLS[:2]]
    own = ours.accuracy_benefit["own rates", 3, 100]
    assert own == pytest.approx(arms[0] - arms[1], rel=1e-4)
    assert own != pytest.approx(ours.accuracy_benefit["one rate", 3, 100], rel=1e-2)
    known = {(1, 25): 3.90, (1, 100): 4.97, (3, 25): 3.46, (3, 100): 5.29}
    off = [100 * ours.accuracy_benefit["own rates", *at] - points for at, points in known.items()]
    text = (folder / "benefit.txt").read_text()
    assert f"each arm at its own best rate: {np.sqrt(np.mean(np.square(off))):.1f} points over 4" in text
    assert "one rate, 0.05: " in text
    assert "pixels from 0 to 1" in text
    shape = pd.read_csv(folder / "fall.csv").set_index(["panel", "depth"]).loc["paper"]
    assert shape.accuracy_fall[3] == pytest.approx(0.0261)
    assert shape.accuracy_steeper[3] == pytest.approx(0.0261 - 0.0029)
    assert shape.accuracy_rise[3] == pytest.approx(0.0183)
    words = " ".join((folder / "fall.txt").read_text().split())
    assert "one rate, 0.05: K = 25 to 800; each arm at its own best rate: K = 25 to 100." in words
    rates = pd.read_csv(folder / "rates.csv").set_index(["depth", "protocol", "width"])
    chosen = float(ends.sel(protocol="ramp").mean("replicate").idxmax("shared_rate"))
    assert rates.learning_rate[3, "ramp", 100] == pytest.approx(chosen)
    assert rates.edge[3, "ramp", 100] == (chosen != 0.1)


@pytest.mark.parametrize(("data_set", "compared"), [("cifar10", True), ("digits", False)])
def test_figures_of_the_filters_stand_beside_the_paper_on_its_images_only(data_set, compared, tmp_path):
    cell = replace(FADING, data_set=data_set, student="cnn_patches", corruption="shrunk", hard={"noise": 0.4})
    grid = {"shared_rate": (0.05,), "protocol": PROTOCOLS[:2], "width": (8, 64)}
    stored(tmp_path, "images_filters", cell, (grid,))
    assert draw(["images_filters", "--from", str(tmp_path)]) == 0
    folder = tmp_path / "images_filters" / "figures"
    assert {p.stem for p in folder.glob("*.png")} == {"benefit", "recency", "accuracy"}
    numbers = pd.read_csv(folder / "benefit.csv")
    assert ("paper" in numbers) == compared
    if compared:
        assert numbers.dropna(subset=["paper"]).paper.tolist() == pytest.approx([0.02, 0.034, 0.006, 0.001])
        accuracy = pd.read_csv(folder / "accuracy.csv")
        assert accuracy[accuracy.panel == "paper, shuffled_ramp"].paper.tolist() == [0.34, 0.35, 0.39, 0.407]
    assert ("Open markers" in (folder / "benefit.txt").read_text()) == compared


def test_captions_say_how_often_images_are_shown_and_how_rates_were_chosen():
    folder = ROOT / "figures" / "data"
    ranking = xr.load_dataset(folder / "images_ranking.nc", engine="h5netcdf")
    text = said(figures.images_ranking.caption(ranking), ranking)
    assert text.startswith(
        "10000 training images (labels: classes), 250 or 1000 steps of 32 (0.8 or 3.2 epochs)"
    )
    assert "the best of 8 (a factor of 2 apart) on a validation split over 8 other runs" in text
    cell = replace(RANKED, n_examples=0)
    some = ranking.assign_attrs(description=json.dumps({"cell": describe(cell)}))
    text = said(figures.images_ranking.caption(some), some)
    assert text.startswith("All training images (labels: classes), 250 or 1000 steps of 8, ordered")
    assert "SGD, batch 8; learning rate 0.1. Intervals" in text
