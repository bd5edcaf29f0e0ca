"""What data sets people hold look like, to tell whether a score file fits: size and first labels.

Where the original files lie in the data folder (`TILTING_ODDS_DATA`) or in the cache of downloads, as the
loaders of images find them, all labels are compared; otherwise length and the first ten labels.
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from curricula.classes import whole_labels
from teacher_student.data_sets.published import read_idx, read_train_labels

FIRST_LABELS = {
    "mnist": (60_000, (5, 0, 4, 1, 9, 2, 1, 3, 1, 4)),
    "fashion_mnist": (60_000, (9, 0, 0, 3, 0, 2, 7, 2, 5, 5)),
    "cifar10": (50_000, (6, 9, 9, 4, 1, 1, 2, 7, 8, 3)),
    "cifar100": (50_000, (19, 29, 0, 11, 1, 86, 90, 28, 23, 31)),
}


@dataclass(frozen=True)
class Dataset:
    """A training set: its name, size, first labels, and all labels where they could be read."""

    name: str
    size: int
    first: tuple[int, ...]
    labels: np.ndarray | None

    def misfit(self, size: int, labels: np.ndarray | None) -> str:
        """Why scores of `size` examples with these `labels` do not belong to it; "" if they may."""
        if size != self.size:
            return f"{size} scores, but {self.name} has {self.size} examples"
        mine = np.array(self.first) if self.labels is None else self.labels
        wrong = 0 if labels is None else int(np.sum(labels[: len(mine)] != mine))
        return f"labels differ from {self.name} at {wrong} of {len(mine)} examples" if wrong else ""


def find_dataset(name: str) -> Dataset:
    """A known data set.

    Raises
    ------
    ValueError
        If it is none; a file of labels is read by `read_labels`.
    """
    if name not in FIRST_LABELS:
        hint = "; for a file of labels: --labels FILE" if Path(name).is_file() else ""
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(FIRST_LABELS)}{hint}")
    size, first = FIRST_LABELS[name]
    return Dataset(name, size, first, read_train_labels(name))


def read_labels(file: Path) -> np.ndarray:
    """Labels (P,) from .npy, .npz with `labels` or `train_labels`, or idx (also .gz)."""
    if not file.is_file():
        raise ValueError(f"no such file: {file}")
    raw = file.read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    if raw[:4] == b"\x00\x00\x08\x01":
        return read_idx(raw, file.name).astype(np.int64)
    try:
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            labels = loaded
        else:
            labels = loaded["labels" if "labels" in loaded.files else "train_labels"]
    except (ValueError, KeyError, EOFError, OSError) as error:
        raise ValueError(
            f"{file.name} holds no labels: need .npy, .npz with `labels` or `train_labels`, or idx"
        ) from error
    return whole_labels(labels, f"labels of {file.name}")
