"""Write what torch.save writes, both containers, without torch: stand-in modules give pickle the names."""

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from contextlib import contextmanager
from typing import Any

import numpy as np

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
KINDS = {"f4": "FloatStorage", "f8": "DoubleStorage", "i8": "LongStorage", "i4": "IntStorage"}


class Tensor:
    """An array to be written as a tensor, at an offset inside a larger storage."""

    def __init__(self, values: Any, device: str = "cpu", offset: int = 0) -> None:
        self.values, self.device, self.offset = np.asarray(values), device, offset


@contextmanager
def _torch_names():
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2(*arguments):
        raise AssertionError("only named, never called")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # pyright: ignore[reportAttributeAccessIssue]
    for kind in KINDS.values():
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
    saved = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        yield torch, _rebuild_tensor_v2
    finally:
        for name, module in saved.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


def _dump(value: Any) -> tuple[bytes, dict[str, np.ndarray]]:
    """The pickle of the object and the storages it names."""
    storages: dict[str, np.ndarray] = {}

    with _torch_names() as (torch, rebuild):

        class Storage:
            def __init__(self, tensor: Tensor) -> None:
                self.key, self.device = str(len(storages)), tensor.device
                self.kind = KINDS[tensor.values.dtype.str[1:]]
                pad = np.full(tensor.offset, 77, tensor.values.dtype)
                storages[self.key] = np.concatenate([pad, tensor.values.ravel()])

        class Pickler(pickle.Pickler):
            def reducer_override(self, obj):
                if not isinstance(obj, Tensor):
                    return NotImplemented
                stride = tuple(s // obj.values.itemsize for s in np.empty_like(obj.values, order="C").strides)
                arguments = (Storage(obj), obj.offset, obj.values.shape, stride, False, OrderedDict())
                return rebuild, arguments

            def persistent_id(self, obj):
                if isinstance(obj, Storage):
                    size = storages[obj.key].size
                    return ("storage", getattr(torch, obj.kind), obj.key, obj.device, size)
                return None

        stream = io.BytesIO()
        Pickler(stream, protocol=2).dump(value)
    return stream.getvalue(), storages


def as_zip(value: Any) -> bytes:
    """The container of torch 1.6 and later."""
    data, storages = _dump(value)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/byteorder", "little")
        for key, values in storages.items():
            archive.writestr(f"archive/data/{key}", values.tobytes())
    return stream.getvalue()


def as_stream(value: Any) -> bytes:
    """The container before torch 1.6; persistent ids there have a sixth entry, None."""
    data, storages = _dump(value)
    parts = [pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, {"little_endian": True})]
    parts += [data, pickle.dumps(sorted(storages), 2)]
    for key in sorted(storages):
        parts += [np.int64(storages[key].size).tobytes(), storages[key].tobytes()]
    return b"".join(parts)
