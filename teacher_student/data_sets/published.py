"""Files of published image sets: where they lie, how they are checked, read and downloaded.

Nothing in a file is ever executed: pickles are read by `pickles` beside this file, archives are read in
memory and never unpacked. A file counts as the published one by its checksum only. The digests of the
MNIST and Fashion-MNIST files were taken from files whose MD5 is the published one, those of the CIFAR-10
archives and batches are the ones that Keras (SHA-256), torch.rb (SHA-256) and torchvision (MD5) check.
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

GZIP = b"\x1f\x8b"


class Published(NamedTuple):
    """Digest ("kind:hex") of a file's contents, and of its .gz as published."""

    contents: str
    packed: str


class Arrays(NamedTuple):
    """Both splits in their original order: pixels (P, H, W, C) uint8 and labels (P,) int32."""

    train_inputs: np.ndarray
    train_labels: np.ndarray
    test_inputs: np.ndarray
    test_labels: np.ndarray


#: The four files, in the order of `Arrays`.
IDX_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
IDX_URLS = {
    "mnist": "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "fashion_mnist": "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
}
#: Digests of the files of each set, in the order of `IDX_FILES`.
IDX_DIGESTS = {
    "mnist": (
        Published(
            "sha256:ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        Published(
            "sha256:65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
        Published(
            "sha256:0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        Published(
            "sha256:ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
    "fashion_mnist": (
        Published(
            "sha256:c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "sha256:3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        ),
        Published(
            "sha256:bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "sha256:a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        ),
        Published(
            "sha256:5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "sha256:346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        ),
        Published(
            "sha256:0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            "sha256:67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
    ),
}

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/"
#: Archive -> digest of its .tar.gz, folder inside, and digest of each batch, the test batch last.
CIFAR10_ARCHIVES = {
    "cifar-10-binary.tar.gz": (
        "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        "cifar-10-batches-bin",
        {
            "data_batch_1.bin": "sha256:cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            "data_batch_2.bin": "sha256:a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            "data_batch_3.bin": "sha256:bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            "data_batch_4.bin": "sha256:014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            "data_batch_5.bin": "sha256:755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            "test_batch.bin": "sha256:8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
        },
    ),
    "cifar-10-python.tar.gz": (
        "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        "cifar-10-batches-py",
        {
            "data_batch_1": "md5:c99cafc152244af753f735de768cd75f",
            "data_batch_2": "md5:d4bba439e000b95fd0a9bffe97cbabec",
            "data_batch_3": "md5:54ebc095f3ab1f0389bbae665268c751",
            "data_batch_4": "md5:634d18415352ddfa80567beed471001a",
            "data_batch_5": "md5:482c414d41f54cd18b22e5b47cb7c3cb",
            "test_batch": "md5:40351d587109b95175f43aff81a1287e",
        },
    ),
}


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
    for place in (folder / name, folder, _cache() / name):
        if (arrays := read(name, place)) is not None:
            return arrays
    _download(name, folder)
    arrays = read(name, _cache() / name)
    assert arrays is not None
    return arrays


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
    paths = [
        next((p for p in (folder / file, folder / f"{file}.gz") if p.is_file()), None) for file in IDX_FILES
    ]
    if None in paths:
        return None
    arrays = [
        read_idx(verified(path, published), path.name)
        for path, published in zip(paths, IDX_DIGESTS[name], strict=True)
        if path is not None
    ]
    images, labels = arrays[::2], [a.astype(np.int32) for a in arrays[1::2]]
    return Arrays(images[0][..., None], labels[0], images[1][..., None], labels[1])


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
    """Fetch the files of a set into the cache; one line that says what to put where if that fails."""
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
