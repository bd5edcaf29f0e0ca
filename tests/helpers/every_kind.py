"""A small cell of every kind; python every_kind.py prints a digest of the arrays of each, as JSON."""

import hashlib
import json
from dataclasses import replace

import xarray as xr

from studies.cell import Block, Cell
from studies.cells.finite import FiniteCell
from studies.cells.grading import GradingCell
from studies.cells.images.online import OnlineImages
from studies.cells.images.ranking import RankedImages
from studies.cells.online import OnlineCell
from studies.cells.tickets.images import ImageTickets
from studies.cells.tickets.online import OnlineTickets

PAIR = ("curriculum", "no_curriculum")
SMALL = OnlineCell(
    n_inputs=40, width=4, budget=10.0, record_every=5.0, n_test=32, record=("test_accuracy", "test_loss", "v")
)
CELLS: dict[str, tuple[Cell, tuple[str, ...]]] = {
    "gram": (SMALL, PAIR),
    "full": (replace(SMALL, method="full", width=2, task="sparse_teacher", activation="erf"), PAIR),
    "theory": (replace(SMALL, method="theory", width=2, n_test=2), PAIR),
    "grading": (
        GradingCell(
            n_inputs=8, width=4, n_examples=60, networks=2, epochs=2, batch_size=20, scores=("el2n", "grand")
        ),
        ("no_curriculum",),
    ),
    "images_online": (
        OnlineImages(
            width=4, n_steps=20, record_every=10, n_examples=200, n_test=100, n_rates=2,
            tuning_replicates=2, slowest_rate=0.01,
        ),
        PAIR,
    ),
    "images_ranking": (
        RankedImages(
            width=4, n_steps=20, record_every=10, n_examples=300, n_rates=1, ranking="loss", ranking_epochs=1,
            batch_size=8, slowest_rate=0.1, a=0.5, b=0.1, label_noise=0.2,
        ),
        ("curriculum", "standard"),
    ),
    "finite": (
        FiniteCell(
            n_inputs=6, student="mlp", depth=2, width=3, n_examples=12, batch_size=3, epochs=6,
            record_every=2, n_test=20,
        ),
        ("curriculum", "noise_last"),
    ),
    "tickets_online": (
        OnlineTickets(width=4, n_inputs=20, n_steps=100, n_records=2, rounds=1, n_test=16),
        PAIR,
    ),
    "tickets_images": (
        ImageTickets(width=4, n_steps=20, n_records=2, rounds=1, batch_size=10, n_examples=100, n_test=50),
        PAIR,
    ),
}  # fmt: skip


def block(kind: str) -> Block:
    """Two replicates of a cell under all its protocols."""
    cell, protocols = CELLS[kind]
    return Block(cell, protocols, 0, 2, cell.n_records)


def digest(result: xr.Dataset) -> str:
    """SHA-256 of all arrays, their types included."""
    found = hashlib.sha256()
    for name in sorted(map(str, result.data_vars)):
        values = result[name].values
        found.update(f"{name} {values.dtype} {values.shape}".encode() + values.tobytes())
    return found.hexdigest()


if __name__ == "__main__":
    for cell, _ in CELLS.values():
        cell.check()
    print(json.dumps({kind: digest(CELLS[kind][0].compute(block(kind))) for kind in CELLS}))
