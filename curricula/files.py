"""Small files beside a ranking that the command line takes: ids, index maps, wrong labels."""

from pathlib import Path
from typing import Any

import numpy as np


def read_index_map(path: Path) -> np.ndarray:
    """An index map: .npy, or .npz whose only *_to_orig entry it is."""
    loaded = _numpy(path, "no index map: need .npy, or .npz with *_to_orig")
    if isinstance(loaded, np.ndarray):
        return loaded
    names = [name for name in loaded.files if name.endswith("_to_orig")]
    if len(names) != 1:
        raise ValueError(f"{path.name} has no single *_to_orig entry; it has {', '.join(loaded.files)}")
    return loaded[names[0]]


def read_ids(path: Path) -> list[str]:
    """Names of examples: an array in .npy, or a text file with one per line."""
    if path.suffix == ".npy":
        found = _numpy(path, "no ids: need an array (P,) in .npy, or one name per line")
        if found.ndim != 1:
            raise ValueError(f"ids in {path.name} have shape {found.shape}; need (P,)")
        return [str(name) for name in found]
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    try:
        names = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path.name} holds no ids: need an array (P,) in .npy, or one name per line"
        ) from error
    if empty := [number for number, name in enumerate(names, 1) if not name.strip()]:
        raise ValueError(f"line {empty[0]} of {path.name} is empty; need one id per line")
    return [name.strip() for name in names]


def read_wrong(path: Path) -> np.ndarray:
    """Which labels are wrong (P,): booleans, or probabilities."""
    found = _numpy(path, "no array: need .npy with one of False, True, or a probability, per example")
    if not isinstance(found, np.ndarray):
        raise ValueError(f"{path.name} holds several arrays; need one in .npy")
    return found


def _numpy(path: Path, need: str) -> Any:
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{path.name} holds {need}") from error
