"""Open a file as plain data, whatever it is, and what a reader makes of it."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from curricula.formats import columns, torch_files
from curricula.formats.signatures import describe, is_pickle
from teacher_student.data_sets import pickles


@dataclass(frozen=True)
class Content:
    """A file as plain data.

    kind : "npz" (name -> array), "npy" (array), "torch", "pickle", "json", "jsonl" (list of objects),
        "table" (name -> column) or "folder" (list of paths)
    value : what is in it
    path : where it is; names tell some formats apart
    """

    kind: str
    value: Any
    path: Path

    def has(self, *keys: str) -> bool:
        """Whether the value is a dict with these keys."""
        return isinstance(self.value, dict) and all(key in self.value for key in keys)

    def vector(self) -> np.ndarray | None:
        """The value as an array (P,) of numbers, if it is one."""
        if self.kind not in ("npy", "torch", "pickle", "json") or isinstance(self.value, (dict, str)):
            return None
        try:
            array = np.asarray(self.value)
        except ValueError:  # lists of different length
            return None
        return array if array.ndim == 1 and array.size and array.dtype.kind in "iufb" else None

    def summary(self) -> str:
        """What kind of value it is, in a few words."""
        if isinstance(self.value, np.ndarray):
            return f"{self.kind}: {self.value.dtype} array of shape {self.value.shape}"
        if isinstance(self.value, Mapping):
            keys = [str(key) for key in self.value]
            return f"{self.kind} with {', '.join(keys[:5])}{', ...' if len(keys) > 5 else ''}"
        return f"{self.kind}: {type(self.value).__name__}"


@dataclass(frozen=True)
class Options:
    """What the caller said.

    labels : (P,) int64 in the order of the file: an index map is applied to the caller's labels before
    ids : (P,) names of the caller's examples in the order of `labels`
    score : which of several scores
    higher : what a high number means
    id_column : which column of a table to join by
    """

    labels: np.ndarray | None = None
    ids: tuple[str, ...] | None = None
    score: str | None = None
    higher: str | None = None
    id_column: str | None = None

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

    scores : (P,) in the direction `higher`
    labels, ids : (P,) if the file has them
    keys : (P,) what the file is keyed by, as text
    reordered : why position i is not example i of the data set people hold, "" if it is
    by_class : whether the entries are sorted by class, so that a map can be checked
    limits, whole : between which numbers the scores of this format lie, and whether they are counts
    fields : for the Ranking
    """

    scores: Any
    higher: str
    definition: str
    source: str
    labels: Any = None
    ids: Any = None
    keys: np.ndarray | None = None
    reordered: str = ""
    by_class: bool = False
    limits: tuple[float, float] = (-np.inf, np.inf)
    whole: bool = False
    fields: dict[str, Any] = field(default_factory=dict)

    def misfit(self) -> str:
        """How the numbers contradict the format, "" if they do not."""
        values, (low, high) = np.asarray(self.scores, np.float64), self.limits
        values = values[np.isfinite(values)]
        if values.size and (values.min() < low - 1e-3 or values.max() > high + 1e-3):
            return f"lie in [{low:g}, {high:g}], but these run from {values.min():.4g} to {values.max():.4g}"
        if self.whole and (values != np.rint(values)).any():
            return "are whole numbers, but these are not"
        return ""


def open_content(path: Path) -> Content:
    """Read a file without executing anything in it.

    Raises
    ------
    ValueError
        If there is no such file, or it is none of the containers known here; the message says what it is.
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
        return Content("npy", np.load(io.BytesIO(data), allow_pickle=False), path)
    if data[:2] == b"PK" and not torch_files.is_torch(data):
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return Content("npz", {name: archive[name] for name in archive.files}, path)
    if torch_files.is_torch(data):
        return Content("torch", torch_files.loads(data), path)
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
        return _json(data.decode("utf-8-sig"), path)
    if data[:4] == b"PAR1":
        return Content("table", columns.ParquetColumns(path), path)
    if not is_pickle(data):
        if not columns.looks_like_text(data, path):
            raise ValueError(f"it is {describe(data)}")
        return Content("table", columns.text_columns(data, path), path)
    return Content("pickle", pickles.loads(data), path)


def _json(text: str, path: Path) -> Content:
    """One JSON value, or one object per line; a file of one line counts as lines by its name."""
    first = next(line for line in text.splitlines() if line.strip())
    if path.suffix != ".jsonl":
        try:
            return Content("json", json.loads(text), path)
        except json.JSONDecodeError:
            if not first.rstrip().endswith("}"):
                raise
    return Content("jsonl", json_lines(text), path)


def json_lines(text: str) -> list[dict[str, Any]]:
    """The objects of a text with one per line, blank lines left out; names the line that is none."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise ValueError(f"line {number} is cut off or no JSON: {line[:40]!r}") from error
            if not isinstance(rows[-1], dict):
                raise ValueError(f"line {number} is no object: {line[:40]!r}")
    if not rows:
        raise ValueError("it holds no line of JSON")
    return rows


class Keyed(TypedDict):
    """The fields of `Found` that belong together in a file that is keyed."""

    scores: np.ndarray
    ids: np.ndarray | None
    keys: np.ndarray
    reordered: str


def in_key_order(keys: Iterable[Any]) -> list[Any]:
    """Whole numbers in rising order, other keys in the order of the file."""
    whole = all(isinstance(key, (int, np.integer)) or str(key).isdecimal() for key in keys)
    return sorted(keys, key=int) if whole else list(keys)


def by_key(pairs: Mapping[Any, float]) -> Keyed:
    """Scores by index where the keys are 0..P-1; any other keys become ids that must be matched.

    Examples
    --------
    >>> by_key({1: 0.5, 0: 0.25})["scores"].tolist(), by_key({1: 0.5, 2: 0.25})["reordered"]
    ([0.25, 0.5], 'keyed by 1..2, not by 0..1')
    """
    ordered = in_key_order(pairs)
    scores, names = np.array([pairs[key] for key in ordered], np.float64), np.array([str(k) for k in ordered])
    if len(names) and list(names) == [str(index) for index in range(len(names))]:
        return Keyed(scores=scores, ids=None, keys=names, reordered="")
    span = f"{names[0]}..{names[-1]}" if all(name.isdecimal() for name in names) else "name"
    why = f"keyed by {span}, not by 0..{len(names) - 1}"
    return Keyed(scores=scores, ids=names, keys=names, reordered=why)


def finite(scores: ArrayLike | Sequence[float]) -> tuple[np.ndarray, str]:
    """Replace +inf, which some files use for never learned, by the largest finite score + 1."""
    values = np.asarray(scores, np.float64).copy()
    never = np.isposinf(values)
    if not never.any():
        return values, "as in the file: none is marked as never learned"
    values[never] = values[np.isfinite(values)].max(initial=0.0) + 1
    return values, f"{int(never.sum())} marked inf in the file count as the largest finite score + 1"
