"""Images as published: arrays, labels and ids of both splits, checked; digits of scikit-learn, .npz files."""

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from teacher_student.data_sets.published import Arrays


@dataclass(frozen=True, eq=False)
class Images:
    """A data set as published: nothing shuffled, scaled or left out.

    Parameters
    ----------
    name : str
    train_inputs (P, H, W, C), test_inputs (Q, H, W, C) : uint8, or finite floats
    train_labels (P,), test_labels (Q,) : whole numbers, 0 or more
    train_ids (P,), test_ids (Q,) : whole numbers in 0..2^32 - 1 or text, unique over both splits; position
        in the published order, test after training, where the data set has none
    checksum : SHA-256 of arrays and ids, set by the constructor

    Raises
    ------
    ValueError
        For an empty split, shapes that do not fit, negative labels, NaN or infinite pixels, or ids that
        repeat.
    """

    name: str
    train_inputs: Shaped[np.ndarray, "..."]
    train_labels: Shaped[np.ndarray, "..."]
    train_ids: Shaped[np.ndarray, "..."]
    test_inputs: Shaped[np.ndarray, "..."]
    test_labels: Shaped[np.ndarray, "..."]
    test_ids: Shaped[np.ndarray, "..."]
    checksum: str = field(init=False, default="")

    def __post_init__(self) -> None:
        digest = hashlib.sha256()
        for split in ("train", "test"):
            inputs, labels, ids = (getattr(self, f"{split}_{part}") for part in ("inputs", "labels", "ids"))
            _check_split(f"{self.name} {split}", inputs, labels, ids)
            for array in (inputs, labels.astype("<i8"), ids):
                text = array.dtype.kind == "U"
                little = array if text else array.astype(array.dtype.newbyteorder("<"))
                digest.update(str((array.shape, array.dtype.kind)).encode())
                digest.update("\0".join(map(str, array)).encode() if text else little.tobytes())
        if self.train_inputs.shape[1:] != self.test_inputs.shape[1:]:
            raise ValueError(
                f"{self.name}: training images have shape {self.train_inputs.shape[1:]}, "
                f"test images {self.test_inputs.shape[1:]}"
            )
        if self.train_ids.dtype.kind != self.test_ids.dtype.kind:
            raise ValueError(f"{self.name}: ids of one split are text and of the other numbers")
        both = np.concatenate([self.train_ids, self.test_ids])
        if repeats := both.size - np.unique(both).size:
            raise ValueError(f"{self.name}: ids must be unique, but {repeats} of {both.size} repeat another")
        object.__setattr__(self, "checksum", digest.hexdigest())

    @property
    def n_classes(self) -> int:
        """1 + the largest label."""
        return 1 + int(max(self.train_labels.max(), self.test_labels.max()))


def numbered(name: str, arrays: Arrays) -> Images:
    """Images whose ids are their positions, test after training."""
    n_train, n_test = len(arrays.train_labels), len(arrays.test_labels)
    ids = np.arange(n_train + n_test)
    return Images(name, *arrays[:2], ids[:n_train], *arrays[2:], ids[n_train:])


def digits() -> Images:
    """scikit-learn's digits, 0 to 16 grey levels; ids are positions in the published order."""
    from sklearn.datasets import load_digits

    data: Any = load_digits()
    inputs, labels = data.images[..., None].astype(np.uint8), data.target.astype(np.int32)
    ids = np.arange(len(labels))
    test = ids % 5 == 4
    return Images("digits", inputs[~test], labels[~test], ids[~test], inputs[test], labels[test], ids[test])


def from_npz(path: Path) -> Images:
    """An .npz with both splits, read without running anything in it."""
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            parts: dict[str, np.ndarray] = {key: archive[key] for key in archive.files}
    except Exception as error:  # whatever a damaged archive makes the reader stumble over
        raise ValueError(f"cannot read {path.name}: {' '.join(str(error).split())}") from error
    wanted = ("train_inputs", "train_labels", "test_inputs", "test_labels")
    if missing := [key for key in wanted if key not in parts]:
        raise ValueError(f"{path.name} lacks {', '.join(missing)}; it holds {', '.join(parts) or 'nothing'}")
    if ("train_ids" in parts) != ("test_ids" in parts):
        raise ValueError(f"{path.name} has ids for one split only; need train_ids and test_ids, or neither")
    for key in ("train_inputs", "test_inputs"):
        parts[key] = parts[key][..., None] if parts[key].ndim == 3 else parts[key]
    arrays = Arrays(*(parts[key] for key in wanted))
    if "train_ids" not in parts:
        return numbered(path.stem, arrays)
    return Images(path.stem, *arrays[:2], parts["train_ids"], *arrays[2:], parts["test_ids"])


def _check_split(name: str, inputs: np.ndarray, labels: np.ndarray, ids: np.ndarray) -> None:
    if inputs.ndim != 4 or 0 in inputs.shape or inputs.dtype.kind not in "uf":
        raise ValueError(
            f"{name} images are {inputs.dtype} {inputs.shape}; need (P, H, W, C), unsigned or float"
        )
    if labels.shape != inputs.shape[:1] or labels.dtype.kind not in "iu" or labels.min() < 0:
        raise ValueError(
            f"{name} labels are {labels.dtype} {labels.shape}; need {len(inputs)} whole numbers >= 0"
        )
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        raise ValueError(f"{name} images hold NaN or infinite pixels")
    if ids.shape != labels.shape or ids.dtype.kind not in "iuU":
        raise ValueError(f"{name} ids are {ids.dtype} {ids.shape}; need {len(inputs)} whole numbers or texts")
    if ids.dtype.kind in "iu" and (ids.min() < 0 or ids.max() > 2**32 - 1):
        raise ValueError(f"{name} ids run from {ids.min()} to {ids.max()}; need 0 to 2^32 - 1")
