"""Read plain data out of a pickle without running anything the pickle asks for.

A pickle is a program: it names functions and calls them. Here the only names that resolve are the
ones below, and each resolves to a stand-in of ours that builds plain numpy data from checked
arguments; anything else is refused. Not even numpy's own constructors are reachable, since an array
state with doctored type flags could make them treat bytes as pointers.
"""

import io
import math
import pickle
import re
import struct
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

_PLAIN = re.compile(r"[biufSU]\d+")


class Unsafe(ValueError):
    """The pickle asks for something that is not plain data."""


class Call:
    """A callable that a pickle may reach but not alter."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        object.__setattr__(self, "_function", function)

    def __call__(self, *arguments: object) -> Any:
        return self._function(*arguments)

    def __setattr__(self, name: str, value: object) -> None:
        raise Unsafe("refused: the pickle tries to alter a constructor")


class Dtype:
    """Stand-in for numpy.dtype: booleans, numbers, fixed-width text, or objects given as a list."""

    __slots__ = ("code", "order")

    def __init__(self, code: object, align: object = False, copy: object = False) -> None:
        self.code, self.order = str(code).lstrip("<>=|"), "<"
        if self.code not in ("O", "O8") and not _PLAIN.fullmatch(self.code):
            raise Unsafe(f"refused: array type {code!r} is not a plain number or text type")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if any(part is not None for part in state[2:5]) or state[1] not in ("<", ">", "|", "="):
            raise Unsafe("refused: structured array types are not plain data")
        self.order = "<" if state[1] == "=" else state[1]

    @property
    def holds_objects(self) -> bool:
        return self.code.startswith("O")

    def read(self, data: Any, shape: tuple[int, ...], fortran: bool = False) -> np.ndarray:
        """An array of this type from raw bytes (or from a list, for objects)."""
        size = math.prod(shape)
        if self.holds_objects:
            if not isinstance(data, list) or len(data) != size:
                raise Unsafe("refused: an object array must come with the list of its entries")
            flat = np.empty(size, object)
            flat[:] = data
            return flat.reshape(shape)
        if not isinstance(data, (str, bytes, bytearray)):
            raise Unsafe(f"refused: an array must come with its bytes, not with {type(data).__name__}")
        raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
        values = np.frombuffer(raw, np.dtype(self.order + self.code))
        if values.size != size or any(n < 0 for n in shape):
            raise Unsafe(f"refused: {values.size} numbers do not fill an array of shape {shape}")
        return values.reshape(shape, order="F" if fortran else "C")


class Array:
    """Stand-in for an array under construction; `plain` replaces it by its value."""

    __slots__ = ("value",)

    def __init__(self, *_: object) -> None:
        self.value = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        self.value = dtype.read(data, tuple(int(n) for n in shape), bool(fortran))


def _refuse(*_: object) -> Any:
    raise Unsafe("refused: the pickle calls a type that it may only name")


def _scalar(dtype: Dtype, data: object) -> Any:
    return dtype.read(data, (1,))[0]


def _frombuffer(data: object, dtype: Dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    if dtype.holds_objects:
        raise Unsafe("refused: object arrays cannot be read from bytes")
    return dtype.read(data, shape, order == "F")


def _no_bytes() -> bytes:
    """Old protocols write empty bytes as a call without arguments."""
    return b""


def _encode(text: str, encoding: str = "latin1") -> bytes:
    return str(text).encode("latin1" if encoding == "latin1" else "ascii")


def _table() -> dict[tuple[str, str], Any]:
    table: dict[tuple[str, str], Any] = {
        ("numpy", "dtype"): Call(Dtype),
        ("numpy", "ndarray"): Call(_refuse),
        ("_codecs", "encode"): Call(_encode),
        ("collections", "OrderedDict"): OrderedDict,
        ("collections", "defaultdict"): defaultdict,
    }
    for core in ("numpy.core", "numpy._core"):
        table[f"{core}.multiarray", "_reconstruct"] = Call(Array)
        table[f"{core}.multiarray", "scalar"] = Call(_scalar)
        table[f"{core}.numeric", "_frombuffer"] = Call(_frombuffer)
    for builtins in ("builtins", "__builtin__"):
        table[builtins, "bytes"] = Call(_no_bytes)
        for kind in (list, dict, set, int, float, bool, str):
            table[builtins, kind.__name__] = kind
    return table


def _bytearray(reader: Any) -> None:
    (size,) = struct.unpack("<Q", reader.read(8))
    reader.append(bytearray(reader.read(size)))


class _Reader(pickle._Unpickler):
    """The unpickler in Python: that in C makes room for as many objects as a damaged file says it names.

    Nor is room made for bytes before they are there.
    """

    dispatch = pickle._Unpickler.dispatch.copy()
    dispatch[pickle.BYTEARRAY8[0]] = _bytearray

    def __init__(
        self,
        stream: io.BytesIO,
        extra: Mapping[tuple[str, str], Any] | None,
        persistent: Callable[[Any], Any] | None,
    ) -> None:
        super().__init__(stream, encoding="latin1")
        self._names = _table() | {
            name: Call(value) if callable(value) else value for name, value in (extra or {}).items()
        }
        self._persistent = persistent

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._names:
            raise Unsafe(f"refused: the file asks for {module}.{name}, which is not plain data")
        return self._names[module, name]

    def persistent_load(self, pid: object) -> Any:
        if self._persistent is None:
            raise Unsafe("refused: the pickle refers to data outside itself")
        return self._persistent(pid)


def read_stream(
    stream: io.BytesIO,
    extra: Mapping[tuple[str, str], Any] | None = None,
    persistent: Callable[[Any], Any] | None = None,
) -> Any:
    """Read one pickle from `stream`; arrays stay stand-ins until `plain` is called on the result."""
    try:
        return _Reader(stream, extra, persistent).load()
    except Unsafe:
        raise
    except Exception as error:  # whatever a damaged stream makes the unpickler stumble over
        raise ValueError(f"not a readable pickle of plain data ({type(error).__name__}: {error})") from error


def plain(value: Any) -> Any:
    """Replace stand-ins by numpy arrays, everywhere inside dicts, lists and tuples."""
    if hasattr(value, "resolve"):
        return value.resolve()
    if isinstance(value, Array):
        return plain(value.value) if value.value.dtype != object else plain_objects(value.value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(plain(item) for item in value)
    return value


def plain_objects(array: np.ndarray) -> np.ndarray:
    """`plain` on each entry of an object array."""
    out = np.empty(array.size, object)
    for index, item in enumerate(array.ravel()):
        out[index] = plain(item)
    return out.reshape(array.shape)


def loads(data: bytes) -> Any:
    """Plain data from the bytes of a pickle.

    Raises
    ------
    ValueError
        If the bytes are no pickle, or the pickle asks for anything but plain data.

    Examples
    --------
    >>> loads(pickle.dumps({"indices": np.array([2, 0, 1])}))["indices"].tolist()
    [2, 0, 1]
    >>> loads(pickle.dumps(print))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    teacher_student.data_sets.pickles.Unsafe: refused: the file asks for builtins.print, ...
    """
    value = read_stream(io.BytesIO(data))
    try:
        return plain(value)
    except ValueError:
        raise
    except Exception as error:  # such as an object that contains itself
        raise ValueError(f"not a readable pickle of plain data ({type(error).__name__}: {error})") from error
