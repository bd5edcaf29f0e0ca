"""The cell of tickets in flax networks trained for several epochs on images.

No JAX is imported until a cell is checked or computed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.cells.tickets.base import Measures, TicketCell, World
from teacher_student.fixed_settings import fixed_settings
from teacher_student.roles import ORDER, TEST, TRAIN, VALID

if TYPE_CHECKING:
    import xarray as xr

    from studies.cell import Block
    from studies.store.progress import Progress


@dataclass(frozen=True)
class ImageTickets(TicketCell):
    """One network, its tickets and their controls on images; see `TicketCell` for the rest.

    Every example is corrupted at both levels, `copies` times each; a step shows `batch_size` examples at the
    level that the protocol gives it, shuffled anew every epoch, the same examples for all protocols. With
    equal levels of 0 the images are as published.

    Parameters
    ----------
    images : "digits", "mnist", "fashion_mnist" or "cifar10"
    labels : {"classes", "polarity_xor", "parity", "class_group_xor"}, see teacher_student.tasks.relabelling
    corruption : see teacher_student.tasks.corruption
    student : {"lenet", "mlp", "mlp2"}
    parametrisation : see flax_nets
    optimiser : {"sgd", "momentum", "adam"}
    batch_size : int
    copies : int, draws of the corruption per example and level
    n_train, n_valid, n_test : int, examples used, the first ones; 0 for all. Validation examples are held
        out of the training split, a fifth of it
    """

    width: int = 100
    learning_rate: float = 1.2e-3
    steps: int = 1000
    n_records: int = 20
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.0})
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.0})
    images: str = "digits"
    labels: str = "classes"
    corruption: str = "noise_in_place"
    student: str = "lenet"
    parametrisation: str = "standard"
    optimiser: str = "adam"
    batch_size: int = 60
    copies: int = 1
    n_train: int = 0
    n_valid: int = 0
    n_test: int = 0

    def check(self) -> None:
        """Refuse unknown names and numbers out of range, in one line; reads no image but the digits."""
        from teacher_student.checks import known, within
        from teacher_student.students.flax_nets import STUDENTS
        from teacher_student.tasks.corruption import Presentation
        from teacher_student.tasks.images import DATA_SETS
        from teacher_student.tasks.relabelling import RELABELLINGS
        from teacher_student.training.epochs import Optimiser

        known("data set", self.images, DATA_SETS)
        known("labels", self.labels, RELABELLINGS)
        known("student of fully connected layers", self.student, set(STUDENTS) - {"cnn"})
        Optimiser(self.optimiser)
        for name in ("batch_size", "copies"):
            within(name, getattr(self, name), low=1)
        for name in ("n_train", "n_valid", "n_test"):
            within(name, getattr(self, name), low=0)
        super().check()
        show = Presentation(self.corruption, n_labels=self._classes())
        for level in (self.easy, self.hard):
            show.check_level(level["noise"])

    def _classes(self) -> int:
        return 10 if self.labels == "classes" else 2

    def _pixels(self) -> tuple[int, int, int]:
        shapes = {"digits": (8, 8, 1), "cifar10": (32, 32, 3)}
        height, width, channels = shapes.get(self.images, (28, 28, 1))
        return height, width * (1 + self.corruption.endswith("beside")), channels

    def _student(self) -> Any:
        from teacher_student.students.flax_nets import make_student

        return make_student(self.student, self.width, self._classes(), self.parametrisation)

    def label(self) -> str:
        """The settings in a few words."""
        return (
            f"{self.images} {self.labels} {self.student} width {self.width} {self.scope} {self.rounds} rounds"
        )

    def template(self) -> Any:
        """The shapes of one network."""
        return shapes(self._student(), self._pixels())

    def samples(self) -> tuple[int, int, str]:
        """A minibatch a step."""
        return self.batch_size, int(np.prod(self._pixels())), self.optimiser

    @fixed_settings()
    def compute(self, block: "Block", progress: "Progress | None" = None) -> "xr.Dataset":
        """Run all rounds of all cells of a block; goes on from `progress` and saves to it."""
        from studies.cells.tickets.rounds import compute

        return compute(self, block, progress)

    def world(self, block: "Block", trainers: list[int]) -> World:
        """Minibatches from an array on the device."""
        return ImageWorld(self, block, trainers)

    def measures(self, values: dict[str, np.ndarray], kept: np.ndarray) -> Measures:
        """Accuracy and loss on the test and the validation examples over time."""
        return {name: (("round", "time"), x) for name, x in values.items()}


class ImageWorld:
    """`teacher_student.training.epochs` on the lanes of a block, runs in the order replicate, lane."""

    def __init__(self, cell: ImageTickets, block: "Block", trainers: list[int]) -> None:
        import jax.numpy as jnp

        from curricula.schedule import draw_steps
        from teacher_student.training.epochs import Optimiser
        from teacher_student.training.streams import replicate_keys, streams

        self.cell, self.student, self.optimiser = cell, cell._student(), Optimiser(cell.optimiser)
        self.data, self.targets, size = material(cell)
        self.keys = replicate_keys(cell.seed, block.replicates)
        self.others = streams(self.keys, "other_start")
        self.shape = (block.rows, len(trainers))
        self.runs = jnp.repeat(self.keys, len(trainers))
        twice = cell.easy["noise"] != cell.hard["noise"]

        def orders(number: int) -> np.ndarray:
            seed = cell.seed + (number << 32)
            levels = draw_steps(block.protocols, cell.easy_fraction, cell.steps, seed, block.replicates)
            rows = np.stack([shown(cell, size, int(r), number) for r in block.replicates])
            found = rows[:, None] + size * twice * levels[:, trainers, :, None].astype(np.int32)
            return found.reshape(-1, cell.steps, cell.batch_size)

        self.orders = lru_cache(1)(orders)

    def flat(self, tree: Any) -> Any:
        """(R, L, ...) -> (R L, ...)."""
        import jax

        return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), tree)

    def apart(self, tree: Any) -> Any:
        """(R L, ...) -> (R, L, ...)."""
        import jax

        return jax.tree.map(lambda x: x.reshape(*self.shape, *x.shape[1:]), tree)

    def start(self, other: bool) -> Any:
        """Initial parameters (R, ...)."""
        from teacher_student.training.epochs import initialise

        return initialise(self.student, self.others if other else self.keys, self.data.inputs[:1])

    def begin(self, params: Any, step: int) -> Any:
        """Parameters with a fresh optimiser."""
        import jax.numpy as jnp

        from teacher_student.training.epochs import start

        state = start(self.student, self.optimiser, self.data, self.runs, None, self.flat(params))
        return state._replace(step=jnp.asarray(step, jnp.int32))

    def params(self, state: Any) -> Any:
        """(R, L, ...)."""
        return self.apart(state.params)

    def advance(
        self, state: Any, masks: Any, begin: int, stop: int, number: int
    ) -> tuple[Any, dict[str, Any], Any]:
        """A segment of every lane."""
        import jax.numpy as jnp

        from teacher_student.training.epochs import compiled, listed

        rates = jnp.full(self.runs.shape, self.cell.learning_rate, jnp.float32)
        values, diverged, state = compiled(
            self.student, self.optimiser, listed, self.data, self.targets, self.orders(number),
            self.runs, rates, self.flat(masks), state, jnp.array([stop], jnp.int32),
            jnp.asarray(self.cell.steps, jnp.int32),
        )  # fmt: skip
        return state, {name: self.apart(x[:, 0]) for name, x in values.items()}, self.apart(diverged)


def shown(cell: ImageTickets, size: int, replicate: int, number: int = 0) -> np.ndarray:
    """Examples of every step (steps, B) in 0 .. size - 1: a fresh permutation every epoch."""
    rng = np.random.default_rng([cell.seed + (number << 32), replicate, ORDER])
    needed = cell.steps * cell.batch_size
    epochs = [rng.permutation(size) for _ in range(-(-needed // size))]
    return np.concatenate(epochs)[:needed].reshape(cell.steps, cell.batch_size).astype(np.int32)


@lru_cache(maxsize=32)
def shapes(student: Any, pixels: tuple[int, int, int]) -> Any:
    """Shapes of the parameters of a student of images."""
    import jax

    from teacher_student.training.streams import root_key

    with fixed_settings():
        key = jax.eval_shape(lambda: root_key(0))
        return jax.eval_shape(student.init, key, jax.ShapeDtypeStruct((1, *pixels), "float32"))


def material(cell: ImageTickets) -> tuple[Any, dict[str, Any], int]:
    """Training examples (easy ones first, if levels differ), validation and test, and examples per level."""
    import jax
    import jax.numpy as jnp

    from teacher_student.tasks.corruption import Examples
    from teacher_student.tasks.images import hold_out, image_task, load_images
    from teacher_student.tasks.relabelling import RELABELLINGS
    from teacher_student.training.epochs import Labelled
    from teacher_student.training.streams import root_key

    try:
        images = load_images(cell.images)
    except ValueError as error:  # the user's files: missing or damaged
        raise OSError(error) from error
    task = image_task(images, RELABELLINGS[cell.labels]())
    rest, held = hold_out(task.train, 0.2, cell.seed)
    show, key = task.presentation(cell.corruption), root_key(cell.seed)

    def some(name: str, examples: Examples) -> Examples:
        n, there = getattr(cell, name), len(examples.labels)
        if n > there:
            raise OSError(f"{name} is {n}, but {cell.images} has {there} images for it; 0 takes all of them")
        return Examples(*(np.asarray(part)[: n or None] for part in examples))

    def corrupted(role: int, examples: Examples, level: float, copies: int) -> Labelled:
        count = len(examples.labels)
        rows, draws = np.tile(np.arange(count), copies), np.repeat(np.arange(copies), count)
        inputs, labels = show(jax.random.fold_in(key, role), examples, rows, level, draws)
        whole = labels > 0 if jnp.issubdtype(labels.dtype, jnp.floating) else labels
        return Labelled(inputs, whole.astype(jnp.int32))

    easy, hard = cell.easy["noise"], cell.hard["noise"]
    levels = [easy] if easy == hard else [easy, hard]
    train = some("n_train", rest)
    parts = [corrupted(TRAIN, train, level, cell.copies) for level in levels]
    data = Labelled(*(jnp.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    targets = {
        "valid": corrupted(VALID, some("n_valid", held), hard, 1),
        "test": corrupted(TEST, some("n_test", task.test), hard, 1),
    }
    return data, targets, len(train.labels) * cell.copies
