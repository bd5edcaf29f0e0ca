"""The cell of the study images_online: one pass over corrupted images, the easy ones first or not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from studies.cells.images.base import ImageCell
from studies.cells.images.data import Material, check_room, held_out, labelled
from studies.cells.levels import check_ends, level_field, noise
from teacher_student.protocols import TARGET_SHARE
from teacher_student.roles import EXAMPLES

#: Protocol -> ordering of `curricula.ordering`; the examples of a run come shuffled.
ORDERINGS = {"curriculum": "curriculum", "anti_curriculum": "anti_curriculum", "no_curriculum": "standard"}
THEN_TARGET, TARGET_ONLY = "no_curriculum_then_target", "target_only"
PROTOCOLS = (*ORDERINGS, THEN_TARGET, TARGET_ONLY)


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
    protocol : the order of the run's own examples
        curriculum (easiest first), anti_curriculum (hardest first), no_curriculum (shuffled);
        no_curriculum_then_target: the same examples, but hard ones alone in the last 15 % of the run and all
        others shuffled before, so that it ends as the curriculum does; target_only: the same images in the
        order of no_curriculum, all of them hard
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
        if self.protocol == THEN_TARGET and self.easy_fraction > 1 - TARGET_SHARE:
            raise ValueError(
                f"easy_fraction is {self.easy_fraction:g}, but the last {100 * TARGET_SHARE:g} % of "
                f"{THEN_TARGET} are hard; need easy_fraction <= {1 - TARGET_SHARE:g}"
            )
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
        levels = material.difficulty[mine]
        ranking = Ranking(levels, "corruption level")

        def path(protocol: str) -> np.ndarray:
            if protocol == TARGET_ONLY:
                return made_hard(material.difficulty[: self.n_examples])[mine]
            own = hard_last(levels) if protocol == THEN_TARGET else order(ranking, ORDERINGS[protocol])
            return mine[own]

        return np.stack([path(p) for p in protocols]).reshape(-1, self.n_steps, self.batch_size)


def hard_last(levels: np.ndarray) -> np.ndarray:
    """Indices of examples: all others as they come, then hard ones for the last `TARGET_SHARE` of the run.

    Examples
    --------
    >>> hard_last(np.array([9, 0, 9, 9, 1, 9, 0])).tolist()
    [0, 1, 2, 3, 4, 6, 5]
    """
    hard = np.flatnonzero(levels == levels.max())
    last = hard[max(0, len(hard) - round(TARGET_SHARE * len(levels))) :]
    return np.concatenate([np.delete(np.arange(len(levels)), last), last])


def made_hard(levels: np.ndarray) -> np.ndarray:
    """Where the bank has each example at the hard level: itself, or its copy among those after all examples.

    Examples
    --------
    >>> made_hard(np.array([9, 0, 9, 1])).tolist()
    [0, 4, 2, 5]
    """
    easy = levels < levels.max()
    return np.where(easy, len(levels) + np.cumsum(easy) - 1, np.arange(len(levels)))


@lru_cache(maxsize=2)
def _material(cell: OnlineImages) -> Material:
    import jax

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
    # after all examples the easy ones once more, made hard, with the noise they had
    easy_ones = np.flatnonzero(levels < levels.max())
    shown = np.concatenate([levels, np.full(len(easy_ones), levels.max())])
    which = np.concatenate([np.arange(cell.n_examples), easy_ones])
    parts = [
        show(noise_key, rest, rows[which[part]], shown[part], draws[which[part]])
        for part in np.array_split(np.arange(len(which)), -(-len(which) // 5000))
    ]
    inputs, labels = (np.concatenate(pieces) for pieces in zip(*parts, strict=True))
    return Material(labelled(inputs, labels), targets, shown, task.n_labels)
