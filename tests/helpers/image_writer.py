"""Image sets of a few bytes, written as the published ones are."""

import gzip
import hashlib
import pickle
import tarfile
from pathlib import Path

import numpy as np

from teacher_student.data_sets.published import CIFAR10_ARCHIVES, IDX_FILES, Published


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def idx(array: np.ndarray) -> bytes:
    shape = b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, 8, array.ndim]) + shape + array.tobytes()


def idx_set(folder: Path, *, packed: bool = True, seed: int = 0) -> tuple[list[np.ndarray], list[Published]]:
    """Six training and three test images of 3 x 2 pixels; the arrays and the digests of the files."""
    rng = np.random.default_rng(seed)
    shapes = ((6, 3, 2), (6,), (3, 3, 2), (3,))
    arrays = [rng.integers(0, 10 if len(s) == 1 else 256, s, np.uint8) for s in shapes]
    digests = []
    folder.mkdir(parents=True, exist_ok=True)
    for file, array in zip(IDX_FILES, arrays, strict=True):
        contents = idx(array)
        zipped = gzip.compress(contents, mtime=1)
        path = folder / (f"{file}.gz" if packed else file)
        path.write_bytes(zipped if packed else contents)
        digests.append(Published(sha256(contents), sha256(zipped)))
    return arrays, digests


def cifar_pixels(batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Two images (2, 32, 32, 3) and labels (2,); no two rows, columns or channels alike."""
    rng = np.random.default_rng(batch)
    return rng.integers(0, 256, (2, 32, 32, 3), np.uint8), rng.integers(0, 10, 2, np.uint8)


def cifar_binary(batch: int) -> bytes:
    """Per image the label, then the red, green and blue planes row by row."""
    pixels, labels = cifar_pixels(batch)
    return b"".join(
        bytes([label]) + b"".join(image[:, :, channel].tobytes() for channel in range(3))
        for image, label in zip(pixels, labels, strict=True)
    )


def cifar_python(batch: int) -> bytes:
    """The same as a pickle of a recent Python."""
    pixels, labels = cifar_pixels(batch)
    data = pixels.transpose(0, 3, 1, 2).reshape(2, 3072)
    return pickle.dumps({"batch_label": f"batch {batch}", "labels": labels.tolist(), "data": data}, 2)


def cifar_python2(batch: int) -> bytes:
    """The same as Python 2 wrote it: byte strings, and numpy's names of the time."""
    pixels, labels = cifar_pixels(batch)
    raw = pixels.transpose(0, 3, 1, 2).tobytes()
    head = b"\x80\x02}(U\x06labels](" + b"".join(b"K" + bytes([n]) for n in labels) + b"eU\x04data"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x02M\x00\x0c\x86"
    )
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    return head + array + dtype + b"\x89T" + len(raw).to_bytes(4, "little") + raw + b"tbu."


def cifar_set(folder: Path, kind: str, *, archive: bool) -> dict[str, tuple[str, str, dict[str, str]]]:
    """The six batches in their subfolder or as an archive; the table of digests that they have."""
    name = f"cifar-10-{kind}.tar.gz"
    _, inside, files = CIFAR10_ARCHIVES[name]
    write = cifar_binary if kind == "binary" else cifar_python2
    contents = {file: write(number) for number, file in enumerate(files)}
    place = folder / inside
    place.mkdir(parents=True)
    for file, data in contents.items():
        (place / file).write_bytes(data)
    packed = "sha256:"
    if archive:
        with tarfile.open(folder / name, "w:gz") as tar:
            tar.add(place, inside)
        for file in contents:
            (place / file).unlink()
        place.rmdir()
        packed = sha256((folder / name).read_bytes())
    return {name: (packed, inside, {file: sha256(data) for file, data in contents.items()})}
