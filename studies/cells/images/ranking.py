"""The cell of the study images_ranking: images made available in the order of a ranking."""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studies.cells.images.base import ImageCell
from studies.cells.images.data import Material, held_out, labelled
from teacher_student.roles import EXAMPLES

if TYPE_CHECKING:
    from teacher_student.training.evaluation import Labelled

#: The protocols, named like the orderings of `curricula.ordering`.
PROTOCOLS = ("curriculum", "anti_curriculum", "random", "standard")
PUBLISHED = "published"


@dataclass(frozen=True)
class RankedImages(ImageCell):
    """Epochs over a growing part of the training images.

    The run's n_steps x batch_size draws are n_steps x batch_size / n_examples epochs, less than one included.

    Parameters, besides those of `ImageCell`
    ----------
    n_examples : int, training images, the first ones of the published order that are not held out; 0 = all
    label_noise : share of training labels replaced by another one; tests have the true labels
    ranking : a trained score of `curricula.difficulty.trained.SCORES`, computed on the training images, or
        "published": the scores in `ranking_file`
    ranking_file : file of scores for the whole training set, see `curricula.load_ranking`
    ranking_epochs : epochs of the networks that compute a score, ten of them
    balanced : whether orders deal the classes out evenly
    pacing : how the part that is shown grows, see `curricula.pace`
    a : fraction of the run after which all images are in
    b : fraction of the images that it starts with
    protocol : curriculum, anti_curriculum, random (a random order, the same pacing), standard (all images
        from the start)
    """

    relabelling: str = "classes"
    batch_size: int = 32
    record_every: int = 250
    slowest_rate: float = 0.01
    n_examples: int = 0
    label_noise: float = 0.0
    ranking: str = "el2n"
    ranking_file: str = field(default="", metadata={"place": True})
    ranking_epochs: int = 5
    balanced: bool = True
    pacing: str = "linear"
    a: float = 0.8
    b: float = 0.2

    def check_own(self) -> None:
        """Refuse unknown names, fractions out of range and a published ranking without a file."""
        from curricula.difficulty.trained import SCORES
        from teacher_student.checks import known, within
        from teacher_student.tasks.corruption import Presentation

        known("protocol", self.protocol, PROTOCOLS)
        known("ranking", self.ranking, (*SCORES, PUBLISHED))
        if self.ranking == PUBLISHED and not self.ranking_file:
            raise ValueError("ranking 'published' needs the file: --ranking_file FILE")
        within("label_noise", self.label_noise, 0, 0.9)
        if self.relabelling != "classes":
            Presentation("label_noise", n_labels=2).check_level(self.label_noise)
        within("n_examples", self.n_examples, low=0)
        if self.n_examples:
            within("n_examples", self.n_examples, low=self.batch_size)
        within("ranking_epochs", self.ranking_epochs, low=1)
        self._pacing()

    def _pacing(self) -> Any:
        from curricula import pace

        return pace(self.pacing, total=self.n_steps, a=self.a, b=self.b)

    def paths(self) -> dict[str, str]:
        """An .npz data set and a published ranking."""
        return super().paths() | ({"ranking": self.ranking_file} if self.ranking == PUBLISHED else {})

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Those of all image cells, and of a score that is not the project's own."""
        from curricula.difficulty.trained import SCORES
        from studies.cells.definitions import digests

        score = {self.ranking: SCORES[self.ranking]} if self.ranking in SCORES else {}
        return super().definitions(protocols) | digests("score", score)

    def material(self) -> Material:
        """Training images and their ranking."""
        # what the data do not depend on, so that all blocks share them
        same = {"width": 1, "n_steps": 1, "batch_size": 1, "record_every": 1, "protocol": "curriculum"}
        shared = replace(self, **same, pacing="linear", a=1.0, b=1.0, balanced=True)
        count = len(_shown(shared).bank.labels)
        if self.batch_size > count:
            raise ValueError(
                f"batch_size is {self.batch_size}, but {self.data_set} has {count} images left for training"
            )
        return _scored(shared)

    def orders(self, material: Material, protocols: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
        """Pools walked through epoch by epoch; one stream of shuffles, shared by the protocols."""
        from curricula import Ranking, order, pace
        from curricula.draw import batches

        ranking = Ranking(material.difficulty, self.ranking, labels=np.asarray(material.bank.labels))
        shuffles, chance = rng.integers(2**31, size=2)
        everything = pace("table", values=[1.0])
        found = []
        for protocol in protocols:
            path = order(ranking, protocol, int(chance), balanced=self.balanced)
            pacing = everything if protocol == "standard" else self._pacing()
            drawn = batches(path, pacing, steps=self.n_steps, batch_size=self.batch_size, key=int(shuffles))
            found.append(np.stack(list(drawn)))
        return np.stack(found)


class Shown(NamedTuple):
    """Training images (`Labelled`) with their positions in the published order, and the sets for testing."""

    bank: Any
    positions: np.ndarray
    targets: dict[str, Any]
    n_labels: int


@lru_cache(maxsize=2)
def _shown(cell: RankedImages) -> Shown:
    import jax

    from teacher_student.training.streams import root_key

    task = cell.task()
    rest, targets = held_out(cell, task, "label_noise", 0.0, cell.n_test)
    count = cell.n_examples or len(rest.labels)
    if count > len(rest.labels):
        raise ValueError(
            f"n_examples is {count}, but {cell.data_set} has {len(rest.labels)} left for training"
        )
    key = jax.random.fold_in(root_key(cell.seed), EXAMPLES)
    show = task.presentation("label_noise")
    bank = labelled(*show(key, rest, np.arange(count), cell.label_noise))
    return Shown(bank, np.asarray(rest.positions[:count]), targets, task.n_labels)


@lru_cache(maxsize=2)
def _scored(cell: RankedImages) -> Material:
    """The images with their scores, which may take as long to compute as the runs."""
    shown = _shown(cell)
    return Material(shown.bank, shown.targets, _scores(cell, shown.positions, shown.bank), shown.n_labels)


def _scores(cell: RankedImages, positions: np.ndarray, bank: "Labelled") -> np.ndarray:
    """Difficulty of the training images, higher = harder: read from the file, or trained."""
    from curricula import load_ranking, rank
    from curricula.difficulty.training import Runs

    if cell.ranking == PUBLISHED:
        from teacher_student.tasks.images import load_images

        labels = load_images(cell.data_set, cell.data_dir or None).train_labels
        return load_ranking(cell.ranking_file, labels=labels).restrict(positions).scores
    runs = Runs(epochs=cell.ranking_epochs, batch_size=min(128, len(positions)))
    return rank(
        cell.ranking, np.asarray(bank.inputs), np.asarray(bank.labels), runs=runs, key=cell.seed
    ).scores
