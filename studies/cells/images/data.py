"""What all cells on images share: the images, how they are loaded, held out and shown, and the network."""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from teacher_student.roles import HELD_OUT

if TYPE_CHECKING:
    import jax
    from numpy.typing import ArrayLike

    from teacher_student.tasks.corruption import Examples
    from teacher_student.tasks.images import ImageTask
    from teacher_student.tasks.relabelling import Relabelling
    from teacher_student.training.evaluation import Labelled

#: Validation images that are looked at, at most.
MOST_VALIDATION = 2500


class Material(NamedTuple):
    """The data of a cell, the same for all widths, arms and replicates.

    bank : `Labelled`, all training examples as they are shown
    targets : "validation" and "test" -> `Labelled`
    difficulty : (P,) of the bank, higher = harder
    n_labels : number of logits
    """

    bank: "Labelled"
    targets: dict[str, "Labelled"]
    difficulty: np.ndarray
    n_labels: int

    @property
    def n_inputs(self) -> int:
        """Numbers in one input."""
        return int(np.prod(self.bank.inputs.shape[1:]))


@dataclass(frozen=True)
class OnImages(ABC):
    """The images that a network is trained on, and the network, as plain data.

    Parameters
    ----------
    data_set : "digits", "mnist", "fashion_mnist", "cifar10" or the path of an .npz file
    data_dir : folder of the files, see `load_images`; changes no number
    relabelling : name from `teacher_student.tasks.relabelling.RELABELLINGS`
    pair : the two classes of polarity_xor, as "0-4"
    side : images are averaged over the smallest squares of pixels that leave at most this many a side
    normalised : whether pixels have mean 0 each and mean square 1 together; else they go from 0 to 1
    student : network, a name from `teacher_student.students.flax_nets`
    width : int, units of a hidden layer; of LeNet the second, the first has three times as many
    depth : int >= 1, hidden layers of the student mlp
    parametrisation : scaling with width, a name from `teacher_student.students.flax_nets`
    optimiser : name from `teacher_student.training.optimisers`
    batch_size : int, examples of a step
    validation : share of the training images held out
    seed : int, 0 <= seed < 2^32, of everything that is drawn
    """

    data_set: str = "digits"
    data_dir: str = field(default="", metadata={"place": True})
    relabelling: str = "classes"
    pair: str = "0-4"
    side: int = 16
    normalised: bool = field(default=True, metadata={"added": True})
    student: str = "mlp"
    width: int = 16
    depth: int = field(default=1, metadata={"added": True})
    parametrisation: str = "standard"
    optimiser: str = "sgd"
    batch_size: int = 32
    validation: float = 0.2
    seed: int = 0

    @abstractmethod
    def material(self) -> Material:
        """Load and prepare the data."""

    def check_images(self) -> None:
        """Refuse unknown names and numbers out of range, in one line; reads no image but the digits."""
        from teacher_student.checks import known, within
        from teacher_student.students.flax_nets import SMALLEST
        from teacher_student.tasks.images import DATA_SETS
        from teacher_student.training.optimisers import Optimiser

        if not self.data_set.endswith(".npz"):
            known("data set", self.data_set, (*DATA_SETS, "a path that ends in .npz"))
        self.rule()
        self.network(2)
        Optimiser(self.optimiser)
        within("batch_size", self.batch_size, low=1)
        within("side", self.side, low=SMALLEST if self.student.startswith("cnn") else 1)
        within("validation", self.validation, low=0, high=0.9, open_low=True)

    @property
    def n_labels(self) -> int:
        """Labels of the published data sets after relabelling: ten classes, or two."""
        return 10 if self.relabelling == "classes" else 2

    def network(self, n_labels: int) -> Any:
        """The student with `n_labels` logits."""
        from teacher_student.students.flax_nets import make_student

        return make_student(self.student, self.width, n_labels, self.parametrisation, self.depth)

    def rule(self) -> "Relabelling":
        """The relabelling."""
        from teacher_student.checks import known
        from teacher_student.tasks.relabelling import RELABELLINGS

        known("relabelling", self.relabelling, RELABELLINGS)
        if self.relabelling != "polarity_xor":
            if self.pair != "0-4":
                raise ValueError(f"pair is {self.pair!r}, but relabelling {self.relabelling!r} has no pair")
            return RELABELLINGS[self.relabelling]()
        first, _, second = self.pair.partition("-")
        if not (first.isdecimal() and second.isdecimal()):
            raise ValueError(f"pair is {self.pair!r}; need two classes, as 0-4")
        return RELABELLINGS[self.relabelling]((int(first), int(second)))

    def task(self) -> "ImageTask":
        """The relabelled and pooled images, normalised or from 0 to 1."""
        from teacher_student.tasks.images import image_task, load_images

        images = load_images(self.data_set, self.data_dir or None)
        pool = squares(images.train_inputs.shape[1:3], self.side)
        return image_task(images, self.rule(), pool=pool, normalised=self.normalised)

    def pixels(self, corruption: str) -> tuple[int, int, int]:
        """Height, width and channels of an image of a published data set as it is shown."""
        shapes = {"digits": (8, 8, 1), "cifar10": (32, 32, 3)}
        height, width, channels = shapes.get(self.data_set, (28, 28, 1))
        pool = squares((height, width), self.side)
        return height // pool, width // pool * (1 + corruption.endswith("beside")), channels


def prepared(cell: OnImages) -> Material:
    """The data of a cell; OSError where the user's files are missing or damaged, or hold too little."""
    import jax

    from teacher_student.training.streams import root_key

    try:
        material = cell.material()
        jax.eval_shape(cell.network(material.n_labels).init, root_key(0), material.bank.inputs[:1])
    except ValueError as error:
        raise OSError(error) from error
    return material


def squares(sides: tuple[int, int], side: int) -> int:
    """The smallest squares of pixels that an image is averaged over to have at most `side` a side.

    Examples
    --------
    >>> squares((28, 28), 16), squares((8, 8), 16)
    (2, 1)
    """
    for pool in range(1, max(sides) + 1):
        if max(sides) <= pool * side and not any(s % pool for s in sides):
            return pool
    raise ValueError(f"images of {sides[0]} x {sides[1]} pixels cannot be averaged to {side} a side")


def labelled(inputs: "ArrayLike", labels: "ArrayLike") -> "Labelled":
    """Shown images as `Labelled` on the device: labels -1 and +1 become the classes 0 and 1."""
    import jax

    from teacher_student.training.evaluation import Labelled

    y = np.asarray(labels)
    return Labelled(
        jax.device_put(inputs), jax.device_put((y > 0 if y.dtype.kind == "f" else y).astype("int32"))
    )


def corrupted(
    key: "jax.Array",
    task: "ImageTask",
    examples: "Examples",
    corruption: str,
    level: float,
    copies: int = 1,
    most: int | None = None,
) -> "Labelled":
    """Examples at one level, the first `most` of them, `copies` times, each time with its own corruption."""
    count = min(len(examples.labels), most or len(examples.labels))
    rows, draws = np.tile(np.arange(count), copies), np.repeat(np.arange(copies), count)
    return labelled(*task.presentation(corruption)(key, examples, rows, level, draws))


def held_out(
    cell: OnImages,
    task: "ImageTask",
    corruption: str,
    level: float,
    about: int,
    most: int | None = None,
) -> tuple["Examples", dict[str, "Labelled"]]:
    """Training images that are left, and the validation and the test set under one fixed corruption.

    A set smaller than `about` is shown several times, to have about this many examples; of a larger one the
    first `most` images are. Their keys come from a stream that no run uses.
    """
    import jax

    from teacher_student.tasks.images import hold_out
    from teacher_student.training.streams import root_key

    rest, held = hold_out(task.train, cell.validation, cell.seed)
    one, two = jax.random.split(jax.random.fold_in(root_key(cell.seed), HELD_OUT))
    copies = [max(1, round(about / len(part.labels))) for part in (held, task.test)]
    check_room("n_test", about, task)
    return rest, {
        "validation": corrupted(
            one, task, held, corruption, level, copies[0], min(MOST_VALIDATION, most or MOST_VALIDATION)
        ),
        "test": corrupted(two, task, task.test, corruption, level, copies[1], most),
    }


def check_room(what: str, count: int, task: "ImageTask") -> None:
    """Refuse examples that, with the copies made while they are drawn, need more memory than the host has."""
    # twice as wide with a block beside it, float32, and once more while the parts are joined
    need = 16.0 * count * np.prod(task.train.inputs.shape[1:])
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if need > has:
        raise ValueError(
            f"{what} is {count}, which needs {need / 2**30:.0f} GiB; this host has {has / 2**30:.0f}"
        )
