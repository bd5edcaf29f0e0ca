"""A small cell of every kind.

python every_kind.py prints digests of the arrays of each, as JSON: with JAX as the environment sets it, then
with its options as they are where nobody sets one. They are parts of what JAX remembers programs by, so a
program to which an option came through is made anew.
"""

import gc
import hashlib
import json
from contextlib import ExitStack
from dataclasses import replace
from functools import _lru_cache_wrapper

import xarray as xr

from studies.cell import Block, Cell
from studies.cells.finite import FiniteCell
from studies.cells.grading import GradingCell
from studies.cells.images.online import OnlineImages
from studies.cells.images.ranking import RankedImages
from studies.cells.online import OnlineCell
from studies.cells.tickets.images import ImageTickets
from studies.cells.tickets.online import OnlineTickets
from teacher_student.fixed_settings import _option

PAIR = ("curriculum", "no_curriculum")
SMALL = OnlineCell(
    n_inputs=40, width=4, budget=10.0, record_every=5.0, n_test=32, record=("test_accuracy", "test_loss", "v")
)
CELLS: dict[str, tuple[Cell, tuple[str, ...]]] = {
    "gram": (SMALL, PAIR),
    "full": (replace(SMALL, method="full", width=2, task="sparse_teacher", activation="erf"), PAIR),
    "theory": (
        replace(
            SMALL, method="theory", width=2, n_test=2, task="committee", activation="erf",
            easy={"noise": 0.0}, hard={"noise": 0.5}, record=("test_loss", "v"),
        ),
        PAIR,
    ),
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


#: Options of JAX as they are where nobody sets them.
USUAL = {
    "jax_enable_x64": False,
    "jax_threefry_partitionable": True,
    "jax_default_prng_impl": "threefry2x32",
    "jax_numpy_rank_promotion": "allow",
    "jax_numpy_dtype_promotion": "standard",
    "jax_default_matmul_precision": None,
    "jax_random_seed_offset": 0,
    "jax_debug_nans": False,
    "jax_disable_jit": False,
    "jax_legacy_prng_key": "allow",
    "jax_transfer_guard": "allow",
}


def computed() -> dict[str, str]:
    """Kind -> digest of the arrays."""
    return {kind: digest(cell.compute(block(kind))) for kind, (cell, _) in CELLS.items()}


def forget_data() -> None:
    """What the studies remember between blocks."""
    for thing in gc.get_objects():
        if isinstance(thing, _lru_cache_wrapper) and thing.__module__.startswith("studies."):
            thing.cache_clear()


if __name__ == "__main__":
    for cell, _ in CELLS.values():
        cell.check()
    found = [computed()]
    forget_data()
    with ExitStack() as stack:
        for option, value in USUAL.items():
            stack.enter_context(_option(option, value))
        found.append(computed())
    print(json.dumps(found))
