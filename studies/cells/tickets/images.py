"""The cell of tickets in flax networks trained for several epochs on images.

No JAX is imported until a cell is checked or computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.cells.images.data import Material, OnImages, corrupted, labelled, prepared
from studies.cells.levels import check_ends, noise
from studies.cells.tickets.base import Measures, World
from studies.cells.tickets.rounds import InRounds
from teacher_student.fixed_settings import fixed_settings
from teacher_student.roles import ORDER, TEST, TRAIN, VALID

if TYPE_CHECKING:
    from jaxtyping import PyTree

    from studies.cell import Block
    from teacher_student.students.flax_nets import CNN, MLP
    from teacher_student.tasks.corruption import Examples
    from teacher_student.training.evaluation import Labelled


@dataclass(frozen=True)
class ImageTickets(InRounds, OnImages):
    """One network, its tickets and their controls on images; see `TicketCell` and `OnImages` for the rest.

    Every example is corrupted at both levels, `copies` times each; a step shows `batch_size` examples at the
    level that the protocol gives it, shuffled anew every epoch, the same examples for all protocols. With
    equal levels of 0 the images are as published.

    Parameters
    ----------
    data_set : "digits", "mnist", "fashion_mnist" or "cifar10"
    corruption : name from `teacher_student.tasks.corruption.CORRUPTIONS`
    copies : int, draws of the corruption per example and level
    n_examples : int, training examples, the first ones that are not held out; 0 for all
    n_validation : int, validation examples, the first ones held out; 0 for all
    n_test : int, test examples, the first ones; 0 for all
    """

    data_set: str = field(default="digits", metadata={"was": "images"})
    relabelling: str = field(default="classes", metadata={"was": "labels"})
    pair: str = field(default="0-4", metadata={"added": True})
    side: int = field(default=32, metadata={"added": True})
    validation: float = field(default=0.2, metadata={"added": True})
    student: str = "lenet"
    width: int = 100
    optimiser: str = "adam"
    learning_rate: float = 1.2e-3
    batch_size: int = 60
    n_steps: int = field(default=1000, metadata={"was": "steps"})
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.0})
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.0})
    corruption: str = "noise_in_place"
    copies: int = 1
    n_examples: int = field(default=0, metadata={"was": "n_train"})
    n_validation: int = field(default=0, metadata={"was": "n_valid"})
    n_test: int = 0

    def check(self) -> None:
        """Refuse unknown names and numbers out of range, in one line; reads no image but the digits."""
        from teacher_student.checks import known, within
        from teacher_student.students.flax_nets import STUDENTS
        from teacher_student.tasks.corruption import Presentation
        from teacher_student.tasks.images import DATA_SETS

        known("data set", self.data_set, DATA_SETS)
        connected = {name for name in STUDENTS if not name.startswith("cnn")}
        known("student of fully connected layers", self.student, connected)
        self.check_images()
        within("copies", self.copies, low=1)
        for name in ("n_examples", "n_validation", "n_test"):
            within(name, getattr(self, name), low=0)
        super().check()
        show = Presentation(self.corruption, n_labels=self.n_labels)
        for level in (self.easy, self.hard):
            show.check_level(noise(level))
        check_ends(self.easy, self.hard)

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Those of all tickets, and of a relabelling or student that is not the project's own."""
        from studies.cells.definitions import digests
        from teacher_student.students.flax_nets import STUDENTS
        from teacher_student.tasks.relabelling import RELABELLINGS

        return (
            super().definitions(protocols)
            | digests("relabelling", {self.relabelling: RELABELLINGS[self.relabelling]})
            | digests("student", {self.student: STUDENTS[self.student]})
        )

    def template(self) -> Any:
        """The shapes of one network."""
        return shapes(self.network(self.n_labels), self.pixels(self.corruption))

    def samples(self) -> tuple[int, int, str]:
        """A minibatch a step."""
        return self.batch_size, int(np.prod(self.pixels(self.corruption))), self.optimiser

    def material(self) -> Material:
        """Training examples, the easy ones first if levels differ, and those for validation and testing."""
        import jax

        from teacher_student.tasks.images import hold_out
        from teacher_student.training.streams import root_key

        task, key = self.task(), root_key(self.seed)
        rest, held = hold_out(task.train, self.validation, self.seed)

        def some(name: str, examples: "Examples") -> "Examples":
            n, there = getattr(self, name), len(examples.labels)
            if n > there:
                raise ValueError(
                    f"{name} is {n}, but {self.data_set} has {there} images for it; 0 takes all of them"
                )
            return type(examples)(*(np.asarray(part)[: n or None] for part in examples))

        def shown(role: int, examples: "Examples", level: float, copies: int = 1) -> "Labelled":
            own = jax.random.fold_in(key, role)
            return corrupted(own, task, examples, self.corruption, level, copies)

        easy, hard, train = noise(self.easy), noise(self.hard), some("n_examples", rest)
        levels = [easy] if easy == hard else [easy, hard]
        parts = [shown(TRAIN, train, level, self.copies) for level in levels]
        bank = labelled(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
        targets = {
            "valid": shown(VALID, some("n_validation", held), hard),
            "test": shown(TEST, some("n_test", task.test), hard),
        }
        difficulty = np.repeat(levels, [len(part.labels) for part in parts])
        return Material(bank, targets, difficulty, self.n_labels)

    def world(self, block: "Block", trainers: list[int]) -> World:
        """Minibatches from an array on the device."""
        return ImageWorld(self, block, trainers)

    def measures(self, values: dict[str, np.ndarray], kept: np.ndarray) -> Measures:
        """Accuracy and loss on the test and the validation examples over time."""
        return {name: (("round", "time"), x) for name, x in values.items()}


class ImageWorld:
    """`teacher_student.training.epochs` on the lanes of a block, runs in the order replicate, lane."""

    def __init__(self, cell: ImageTickets, block: "Block", trainers: list[int]) -> None:
        from curricula.schedule import draw_steps
        from teacher_student.training.epochs import Optimiser
        from teacher_student.training.streams import replicate_keys, streams

        self.cell, self.student = cell, cell.network(cell.n_labels)
        self.optimiser = Optimiser(cell.optimiser)
        material = prepared(cell)
        self.data, self.targets = material.bank, material.targets
        self.keys = replicate_keys(cell.seed, block.replicates)
        self.others = streams(self.keys, "other_start")
        self.shape = (block.rows, len(trainers))
        self.runs = replicate_keys(cell.seed, np.repeat(block.replicates, len(trainers)))
        twice = noise(cell.easy) != noise(cell.hard)
        size = len(self.data.labels) // (1 + twice)

        def orders(number: int) -> np.ndarray:
            seed = cell.seed + (number << 32)
            levels = draw_steps(block.protocols, cell.easy_fraction, cell.n_steps, seed, block.replicates)
            rows = np.stack([shown(cell, size, int(r), number) for r in block.replicates])
            found = rows[:, None] + size * twice * levels[:, trainers, :, None].astype(np.int32)
            return found.reshape(-1, cell.n_steps, cell.batch_size)

        self.orders = lru_cache(1)(orders)

    def start(self, other: bool) -> Any:
        """Initial parameters (R, ...)."""
        from teacher_student.training.epochs import initialise

        return initialise(self.student, self.others if other else self.keys, self.data.inputs[:1])

    def begin(self, params: "PyTree", step: int) -> Any:
        """Parameters with a fresh optimiser."""
        import jax

        from teacher_student.training.epochs import start

        flat = reshaped()(params, (-1,), 2)
        state = start(self.student, self.optimiser, self.data, self.runs, None, flat)
        return state._replace(step=jax.device_put(np.int32(step)))

    def params(self, state: "PyTree") -> Any:
        """(R, L, ...)."""
        return reshaped()(state.params, self.shape, 1)

    def advance(
        self, state: "PyTree", masks: "PyTree", begin: int, stop: int, number: int
    ) -> tuple[Any, dict[str, Any], Any]:
        """A segment of every lane."""
        from teacher_student.training.epochs import compiled, listed

        rates = np.full(self.runs.shape, self.cell.learning_rate, np.float32)
        values, diverged, state = compiled(
            self.student, self.optimiser, listed, self.data, self.targets, self.orders(number),
            self.runs, rates, reshaped()(masks, (-1,), 2), state, np.array([stop], np.int32),
            np.int32(self.cell.n_steps),
        )  # fmt: skip
        return state, *reshaped()((values, diverged), self.shape, 2)


@cache
def reshaped() -> Any:
    """Jitted: (tree, lead, n) -> its arrays, each with the first n axes (or all there are) made `lead`."""
    import jax

    def each(tree: "PyTree", lead: tuple[int, ...], n: int) -> Any:
        return jax.tree.map(lambda x: x.reshape(*lead, *x.shape[n:]), tree)

    return jax.jit(each, static_argnums=(1, 2))


def shown(cell: ImageTickets, size: int, replicate: int, number: int = 0) -> np.ndarray:
    """Examples of every step (steps, B) in 0 .. size - 1: a fresh permutation every epoch."""
    rng = np.random.default_rng([cell.seed + (number << 32), replicate, ORDER])
    needed = cell.n_steps * cell.batch_size
    epochs = [rng.permutation(size) for _ in range(-(-needed // size))]
    return np.concatenate(epochs)[:needed].reshape(cell.n_steps, cell.batch_size).astype(np.int32)


@lru_cache(maxsize=32)
def shapes(student: "MLP | CNN", pixels: tuple[int, int, int]) -> Any:
    """Shapes of the parameters of a student of images."""
    import jax

    from teacher_student.training.streams import root_key

    with fixed_settings():
        key = jax.eval_shape(lambda: root_key(0))
        return jax.eval_shape(student.init, key, jax.ShapeDtypeStruct((1, *pixels), "float32"))
