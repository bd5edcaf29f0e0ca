"""What the theory tests share: a skewed start, made-up equations, where the reference trajectories lie."""

import os
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from teacher_student.interfaces import Task
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory.rates import Moments
from teacher_student.theory.schedule import floats

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
    along, readout = size * rng.normal(size=(width, n_directions)), rng.normal(size=width) / width**0.5
    return Overlaps(*(jax.device_put(floats(x)) for x in (along, np.stack(grams), readout)))


@dataclass(frozen=True)
class Polynomial:
    """A made-up right-hand side that compiles quickly; it blows up from large overlaps."""

    task: SparseTeacher
    student: TwoLayer
    revision: int = 0

    def nodes(self, seed):
        return jnp.zeros((0, 1))

    def moments(self, state, level, output_scale, nodes):
        u, noise = output_scale * state.readout, level["noise"]
        return Moments(
            0.3 * state.along**3 + noise * state.along - u[:, None],
            state.gram * (1 + u**2),
            0.3 * state.gram @ state.gram + noise * jnp.outer(u, u),
            state.readout - 0.2 * noise * jnp.sum(state.along),
        )

    def observe(self, state, level, output_scale, nodes):
        u, rest = output_scale * state.readout, jnp.sum(state.gram, 0)
        return {"test_loss": jnp.sum((state.along - 0.7) ** 2) + level["noise"] * u @ rest @ u}
