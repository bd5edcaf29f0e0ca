"""What was shown: how many examples of each difficulty, step by step, and on request which ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from curricula.ranking import Ranking
from teacher_student.checks import whole

FORMAT = "tilting-odds record 1"


class Record:
    """Counts (steps, bins) of the examples shown by difficulty: bin floor(bins * rank / P), 0 = easiest.

    Parameters
    ----------
    ranking : Ranking of P examples; ties of scores are broken by index
    bins : int, 1 <= bins <= P, default 10
    indices : bool, default False
        Keep the indices themselves, too.

    Examples
    --------
    >>> record = Record(Ranking(np.array([0.3, 0.1, 0.2, 0.4])), bins=2)
    >>> record.add(0, [1, 2]); record.add(1, [0, 3, 1])
    >>> record.counts.tolist(), record.steps.tolist()
    ([[2, 0], [1, 2]], [0, 1])
    """

    def __init__(self, ranking: Ranking, *, bins: int = 10, indices: bool = False) -> None:
        whole("bins", bins, 1, len(ranking))
        self.checksum, self.bins, self.keeps_indices = ranking.checksum, bins, indices
        self._bin = (ranking.ranks() * bins // len(ranking)).astype(np.uint16 if bins < 2**16 else np.uint32)
        self._steps: list[int] = []
        self._counts: list[np.ndarray] = []
        self._shown: list[np.ndarray] = []

    def add(self, step: int, batch: ArrayLike) -> None:
        """Count a batch of indices that was shown at `step`."""
        shown = np.asarray(batch, np.int64)
        if shown.size and (shown.min() < 0 or shown.max() >= self._bin.size):
            raise ValueError(f"the batch of step {step} has indices outside of 0..{self._bin.size - 1}")
        self._steps.append(int(step))
        self._counts.append(np.bincount(self._bin[shown], minlength=self.bins))
        if self.keeps_indices:
            self._shown.append(shown)

    @property
    def steps(self) -> np.ndarray:
        """Steps (rows,) in the order in which they were added."""
        return np.array(self._steps, np.int64)

    @property
    def counts(self) -> np.ndarray:
        """Examples shown (rows, bins), int64."""
        return np.array(self._counts, np.int64).reshape(-1, self.bins)

    @property
    def shown(self) -> np.ndarray:
        """Indices shown, one after the other; those of row r are the next `counts[r].sum()`."""
        if not self.keeps_indices:
            raise ValueError("the record keeps counts only; make it with indices=True")
        return np.concatenate([np.empty(0, np.int64), *self._shown])

    def save(self, path: str | Path) -> Path:
        """Write one .npz: `steps`, `counts`, perhaps `shown`, and `header` with the ranking's checksum."""
        target = Path(path)
        if target.suffix != ".npz":
            raise ValueError(f"a record is saved as .npz; got {target.name!r}")
        header = json.dumps({"format": FORMAT, "ranking": self.checksum})
        more: dict[str, Any] = {"shown": self.shown} if self.keeps_indices else {}
        np.savez(target, steps=self.steps, counts=self.counts, header=np.array(header), **more)
        return target

    def plot(self, path: str | Path) -> Path:
        """Draw the share of each difficulty in the batches against the step, as .png, .pdf or .svg."""
        from curricula.plots import draw, record_panel

        if not self._steps:
            raise ValueError("the record is empty; add batches first")
        return draw(path, [record_panel(self.steps, self.counts)])
