"""The studies on images: budgets, orders, tuning, resuming, refusals, figures."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import figures.images_ranking
from curricula import Ranking
from figures.__main__ import main as draw
from studies import images_online, images_ranking
from studies.address import describe
from studies.analysis import benefit, half_width, last
from studies.catalogue import get
from studies.image_data import Material, load_task
from studies.images_online import OnlineImages
from studies.images_ranking import RankedImages
from studies.run import run
from studies.store import Store, load
from studies.study import Block, Study
from teacher_student.training import epochs

ROOT = Path(__file__).parent.parent
ONLINE = OnlineImages(
    width=4, n_steps=20, record_every=10, n_examples=200, test_examples=100, n_rates=2, tuning_replicates=2,
    slowest_rate=0.01,
)  # fmt: skip
RANKED = RankedImages(
    width=4, n_steps=20, record_every=10, n_examples=300, n_rates=1, ranking="loss", ranking_epochs=1,
    batch_size=8, slowest_rate=0.1, a=0.5, b=0.1,
)  # fmt: skip
ONE: Any = images_online.PROTOCOLS
TWO: Any = images_ranking.PROTOCOLS
PROGRAM: Any = epochs.compiled


def block(cell, protocols=tuple(ONE), rows=3, room=2):
    return Block(cell, protocols, 0, rows, room)


def study(cell, protocols=tuple(ONE), widths=(3, 4), **grid):
    name = "images_online" if isinstance(cell, OnlineImages) else "images_ranking"
    return Study(name, "none", cell, ({**grid, "protocol": protocols, "width": widths},), 3, rows=3)


# orders


def test_every_protocol_shows_the_same_examples_once_in_its_own_order():
    material = ONLINE.material()
    orders = ONLINE.orders(material, tuple(ONE), np.random.default_rng(3)).reshape(3, -1)
    assert orders.shape == (3, 80)
    assert all(np.array_equal(np.sort(path), np.sort(orders[0])) for path in orders)
    assert len(set(orders[0])) == 80
    levels = material.difficulty[orders]
    assert (np.diff(levels[0]) >= 0).all()
    assert (np.diff(levels[1]) <= 0).all()
    easy = (levels < 16).mean(1)
    assert 0.1 < easy[0] < 0.5
    assert abs((levels[2][:40] < 16).mean() - (levels[2][40:] < 16).mean()) < 0.3
    other = ONLINE.orders(material, tuple(ONE), np.random.default_rng(4)).reshape(3, -1)
    assert not np.array_equal(np.sort(orders[0]), np.sort(other[0]))


def test_the_level_of_an_example_is_the_noise_beside_it():
    material = ONLINE.material()
    beside = np.asarray(material.bank.inputs)[:, :, 8:]
    measured = (beside**2).mean((1, 2, 3))
    np.testing.assert_allclose(np.log(measured), np.log(material.difficulty), atol=1.1)
    test = np.asarray(material.targets["test"].inputs)[:, :, 8:]
    assert abs((test**2).mean() / 16 - 1) < 0.05


def test_images_held_out_are_in_no_other_part():
    task = load_task(ONLINE)
    material = ONLINE.material()
    seen = np.asarray(material.bank.inputs)[:, :, :8]
    own = np.asarray(material.targets["validation"].inputs)[:, :, :8]

    def known(images):
        return {np.abs(image).round(4).tobytes() for image in images}

    assert not known(seen) & known(own)
    assert known(seen) | known(own) <= known(task.train.inputs)
    assert known(np.asarray(material.targets["test"].inputs)[:, :, :8]) <= known(task.test.inputs)


@pytest.mark.usefixtures("quick_compilation")
def test_pools_grow_along_the_ranking():
    material = RANKED.material()
    orders = RANKED.orders(material, tuple(TWO), np.random.default_rng(0))
    assert orders.shape == (4, 20, 8)
    labels, scores = np.asarray(material.bank.labels), material.difficulty
    within = np.array([np.sum((labels == y) & (scores < x)) for x, y in zip(scores, labels, strict=True)])
    size = np.bincount(labels)[labels]
    first = dict(zip(TWO, orders[:, :3].reshape(4, -1), strict=True))
    assert within[first["curriculum"]].max() < 6
    assert (size - within)[first["anti_curriculum"]].max() < 6
    assert len(np.unique(first["random"])) == 24
    assert np.ptp(within[first["random"]]) > 15
    assert len(np.unique(orders[2, :3])) <= 30 < 100 < len(np.unique(orders[2]))
    assert len(np.unique(orders[3])) == 160
    plain = replace(RANKED, balanced=False).orders(material, ("curriculum",), np.random.default_rng(0))
    assert set(plain[0, :3].ravel()) <= set(np.argsort(scores, kind="stable")[:30])


@pytest.mark.usefixtures("quick_compilation")
def test_wrong_labels_are_as_many_as_asked_and_only_for_training():
    clean, wrong = (replace(RANKED, label_noise=x, n_examples=0).material() for x in (0.0, 0.4))
    share = (np.asarray(clean.bank.labels) != np.asarray(wrong.bank.labels)).mean()
    assert abs(share - 0.4) < 0.05
    for name in ("validation", "test"):
        np.testing.assert_array_equal(clean.targets[name].labels, wrong.targets[name].labels)
    assert np.asarray(wrong.difficulty)[np.asarray(clean.bank.labels) != wrong.bank.labels].mean() > np.mean(
        wrong.difficulty
    )


def test_a_published_ranking_is_read_for_the_images_in_use(tmp_path):
    scores = np.arange(1438.0)
    Ranking(scores, "made up").save(tmp_path / "a.npz")
    Ranking(scores[::-1], "made up").save(tmp_path / "b.npz")
    cells = [replace(RANKED, ranking="published", ranking_file=str(tmp_path / f"{n}.npz")) for n in "ab"]
    one, two = (cell.material().difficulty for cell in cells)
    assert one.shape == (300,)
    assert (np.diff(one) > 0).all()
    np.testing.assert_array_equal(one, 1437 - two)
    addresses = [block(cell, tuple(TWO)).address for cell in cells]
    assert addresses[0] != addresses[1]
    moved = tmp_path / "elsewhere.npz"
    moved.write_bytes((tmp_path / "a.npz").read_bytes())
    assert block(replace(cells[0], ranking_file=str(moved)), tuple(TWO)).address == addresses[0]


def test_addresses_are_pinned():
    """A change here orphans every stored result: it must be meant."""
    pair = ("curriculum", "no_curriculum")
    assert block(OnlineImages(), pair, rows=4).address == "15da2db7cb1c7a25f4a1"
    assert block(RankedImages(), ("curriculum", "standard"), rows=4).address == "4ba5f079226d220f959b"
    assert block(OnlineImages()).address == block(OnlineImages(data_dir="anywhere")).address
    assert block(OnlineImages(), room=8).address == block(OnlineImages()).address


@pytest.mark.parametrize(
    "line",
    [
        ["images_online", "--preset", "full", "--data_set", "cifar10"],
        ["lottery_tickets", "--preset", "full", "--images", "mnist"],
    ],
)
def test_data_that_are_nowhere_to_be_found_are_said_in_one_line(line, tmp_path, monkeypatch, capsys):
    import pooch

    from studies.__main__ import main

    def offline(*args, **kwargs):
        raise ConnectionError("no network")

    monkeypatch.setenv("TILTING_ODDS_DATA", str(tmp_path))
    monkeypatch.setattr(pooch, "retrieve", offline)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / name)
    with pytest.raises(SystemExit) as stop:
        main(["run", *line, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert "cannot be downloaded" in said
    assert said.count("\n") == 1


def test_a_download_that_fails_is_said_in_one_line(tmp_path):
    """With pooch itself, in a process of its own: it announces every attempt on the standard error."""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    empty = {"TILTING_ODDS_DATA": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "no_proxy": ""}
    command = [*CALL, "run", "images_online", "--data_set", "cifar10", "--out", tmp_path / "out"]
    result = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | nowhere | empty
    )
    assert result.returncode == 2
    assert result.stderr.startswith("error: cifar10 is not in")
    assert "cannot be downloaded" in result.stderr
    assert result.stderr.count("\n") == 1


# tuning


def test_the_rate_of_each_arm_is_the_best_of_its_sweep_and_the_test_set_plays_no_part(monkeypatch):
    cell = replace(ONLINE, slowest_rate=0.004, n_rates=6, n_steps=40, record_every=20)
    found = cell.compute(block(cell))
    sweep = found.sweep_accuracy.isel(replicate=0).values
    assert sweep.shape == (3, 6)
    np.testing.assert_allclose(
        found.learning_rate.isel(replicate=0), found.rate.values[sweep.argmax(1)], rtol=1e-6
    )
    material = cell.material()
    test = material.targets["test"]
    swapped = material.targets | {"test": test._replace(labels=1 - test.labels)}
    monkeypatch.setattr(OnlineImages, "material", lambda self: material._replace(targets=swapped))
    again = cell.compute(block(cell))
    np.testing.assert_array_equal(again.learning_rate, found.learning_rate)
    np.testing.assert_array_equal(again.sweep_accuracy, found.sweep_accuracy)
    np.testing.assert_allclose(again.test_accuracy, 1 - found.test_accuracy, atol=1e-6)


def test_a_rate_at_which_a_run_diverges_is_not_taken():
    cell = replace(ONLINE, slowest_rate=0.02, n_rates=12, n_steps=40, record_every=40)
    found = cell.compute(block(cell, room=1))
    sweep = found.sweep_accuracy.isel(replicate=0)
    assert sweep.isnull().any("rate").all()
    assert found.learning_rate.max() < found.rate[-1]


def test_without_a_sweep_the_rate_is_the_one_given_and_failures_are_marked():
    cell = replace(ONLINE, n_rates=1, slowest_rate=1e4, n_steps=40)
    found = cell.compute(block(cell, room=4))
    assert (found.learning_rate == np.float32(1e4)).all()
    assert (found.status == 1).all()


def test_arms_that_are_the_same_get_the_same_numbers():
    """All examples at one level: easiest first, ties in the order they came, is no curriculum."""
    cell = replace(ONLINE, easy_fraction=0.0)
    found = cell.compute(block(cell))
    np.testing.assert_array_equal(
        found.test_accuracy.sel(protocol="curriculum"), found.test_accuracy.sel(protocol="no_curriculum")
    )
    np.testing.assert_array_equal(*(found.learning_rate.values[i] for i in (0, 2)))


# the engine


def test_one_program_per_width_serves_budgets_rates_and_sweep():
    PROGRAM.clear_cache()
    for part in study(ONLINE, n_steps=(20, 40)).blocks():
        part.cell.compute(part)
    assert PROGRAM._cache_size() == 2


def test_a_shorter_budget_in_the_same_room_is_the_same_run():
    alone, roomy = (ONLINE.compute(block(ONLINE, room=room)) for room in (2, 5))
    assert alone.sizes["time"] == 3
    for name in ("test_accuracy", "test_loss", "validation_accuracy", "sweep_accuracy"):
        np.testing.assert_array_equal(alone[name], roomy[name])


def test_a_small_study_runs_loads_and_repeats(tmp_path):
    question = study(ONLINE)
    assert run(question, str(tmp_path)) == 0
    ds = load("images_online", tmp_path)
    assert ds.test_accuracy.dims == ("protocol", "width", "replicate", "time")
    np.testing.assert_allclose(ds.time, np.array([0, 40, 80]) / 128)
    assert (ds.status == 0).all()
    assert (
        ds.test_accuracy.isel(time=0)
        .sel(protocol="curriculum")
        .equals(
            ds.test_accuracy.isel(time=0).sel(protocol="no_curriculum").assign_coords(protocol="curriculum")
        )
    )
    again = question.blocks()[1].cell.compute(question.blocks()[1])
    np.testing.assert_array_equal(again.test_accuracy, ds.test_accuracy.sel(width=4))


@pytest.mark.usefixtures("quick_compilation")
def test_a_convolutional_student_in_another_parametrisation_runs():
    fields = {"student": "cnn", "width": 2, "parametrisation": "mean_field", "optimiser": "adam"}
    cell = replace(RANKED, **fields, schedule="cosine", slowest_rate=0.01)
    found = cell.compute(block(cell, tuple(TWO)))
    assert found.test_accuracy.shape == (4, 3, 3)
    assert np.isfinite(found.test_loss).all()
    assert (found.test_loss.isel(time=-1) != found.test_loss.isel(time=0)).all()


CALL = [sys.executable, "-m", "studies"]
SMALL = {
    "width": "3,4", "n_steps": "20", "record_every": "10", "n_examples": "200", "n_rates": "2",
    "test_examples": "100", "tuning_replicates": "2", "replicates": "3", "rows": "3",
}  # fmt: skip
TINY = [word for name, value in SMALL.items() for word in (f"--{name}", value)]


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    command = [*CALL, "run", "images_online", "--out", str(tmp_path / "parts"), *TINY]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    blocks, until = tmp_path / "parts" / "images_online" / "blocks", time.monotonic() + 300
    while process.poll() is None and time.monotonic() < until and not list(blocks.glob("*.nc")):
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    question = get("images_online").changed(SMALL)
    before = {path: path.stat().st_mtime_ns for path in blocks.glob("*.nc")}
    assert 1 <= len(before) <= 2
    assert run(question, str(tmp_path / "parts")) == 0
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert run(question, str(tmp_path / "whole")) == 0
    xr.testing.assert_equal(
        load("images_online", tmp_path / "whole"), load("images_online", tmp_path / "parts")
    )


# refusals


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"data_set": "svhn"}, "unknown data set 'svhn'; known: "),
        ({"data_set": "/no/such.npz"}, "no such file: /no/such.npz"),
        ({"relabelling": "xor"}, "unknown relabelling 'xor'; known: class_group_xor"),
        ({"relabelling": "parity", "pair": "1-2"}, "has no pair"),
        ({"pair": "3"}, "need two classes, as 0-4"),
        ({"pair": "3-3"}, "two different classes"),
        ({"student": "resnet"}, "unknown student"),
        ({"width": 0}, "width is 0"),
        ({"parametrisation": "mup"}, "unknown parametrisation"),
        ({"optimiser": "rmsprop"}, "unknown optimiser"),
        ({"schedule": "step"}, "unknown learning rate schedule"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"n_steps": 15}, "not a multiple of record_every"),
        ({"slowest_rate": 0.0}, "slowest_rate is 0.0"),
        ({"slowest_rate": 1e-300}, "slowest_rate is 1e-300; need 1e-12 <="),
        ({"slowest_rate": float("inf")}, "slowest_rate is inf"),
        ({"n_rates": 0}, "n_rates is 0"),
        ({"n_rates": 200}, "n_rates is 200"),
        ({"student": "cnn", "side": 3}, "side is 3; need 4 <= side"),
        ({"seed": 2**32}, "seed is 4294967296"),
        ({"pair": "²-4"}, "need two classes, as 0-4"),
        ({"validation": 1.0}, "validation is 1.0"),
        ({"seed": -1}, "seed is -1"),
        ({"protocol": "anti-curr"}, "unknown protocol 'anti-curr'; known: anti_curriculum, curriculum"),
        ({"corruption": "blur"}, "unknown corruption"),
        ({"easy": 20.0}, "hard is 16.0"),
        ({"easy": -1.0}, "level is -1.0"),
        ({"easy_fraction": 1.5}, "easy_fraction is 1.5"),
        ({"n_examples": 10}, "n_examples is 10"),
    ],
)
def test_bad_online_cells_are_refused(fields, message):
    with pytest.raises(ValueError, match=message) as error:
        Study("images_online", "none", replace(ONLINE, **fields), ({},), 1)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"protocol": "no_curriculum"}, "unknown protocol"),
        ({"ranking": "hardness"}, "unknown ranking 'hardness'; known: aum"),
        ({"ranking": "published"}, "needs the file"),
        ({"ranking": "published", "ranking_file": "/none"}, "no such file"),
        ({"pacing": "cubic"}, "unknown pacing"),
        ({"a": 0.0}, "a is 0.0"),
        ({"b": 2.0}, "b is 2.0"),
        ({"label_noise": 1.0}, "label_noise is 1.0"),
        ({"label_noise": 0.6, "relabelling": "parity"}, "level is 0.6; need 0 <= level <= 0.5"),
        ({"n_examples": 20, "batch_size": 32}, "n_examples is 20; need 32 <= n_examples"),
    ],
)
def test_bad_ranked_cells_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Study("images_ranking", "none", replace(RANKED, **fields), ({},), 1)


def test_data_that_do_not_fit_are_one_line_at_run_time(tmp_path):
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"no archive")
    command = [*CALL, "run", "images_online", "--out", tmp_path, *TINY, "--data_set", bad]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    many = replace(RANKED, n_examples=2000)
    with pytest.raises(OSError, match="n_examples is 2000"):
        many.compute(block(many, tuple(TWO)))
    large = replace(RANKED, n_examples=0, batch_size=1152, ranking="not looked at")
    with pytest.raises(OSError, match="batch_size is 1152, but digits has 1151 images left for training"):
        large.compute(block(large, tuple(TWO)))
    for fields in ({"test_examples": 10**12}, {"n_examples": 10**12}):
        huge = replace(ONLINE, **fields)
        with pytest.raises(OSError, match="is 1000000000000, which needs .* GiB; this host has"):
            huge.compute(block(huge))
    rng, odd = np.random.default_rng(0), tmp_path / "odd.npz"
    images = {
        f"{split}_inputs": rng.integers(0, 255, (6, 8, 6), dtype=np.uint8) for split in ("train", "test")
    }
    arrays: dict[str, Any] = images | {"train_labels": [0, 4] * 3, "test_labels": [0, 4] * 3}
    np.savez(odd, **arrays)
    awkward = replace(ONLINE, data_set=str(odd), side=3)
    with pytest.raises(OSError, match="cannot be averaged to 3 a side"):
        awkward.compute(block(awkward))
    arrays |= {name: pixels[:, :2, :2] for name, pixels in images.items()}
    np.savez(odd, **arrays)
    tiny = replace(ONLINE, data_set=str(odd), student="cnn")
    with pytest.raises(OSError, match="images are 2 x 4 pixels; a CNN needs at least 4 x 4"):
        tiny.compute(block(tiny))


# analysis and figures


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
    rng = np.random.default_rng([cell.width, cell.n_steps])
    shape = (len(part.protocols), part.rows, cell.n_records + 1)
    gain = np.linspace(0.2, 0, shape[0])[:, None, None] / cell.width * np.linspace(0, 1, shape[2])
    values = 0.6 + gain + 0.01 * rng.normal(size=(1, part.rows, 1)) + 0.001 * rng.normal(size=shape)
    status = np.zeros(shape[:2], np.int8)
    status[0, 0] = cell.width == 2
    lead = ("protocol", "replicate")
    return xr.Dataset(
        {
            "test_accuracy": ((*lead, "time"), values),
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
    question = Study(name, "none", cell, grids, 6, rows=6)
    store = Store(out, name)
    store.prepare()
    store.describe(question.entry())
    for part in question.blocks():
        store.write(part.address, made_up(part))
    return load(name, out)


def test_figures_of_the_single_pass_and_their_numbers(tmp_path):
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
    assert {"digits, 10 steps", "xor mixture, one rate for both arms"} <= set(curves.curve)
    assert (
        draw(["images_online", "--from", str(folder), "--out", str(tmp_path / "b"), "--format", "svg"]) == 0
    )
    text = re.sub(r"<[^>]*>", " ", (tmp_path / "b" / "accuracy.svg").read_text())
    assert "Diverged runs left out: 4" in " ".join(text.split())


def test_figures_of_the_rankings(tmp_path):
    Ranking(np.arange(1438.0), "made up").save(tmp_path / "scores.npz")
    cell = replace(RANKED, ranking_file=str(tmp_path / "scores.npz"), label_noise=0.4, ranking="el2n")
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
    stored(tmp_path / "one", "images_ranking", RANKED, (common,))
    assert draw(["images_ranking", "--from", str(tmp_path / "one")]) == 0


def test_captions_say_how_often_images_are_shown_and_how_rates_were_chosen():
    folder = ROOT / "figures" / "data"
    ranking = xr.load_dataset(folder / "images_ranking.nc", engine="h5netcdf")
    text = figures.images_ranking.caption(ranking)
    assert text.startswith(
        "10000 training images (labels: classes), 250 or 1000 steps of 32 (0.8 or 3.2 epochs)"
    )
    assert "the best of 8 (a factor of 2 apart) on a validation split over 8 other runs" in text
    cell = replace(RANKED, n_examples=0)
    some = ranking.assign_attrs(description=json.dumps({"cell": describe(cell)}))
    text = figures.images_ranking.caption(some)
    assert text.startswith("All training images (labels: classes), 250 or 1000 steps of 8, ordered")
    assert "sgd, batch 8; learning rate 0.1. 32 replicates" in text


def test_colour_images_of_32_pixels_are_averaged_to_16(tmp_path):
    """The shape of CIFAR-10."""
    rng, file = np.random.default_rng(0), tmp_path / "colour.npz"
    images = {
        f"{split}_inputs": rng.integers(0, 255, (40, 32, 32, 3), dtype=np.uint8)
        for split in ("train", "test")
    }
    arrays: dict[str, Any] = images | {"train_labels": [0, 4] * 20, "test_labels": [0, 4] * 20}
    np.savez(file, **arrays)
    cell = replace(ONLINE, data_set=str(file), n_rates=1)
    assert cell.material().n_inputs == 16 * 32 * 3
    assert np.isfinite(cell.compute(block(cell)).test_loss).all()


def test_material_counts_its_inputs():
    assert ONLINE.material().n_inputs == 128
    assert isinstance(RANKED.material(), Material)
