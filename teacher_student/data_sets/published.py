"""Files of published image sets: where they lie, how they are checked, read and downloaded.

Nothing in a file is ever executed: pickles are read by `pickles` beside this file, archives are read in
memory and never unpacked. A file counts as the published one by its checksum only, see `digests`.
"""

import gzip
import hashlib
import io
import math
import os
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from teacher_student.data_sets import pickles
from teacher_student.data_sets.digests import (
    CIFAR10_ARCHIVES,
    CIFAR10_URL,
    IDX_DIGESTS,
    IDX_FILES,
    IDX_URLS,
    Published,
)

GZIP = b"\x1f\x8b"


class Arrays(NamedTuple):
    """Both splits in their original order: pixels (P, H, W, C) uint8 and labels (P,) int32."""

    train_inputs: np.ndarray
    train_labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray


def data_folder() -> Path:
    """Where data sets are looked for: the folder `TILTING_ODDS_DATA`, else the cache of downloads."""
    return Path(os.environ.get("TILTING_ODDS_DATA") or _cache())


def read_published(name: str, data_dir: str | Path | None = None) -> Arrays:
    """Read mnist, fashion_mnist or cifar10, downloading what is nowhere to be found.

    Raises
    ------
    ValueError
        If `data_dir` is no folder, a file is not the published one, or the set can neither be found nor
        downloaded.
    """
    if data_dir is not None and not Path(data_dir).is_dir():
        raise ValueError(f"data folder {str(data_dir)!r} is not a folder; need the one that holds {name}/")
    folder = data_folder() if data_dir is None else Path(data_dir)
    read = _read_cifar10 if name == "cifar10" else _read_idx_set
    for place in _places(name, folder):
        if (arrays := read(name, place)) is not None:
            return arrays
    _download(name, folder)
    arrays = read(name, _cache() / name)
    assert arrays is not None
    return arrays


def is_here(name: str) -> bool:
    """Whether the files of a set lie where they are looked for, so that nothing needs to be downloaded."""
    places = _places(name, data_folder())
    if name in IDX_DIGESTS:
        return any(all(_idx_file(place, file) for file in IDX_FILES) for place in places)
    return any(_cifar10_parts(place) for place in places)


def read_train_labels(name: str) -> np.ndarray | None:
    """Training labels of a set in its published order, checked by checksum; None if it is not here."""
    for place in _places(name, data_folder()):
        if name == "cifar10" and (arrays := _read_cifar10(name, place)) is not None:
            return arrays.train_labels
        if name in IDX_DIGESTS and (path := _idx_file(place, IDX_FILES[1])) is not None:
            return read_idx(verified(path, IDX_DIGESTS[name][1]), path.name).astype(np.int32)
    return None


def _places(name: str, folder: Path) -> tuple[Path, ...]:
    """Where the files of a set may lie."""
    return folder / name, folder, _cache() / name


def read_idx(data: bytes, name: str) -> np.ndarray:
    """The array in the bytes of an idx file of unsigned bytes; `name` is for the message.

    Examples
    --------
    >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "labels").tolist()
    [7, 9]
    """
    if len(data) < 4 or data[:3] != b"\x00\x00\x08" or len(data) < 4 + 4 * data[3]:
        raise ValueError(f"{name} is no idx file of unsigned bytes")
    n_axes = data[3]
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", n_axes, 4))
    found, wanted = len(data) - 4 - 4 * n_axes, math.prod(shape)
    if found != wanted:
        raise ValueError(f"{name} is truncated or padded: {found} bytes for shape {shape}, need {wanted}")
    return np.frombuffer(data, np.uint8, offset=4 + 4 * n_axes).reshape(shape)


def read_cifar10_binary(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 32, 32, 3) and labels (n,) of a binary batch: per image a label, then R, G and B planes."""
    if not data or len(data) % 3073:
        raise ValueError(f"{name} is no binary CIFAR-10 batch: {len(data)} bytes, not a multiple of 3073")
    rows = np.frombuffer(data, np.uint8).reshape(-1, 3073)
    return _planes(rows[:, 1:], rows[:, 0], name)


def read_cifar10_python(data: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (n, 32, 32, 3) and labels (n,) of a python batch, without running the pickle."""
    try:
        batch = pickles.loads(data)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if not isinstance(batch, dict) or not {"data", "labels"} <= batch.keys():
        raise ValueError(f"{name} is no python CIFAR-10 batch: need a dict with data and labels")
    return _planes(np.asarray(batch["data"]), np.asarray(batch["labels"]), name)


def verified(path: Path, published: Published) -> bytes:
    """Contents of a file (decompressed if it is a .gz), once they are what was published.

    Raises
    ------
    ValueError
        If they are not; the message has the name and both checksums.
    """
    raw = path.read_bytes()
    if raw[:2] != GZIP:
        return _same(raw, published.contents, path)
    try:
        return _same(gzip.decompress(raw), published.contents, path)
    except (EOFError, OSError, zlib.error):
        return _same(raw, published.packed, path)


def _same(data: bytes, wanted: str, path: Path) -> bytes:
    kind, digest = wanted.split(":")
    found = hashlib.new(kind, data, usedforsecurity=False).hexdigest()
    if found != digest:
        raise ValueError(
            f"{path} is truncated or not the published file: its {kind} is {found}, need {digest}; replace it"
        )
    return data


def _read_idx_set(name: str, folder: Path) -> Arrays | None:
    """The four files in `folder`; None if one is not there."""
    paths = [_idx_file(folder, file) for file in IDX_FILES]
    if None in paths:
        return None
    arrays = [
        read_idx(verified(path, published), path.name)
        for path, published in zip(paths, IDX_DIGESTS[name], strict=True)
        if path is not None
    ]
    images, labels = arrays[::2], [a.astype(np.int32) for a in arrays[1::2]]
    return Arrays(images[0][..., None], labels[0], images[1][..., None], labels[1])


def _idx_file(folder: Path, file: str) -> Path | None:
    return next((path for path in (folder / file, folder / f"{file}.gz") if path.is_file()), None)


def _cifar10_parts(folder: Path) -> bool:
    """Whether an archive or all batches of one are in `folder`."""
    return any(
        (folder / archive).is_file()
        or any(all((place / file).is_file() for file in digests) for place in (folder, folder / inside))
        for archive, (_, inside, digests) in CIFAR10_ARCHIVES.items()
    )


def _read_cifar10(name: str, folder: Path) -> Arrays | None:
    """The six batches in `folder`, in its subfolder or in an archive; None if there are none."""
    for archive, (packed, inside, digests) in CIFAR10_ARCHIVES.items():
        batches = None
        for place in (folder, folder / inside):
            if all((place / file).is_file() for file in digests):
                batches = {f: verified(place / f, Published(d, d)) for f, d in digests.items()}
        if batches is None and (folder / archive).is_file():
            batches = _unpacked(folder / archive, packed, inside, digests)
        if batches is not None:
            read = read_cifar10_binary if "binary" in archive else read_cifar10_python
            parts = [read(data, file) for file, data in batches.items()]
            pixels, labels = (np.concatenate([part[i] for part in parts[:-1]]) for i in (0, 1))
            return Arrays(pixels, labels, *parts[-1])
    return None


def _unpacked(archive: Path, packed: str, inside: str, files: Iterable[str]) -> dict[str, bytes]:
    """The batches of a verified archive, in memory."""
    with tarfile.open(fileobj=io.BytesIO(_same(archive.read_bytes(), packed, archive)), mode="r:gz") as tar:
        members = {file: tar.extractfile(f"{inside}/{file}") for file in files}
        return {file: member.read() for file, member in members.items() if member is not None}


def _planes(rows: np.ndarray, labels: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    if rows.ndim != 2 or rows.shape[1] != 3072 or rows.dtype != np.uint8 or labels.shape != rows.shape[:1]:
        raise ValueError(f"{name} is no CIFAR-10 batch: {rows.dtype} {rows.shape} and {labels.shape} labels")
    if labels.dtype.kind not in "iu" or labels.max(initial=0) > 9 or labels.min(initial=0) < 0:
        raise ValueError(f"{name} is no CIFAR-10 batch: need whole labels in 0..9")
    pixels = np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return pixels, labels.astype(np.int32)


def _cache() -> Path:
    """Where downloads go."""
    import pooch

    return Path(pooch.os_cache("tilting-odds"))


def _download(name: str, folder: Path) -> None:
    """Fetch the files of a set into the cache; one line that says what to put where if that fails.

    A failure leaves nothing but files that are whole and verified, and no empty folder.
    """
    import pooch

    if name == "cifar10":
        archive = next(iter(CIFAR10_ARCHIVES))
        wanted = {archive: (CIFAR10_URL + archive, CIFAR10_ARCHIVES[archive][0])}
        need = f"{' or '.join(CIFAR10_ARCHIVES)} (or the batches in it)"
    else:
        packed = [digests.packed for digests in IDX_DIGESTS[name]]
        wanted = {
            f"{file}.gz": (IDX_URLS[name] + f"{file}.gz", digest)
            for file, digest in zip(IDX_FILES, packed, strict=True)
        }
        need = f"{', '.join(IDX_FILES)} (plain or .gz)"
    pooch.get_logger().setLevel("WARNING")  # it announces every attempt, also the one that fails
    try:
        for file, (url, digest) in wanted.items():
            pooch.retrieve(url, digest, fname=file, path=_cache() / name)
    except Exception as error:  # no network, a proxy, a full disk, another file at that address
        why = f"{error}" if isinstance(error, ValueError) else type(error).__name__
        raise ValueError(
            f"{name} is not in {folder / name} and cannot be downloaded ({why}); put {need} "
            f"into {folder / name}, or name another folder by data_dir or TILTING_ODDS_DATA"
        ) from error
    finally:
        for left in (_cache() / name, _cache()):
            if left.is_dir() and not any(left.iterdir()):
                left.rmdir()
