"""The examples of cells on finite data, drawn for each replicate; part of their labels is made wrong."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studies.cells.finite_settings import IMAGES, LINEAR, PARITY, REAL, FiniteSettings
from studies.cells.named import named_level, named_task
from teacher_student.roles import EXAMPLES, HELD_OUT

if TYPE_CHECKING:
    from jax import Array

    from teacher_student.tasks.images import ImageTask


class Data(NamedTuple):
    """What the replicates are trained and tested on.

    inputs     : (R, M, N...) training examples; M = P, or P for each stage one after the other
    labels     : (R, M, C) as they are trained on
    wrong      : (R, M) whether the label is another than the true one
    difficulty : (R, M) higher = harder, as far as the source knows
    tests      : inputs (G, n, N...) and true labels (G, n, C), of every stage; the last one is the target
    """

    inputs: np.ndarray
    labels: np.ndarray
    wrong: np.ndarray
    difficulty: np.ndarray
    tests: tuple[np.ndarray, np.ndarray]


def draw(cell: FiniteSettings, replicates: np.ndarray) -> Data:
    """Examples of replicates, each from its own stream, and test sets that all share."""
    import jax

    from teacher_student.training.streams import role_keys, root_key

    chance = [np.random.default_rng([cell.seed, EXAMPLES, int(r)]) for r in replicates]
    if cell.source == IMAGES:
        inputs, true, difficulty, tests = _images(cell, chance)
    else:
        keys = role_keys(cell.seed, EXAMPLES, replicates)
        held = jax.random.fold_in(root_key(cell.seed), HELD_OUT)
        inputs, true, difficulty, tests = _drawn(cell, chance, keys, held)
    labels, wrong = zip(*(noisy(cell, *one) for one in zip(true, chance, strict=True)), strict=True)
    return Data(inputs, np.stack(labels), np.stack(wrong), difficulty, tests)


def noisy(
    cell: FiniteSettings, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Labels (M, C) with noise, and which are wrong (M,): exactly the share, to the nearest example.

    A wrong label is another one, all alike likely; to real labels a normal number of variance `label_noise`
    is added. Copies of an example in several stages keep their noise.
    """
    stages = len(labels) // cell.n_examples
    if cell.source in REAL:
        added = rng.normal(size=(cell.n_examples, 1)) * cell.label_noise**0.5
        return labels + np.tile(added, (stages, 1)).astype(labels.dtype), np.zeros(len(labels), bool)
    wrong = np.zeros(cell.n_examples, bool)
    wrong[rng.permutation(cell.n_examples)[: round(cell.label_noise * cell.n_examples)]] = True
    by = rng.integers(1, max(labels.shape[1], 2), cell.n_examples)
    wrong, by = np.tile(wrong, stages), np.tile(by, stages)
    if labels.shape[1] == 1:
        return np.where(wrong[:, None], -labels, labels), wrong
    others = (labels.argmax(1) + by) % labels.shape[1]
    return np.where(wrong[:, None], np.eye(labels.shape[1], dtype=labels.dtype)[others], labels), wrong


def _drawn(
    cell: FiniteSettings, chance: list[np.random.Generator], keys: "Array", held: "Array"
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
    """Inputs (R, M, N), true labels (R, M, 1), difficulty (R, M) and tests of a source that is drawn."""
    easy = np.zeros((len(chance), cell.n_examples), bool)
    for row, rng in zip(easy, chance, strict=True):
        row[rng.permutation(cell.n_examples)[: round(cell.easy_fraction * cell.n_examples)]] = True
    stages = cell.stages or (0,)
    source = {name: getattr(cell, name) for name in ("source", "n_inputs", "bits")}
    levels = (tuple(sorted(getattr(cell, name).items())) for name in ("options", "easy", "hard"))
    draw_all, draw_one = samplers(*levels, **source)
    x, y = draw_all(keys, easy)
    test_x, test_y = map(np.asarray, draw_one(held, cell.n_test))
    places = np.arange(cell.n_inputs)
    shown = [np.where(places < (n or cell.n_inputs), 1, 0).astype(np.float32) for n in stages]
    tests = np.stack([test_x * on for on in shown]), np.stack([test_y[:, None]] * len(stages))
    inputs = np.concatenate([np.asarray(x) * on for on in shown], 1)
    labels = np.tile(np.asarray(y)[..., None], (1, len(stages), 1))
    return inputs, labels, np.tile(1.0 - easy, (1, len(stages))), tests


@lru_cache(maxsize=64)
def samplers(options: tuple, easy: tuple, hard: tuple, **source: Any) -> tuple[Any, Any]:
    """Jitted: (keys (R,), which are easy (R, n)) -> examples (R, n, ...), and (key, n) -> n hard ones."""
    import jax
    import jax.numpy as jnp

    sample = sampler(FiniteSettings(options=dict(options), easy=dict(easy), hard=dict(hard), **source))
    return (
        jax.jit(jax.vmap(lambda key, easy: sample(key, len(easy), easy))),
        jax.jit(lambda key, n: sample(key, n, jnp.zeros(n, bool)), static_argnums=1),
    )


def sampler(cell: FiniteSettings) -> Callable[..., Any]:
    """sample(key, n, which are easy (n,)) -> inputs (n, N), true labels (n,)."""
    import jax.numpy as jnp

    if cell.source == LINEAR:
        from teacher_student.tasks.linear_teacher import LinearTeacher

        return lambda key, n, easy: LinearTeacher(cell.n_inputs).sample(key, n)
    if cell.source == PARITY:
        from teacher_student.tasks.bit_parity import BitParity

        parity, (low, high) = BitParity(cell.n_inputs, cell.bits), (cell.easy["flip"], cell.hard["flip"])
        return lambda key, n, easy: parity.sample(key, n, flip=jnp.where(easy, low, high))
    task, (one, two) = gaussian(cell)

    def sample(key: "Array", n: int, easy: "Array") -> Any:
        level = {
            name: jnp.where(easy.reshape(n, *[1] * np.ndim(one[name])), one[name], two[name]).astype(
                "float32"
            )
            for name in one
        }
        return task.sample(key, n, level)

    return sample


def gaussian(cell: FiniteSettings) -> tuple[Any, tuple[Any, Any]]:
    """The Gaussian task of a cell and its easy and hard level."""
    task = named_task(cell.source, cell.n_inputs, tuple(sorted(cell.options.items())))
    return task, (named_level(task, tuple(cell.easy.items())), named_level(task, tuple(cell.hard.items())))


@lru_cache(maxsize=2)
def pictures(data_set: str, data_dir: str, relabelling: str, side: int) -> Any:
    """The pooled and relabelled images, `teacher_student.tasks.images.ImageTask`."""
    from studies.cells.images.data import squares
    from teacher_student.tasks.images import image_task, load_images
    from teacher_student.tasks.relabelling import RELABELLINGS

    images = load_images(data_set, data_dir or None)
    pool = squares(images.train_inputs.shape[1:3], side)
    return image_task(images, RELABELLINGS[relabelling](), pool=pool)


def _images(
    cell: FiniteSettings, chance: list[np.random.Generator]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
    """P training images for each replicate, drawn without repeats, and the first test images."""
    task = pictures(cell.data_set, cell.data_dir, cell.relabelling, cell.side)
    there = len(task.train.labels)
    if cell.n_examples > there:
        raise OSError(f"n_examples is {cell.n_examples}, but {cell.data_set} has {there} training images")
    x, y = (np.asarray(part) for part in (task.train.inputs, hot(task, task.train.labels)))
    chosen = np.stack([rng.permutation(there)[: cell.n_examples] for rng in chance])
    some = slice(None, cell.n_test)
    tests = np.asarray(task.test.inputs)[None, some], hot(task, task.test.labels)[None, some]
    return x[chosen], y[chosen], np.zeros(chosen.shape), tests


def hot(task: "ImageTask", labels: "Array | np.ndarray") -> np.ndarray:
    """Labels as a network's outputs should be: +-1 (P, 1), or of classes 0 and 1 (P, C)."""
    y = np.asarray(labels)
    return (
        y[:, None].astype(np.float32) if y.dtype.kind == "f" else np.eye(task.n_labels, dtype=np.float32)[y]
    )
