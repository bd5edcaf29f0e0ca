"""Published image files: read right from every container, and refused by name when they are not right."""

import gzip
import hashlib
import os
import pickle
import re
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import numpy as np
import pooch
import pytest
from image_writer import cifar_binary, cifar_pixels, cifar_python, cifar_python2, cifar_set, idx, idx_set

from teacher_student.data_sets import published as published_files
from teacher_student.data_sets.published import (
    CIFAR10_ARCHIVES,
    IDX_DIGESTS,
    IDX_FILES,
    Published,
    data_folder,
    is_here,
    read_cifar10_binary,
    read_cifar10_python,
    read_idx,
    read_published,
    read_train_labels,
    verified,
)


@pytest.fixture(autouse=True)
def offline(tmp_path_factory, monkeypatch):
    """No data folder but the test's own, an empty cache, and no network."""
    cache = tmp_path_factory.mktemp("cache")

    def refuse(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(published_files, "_cache", lambda: cache)
    monkeypatch.setattr(pooch, "retrieve", refuse)
    monkeypatch.setenv("TILTING_ODDS_DATA", str(tmp_path_factory.mktemp("empty")))
    return cache


def install(monkeypatch, digests, name="mnist"):
    monkeypatch.setitem(IDX_DIGESTS, name, tuple(digests))


def check(read, arrays):
    np.testing.assert_array_equal(read.train_inputs, arrays[0][..., None])
    np.testing.assert_array_equal(read.train_labels, arrays[1])
    np.testing.assert_array_equal(read.test_inputs, arrays[2][..., None])
    np.testing.assert_array_equal(read.test_labels, arrays[3])


def test_digests_are_well_formed():
    published = [digest for files in IDX_DIGESTS.values() for file in files for digest in file]
    for packed, _, batches in CIFAR10_ARCHIVES.values():
        published += [packed, *batches.values()]
        assert list(batches) == sorted(batches), "batches are joined in this order"
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", digest) for digest in published)
    assert len(set(published)) == len(published)


@pytest.mark.parametrize("place", ["mnist", "."])
@pytest.mark.parametrize("packed", [True, False])
def test_idx_sets_in_their_folder_or_the_data_folder(place, packed, tmp_path, monkeypatch):
    arrays, digests = idx_set(tmp_path / place, packed=packed)
    install(monkeypatch, digests)
    check(read_published("mnist", tmp_path), arrays)
    monkeypatch.setenv("TILTING_ODDS_DATA", str(tmp_path))
    assert data_folder() == tmp_path
    check(read_published("mnist"), arrays)


def test_a_file_compressed_anew_is_still_the_published_one(tmp_path, monkeypatch):
    arrays, digests = idx_set(tmp_path)
    install(monkeypatch, digests)
    path = tmp_path / f"{IDX_FILES[0]}.gz"
    path.write_bytes(gzip.compress(idx(arrays[0]), compresslevel=1, mtime=77))
    check(read_published("mnist", tmp_path), arrays)


def cut(data):
    return data[:-3]


def flip(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize("damage", [cut, flip])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("file", range(4))
def test_damaged_idx_files_are_refused_with_both_checksums(file, packed, damage, tmp_path, monkeypatch):
    _, digests = idx_set(tmp_path, packed=packed)
    install(monkeypatch, digests)
    path = tmp_path / (IDX_FILES[file] + ".gz" * packed)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="truncated or not the published") as error:
        read_published("mnist", tmp_path)
    message = str(error.value)
    published = digests[file].packed if packed else digests[file].contents
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name in message
    assert published.removeprefix("sha256:") in message
    assert found in message
    assert "\n" not in message


def test_another_set_under_the_same_names_is_refused(tmp_path, monkeypatch):
    _, digests = idx_set(tmp_path / "other", seed=1)
    idx_set(tmp_path / "mnist", seed=2)
    install(monkeypatch, digests)
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte\.gz is truncated or not the"):
        read_published("mnist", tmp_path)


def test_idx_reads_rows_first():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(read_idx(idx(array), "x"), array)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "x is no idx file"),
        (b"\x00\x00\x08", "x is no idx file"),
        (b"\x00\x00\x0d\x01" + bytes(8), "x is no idx file of unsigned bytes"),
        (b"\x00\x00\x08\x03" + bytes(8), "x is no idx file"),
        (idx(np.zeros(5, np.uint8))[:-1], r"x is truncated or padded: 4 bytes for shape \(5,\), need 5"),
        (idx(np.zeros(5, np.uint8)) + b"\x00", "x is truncated or padded: 6 bytes"),
    ],
)
def test_what_is_no_idx_file_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        read_idx(data, "x")


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("kind", ["binary", "python"])
def test_cifar10_from_batches_and_archives(kind, archive, tmp_path, monkeypatch):
    monkeypatch.setattr(
        published_files, "CIFAR10_ARCHIVES", cifar_set(tmp_path / "cifar10", kind, archive=archive)
    )
    read = read_published("cifar10", tmp_path)
    pixels, labels = zip(*(cifar_pixels(batch) for batch in range(6)), strict=True)
    np.testing.assert_array_equal(read.train_inputs, np.concatenate(pixels[:5]))
    np.testing.assert_array_equal(read.train_labels, np.concatenate(labels[:5]))
    np.testing.assert_array_equal(read.test_inputs, pixels[5])
    np.testing.assert_array_equal(read.test_labels, labels[5])


@pytest.mark.parametrize(
    ("read", "write"),
    [
        (read_cifar10_binary, cifar_binary),
        (read_cifar10_python, cifar_python),
        (read_cifar10_python, cifar_python2),
    ],
)
def test_cifar10_batches_agree_across_formats(read, write):
    pixels, labels = read(write(3), "batch")
    np.testing.assert_array_equal(pixels, cifar_pixels(3)[0])
    np.testing.assert_array_equal(labels, cifar_pixels(3)[1])


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("kind", ["binary", "python"])
def test_damaged_cifar10_is_refused_with_both_checksums(kind, archive, tmp_path, monkeypatch):
    table = cifar_set(tmp_path, kind, archive=archive)
    monkeypatch.setattr(published_files, "CIFAR10_ARCHIVES", table)
    ((name, (packed, inside, batches)),) = table.items()
    file = name if archive else f"{inside}/{list(batches)[2]}"
    path = tmp_path / file
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ValueError, match="truncated") as error:
        read_published("cifar10", tmp_path)
    known = (packed if archive else batches[path.name]).removeprefix("sha256:")
    assert path.name in str(error.value)
    assert known in str(error.value)
    assert hashlib.sha256(path.read_bytes()).hexdigest() in str(error.value)


def test_where_only_the_md5_is_known(tmp_path):
    (path := tmp_path / "x").write_bytes(b"abc")
    known = "md5:900150983cd24fb0d6963f7d28e17f72"
    assert verified(path, Published(known, known)) == b"abc"
    path.write_bytes(b"abd")
    with pytest.raises(
        ValueError, match="its md5 is 4911e516e5aa21d327512e0c8b197616, need 900150983cd24fb0"
    ):
        verified(path, Published(known, known))


class Runs:
    def __reduce__(self):
        return os.system, ("touch PWNED",)


BATCH = {"data": np.zeros((2, 3072), np.uint8), "labels": [1, 2]}


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (Runs(), "b: refused"),
        (BATCH | {"extra": Runs()}, "b: refused"),
        ([1, 2], "b is no python CIFAR-10 batch"),
        ({"data": BATCH["data"]}, "need a dict with data and labels"),
        (BATCH | {"labels": [1, 2, 3]}, r"b is no CIFAR-10 batch: uint8 \(2, 3072\) and \(3,\) labels"),
        (BATCH | {"labels": [1, 10]}, r"labels in 0\.\.9"),
        (BATCH | {"labels": [1, -1]}, r"labels in 0\.\.9"),
        (BATCH | {"labels": [1.0, 2.0]}, "whole labels"),
        (BATCH | {"data": np.zeros((2, 3071), np.uint8)}, "no CIFAR-10 batch"),
        (BATCH | {"data": np.zeros((2, 3072))}, "float64"),
    ],
)
def test_wrong_python_batches_are_refused_and_nothing_runs(batch, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        read_cifar10_python(pickle.dumps(batch, 2), "b")
    assert not list(tmp_path.iterdir())


def test_wrong_binary_batches_are_refused():
    for data in (b"", bytes(3072), cifar_binary(0) + b"\x00"):
        with pytest.raises(ValueError, match="b is no binary CIFAR-10 batch"):
            read_cifar10_binary(data, "b")
    with pytest.raises(ValueError, match=r"labels in 0\.\.9"):
        read_cifar10_binary(b"\x0a" + bytes(3072), "b")


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("mnist", IDX_FILES),
        ("fashion_mnist", IDX_FILES),
        ("cifar10", ["cifar-10-binary.tar.gz", "cifar-10-python.tar.gz"]),
    ],
)
def test_without_files_and_network_one_line_says_what_to_put_where(name, files, tmp_path):
    with pytest.raises(ValueError, match="cannot be downloaded") as error:
        read_published(name, tmp_path)
    message = str(error.value)
    assert all(file in message for file in files)
    assert f"into {tmp_path / name}" in message
    assert "TILTING_ODDS_DATA" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_a_download_that_fails_leaves_nothing_behind(name, tmp_path, monkeypatch):
    cache = tmp_path / "cache"

    def broken(url, digest, fname, path):
        path.mkdir(parents=True)  # as pooch does before it tries
        raise OSError("no network")

    monkeypatch.setattr(pooch, "retrieve", broken)
    monkeypatch.setattr(published_files, "_cache", lambda: cache)
    monkeypatch.setenv("TILTING_ODDS_DATA", "")
    with pytest.raises(ValueError, match="cannot be downloaded"):
        read_published(name)
    assert not cache.exists()
    assert not is_here(name)
    assert read_train_labels(name) is None


@pytest.mark.parametrize("packed", [False, True])
def test_labels_are_found_where_images_are(packed, tmp_path, monkeypatch):
    (tmp_path / "mnist").mkdir()
    _, digests = idx_set(tmp_path / "mnist", packed=packed)
    install(monkeypatch, digests)
    monkeypatch.setattr(published_files, "_cache", lambda: tmp_path / "cache")
    monkeypatch.setenv("TILTING_ODDS_DATA", str(tmp_path))
    assert is_here("mnist")
    np.testing.assert_array_equal(read_train_labels("mnist"), read_published("mnist").train_labels)
    next((tmp_path / "mnist").glob("t10k-labels*")).unlink()
    assert not is_here("mnist")


def test_one_missing_file_is_not_made_up(tmp_path, monkeypatch):
    _, digests = idx_set(tmp_path)
    install(monkeypatch, digests)
    (tmp_path / f"{IDX_FILES[3]}.gz").unlink()
    with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte"):
        read_published("mnist", tmp_path)


def test_a_data_folder_that_is_none(tmp_path):
    with pytest.raises(ValueError, match="is not a folder; need the one that holds mnist/"):
        read_published("mnist", tmp_path / "nowhere")


@pytest.fixture
def server(tmp_path):
    """A web server for tmp_path / "web"; gives its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format, *args):
            pass

    (tmp_path / "web").mkdir()
    httpd = HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "web")))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_downloads_are_checked_and_kept(server, offline, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(published_files, "_cache", lambda: offline)
    arrays, digests = idx_set(tmp_path / "web")
    install(monkeypatch, digests)
    monkeypatch.setitem(published_files.IDX_URLS, "mnist", server)
    check(read_published("mnist", tmp_path), arrays)
    for path in (tmp_path / "web").iterdir():
        path.unlink()
    check(read_published("mnist", tmp_path), arrays)
    assert sorted(p.name for p in (offline / "mnist").iterdir()) == sorted(f"{f}.gz" for f in IDX_FILES)


def test_another_file_at_the_address_is_refused_and_not_kept(server, offline, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(published_files, "_cache", lambda: offline)
    _, digests = idx_set(tmp_path / "other", seed=1)
    idx_set(tmp_path / "web", seed=2)
    install(monkeypatch, digests)
    monkeypatch.setitem(published_files.IDX_URLS, "mnist", server)
    with pytest.raises(ValueError, match="does not match the known hash") as error:
        read_published("mnist", tmp_path)
    assert digests[0].packed.removeprefix("sha256:") in str(error.value)
    assert not (offline / "mnist").exists()
