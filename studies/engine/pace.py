"""How long blocks will take, from those that are done.

A block takes start + pace x work: `start` is spent once by each process for each program, to compile it, and
`pace` by every block. The two are told apart as soon as that is possible:

- pace = seconds / work of all blocks that were not the first of their program in their process;
- while there is none, the line through (work, seconds) of first blocks of different work;
- after one first block there is only a bound: no block to come takes longer than that one, scaled by the work
  where it has more of it.
"""

from collections.abc import Hashable, Iterable
from typing import NamedTuple

from studies.cell import Block, TiledCell


def work(block: Block) -> float:
    """What the time of a block is roughly proportional to."""
    return block.rows * len(block.protocols) * block.cell.work


def program(block: Block) -> Hashable:
    """What is compiled for a block, or, where its cell does not say, its settings but for the replicates."""
    if isinstance(block.cell, TiledCell):
        return block.cell.program(block)
    return repr(block.cell), block.protocols, block.rows, block.room


class Estimate(NamedTuple):
    """Seconds of computation of blocks to come; `bound`: they take at most that."""

    seconds: float
    bound: bool


class Pace:
    """Learns from finished blocks how long others take."""

    def __init__(self) -> None:
        self.firsts: list[tuple[float, float]] = []
        self.seconds = self.work = 0.0
        self.compiled: set[Hashable] = set()

    def learn(self, block: Block, seconds: float, first: bool) -> None:
        """A block took so long; `first`: with the start of its program."""
        self.compiled.add(program(block))
        if first:
            self.firsts.append((work(block), seconds))
        else:
            self.work += work(block)
            self.seconds += seconds

    def fit(self) -> tuple[float, float] | None:
        """(start, pace), neither below 0, or None while they cannot be told apart."""
        n = len(self.firsts)
        mean_work = sum(w for w, _ in self.firsts) / n if n else 0.0
        mean = sum(s for _, s in self.firsts) / n if n else 0.0
        if self.work:
            pace = self.seconds / self.work
        else:
            spread = sum((w - mean_work) ** 2 for w, _ in self.firsts)
            if spread <= (1e-9 * mean_work) ** 2:
                return None
            slope = sum((w - mean_work) * (s - mean) for w, s in self.firsts) / spread
            pace = min(max(slope, 0.0), mean / mean_work)
        return max(mean - pace * mean_work, 0.0), pace

    def estimate(self, blocks: Iterable[Block], processes: int = 1) -> Estimate | None:
        """Seconds that blocks to come take, one after the other; None while nothing is known.

        A program that no block has had so far is compiled by each of `processes` that gets such a block.
        """
        known = self.fit()
        if known is None:
            if not self.firsts:
                return None
            longest = max(self.firsts, key=lambda first: first[1])
            return Estimate(sum(longest[1] * max(1.0, work(b) / longest[0]) for b in blocks), True)
        start, pace = known
        seconds, new = 0.0, {}
        for block in blocks:
            seconds += pace * work(block)
            kind = program(block)
            if kind not in self.compiled and new.get(kind, 0) < processes:
                new[kind] = new.get(kind, 0) + 1
                seconds += start
        return Estimate(seconds, False)
