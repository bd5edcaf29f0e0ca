"""The data of the studies on real images: what is shown in training, and what is held out."""

from typing import Any, NamedTuple, Protocol

import numpy as np

from teacher_student.roles import HELD_OUT

#: Validation images that are looked at, at most.
MOST_VALIDATION = 2500


class Shown(Protocol):
    """The settings of a cell that decide which images are shown, and how."""

    @property
    def data_set(self) -> str: ...

    @property
    def data_dir(self) -> str: ...

    @property
    def side(self) -> int: ...

    @property
    def validation(self) -> float: ...

    @property
    def test_examples(self) -> int: ...

    @property
    def seed(self) -> int: ...

    def rule(self) -> Any: ...


class Material(NamedTuple):
    """The data of a cell, the same for all widths, arms and replicates.

    bank : `Labelled`, all training examples as they are shown
    targets : "validation" and "test" -> `Labelled`
    difficulty : (P,) of the bank, higher = harder
    n_labels : number of logits
    """

    bank: Any
    targets: dict[str, Any]
    difficulty: np.ndarray
    n_labels: int

    @property
    def n_inputs(self) -> int:
        """Numbers in one input."""
        return int(np.prod(self.bank.inputs.shape[1:]))


def labelled(inputs: Any, labels: Any) -> Any:
    """Shown images as `Labelled`: labels -1 and +1 become the classes 0 and 1."""
    import jax.numpy as jnp

    from teacher_student.training.evaluation import Labelled

    y = jnp.asarray(labels)
    return Labelled(
        jnp.asarray(inputs), ((y > 0) if jnp.issubdtype(y.dtype, jnp.floating) else y).astype("int32")
    )


def held_out(cell: Shown, task: Any, corruption: str, level: float) -> tuple[Any, dict[str, Any]]:
    """Training images that are left, and the validation and the test set under one fixed corruption.

    Their keys come from a stream that no run uses.
    """
    import jax
    import jax.numpy as jnp

    from teacher_student.tasks.images import hold_out, target_set
    from teacher_student.training.streams import root_key

    rest, held = hold_out(task.train, cell.validation, cell.seed)
    one, two = jax.random.split(jax.random.fold_in(root_key(cell.seed), HELD_OUT))
    copies = [max(1, round(cell.test_examples / len(part.labels))) for part in (held, task.test)]
    shown = min(len(held.labels), MOST_VALIDATION)
    check_room("test_examples", cell.test_examples, task)
    rows = jnp.tile(jnp.arange(shown), copies[0])
    draws = jnp.repeat(jnp.arange(copies[0]), shown)
    validation = task.presentation(corruption)(one, held, rows, level, draws)
    test = target_set(two, task, corruption, level, copies=copies[1])
    return rest, {"validation": labelled(*validation), "test": labelled(*test)}


def load_task(cell: Shown) -> Any:
    """The relabelled, pooled and normalised images."""
    from teacher_student.tasks.images import image_task, load_images

    images = load_images(cell.data_set, cell.data_dir or None)
    sides = images.train_inputs.shape[1:3]
    pools = [
        p for p in range(1, max(sides) + 1) if max(sides) <= p * cell.side and not any(s % p for s in sides)
    ]
    if not pools:
        raise ValueError(f"images of {sides[0]} x {sides[1]} pixels cannot be averaged to {cell.side} a side")
    return image_task(images, cell.rule(), pool=pools[0])


def check_room(what: str, count: int, task: Any) -> None:
    """Refuse examples that, with the copies made while they are drawn, need more memory than the host has."""
    import os

    # twice as wide with a block beside it, float32, and once more while the parts are joined
    need = 16.0 * count * np.prod(task.train.inputs.shape[1:])
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > has:
        raise ValueError(
            f"{what} is {count}, which needs {need / 2**30:.0f} GiB; this host has {has / 2**30:.0f}"
        )


def digest(path: str) -> str:
    """SHA-256 of a file of the user's; ValueError in one line where there is none."""
    import hashlib
    from pathlib import Path

    if not Path(path).is_file():
        raise ValueError(f"no such file: {path}")
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
