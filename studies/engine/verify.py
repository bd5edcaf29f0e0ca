"""Compute finished cells again and compare them bit by bit."""

import logging
import random
import time
from dataclasses import dataclass

import numpy as np
import xarray as xr

from studies.cell import Block
from studies.engine.changes import differs
from studies.engine.executors import compute
from studies.store import Store
from studies.study import Study

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Verified:
    """What computing again has shown.

    cells : number of cells that were computed again
    differ : cell -> how it differs, in words, of those that do
    """

    cells: int
    differ: dict[str, str]

    def __str__(self) -> str:
        """In words."""
        return f"{self.cells - len(self.differ)} of {self.cells} cells identical"


def verify(study: Study, out: str, cells: int = 3, seed: int | None = None) -> Verified:
    """Compute randomly chosen finished cells again and compare them bit by bit.

    A cell is one protocol and replicate of a block. Its whole block is computed, as its shape decides
    the bits. Other code, other kinds of devices or versions of the libraries may give other bits: the
    largest difference is said with how today's code differs from that which made the stored block, and where
    it does not, with the libraries and the device of then.
    """
    if cells < 1:
        raise ValueError(f"cells is {cells}; need cells >= 1")
    store = Store(out, study.name)
    store.asked()  # says what to do where there is nothing
    there = store.finished()
    blocks = [block for block in study.blocks() if block.address in there]
    if not blocks:
        raise FileNotFoundError(f"no finished block of {study.address} in {store.folder}; see studies status")
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    chosen = sorted(_choose(blocks, study.replicates, cells, random.Random(seed)))
    logger.info("%s %s: computing %d cells again (--seed %d)", study.name, study.address, len(chosen), seed)
    again: dict[str, xr.Dataset] = {}
    differ: dict[str, str] = {}
    for index, protocol, replicate in chosen:
        block = blocks[index]
        stored = store.read(block.address)
        name = f"{block.settings()} {protocol} replicate {replicate}"
        if stored is None:
            differ[name] = "damaged"
            logger.info("  %s: damaged", name)
            continue
        if block.address not in again:
            started = time.perf_counter()
            again = {block.address: compute([block])[0]}  # one at a time in memory: they are sorted
            logger.info("  %s: %.1f s", block.label(), time.perf_counter() - started)
        at = {"protocol": protocol, "replicate": replicate}
        difference = _difference(stored.sel(at), again[block.address].sel(at))
        if difference is None:
            logger.info("  %s: identical", name)
            continue
        made = differs(str(stored.attrs.get("code", ""))) or (
            f"made by {stored.attrs.get('versions')} on {stored.attrs.get('device')}"
            + (f" with XLA_FLAGS {flags}" if (flags := stored.attrs.get("xla_flags")) else "")
        )
        differ[name] = f"{difference}; stored block {made}"
        logger.info("  %s: DIFFERS, %s", name, differ[name])
    return Verified(len(chosen), differ)


def _choose(
    blocks: list[Block], replicates: int, cells: int, rng: random.Random
) -> set[tuple[int, str, int]]:
    """`cells` different (block number, protocol, replicate), all cells equally likely."""
    sizes = [len(b.protocols) * sum(r < replicates for r in b.replicates) for b in blocks]
    ends = np.cumsum(sizes)
    found = set()
    for number in rng.sample(range(int(ends[-1])), min(cells, int(ends[-1]))):
        index = int(np.searchsorted(ends, number, side="right"))
        block = blocks[index]
        rows = sizes[index] // len(block.protocols)
        protocol, row = divmod(number - (int(ends[index]) - sizes[index]), rows)
        found.add((index, block.protocols[protocol], int(block.replicates[row])))
    return found


def _difference(stored: xr.Dataset, new: xr.Dataset) -> str | None:
    """Where two results differ, in words; None where every bit agrees."""
    if set(stored.data_vars) != set(new.data_vars):
        return "other quantities were recorded"
    for name in stored.data_vars:
        a, b = stored[name].values, new[name].values
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{name} has another shape or type"
        if a.tobytes() != b.tobytes():
            gap = np.nanmax(np.abs(a.astype(float) - b.astype(float)))
            return f"{name} by up to {gap:.2g}"
    return None
