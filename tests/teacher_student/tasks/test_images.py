"""Data sets in their published order, normalised by hand-checked numbers; bad files refused by name."""

import os
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits

from curricula import Ranking, load_ranking, order
from teacher_student.data_sets.published import data_folder, is_here
from teacher_student.tasks.corruption import draw_levels
from teacher_student.tasks.images import (
    DATA_SETS,
    Images,
    example_seeds,
    hold_out,
    image_task,
    load_images,
    target_set,
)
from teacher_student.tasks.relabelling import RELABELLINGS, Parity, PlainClasses, PolarityXor

FOLDER = data_folder()
HERE = is_here("mnist") and is_here("fashion_mnist")
needs_data = pytest.mark.skipif(not HERE, reason=f"no image sets under {FOLDER}")
needs_rankings = pytest.mark.skipif(
    not (HERE and (FOLDER / "rankings" / "mnist-cscores-orig-order.npz").is_file()),
    reason=f"no published ranking files and image sets under {FOLDER}",
)


def arrays(seed=0, size=(8, 4), shape=(4, 2, 1)):
    """Arguments of `Images` by name, of the kinds that an .npz can hold."""
    rng = np.random.default_rng(seed)
    out = {}
    for split, n in zip(("train", "test"), size, strict=True):
        out[f"{split}_inputs"] = rng.integers(0, 256, (n, *shape), np.uint8)
        out[f"{split}_labels"] = np.arange(n) % 4
    return out | {"train_ids": np.arange(8) + 100, "test_ids": np.arange(4) + 10}


def test_digits_in_their_published_order():
    images, published = load_images("digits"), cast("Any", load_digits())
    for inputs, labels, ids in (
        (images.train_inputs, images.train_labels, images.train_ids),
        (images.test_inputs, images.test_labels, images.test_ids),
    ):
        assert inputs.dtype == np.uint8
        np.testing.assert_array_equal(inputs[..., 0], published.images[ids])
        np.testing.assert_array_equal(labels, published.target[ids])
        assert (np.diff(ids) > 0).all()
    assert sorted([*images.train_ids, *images.test_ids]) == list(range(1797))
    assert images.n_classes == 10
    assert images.checksum == load_images("digits").checksum


@needs_data
@pytest.mark.parametrize(
    ("name", "first", "last", "test_first", "brightness"),
    [
        ("mnist", [5, 0, 4, 1, 9], [8, 3, 5, 6, 8], [7, 2, 1, 0, 4], 33.318),
        ("fashion_mnist", [9, 0, 0, 3, 0], [5, 1, 3, 0, 5], [9, 2, 1, 1, 6], 72.940),
    ],
)
def test_real_sets_in_their_published_order(name, first, last, test_first, brightness):
    images = load_images(name, FOLDER)
    assert images.train_inputs.shape == (60_000, 28, 28, 1)
    assert images.test_inputs.shape == (10_000, 28, 28, 1)
    assert images.train_labels[:5].tolist() == first
    assert images.train_labels[-5:].tolist() == last
    assert images.test_labels[:5].tolist() == test_first
    assert images.train_inputs.mean() == pytest.approx(brightness, abs=1e-3)
    assert (images.train_ids[[0, -1]].tolist(), images.test_ids[[0, -1]].tolist()) == (
        [0, 59_999],
        [60_000, 69_999],
    )


@needs_data
def test_the_right_names_with_the_wrong_images_are_refused():
    with pytest.raises(
        ValueError, match="train-images-idx3-ubyte.* not the published file: its sha256 is c59f468a"
    ):
        load_images("mnist", FOLDER / "fashion_mnist")


@needs_rankings
def test_a_published_ranking_fits_the_images_and_a_subset_of_them():
    file = FOLDER / "rankings" / "mnist-cscores-orig-order.npz"
    images = load_images("mnist")
    ranking = load_ranking(file, labels=images.train_labels)
    np.testing.assert_array_equal(ranking.required_labels(), images.train_labels)
    task = image_task(images, PolarityXor((0, 4)), pool=4)
    part = ranking.restrict(task.train.positions)
    np.testing.assert_array_equal(part.required_labels(), task.train.classes)
    np.testing.assert_array_equal(part.required_labels() == 4, task.train.labels == 1)
    with pytest.raises(ValueError, match="labels differ"):
        load_ranking(file, labels=load_images("fashion_mnist").train_labels)


def test_the_level_is_an_oracle_ranking():
    task = image_task(load_images("digits"), PolarityXor())
    seeds = task.train.seeds
    levels = np.asarray(draw_levels(jax.random.key(0), seeds, easy=(0, 2), hard=16, easy_fraction=0.3))
    path = order(Ranking(levels, "corruption level", labels=np.asarray(task.train.classes)))
    n_easy = int((levels < 16).sum())
    assert (levels[path[:n_easy]] < 2).all()
    assert (levels[path[n_easy:]] == 16).all()


def save(path, **parts):
    np.savez(path, **parts)
    return path


@pytest.mark.parametrize("kind", ["uint8", "float32", "flat"])
def test_npz_comes_back_as_written(kind, tmp_path):
    parts = arrays()
    if kind == "float32":
        parts |= {k: v.astype(np.float32) for k, v in parts.items() if k.endswith("inputs")}
    written = {k: v[..., 0] if kind == "flat" and k.endswith("inputs") else v for k, v in parts.items()}
    images = load_images(save(tmp_path / "mine.npz", **written))
    assert images.name == "mine"
    for name, value in parts.items():
        np.testing.assert_array_equal(getattr(images, name), value)
        assert getattr(images, name).dtype == value.dtype


def test_npz_without_ids_is_numbered(tmp_path):
    parts = {k: v for k, v in arrays().items() if "ids" not in k}
    images = load_images(save(tmp_path / "mine.npz", **parts))
    assert (images.train_ids.tolist(), images.test_ids.tolist()) == (list(range(8)), [8, 9, 10, 11])


def test_ids_decide_the_seeds_and_the_seeds_the_noise(tmp_path):
    """Examples listed in another order, and under names: each keeps its own noise."""
    parts = arrays()
    names = {"train_ids": np.array([f"n{i}" for i in range(8)]), "test_ids": np.array(list("abcd"))}
    turned = {k: v[::-1] if k.startswith("train") else v for k, v in (parts | names).items()}
    shown = []
    for number, content in enumerate((parts | names, turned)):
        task = image_task(load_images(save(tmp_path / f"{number}.npz", **content)), Parity())
        show = task.presentation("noise_in_place")
        shown.append(np.asarray(show(jax.random.key(0), task.train, np.arange(8), 1.0)[0]))
    np.testing.assert_allclose(shown[0], shown[1][::-1], rtol=1e-5, atol=1e-6)
    assert len(set(example_seeds(names["train_ids"]).tolist())) == 8


class Runs:
    def __reduce__(self):
        return os.system, ("touch PWNED",)


def test_an_npz_with_code_in_it_is_refused_and_nothing_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hostile = np.empty(8, object)
    hostile[:] = [Runs() for _ in range(8)]
    path = save(tmp_path / "mine.npz", **(arrays() | {"train_labels": hostile}))
    with pytest.raises(ValueError, match=r"cannot read mine.npz: Object arrays"):
        load_images(path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.npz"]


def broken(**changes):
    """`arrays` with changes; None drops an entry."""
    return {k: v for k, v in (arrays() | changes).items() if v is not None}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            broken(test_labels=None, train_ids=None, test_ids=None),
            "mine.npz lacks test_labels; it holds train_in",
        ),
        (broken(train_ids=None), "ids for one split only"),
        (broken(train_labels=np.arange(7)), "mine train labels are int64 .7,.; need 8 whole numbers"),
        (broken(train_labels=np.arange(8.0)), "labels are float64"),
        (broken(train_labels=np.arange(8) - 1), "whole numbers >= 0"),
        (broken(train_inputs=np.zeros((8, 8), np.uint8)), r"images are uint8 \(8, 8\)"),
        (broken(train_inputs=np.zeros((8, 4, 2, 1), int)), "images are int64"),
        (broken(train_inputs=np.full((8, 4, 2, 1), np.nan)), "NaN or infinite"),
        (broken(test_inputs=np.zeros((0, 4, 2, 1), np.uint8), test_labels=np.arange(0)), "mine test images"),
        (
            broken(test_inputs=np.zeros((4, 2, 2, 1), np.uint8)),
            r"training images have shape \(4, 2, 1\), test",
        ),
        (broken(train_ids=np.arange(8) + 8), "ids must be unique, but 4 of 12 repeat"),
        (broken(train_ids=np.arange(8) - 1), "ids run from -1 to 6"),
        (broken(train_ids=np.arange(8) + 2**32), "need 0 to 2.32 - 1"),
        (broken(train_ids=np.arange(8.0)), "ids are float64"),
        (broken(train_ids=np.array(list("abcdefgh"))), "ids of one split are text"),
    ],
)
def test_bad_npz_files_are_refused(parts, message, tmp_path):
    with pytest.raises(ValueError, match=message) as error:
        load_images(save(tmp_path / "mine.npz", **parts))
    assert "\n" not in str(error.value)


def test_files_that_are_no_npz_are_refused(tmp_path):
    path = save(tmp_path / "mine.npz", **arrays())
    whole = path.read_bytes()
    for content in (whole[:-50], whole[: len(whole) // 2], b"", b"PK\x03\x04", b"words"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="cannot read mine.npz"):
            load_images(path)
    with pytest.raises(ValueError, match="no such file"):
        load_images(tmp_path / "other.npz")


def test_unknown_names_list_the_known_ones():
    with pytest.raises(
        ValueError, match="unknown data set 'emnist'; known: a path that ends in .npz, cifar10, dig"
    ):
        load_images("emnist")
    assert set(DATA_SETS) == {"digits", "mnist", "fashion_mnist", "cifar10"}


def test_the_checksum_sees_every_part():
    first = Images("a", **arrays())
    assert first.checksum == Images("b", **arrays()).checksum
    seen = {first.checksum}
    for name, value in arrays().items():
        changed = value.copy()
        changed.flat[0] += 1 if "ids" not in name else 50
        seen.add(Images("a", **(arrays() | {name: changed})).checksum)
    turned = {k: v[::-1] if k.startswith("train") else v for k, v in arrays().items()}
    seen.add(Images("a", **turned).checksum)
    assert len(seen) == 8


def test_normalisation_by_hand():
    """Two pixels, four training images of three classes: mean and scale are those of all of them."""
    train = np.array([[0, 10], [2, 10], [4, 10], [10, 30]], np.uint8).reshape(4, 1, 2, 1)
    test = np.array([[4, 15], [5, 15]], np.uint8).reshape(2, 1, 2, 1)
    images = Images("a", train, np.array([0, 0, 1, 2]), np.arange(4), test, np.array([0, 1]), np.arange(4, 6))
    task = image_task(images, PolarityXor((0, 1)))
    assert task.mean.ravel().tolist() == [4, 15]
    scale = np.sqrt((16 + 4 + 0 + 36 + 25 + 25 + 25 + 225) / 8)
    assert task.scale == pytest.approx(scale)
    expected = np.array([[-4, -5], [-2, -5], [0, -5]]) / scale
    np.testing.assert_allclose(task.train.inputs.reshape(3, 2), expected, rtol=1e-6)
    np.testing.assert_allclose(task.test.inputs.reshape(2, 2) * scale, [[0, 0], [1, 0]], atol=1e-6)
    assert task.train.positions.tolist() == [0, 1, 2]
    assert task.train.labels.tolist() == [-1, -1, 1]
    whole = image_task(images, PlainClasses()).train.inputs
    assert float((whole.astype(float) ** 2).mean()) == pytest.approx(1)
    assert np.abs(whole.mean(0)).max() < 1e-6


def test_pooling_takes_means_of_squares():
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1)
    images = Images(
        "a",
        np.concatenate([image, image + 16]),
        np.arange(2),
        np.arange(2),
        image,
        np.zeros(1, int),
        np.arange(2, 3),
    )
    task = image_task(images, PlainClasses(), pool=2)
    pooled = task.train.inputs[0, ..., 0] * task.scale + task.mean[..., 0]
    np.testing.assert_allclose(pooled, [[2.5, 4.5], [10.5, 12.5]], rtol=1e-6)


@pytest.mark.parametrize("name", RELABELLINGS)
def test_every_rule_gives_a_task_of_the_promised_kinds(name):
    task = image_task(load_images("digits"), RELABELLINGS[name]())
    for split in (task.train, task.test):
        assert split.inputs.dtype == np.float32
        assert split.positions.dtype == split.classes.dtype == np.int32
        assert split.seeds.dtype == np.uint32
        assert {len(part) for part in split} == {len(split.labels)}
        if name == "classes":
            assert (split.labels.dtype, task.n_labels) == (np.int32, 10)
            np.testing.assert_array_equal(split.labels, split.classes)
        else:
            assert set(np.unique(split.labels)) == {-1, 1}
            assert (split.labels.dtype, task.n_labels) == (np.float32, 2)
    assert task.signed == (name == "polarity_xor")
    assert not set(task.train.seeds.tolist()) & set(task.test.seeds.tolist())


def test_checksums_of_tasks_differ_where_tasks_do():
    images = load_images("digits")
    tasks = [
        image_task(images, rule, pool=pool)
        for rule, pool in ((PolarityXor(), 1), (PolarityXor((4, 0)), 1), (PolarityXor(), 2), (Parity(), 1))
    ]
    assert len({task.checksum for task in tasks}) == 4
    assert tasks[0].checksum == image_task(images, PolarityXor()).checksum


@pytest.mark.parametrize("pool", [0, 3, -1])
def test_bad_pooling_is_refused(pool):
    with pytest.raises(ValueError, match=f"pool is {pool}; need a divisor of height 8 and width 8"):
        image_task(load_images("digits"), Parity(), pool=pool)


def test_blank_images_are_refused():
    parts = arrays() | {"train_inputs": np.full((8, 4, 2, 1), 3, np.uint8)}
    with pytest.raises(ValueError, match="all training images are the same"):
        image_task(Images("a", **parts), Parity())


def test_hold_out_takes_its_share_of_every_class():
    train = image_task(load_images("digits"), PlainClasses()).train
    rest, held = hold_out(train, 0.2, seed=3)
    assert sorted([*rest.positions, *held.positions]) == train.positions.tolist()
    assert (np.diff(rest.positions) > 0).all()
    for c in range(10):
        assert (held.classes == c).sum() == round(0.2 * (train.classes == c).sum())
    np.testing.assert_array_equal(held.inputs, train.inputs[np.isin(train.positions, held.positions)])
    assert hold_out(train, 0.2, seed=3)[1].positions.tolist() == held.positions.tolist()
    assert hold_out(train, 0.2, seed=4)[1].positions.tolist() != held.positions.tolist()
    for fraction, message in (
        (0.0, "fraction is 0.0"),
        (1.5, "fraction is 1.5"),
        (1.0, "leaves none of the"),
    ):
        with pytest.raises(ValueError, match=message):
            hold_out(train, fraction)


def test_target_set_is_fixed_and_each_copy_its_own():
    task = image_task(load_images("digits"), PolarityXor())
    key, size = jax.random.key(3), len(task.test.labels)
    inputs, labels = target_set(key, task, "noise_beside", 16.0, copies=3)
    assert inputs.shape == (3 * size, 8, 16, 1)
    np.testing.assert_array_equal(labels, np.tile(task.test.labels, 3))
    np.testing.assert_array_equal(inputs, target_set(key, task, "noise_beside", 16.0, copies=3)[0])
    image, beside = np.split(np.asarray(inputs).reshape(3, size, 8, 16, 1), 2, axis=3)
    np.testing.assert_allclose(np.abs(image), np.broadcast_to(np.abs(task.test.inputs), image.shape))
    assert len({part.tobytes() for part in beside}) == len({part.tobytes() for part in image}) == 3
    assert beside.std() == pytest.approx(4, rel=0.05)
    with pytest.raises(ValueError, match="copies is 0"):
        target_set(key, task, "noise_beside", 16.0, copies=0)
    with pytest.raises(ValueError, match="level is -2"):
        target_set(key, task, "noise_beside", -2.0)


def test_no_file_of_the_data_folder_is_needed_for_digits(monkeypatch, tmp_path):
    monkeypatch.setenv("TILTING_ODDS_DATA", str(Path(tmp_path) / "nowhere"))
    assert len(load_images("digits").train_labels) == 1438
