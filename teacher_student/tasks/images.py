"""Real images: loaded in their original order, relabelled, normalised, and corrupted to a known level.

    images = load_images("mnist")                           # uint8 as published
    task = image_task(images, PolarityXor((0, 4)), pool=2)  # task.train, task.test: `Examples`
    show = task.presentation("noise_beside")                # how an example becomes an input
    levels = draw_levels(key, task.train.seeds, easy=(0, 2), hard=16, easy_fraction=0.3)   # the oracle
    inputs, labels = show(key, task.train, indices, levels[indices])
    target = target_set(test_key, task, "noise_beside", level=16)

Loading is NumPy; the call of `show` is pure JAX, to be used inside a scan with the data as an argument.

Normalisation: inputs = (pixels - mean) / scale with the mean of each pixel over ALL training images (all
classes, whatever the relabelling keeps) and one scale, the root mean square of the centred training pixels.
Training images have mean square 1 per pixel; test images are treated with the numbers of the training set.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, Shaped, UInt32

from teacher_student.checks import known, within
from teacher_student.data_sets.images import Images, digits, from_npz, numbered
from teacher_student.data_sets.published import IDX_DIGESTS, read_published
from teacher_student.tasks.corruption import Examples, Pixels, Presentation
from teacher_student.tasks.relabelling import Relabelling

DATA_SETS = ("digits", *IDX_DIGESTS, "cifar10")


def load_images(name: str | Path, data_dir: str | Path | None = None) -> Images:
    """Load a data set in its original order; positions match published rankings.

    Parameters
    ----------
    name : "digits", "mnist", "fashion_mnist", "cifar10" or the path of an .npz file
        digits comes with scikit-learn (8 x 8, 1797 images, no published split: every fifth is for testing).
        mnist and fashion_mnist are read from their four idx files, plain or .gz; cifar10 from its binary
        or its python batches, in a folder or still in the .tar.gz. All are checked by checksum.
        An .npz holds `train_inputs` (P, H, W) or (P, H, W, C) uint8 or float, `train_labels` (P,) whole
        numbers, the same for `test_`, and optionally `train_ids`, `test_ids`.
    data_dir : folder that holds the files or a folder `name` with the files
        By default that of the environment variable TILTING_ODDS_DATA. Files that are
        not there are downloaded into the user's cache and checked by SHA-256.

    Raises
    ------
    ValueError
        For an unknown name, a folder that does not exist, a file that is truncated or not the published one
        (with both checksums), or files that can neither be found nor downloaded (with what to put where).

    Examples
    --------
    >>> digits = load_images("digits")
    >>> digits.train_inputs.shape, digits.test_inputs.shape, digits.train_labels[:5].tolist()
    ((1438, 8, 8, 1), (359, 8, 8, 1), [0, 1, 2, 3, 5])
    """
    if name == "digits":
        return digits()
    if str(name).endswith(".npz"):
        return from_npz(Path(name))
    known("data set", str(name), (*DATA_SETS, "a path that ends in .npz"))
    return numbered(str(name), read_published(str(name), data_dir))


@dataclass(frozen=True, eq=False)
class ImageTask:
    """Relabelled and normalised images; see `image_task`.

    train, test : `Examples`; n_labels : 2 for labels in {-1, +1}, else the number of classes; signed :
    whether images are to be shown with a random sign; pixels : the normalisation; checksum : SHA-256 of the
    images, the rule, the pooling and the normalisation
    """

    name: str
    train: Examples
    test: Examples
    n_labels: int
    signed: bool
    pixels: Pixels
    checksum: str

    @property
    def mean(self) -> np.ndarray:
        """What is taken from the pixels, (H, W, C)."""
        return self.pixels.mean

    @property
    def scale(self) -> float:
        """What they are divided by then."""
        return self.pixels.scale

    def presentation(self, corruption: str) -> Presentation:
        """How an example becomes an input, with this task's sign, number of labels and pixels."""
        return Presentation(corruption, self.signed, self.n_labels, self.pixels)


def image_task(images: Images, rule: Relabelling, *, pool: int = 1, normalised: bool = True) -> ImageTask:
    """Relabel, average over squares of `pool` x `pool` pixels, and normalise.

    Without `normalised`, pixels go from 0 to 1 instead: (pixels - low) / (high - low), with the smallest and
    the largest one of all training images.

    Examples
    --------
    >>> from teacher_student.tasks.relabelling import PolarityXor
    >>> task = image_task(load_images("digits"), PolarityXor((0, 4)))
    >>> task.train.inputs.shape, sorted(set(task.train.labels.tolist())), task.signed
    ((298, 8, 8, 1), [-1.0, 1.0], True)
    """
    height, width = images.train_inputs.shape[1:3]
    if pool < 1 or height % pool or width % pool:
        raise ValueError(f"pool is {pool!r}; need a divisor of height {height} and width {width}")
    present = set(np.unique(images.train_labels).tolist()) & set(np.unique(images.test_labels).tolist())
    if missing := sorted(set(rule.named) - present):
        raise ValueError(f"{rule} names classes {missing}, but {images.name} has {sorted(present)}")
    pixels = _pooled(images.train_inputs, pool)
    low, high = float(images.train_inputs.min()), float(images.train_inputs.max())
    mean = pixels.mean(0, dtype=np.float64).astype(np.float32)
    squares = sum(np.square(part - mean).sum(dtype=np.float64) for part in np.array_split(pixels, 100))
    scale = float(np.sqrt(squares / pixels.size))
    if scale == 0:
        raise ValueError(f"{images.name}: all training images are the same")
    if not normalised:
        mean, scale = np.full_like(mean, low), high - low

    def split(part: str) -> Examples:
        classes = getattr(images, f"{part}_labels").astype(np.int32)
        positions = np.flatnonzero(rule.kept(classes)).astype(np.int32)
        inputs = (_pooled(getattr(images, f"{part}_inputs")[positions], pool) - mean) / np.float32(scale)
        seeds = example_seeds(getattr(images, f"{part}_ids")[positions])
        return Examples(inputs, rule.labels(classes[positions]), classes[positions], positions, seeds)

    train, test = split("train"), split("test")
    if np.unique(train.labels).size < 2:
        raise ValueError(f"{rule} gives all training images of {images.name} the same label")
    n_labels = 2 if train.labels.dtype == np.float32 else images.n_classes
    made = f"{images.checksum} {rule!r} {pool}{'' if normalised else ' from 0 to 1'}"
    checksum = hashlib.sha256(made.encode()).hexdigest()
    return ImageTask(
        images.name, train, test, n_labels, rule.signed, Pixels(mean, scale, low, high), checksum
    )


def hold_out(examples: Examples, fraction: float, seed: int = 0) -> tuple[Examples, Examples]:
    """Split off a validation set: `fraction` of every class, at least one example, (rest, held out).

    Which ones depends on `seed`, the classes and their order; both parts keep the order.
    """
    within("fraction", fraction, 0, 1, open_low=True)
    rng = np.random.default_rng(seed)
    classes, out = np.asarray(examples.classes), np.zeros(len(examples.classes), bool)
    for c in np.unique(classes):
        members = np.flatnonzero(classes == c)
        n_out = max(1, round(fraction * members.size))
        if n_out == members.size:
            raise ValueError(f"fraction {fraction} leaves none of the {members.size} examples of class {c}")
        out[rng.permutation(members)[:n_out]] = True
    rest, held = (Examples(*(np.asarray(part)[chosen] for part in examples)) for chosen in (~out, out))
    return rest, held


def target_set(
    key: Key[Array, ""], task: ImageTask, corruption: str, level: float, *, copies: int = 1
) -> tuple[Float[Array, "n H W C"], Shaped[Array, " n"]]:
    """The test split under one fixed corruption: the same arrays for every protocol and every step.

    Parameters
    ----------
    key : typed PRNG key, not the one of the training corruptions
    level : of all test examples. With label_noise it corrupts the test labels; 0 tests on clean ones
    copies : how often each test image is in the set, each time with its own sign and noise (Q copies rows;
        for small test sets such as digits)
    """
    within("copies", copies, 1)
    size = len(task.test.labels)
    rows = jnp.tile(jnp.arange(size), copies)
    draws = jnp.repeat(jnp.arange(copies), size)
    return task.presentation(corruption)(key, task.test, rows, level, draws)


def example_seeds(ids: Shaped[np.ndarray, " P"]) -> UInt32[np.ndarray, " P"]:
    """One seed per example id: the number itself, or the first 32 bits of the SHA-256 of a text.

    Examples
    --------
    >>> example_seeds(np.array([3, 70000])).tolist(), example_seeds(np.array(["a"])).tolist()
    ([3, 70000], [3398926610])
    """
    if ids.dtype.kind in "iu":
        return ids.astype(np.uint32)
    digests = (hashlib.sha256(str(name).encode()).digest()[:4] for name in ids)
    return np.array([int.from_bytes(digest) for digest in digests], np.uint32)


def _pooled(pixels: np.ndarray, pool: int) -> np.ndarray:
    """Means over pool x pool squares, float32."""
    n, height, width, channels = pixels.shape
    squares = pixels.reshape(n, height // pool, pool, width // pool, pool, channels)
    return squares.mean((2, 4), dtype=np.float32) if pool > 1 else pixels.astype(np.float32)
