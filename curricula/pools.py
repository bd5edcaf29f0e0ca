"""The batch of any step, from (seed, step) alone: pools kept or shuffled, draws, weighted draws."""

import threading
from typing import Any, Protocol

import numpy as np

from curricula.pacing import Pacing
from curricula.passes import Pass, Passes
from curricula.sorting import keyed_shuffle, uniform


class Source(Protocol):
    """`batch(step)` is the global batch of a step, a function of step alone."""

    def batch(self, step: int) -> np.ndarray: ...


class Pools:
    """Pass k walks through the first n_k of `path`, shuffled by (seed, k), or as they are without a seed.

    The pool of one pass is kept, and threads share it; a copy that travels to another process draws it
    again.
    """

    def __init__(self, path: np.ndarray, passes: Passes, seed: int | None) -> None:
        self.path, self.passes, self.seed = path, passes, seed
        self._forget()

    def _forget(self) -> None:
        self._lock = threading.Lock()
        self._kept: tuple[int, np.ndarray] = (-1, self.path[:0])

    def batch(self, step: int) -> np.ndarray:
        with self._lock:
            this = self.passes.at(step)
            pool = self._pool(this)
        first = (step - this.start) * self.passes.batch_size
        return pool[first : first + self.passes.batch_size]

    def _pool(self, this: Pass) -> np.ndarray:
        if self.seed is None:
            return self.path[: this.pool]
        if self._kept[0] != this.number:
            self._kept = (-1, self.path[:0])  # the old pool goes before the new one comes
            self._kept = (this.number, keyed_shuffle(self.path[: this.pool], self.seed, this.number))
        return self._kept[1]

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "passes": self.passes, "seed": self.seed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()


class Draws:
    """Step t draws B times, with replacement, from the first g(t) of `path`."""

    def __init__(self, path: np.ndarray, pacing: Pacing, batch_size: int, n_min: int, seed: int) -> None:
        self.path, self.pacing, self.batch_size, self.n_min, self.seed = path, pacing, batch_size, n_min, seed

    def batch(self, step: int) -> np.ndarray:
        pool = int(self.pacing.count(step, self.path.size, self.n_min))
        return self.path[(uniform(self.seed, step, self.batch_size) * pool).astype(np.int64)]


class WeightedDraws:
    """Step t draws B times, with replacement, example i with probability w_i / sum_j w_j; takes `weights`."""

    def __init__(self, weights: np.ndarray, batch_size: int, seed: int) -> None:
        self.batch_size, self.seed = batch_size, seed
        self.last = weights.size - 1 - int((weights[::-1] != 0).argmax())
        self.sums = np.cumsum(weights, out=weights)  # in their place: 8 bytes per example are enough

    def batch(self, step: int) -> np.ndarray:
        place = uniform(self.seed, step, self.batch_size) * self.sums[-1]
        return np.minimum(np.searchsorted(self.sums, place, side="right"), self.last)
