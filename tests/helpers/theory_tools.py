"""What the theory tests share: a skewed start, and where the reference trajectories lie."""

import os
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from teacher_student.interfaces import Task
from teacher_student.order_parameters import Overlaps

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = Path(os.environ.get("TILTING_ODDS_REFERENCE", ROOT.parent / "shared" / "reference"))


def reference(name: str):
    """A reference file, or a skip that says what is missing."""
    path = REFERENCE / f"{name}.npz"
    if not path.exists():
        pytest.skip(f"no reference trajectories at {REFERENCE}; set TILTING_ODDS_REFERENCE")
    return np.load(path)


def skewed_start(task: Task, width: int, seed: int = 0, size: float = 0.3) -> Overlaps:
    """Overlaps without any symmetry: each unit its own norm, overlaps and readout."""
    rng = np.random.default_rng(seed)
    n_directions = sum(block.directions for block in task.blocks)
    grams = []
    for block in task.blocks:
        w = rng.normal(size=(width, 20)) * rng.uniform(0.6, 1.2, (width, 1)) / 20**0.5
        grams.append(w @ w.T * block.size / task.n_inputs)
    return Overlaps(
        jnp.asarray(size * rng.normal(size=(width, n_directions)), float),
        jnp.asarray(np.stack(grams), float),
        jnp.asarray(rng.normal(size=width) / width**0.5, float),
    )
