"""The cell of images_depth and images_filters: one pass over images whose corruption grows linearly."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from studies.cells.images.base import RATES, ImageCell
from studies.cells.images.data import Material, check_room, held_out, labelled
from studies.cells.levels import check_ends, level_field, noise
from teacher_student.protocols import TARGET_SHARE
from teacher_student.roles import EXAMPLES

PROTOCOLS = ("ramp", "shuffled_ramp", "target_only", "ramp_then_target", "shuffled_ramp_then_target")


@dataclass(frozen=True)
class FadingImages(ImageCell):
    """One pass: every example, an image with a level of its own, is shown once.

    Levels are uniform between the easy and the hard one, so in their order they are a linear ramp.

    Parameters, besides those of `ImageCell`
    ----------
    corruption : name from `teacher_student.tasks.corruption.CORRUPTIONS`
    easy : {"noise": level} at which the ramp starts
    hard : {"noise": level} at which the ramp ends; runs are tested on it
    n_test : of more test images the first ones, as many as this
    n_examples : int, examples that a run's own n_steps x batch_size are drawn from without repeats
    shared_rate : the learning rate of every arm; with 0 each has its own, the best of the sweep
    protocol : what the run's own examples look like, and their order
        ramp (easiest first), shuffled_ramp (the same, shuffled), target_only (the same images, all at the
        hard level); ramp_then_target and shuffled_ramp_then_target: the same in the first 85 % of the run,
        and in the last 15 %, the same for both, other images at the hard level
    """

    data_set: str = "fashion_mnist"
    relabelling: str = "classes"
    side: int = 28
    batch_size: int = 32
    corruption: str = "clipped_noise"
    normalised: bool = False
    easy: Mapping[str, float] = level_field(0.0)
    hard: Mapping[str, float] = level_field(1.0)
    n_examples: int = 40_000
    shared_rate: float = 0.0
    protocol: str = "ramp"

    def check_own(self) -> None:
        """Refuse unknown protocols, levels that do not fit or make no ramp, and passes that are too long."""
        from teacher_student.checks import known, within
        from teacher_student.tasks.corruption import Presentation

        known("protocol", self.protocol, PROTOCOLS)
        show = Presentation(self.corruption, n_labels=self.n_labels)
        for level in (self.easy, self.hard):
            show.check_level(noise(level))
        check_ends(self.easy, self.hard)
        if noise(self.easy) == noise(self.hard):
            raise ValueError(
                f"easy.noise and hard.noise are both {noise(self.hard):g}; a ramp needs two levels"
            )
        within("shared_rate", self.shared_rate, low=0, high=RATES[1])
        within("n_examples", self.n_examples, low=self.n_steps * self.batch_size)

    def rates(self) -> np.ndarray:
        """The shared learning rate alone, or those of the sweep."""
        return np.array([self.shared_rate], np.float32) if self.shared_rate else super().rates()

    def material(self) -> Material:
        """Corrupted images, each with its level, and once more at the hard level."""
        # what the data do not depend on, so that all blocks share them
        same = {"width": 1, "depth": 1, "n_steps": 1, "batch_size": 1, "record_every": 1, "protocol": "ramp"}
        return _material(replace(self, **same, shared_rate=0.0, slowest_rate=1.0, n_rates=1))

    def orders(self, material: Material, protocols: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
        """The run's own examples, drawn without repeats, as each protocol shows them."""
        count = self.n_steps * self.batch_size
        mine = rng.permutation(self.n_examples)[:count]
        hard, early = mine + self.n_examples, count - round(TARGET_SHARE * count)

        def sorted_(some: np.ndarray) -> np.ndarray:
            return some[np.argsort(material.difficulty[some], kind="stable")]

        paths = {
            "ramp": sorted_(mine),
            "shuffled_ramp": mine,
            "target_only": hard,
            "ramp_then_target": np.concatenate([sorted_(mine[:early]), hard[early:]]),
            "shuffled_ramp_then_target": np.concatenate([mine[:early], hard[early:]]),
        }
        return np.stack([paths[p] for p in protocols]).reshape(-1, self.n_steps, self.batch_size)


@lru_cache(maxsize=2)
def _material(cell: FadingImages) -> Material:
    import jax

    from teacher_student.tasks.corruption import draw_levels
    from teacher_student.training.streams import root_key

    task, easy, hard = cell.task(), noise(cell.easy), noise(cell.hard)
    count = cell.n_examples
    check_room("n_examples", 2 * count, task)
    rest, targets = held_out(cell, task, cell.corruption, hard, cell.n_test, cell.n_test)
    noise_key, level_key = jax.random.split(jax.random.fold_in(root_key(cell.seed), EXAMPLES))
    numbers = np.arange(count, dtype=np.uint32)
    levels = np.asarray(draw_levels(level_key, numbers, easy=(easy, hard), hard=hard, easy_fraction=1.0))
    shown = np.concatenate([levels, np.full(count, hard, levels.dtype)])
    rows, draws = np.arange(count) % len(rest.labels), np.arange(count) // len(rest.labels)
    show = task.presentation(cell.corruption)
    parts = [
        show(noise_key, rest, rows[part % count], shown[part], draws[part % count])
        for part in np.array_split(np.arange(2 * count), -(-2 * count // 5000))
    ]
    inputs, labels = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    return Material(labelled(inputs, labels), targets, shown, task.n_labels)
