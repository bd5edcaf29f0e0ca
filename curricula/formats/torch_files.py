"""Read what torch.save wrote, without torch: the zip container and the older stream.

zip     `<root>/data.pkl`, a pickle whose tensors name their storage, and the storages as raw bytes in
        `<root>/data/<key>`
stream  five pickles (magic number, protocol, system, object, storage keys), then for each key the
        number of elements as int64 and the raw bytes

Tensors come back as numpy arrays; where they were saved from (a GPU, say) plays no part.
"""

import io
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from teacher_student.data_sets.pickles import Unsafe, plain, read_stream

MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "|b1",
}


@dataclass(frozen=True)
class Storage:
    """A reference to raw numbers: the name of their type, their key, and how to get their bytes."""

    kind: str
    key: str
    read: Callable[[str], bytes]

    def numbers(self) -> np.ndarray:
        """All numbers of the storage; bfloat16 is widened to float32."""
        values = np.frombuffer(self.read(self.key), STORAGES[self.kind])
        if self.kind == "BFloat16Storage":
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values


@dataclass(frozen=True)
class Tensor:
    """A view of a storage that is read when all storages are known."""

    storage: Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    def resolve(self) -> np.ndarray:
        """The tensor as an array; refuses a view that reaches outside its storage."""
        numbers = self.storage.numbers()
        if min((self.offset, *self.size, *self.stride)) < 0 or len(self.size) != len(self.stride):
            raise Unsafe("refused: a tensor has a negative size or stride")
        reach = self.offset + sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True))
        if 0 not in self.size and reach >= numbers.size:
            raise Unsafe(f"refused: a tensor reaches element {reach} of a storage of {numbers.size}")
        steps = tuple(s * numbers.itemsize for s in self.stride)
        return np.lib.stride_tricks.as_strided(numbers[self.offset :], self.size, steps).copy()


def _tensor(storage: Storage, offset: int, size: Iterable[int], stride: Iterable[int], *_: object) -> Tensor:
    if not isinstance(storage, Storage):
        raise Unsafe("refused: a tensor without a storage")
    return Tensor(storage, int(offset), tuple(int(n) for n in size), tuple(int(n) for n in stride))


def _names() -> dict[tuple[str, str], Any]:
    names: dict[tuple[str, str], Any] = {("torch", kind): kind for kind in STORAGES}
    names["torch._utils", "_rebuild_tensor_v2"] = _tensor
    names["torch._utils", "_rebuild_parameter"] = lambda tensor, *_: tensor
    names["torch", "Size"] = lambda sizes: tuple(sizes)
    names["torch", "device"] = lambda *parts: ":".join(str(p) for p in parts)
    return names


def _persistent(read: Callable[[str], bytes], seen: dict[str, str]) -> Callable[[Any], Storage]:
    def load(reference: Iterable[Any]) -> Storage:
        what, kind, key, *_ = reference
        if what != "storage" or kind not in STORAGES:
            raise Unsafe("refused: the file refers to something that is no tensor storage")
        seen[str(key)] = kind
        return Storage(kind, str(key), read)

    return load


def _read_zip(data: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.endswith("data.pkl")]
        if len(names) != 1:
            raise ValueError("a zip file, but not one that torch.save wrote: no data.pkl in it")
        root = names[0].removesuffix("data.pkl")
        if root + "byteorder" in archive.namelist() and archive.read(root + "byteorder") != b"little":
            raise ValueError("the file was saved on a big-endian machine; save it again on a common one")
        load = _persistent(lambda key: archive.read(f"{root}data/{key}"), {})
        return plain(read_stream(io.BytesIO(archive.read(names[0])), _names(), load))


def _read_legacy(data: bytes) -> Any:
    stream = io.BytesIO(data)
    if read_stream(stream) != MAGIC:
        raise ValueError("not a torch file: the magic number is missing")
    for _ in ("protocol", "system"):
        read_stream(stream)
    storages: dict[str, bytes] = {}
    seen: dict[str, str] = {}
    value = read_stream(stream, _names(), _persistent(storages.__getitem__, seen))
    for key in read_stream(stream):
        count = int(np.frombuffer(stream.read(8), "<i8")[0])
        storages[str(key)] = stream.read(count * np.dtype(STORAGES[seen[str(key)]]).itemsize)
    return plain(value)


def is_torch(data: bytes) -> bool:
    """Whether the bytes look like either container."""
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return any(name.endswith("data.pkl") for name in archive.namelist())
    return MAGIC.to_bytes(10, "little") in data[:32]


def loads(data: bytes) -> Any:
    """Plain data from the bytes of a torch file, tensors as numpy arrays.

    Raises
    ------
    ValueError
        If the bytes are no torch file, are damaged, or ask for anything but plain data.
    """
    try:
        return _read_zip(data) if data[:2] == b"PK" else _read_legacy(data)
    except ValueError:
        raise
    except Exception as error:  # whatever a damaged container makes the parsers stumble over
        raise ValueError(f"a damaged torch file ({type(error).__name__}: {error})") from error
