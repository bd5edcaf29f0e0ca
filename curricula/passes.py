"""Passes: at which steps a shuffled pool begins, how large it is, and how many batches it gives.

    start_0 = 0,   n_k = g(start_k),   start_k+1 = start_k + floor(n_k / B)   (ceil with last="short")

with g the pacing, read when a pool is exhausted. Nothing here is drawn: the passes of a step depend on the
pacing, the number of examples and the batch size alone.
"""

from bisect import bisect_right
from typing import NamedTuple

import numpy as np

from curricula.pacing import Pacing

LAST = ("drop", "short")
#: Steps whose pool sizes are computed together; a pacing is called with arrays.
READ = 256


class Pass(NamedTuple):
    """Pass `number` begins at step `start` and gives `batches` batches from the first `pool` of the path."""

    number: int
    start: int
    pool: int
    batches: int


class Passes:
    """The passes over P = `size` examples; `at(step)` is the one to which a step belongs.

    Parameters
    ----------
    pacing : None = all examples in every pass
    size, batch_size : P and B <= P
    n_min : smallest pool; with last="drop" it holds at least one batch
    last : {"drop", "short"}, what happens to an incomplete last batch

    Examples
    --------
    >>> from curricula import pace
    >>> passes = Passes(pace("linear", total=4, a=1, b=0.5), size=8, batch_size=2)
    >>> passes.at(1), passes.at(2).pool
    (Pass(number=0, start=0, pool=4, batches=2), 6)
    """

    def __init__(
        self, pacing: Pacing | None, size: int, batch_size: int, n_min: int = 1, last: str = "drop"
    ) -> None:
        self.pacing, self.size, self.batch_size, self.last = pacing, size, batch_size, last
        self.n_min = max(n_min, batch_size) if last == "drop" else n_min
        self._read_from, self._read = 0, np.empty(0, int)
        self._starts, self._pools = [0], [self._pool(0)]

    def at(self, step: int) -> Pass:
        """The pass of a step; the passes before it are counted once."""
        while (end := self._starts[-1] + self._batches(self._pools[-1])) <= step:
            self._pools.append(self._pool(end))
            self._starts.append(end)
        number = bisect_right(self._starts, step) - 1
        return Pass(number, self._starts[number], self._pools[number], self._batches(self._pools[number]))

    def _batches(self, pool: int) -> int:
        return pool // self.batch_size if self.last == "drop" else -(-pool // self.batch_size)

    def _pool(self, step: int) -> int:
        if self.pacing is None:
            return self.size
        if not self._read_from <= step < self._read_from + self._read.size:
            self._read_from = step
            self._read = self.pacing.count(np.arange(step, step + READ), self.size, self.n_min)
        return int(self._read[step - self._read_from])
