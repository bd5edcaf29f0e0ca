"""The studies on images: budgets, orders, tuning, resuming."""

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from image_cells import ONE, ONLINE, RANKED, SMALL, TINY, TWO, block, study
from processes import PATIENCE, simulate

from curricula import Ranking
from studies.catalogue import get
from studies.cells.images.data import Material
from studies.cells.images.online import OnlineImages
from studies.cells.images.ranking import RankedImages
from studies.engine.run import run
from studies.store import load
from teacher_student.training import epochs

pytestmark = pytest.mark.usefixtures("quick_module")

PROGRAM: Any = epochs.compiled


# orders


def test_every_protocol_shows_the_same_examples_once_in_its_own_order():
    material = ONLINE.material()
    orders = ONLINE.orders(material, tuple(ONE), np.random.default_rng(3)).reshape(3, -1)
    assert orders.shape == (3, 160)
    assert all(np.array_equal(np.sort(path), np.sort(orders[0])) for path in orders)
    assert len(set(orders[0])) == 160
    levels = material.difficulty[orders]
    assert (np.diff(levels[0]) >= 0).all()
    assert (np.diff(levels[1]) <= 0).all()
    easy = (levels < 16).mean(1)
    assert 0.1 < easy[0] < 0.5
    assert abs((levels[2][:80] < 16).mean() - (levels[2][80:] < 16).mean()) < 0.3
    other = ONLINE.orders(material, tuple(ONE), np.random.default_rng(4)).reshape(3, -1)
    assert not np.array_equal(np.sort(orders[0]), np.sort(other[0]))


def test_one_arm_ends_as_the_curriculum_does_and_one_is_hard_all_along():
    """Same examples as the curriculum, and its last 15 % hard; the same images, each with its own noise."""
    material = ONLINE.material()
    names = ("curriculum", "no_curriculum", "no_curriculum_then_target", "target_only")
    paths = ONLINE.orders(material, names, np.random.default_rng(3)).reshape(4, -1)
    ramp, shuffled, ended, hard = material.difficulty[paths]
    np.testing.assert_array_equal(np.sort(paths[2]), np.sort(paths[0]))
    assert (ramp[-24:] == 16).all()
    assert (ended[-24:] == 16).all()
    assert not (shuffled[-24:] == 16).all()
    early = paths[2][:-24]
    np.testing.assert_array_equal(early, [i for i in paths[1] if i in set(early)])
    assert (ended[:68] < 16).any()
    assert (ended[68:136] < 16).any()
    assert (hard == 16).all()
    images, beside = (np.asarray(material.bank.inputs)[:, :, part] for part in (slice(8), slice(8, None)))
    np.testing.assert_array_equal(images[paths[3]], images[paths[1]])
    np.testing.assert_array_equal(material.bank.labels[paths[3]], material.bank.labels[paths[1]])
    scale = np.sqrt(16 / shuffled)[:, None, None, None]
    np.testing.assert_allclose(beside[paths[3]], scale * beside[paths[1]], rtol=1e-4)


def test_the_level_of_an_example_is_the_noise_beside_it():
    material = ONLINE.material()
    beside = np.asarray(material.bank.inputs)[:, :, 8:]
    measured = (beside**2).mean((1, 2, 3))
    np.testing.assert_allclose(np.log(measured), np.log(material.difficulty), atol=1.1)
    test = np.asarray(material.targets["test"].inputs)[:, :, 8:]
    assert abs((test**2).mean() / 16 - 1) < 0.05


def test_images_held_out_are_in_no_other_part():
    task = ONLINE.task()
    material = ONLINE.material()
    seen = np.asarray(material.bank.inputs)[:, :, :8]
    own = np.asarray(material.targets["validation"].inputs)[:, :, :8]

    def known(images):
        return {np.abs(image).round(4).tobytes() for image in images}

    assert not known(seen) & known(own)
    assert known(seen) | known(own) <= known(task.train.inputs)
    assert known(np.asarray(material.targets["test"].inputs)[:, :, :8]) <= known(task.test.inputs)


@pytest.mark.slow
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


@pytest.mark.slow
def test_wrong_labels_are_as_many_as_asked_and_only_for_training():
    pairs = [[replace(RANKED, label_noise=x, seed=seed).material() for x in (0.0, 0.4)] for seed in range(5)]
    changed = [np.asarray(clean.bank.labels) != np.asarray(wrong.bank.labels) for clean, wrong in pairs]
    assert abs(np.mean(changed) - 0.4) < 0.04
    for (clean, wrong), other in zip(pairs, changed, strict=True):
        for name in ("validation", "test"):
            np.testing.assert_array_equal(clean.targets[name].labels, wrong.targets[name].labels)
        assert np.asarray(wrong.difficulty)[other].mean() > np.mean(wrong.difficulty)


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
    assert block(OnlineImages(), room=9).address == block(OnlineImages()).address


# tuning


@pytest.mark.slow
def test_the_rate_of_each_arm_is_the_best_of_its_sweep_and_the_test_set_plays_no_part(monkeypatch):
    cell = replace(ONLINE, slowest_rate=0.004, n_rates=6)
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


@pytest.mark.slow
def test_a_rate_at_which_a_run_diverges_is_not_taken():
    cell = replace(ONLINE, slowest_rate=0.02, n_rates=12)
    found = cell.compute(block(cell))
    sweep = found.sweep_accuracy.isel(replicate=0)
    assert sweep.isnull().any("rate").all()
    assert found.learning_rate.max() < found.rate[-1]


def test_without_a_sweep_the_rate_is_the_one_given_and_failures_are_marked():
    cell = replace(ONLINE, n_rates=1, slowest_rate=1e4)
    found = cell.compute(block(cell))
    assert (found.learning_rate == np.float32(1e4)).all()
    assert (found.status == 1).all()


@pytest.mark.slow
def test_arms_that_are_the_same_get_the_same_numbers():
    """All examples at one level: easiest first, ties in the order they came, is no curriculum."""
    cell = replace(ONLINE, easy_fraction=0.0)
    found = cell.compute(block(cell))
    np.testing.assert_array_equal(
        found.test_accuracy.sel(protocol="curriculum"), found.test_accuracy.sel(protocol="no_curriculum")
    )
    np.testing.assert_array_equal(*(found.learning_rate.values[i] for i in (0, 2)))


# the engine


@pytest.mark.slow
def test_one_program_per_width_serves_budgets_rates_and_sweep():
    before = PROGRAM._cache_size()
    for part in study(ONLINE, widths=(5,), n_steps=(20, 40)).blocks():
        part.cell.compute(part)
    assert PROGRAM._cache_size() == before + 1


@pytest.mark.slow
def test_a_shorter_budget_in_the_same_room_is_the_same_run():
    alone, roomy = (ONLINE.compute(block(ONLINE, room=room)) for room in (4, 5))
    assert alone.sizes["time"] == 5
    for name in ("test_accuracy", "test_loss", "validation_accuracy", "sweep_accuracy"):
        np.testing.assert_array_equal(alone[name], roomy[name])


@pytest.mark.slow
def test_a_small_study_runs_loads_and_repeats(tmp_path):
    question = study(ONLINE)
    assert run(question, str(tmp_path)).ok
    ds = load("images_online", tmp_path)
    assert ds.test_accuracy.dims == ("protocol", "width", "replicate", "time")
    np.testing.assert_allclose(ds.time, np.arange(0, 161, 40) / 128)
    assert (ds.status == 0).all()
    assert (
        ds.test_accuracy.isel(time=0)
        .sel(protocol="curriculum")
        .equals(
            ds.test_accuracy.isel(time=0).sel(protocol="no_curriculum").assign_coords(protocol="curriculum")
        )
    )
    again = question.blocks()[1].cell.compute(question.blocks()[1])
    np.testing.assert_array_equal(again.test_accuracy, ds.test_accuracy.sel(width=5))


@pytest.mark.slow
def test_a_convolutional_student_in_another_parametrisation_runs():
    fields = {"student": "cnn", "width": 2, "parametrisation": "mean_field", "optimiser": "adam"}
    cell = replace(RANKED, **fields, schedule="cosine", slowest_rate=0.01)
    found = cell.compute(block(cell, tuple(TWO)))
    assert found.test_accuracy.shape == (4, 3, 3)
    assert np.isfinite(found.test_loss).all()
    assert (found.test_loss.isel(time=-1) != found.test_loss.isel(time=0)).all()


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits(tmp_path):
    process = simulate("run", "images_online", "--out", tmp_path / "parts", *TINY)
    blocks, until = tmp_path / "parts" / "images_online" / "blocks", time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until and not list(blocks.glob("*.nc")):
        time.sleep(0.01)
    process.kill()
    process.wait()
    question = get("images_online").changed(SMALL)
    before = {path: path.stat().st_mtime_ns for path in blocks.glob("*.nc")}
    assert 1 <= len(before) <= 2
    assert run(question, str(tmp_path / "parts")).ok
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    assert run(question, str(tmp_path / "whole")).ok
    xr.testing.assert_equal(
        load("images_online", tmp_path / "whole"), load("images_online", tmp_path / "parts")
    )


@pytest.mark.slow
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
