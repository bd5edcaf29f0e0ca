"""Progress inside a block: what a long computation needs to go on after it was killed, to the same bits.

    OUT/NAME/partial/ADDRESS.npz      arrays of a block that is not finished; beside them their SHA-256

A `ResumableCell` is given a `Progress` to save to and to load from. The file is put in place
whole (see `files`), and one whose bytes do not match their digest counts as absent, so a computation
goes on from a state it was in or starts anew. Saving takes at most a twentieth of the time.
"""

import hashlib
import io
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from studies.cell import Block, ResumableCell
from studies.store.files import put

logger = logging.getLogger(__name__)

#: Time between two saves, in units of what the last one took.
SPARING = 20


class Progress:
    """The saved state of one unfinished block."""

    def __init__(self, folder: Path, address: str) -> None:
        self.path = folder / f"{address}.npz"
        self.took, self.saved = 0.0, time.monotonic()

    @classmethod
    def of(cls, block: Block, folder: Path) -> "Progress | None":
        """Where a resumable block keeps its state in `folder`; None for other cells."""
        return cls(folder, block.address) if isinstance(block.cell, ResumableCell) else None

    def load(self) -> list[np.ndarray] | None:
        """The arrays saved last, or None if there are none or they are damaged."""
        if not self.path.exists():
            return None
        digest, _, data = self.path.read_bytes().partition(b"\n")
        if hashlib.sha256(data).hexdigest().encode() != digest:
            logger.warning("damaged progress left aside, its block is computed from the start: %s", self.path)
            return None
        with np.load(io.BytesIO(data), allow_pickle=False) as found:
            return [found[f"arr_{i}"] for i in range(len(found.files))]

    def due(self) -> bool:
        """Whether it is time to save again."""
        return time.monotonic() - self.saved >= SPARING * self.took

    def save(self, arrays: Sequence[Any]) -> None:
        """Keep these arrays instead of those saved before, all at once or not at all."""
        began = time.monotonic()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        packed = io.BytesIO()
        np.savez(packed, *map(np.asarray, arrays))
        data = packed.getvalue()
        put(self.path, hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
        self.saved = time.monotonic()
        self.took = self.saved - began

    def clear(self) -> None:
        """Remove what was saved: the block is finished."""
        self.path.unlink(missing_ok=True)
