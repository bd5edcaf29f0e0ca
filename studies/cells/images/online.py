"""The cell of the study images_online: one pass over corrupted images, the easy ones first or not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from studies.cells.images.base import ImageCell
from studies.cells.images.data import Material, check_room, held_out, labelled
from studies.cells.levels import check_ends, level_field, noise
from teacher_student.roles import EXAMPLES

#: Protocol -> ordering of `curricula.ordering`; the examples of a run come shuffled.
PROTOCOLS = {"curriculum": "curriculum", "anti_curriculum": "anti_curriculum", "no_curriculum": "standard"}


@dataclass(frozen=True)
class OnlineImages(ImageCell):
    """One pass: every example, an image with its own corruption, is shown once.

    Parameters, besides those of `ImageCell`
    ----------
    corruption : name from `teacher_student.tasks.corruption.CORRUPTIONS`
    easy : {"noise": level}; an easy example has a level uniform in [0, this one]
    hard : {"noise": level} of hard examples; runs are tested on it
    easy_fraction : float in [0, 1], share of easy examples
    n_examples : int, examples that a run's own n_steps x batch_size are drawn from without repeats
    protocol : curriculum (easiest first), anti_curriculum (hardest first), no_curriculum (shuffled)
    """

    corruption: str = "noise_beside"
    easy: Mapping[str, float] = level_field(2.0)
    hard: Mapping[str, float] = level_field(16.0)
    easy_fraction: float = 0.3
    n_examples: int = 20_000

    def check_own(self) -> None:
        """Refuse unknown protocols, levels that do not fit, and passes longer than the examples."""
        from teacher_student.checks import known, within
        from teacher_student.tasks.corruption import Presentation

        known("protocol", self.protocol, PROTOCOLS)
        show = Presentation(self.corruption, n_labels=self.n_labels)
        for level in (self.easy, self.hard):
            show.check_level(noise(level))
        check_ends(self.easy, self.hard)
        within("easy_fraction", self.easy_fraction, 0, 1)
        within("n_examples", self.n_examples, low=self.n_steps * self.batch_size)

    def material(self) -> Material:
        """Corrupted images, each with its level."""
        # what the data do not depend on, so that all blocks share them
        same = {"width": 1, "n_steps": 1, "batch_size": 1, "record_every": 1, "protocol": "curriculum"}
        return _material(replace(self, **same))

    def orders(self, material: Material, protocols: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
        """The run's own examples, drawn without repeats, in the order of each protocol."""
        from curricula import Ranking, order

        mine = rng.permutation(self.n_examples)[: self.n_steps * self.batch_size]
        ranking = Ranking(material.difficulty[mine], "corruption level")
        paths = [mine[order(ranking, PROTOCOLS[protocol])] for protocol in protocols]
        return np.stack(paths).reshape(len(protocols), self.n_steps, self.batch_size)


@lru_cache(maxsize=2)
def _material(cell: OnlineImages) -> Material:
    import jax
    import jax.numpy as jnp

    from teacher_student.tasks.corruption import draw_levels
    from teacher_student.training.streams import root_key

    task, easy, hard = cell.task(), noise(cell.easy), noise(cell.hard)
    check_room("n_examples", cell.n_examples, task)
    rest, targets = held_out(cell, task, cell.corruption, hard, cell.n_test)
    rows = np.arange(cell.n_examples) % len(rest.labels)
    draws = np.arange(cell.n_examples) // len(rest.labels)
    noise_key, level_key = jax.random.split(jax.random.fold_in(root_key(cell.seed), EXAMPLES))
    # a level for each showing of an image: the number of the showing stands in for the seed of the image
    levels = np.asarray(
        draw_levels(
            level_key,
            np.arange(cell.n_examples, dtype=np.uint32),
            easy=(0.0, easy),
            hard=hard,
            easy_fraction=cell.easy_fraction,
        )
    )
    show = task.presentation(cell.corruption)
    parts = [
        show(noise_key, rest, rows[part], jnp.asarray(levels[part]), draws[part])
        for part in np.array_split(np.arange(cell.n_examples), -(-cell.n_examples // 5000))
    ]
    inputs, labels = (jnp.concatenate(pieces) for pieces in zip(*parts, strict=True))
    return Material(labelled(inputs, labels), targets, levels, task.n_labels)
