"""Open a file as plain data, whatever it is, and what a reader makes of it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from curricula.formats import torch_files
from teacher_student.data_sets import pickles


@dataclass(frozen=True)
class Content:
    """A file as plain data.

    kind : "npz" (name -> array), "npy" (array), "torch", "pickle", "json" (object), "jsonl" (list of
        objects) or "folder" (list of paths)
    value : what is in it
    path : where it is; names tell some formats apart
    """

    kind: str
    value: Any
    path: Path

    def has(self, *keys: str) -> bool:
        """Whether the value is a dict with these keys."""
        return isinstance(self.value, dict) and all(key in self.value for key in keys)


@dataclass(frozen=True)
class Options:
    """What the caller said: labels (P,), which of several scores, what a high number means."""

    labels: np.ndarray | None = None
    score: str | None = None
    higher: str | None = None

    def direction(self, usual: str | None, why: str = "") -> str:
        """The caller's direction, else the usual one of the format, else a refusal."""
        if (self.higher or usual) is None:
            raise ValueError(f'{why}; pass higher="harder" or higher="easier"')
        return self.higher or str(usual)

    def needed_labels(self, why: str) -> np.ndarray:
        """The caller's labels, or a refusal that says what they are for."""
        if self.labels is None:
            raise ValueError(f"{why}; pass labels=...")
        return self.labels


@dataclass(frozen=True)
class Found:
    """What a reader found.

    scores (P,) in the direction `higher`; labels, ids (P,) if the file has them; `reordered` says why
    position i is not example i of the data set people hold, "" if it is; `fields` go to the Ranking.
    """

    scores: Any
    higher: str
    definition: str
    source: str
    labels: Any = None
    ids: Any = None
    reordered: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


def open_content(path: Path) -> Content:
    """Read a file without executing anything in it.

    Raises
    ------
    ValueError
        If there is no such file, or it is none of the containers known here.
    """
    if path.is_dir():
        return Content("folder", sorted(path.iterdir()), path)
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    data = path.read_bytes()
    try:
        return _decode(data, path)
    except Exception as error:  # whatever a damaged file makes the parsers stumble over
        if isinstance(error, pickles.Unsafe):
            raise
        raise ValueError(f"cannot read {path.name}: {' '.join(str(error).split())}") from error


def _decode(data: bytes, path: Path) -> Content:
    if data[:6] == b"\x93NUMPY":
        return Content("npy", np.load(path, allow_pickle=False), path)
    if data[:2] == b"PK" and not torch_files.is_torch(data):
        with np.load(path, allow_pickle=False) as archive:
            return Content("npz", {name: archive[name] for name in archive.files}, path)
    if torch_files.is_torch(data):
        return Content("torch", torch_files.loads(data), path)
    if data[:1] in (b"{", b"["):
        lines = [line for line in data.decode().splitlines() if line.strip()]
        if len(lines) > 1 and lines[0].rstrip().endswith("}"):
            return Content("jsonl", [json.loads(line) for line in lines], path)
        return Content("json", json.loads(data), path)
    return Content("pickle", pickles.loads(data), path)


def indexed(pairs: dict[Any, float]) -> tuple[np.ndarray, np.ndarray | None]:
    """Scores by index 0..P-1 where the keys are these, else in key order with the keys as ids."""
    keys = list(pairs)
    whole = all(isinstance(key, (int, np.integer)) or str(key).isdigit() for key in keys)
    ordered = sorted(keys, key=int) if whole else keys
    scores = np.array([pairs[key] for key in ordered], np.float64)
    aligned = whole and [int(key) for key in ordered] == list(range(len(keys)))
    return scores, None if aligned else np.array([str(key) for key in ordered])


def finite(scores: Any) -> tuple[np.ndarray, str]:
    """Replace +inf, which some files use for never learned, by the largest finite score + 1."""
    values = np.asarray(scores, np.float64).copy()
    never = np.isposinf(values)
    if not never.any():
        return values, "as in the file: none is marked as never learned"
    values[never] = values[np.isfinite(values)].max(initial=0.0) + 1
    return values, f"{int(never.sum())} marked inf in the file count as the largest finite score + 1"
