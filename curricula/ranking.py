"""Ranking: one difficulty score per example, with what is needed to not use it on the wrong data.

Scores are stored so that higher = harder, whatever the direction they came in; the original
direction is kept in `higher_was`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from curricula.classes import whole_labels
from curricula.sorting import CHUNK, stable_order
from teacher_student.checks import known, within

FORMAT = "tilting-odds ranking 1"
DIRECTIONS = ("harder", "easier")


@dataclass(frozen=True, eq=False)
class Ranking:
    """How hard each of P examples is; higher = harder.

    Parameters
    ----------
    scores : (P,) float64
        Finite, higher = harder. Use `from_scores` for numbers that run the other way.
    definition : str
        What the number is, in words or as a formula.
    source : str
        Where it came from: a file, a paper, a run.
    higher_was : {"harder", "easier"}
        What a high number meant at the source.
    index_space : str
        Which data set, split and order index i refers to.
    labels : (P,) int, optional
        Class of each example; lets a mismatch with another data set be noticed.
    ids : (P,) str, optional
        Unique names of the examples.
    error : (P,) float64, optional
        Standard error of each score over runs.
    runs : int
        Number of runs averaged, 0 if not known.
    never_learned : str
        What was done with examples that were never learned.

    Raises
    ------
    ValueError
        For no examples, NaN or infinite scores, duplicate ids, or arrays of different length.

    Examples
    --------
    >>> ranking = Ranking.from_scores([0.9, 0.1, 0.5], higher="easier", definition="confidence")
    >>> ranking.scores.tolist(), ranking.original.tolist(), ranking.higher_was
    ([-0.9, -0.1, -0.5], [0.9, 0.1, 0.5], 'easier')
    """

    scores: np.ndarray
    definition: str = ""
    source: str = ""
    higher_was: str = "harder"
    index_space: str = ""
    labels: np.ndarray | None = None
    ids: np.ndarray | None = None
    error: np.ndarray | None = None
    runs: int = 0
    never_learned: str = "not applicable"

    def __post_init__(self) -> None:
        scores = _frozen(self.scores, np.float64)
        if scores.ndim != 1 or scores.size == 0:
            raise ValueError(f"scores have shape {scores.shape}; need one score for each of P >= 1 examples")
        bad = np.flatnonzero(~np.isfinite(scores))
        if bad.size:
            raise ValueError(
                f"{bad.size} scores are NaN or infinite, the first at index {bad[0]}; need finite"
            )
        known("direction", self.higher_was, DIRECTIONS)
        object.__setattr__(self, "scores", scores)
        for name, kind in (("labels", np.int64), ("ids", np.str_), ("error", np.float64)):
            if (value := getattr(self, name)) is not None:
                array = _frozen(value, kind)
                if array.shape != scores.shape:
                    raise ValueError(f"{name} have shape {array.shape} but there are {scores.size} scores")
                object.__setattr__(self, name, array)
        if self.ids is not None and (extra := scores.size - np.unique(self.ids).size):
            raise ValueError(f"ids must be unique, but {extra} of {scores.size} repeat another")

    @classmethod
    def from_scores(cls, scores: ArrayLike | Sequence[float], *, higher: str, **fields: Any) -> "Ranking":
        """Build from numbers whose high values mean `higher` ("harder" or "easier"); flips if needed."""
        known("direction", higher, DIRECTIONS)
        numbers = np.asarray(scores, np.float64)
        return cls(numbers if higher == "harder" else 0.0 - numbers, higher_was=higher, **fields)

    @classmethod
    def from_order(cls, easiest_first: object, **fields: Any) -> "Ranking":
        """Build from a permutation of 0..P-1 that lists indices easiest first; the score is the rank."""
        path = np.asarray(easiest_first)
        if path.ndim != 1 or path.size == 0 or not np.array_equal(np.sort(path), np.arange(path.size)):
            raise ValueError("an order must list each index 0..P-1 exactly once, easiest first")
        scores = np.empty(path.size)
        scores[path.astype(np.int64)] = np.arange(path.size)
        return cls(scores, **fields)

    def __len__(self) -> int:
        return self.scores.size

    @property
    def original(self) -> np.ndarray:
        """The scores in the direction of the source (P,)."""
        return self.scores if self.higher_was == "harder" else 0.0 - self.scores

    @property
    def tied(self) -> int:
        """Number of examples that share their score with another one."""
        counts = np.unique(self.scores, return_counts=True)[1]
        return int(counts[counts > 1].sum())

    @property
    def checksum(self) -> str:
        """SHA-256 of scores, labels and ids: the same numbers give the same 64 hex digits anywhere."""
        digest = hashlib.sha256()
        for array in (self.scores, self.labels):
            for start in range(0, 0 if array is None else array.size, CHUNK):
                part = np.asarray(array)[start : start + CHUNK] + 0  # -0.0 counts as 0.0
                digest.update(part.astype(part.dtype.newbyteorder("<")).tobytes())
            digest.update(b"|")
        digest.update(b"" if self.ids is None else "\0".join(self.ids).encode())
        digest.update(b"|")
        return digest.hexdigest()

    def ranks(self) -> np.ndarray:
        """Position of each example in the curriculum (P,): 0 = easiest; ties by index."""
        ranks = np.empty(len(self), np.int64)
        ranks[stable_order(self.scores)] = np.arange(len(self))
        return ranks

    def easiest(self, fraction: float) -> np.ndarray:
        """Indices of the easiest round(fraction * P) examples (at least 1), easiest first; ties by index."""
        within("fraction", fraction, low=0, high=1, open_low=True)
        return stable_order(self.scores)[: max(1, round(fraction * len(self)))].astype(np.int64)

    def restrict(self, indices: ArrayLike | Sequence[int]) -> "Ranking":
        """The ranking of a subset, in the order of `indices` (unique, each in 0..P-1)."""
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or chosen.size == 0 or chosen.dtype.kind not in "iu":
            raise ValueError("indices must be a non-empty list of whole numbers")
        if chosen.min() < 0 or chosen.max() >= len(self) or np.unique(chosen).size != chosen.size:
            raise ValueError(f"indices must be unique and lie in 0..{len(self) - 1}")
        parts = {n: getattr(self, n) for n in ("scores", "labels", "ids", "error")}
        space = f"{chosen.size} of: {self.index_space}" if self.index_space else ""
        cut = {n: None if v is None else v[chosen] for n, v in parts.items()}
        return replace(self, **cut, index_space=space)

    def per_class(self) -> dict[int, np.ndarray]:
        """Indices of each class, easiest first; needs labels."""
        labels = self.required_labels()
        path = stable_order(self.scores).astype(np.int64)
        return {int(c): path[labels[path] == c] for c in np.unique(labels)}

    def histogram(self, fraction: float = 0.2) -> dict[int, int]:
        """How many of the easiest `fraction` fall in each class: what a first phase would show."""
        labels, easy = self.required_labels(), self.easiest(fraction)
        return {int(c): int(np.sum(labels[easy] == c)) for c in np.unique(labels)}

    def standardised(self) -> "Ranking":
        """z-scores within each class, (s - mean) / std with the population std; 0 in a constant class."""
        labels, scores = self.required_labels(), self.scores.copy()
        for c in np.unique(labels):
            inside = labels == c
            spread = scores[inside].std()
            scores[inside] = (scores[inside] - scores[inside].mean()) / (spread if spread > 0 else 1.0)
        return replace(self, scores=scores, error=None, definition=f"z-score per class of: {self.definition}")

    def required_labels(self) -> np.ndarray:
        """The labels, or a ValueError that says they are missing."""
        if self.labels is None:
            raise ValueError("this needs class labels and the ranking has none; pass labels when you load it")
        return self.labels

    def save(self, path: str | Path) -> Path:
        """Write one .npz: `scores`, where present `labels`, `ids`, `error`, and `header`.

        `header` is a JSON text with the keys format, definition, source, higher_was, index_space,
        runs, never_learned and checksum. `scores` are higher = harder. No pickle is involved, so
        `numpy.load(path)` opens it anywhere; `curricula.load_ranking` also verifies the checksum.
        """
        target = Path(path)
        if target.suffix != ".npz":
            raise ValueError(f"a ranking is saved as .npz; got {target.name!r}")
        fields = ("definition", "source", "higher_was", "index_space", "runs", "never_learned")
        header = {"format": FORMAT, **{n: getattr(self, n) for n in fields}, "checksum": self.checksum}
        arrays = {n: getattr(self, n) for n in ("labels", "ids", "error") if getattr(self, n) is not None}
        np.savez(target, scores=self.scores, header=np.array(json.dumps(header)), **arrays)
        return target


def _frozen(value: object, kind: type) -> np.ndarray:
    """A read-only copy of `value` as an array of `kind`."""
    array = whole_labels(value) if kind is np.int64 else np.asarray(value).astype(kind)
    array.flags.writeable = False
    return array
