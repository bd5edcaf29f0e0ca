"""Images made hard to a known level, each example from its own random numbers.

Kinds (the names in `CORRUPTIONS`; x is a normalised image, z ~ N(0, 1) per pixel, h >= 0 the level, higher
is harder):

    noise_in_place     x + sqrt(h) z
    noise_beside       (x | sqrt(h) z)     twice as wide: an irrelevant block to the right of the image
    distractor_beside  (x | sqrt(h) x')    x' another image of the split, any with equal probability
    label_noise        x, and with probability h one of the other labels, each with equal probability

and two on the pixels p as they were before normalisation, from `low` to `high` over the training images:

    clipped_noise      p + h (high - low) z, clipped to low..high      h is a standard deviation here
    shrunk             p shrunk to 1 - h of its sides, centred on another image p' of the split; h < 1

Normalised images have mean square 1 per pixel, so h is the variance of what is added or put beside in units
of that of the image; noise in place leaves a share c = h / (1 + h) of noise, sqrt(h) = sqrt(c / (1 - c)).
Where images are shown with a random sign, a distractor has one of its own.
The level of an example is known, so it is the oracle difficulty. Sources: noise beside the relevant inputs,
Saglietti, Sarao Mannelli, Saxe, arXiv 2106.08068; noise on the image and shrunk images, Sarao Mannelli et
al., arXiv 2406.01589; the choice of the others and of units for images is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Key, Num, UInt32
from numpy.typing import ArrayLike

from teacher_student.checks import known, within
from teacher_student.roles import NOISE, OTHER, OTHER_SIGN, SIGN
from teacher_student.tasks.resampling import pasted

CORRUPTIONS = (
    "noise_in_place", "noise_beside", "distractor_beside", "label_noise", "clipped_noise", "shrunk",
)  # fmt: skip
#: An array on the host or on a device.
Anywhere = np.ndarray | Array
#: Those that are made on the pixels before normalisation.
ON_PIXELS = ("clipped_noise", "shrunk")


@dataclass(frozen=True, eq=False)
class Pixels:
    """How normalised images come from pixels: x = (p - mean) / scale, p from low to high.

    mean : (H, W, C); scale, low, high : numbers, low and high those over all training images
    """

    mean: Float[np.ndarray, "H W C"]
    scale: float
    low: float
    high: float


class Examples(NamedTuple):
    """One split, ready for a student; a pytree of arrays (NumPy, or JAX once put on a device).

    inputs : (P, H, W, C) float32, normalised
    labels : (P,) float32 in {-1, +1}, or int32 in 0..n_labels - 1
    classes : (P,) int32, the class before relabelling
    positions : (P,) int32, where in the split as published: `ranking.restrict(positions)` fits `inputs`
    seeds : (P,) uint32, one per example id; all corruptions of the example are drawn from it
    """

    inputs: Float[np.ndarray | Array, "P H W C"]
    labels: Num[np.ndarray | Array, " P"]
    classes: Int[np.ndarray | Array, " P"]
    positions: Int[np.ndarray | Array, " P"]
    seeds: UInt32[np.ndarray | Array, " P"]


@dataclass(frozen=True)
class Presentation:
    """How an example becomes what the student sees; frozen and hashable.

    Parameters
    ----------
    corruption : one of `CORRUPTIONS`
    signed : whether an image is shown with a random sign, each with probability 1/2
    n_labels : 2 for labels in {-1, +1}, else the number of classes; only label noise depends on it
    pixels : the normalisation, which the kinds `ON_PIXELS` need; `task.presentation` gives it

    Examples
    --------
    >>> show = Presentation("noise_beside", signed=True)
    >>> show.shape((8, 8, 1))
    (8, 16, 1)
    """

    corruption: str
    signed: bool = False
    n_labels: int = 2
    pixels: Pixels | None = None

    def __post_init__(self) -> None:
        known("corruption", self.corruption, CORRUPTIONS)
        within("n_labels", self.n_labels, low=2)

    def shape(self, image: tuple[int, int, int]) -> tuple[int, int, int]:
        """(H, W, C) of what the student sees, from that of the images."""
        height, width, channels = image
        return height, width * (1 + self.corruption.endswith("beside")), channels

    def check_level(self, level: ArrayLike | Sequence[float]) -> None:
        """Refuse levels below 0, probabilities at which a label says less than nothing, images of no size.

        Label noise has to stay at or below 1 - 1/n_labels, where labels are pure chance; a shrunk image has
        to keep a pixel of its shorter side where the pixels are known. Called for levels that are plain
        numbers or NumPy arrays; traced levels cannot be checked.
        """
        high = 1 - 1 / self.n_labels if self.corruption == "label_noise" else float("inf")
        values = np.asarray(level, float)
        if self.corruption == "shrunk" and values.max(initial=0.0) >= 1:
            raise ValueError(
                f"level is {float(values.max())!r}, but an image is shrunk to 1 - level of its sides; "
                "need 0 <= level < 1"
            )
        if self.corruption == "shrunk" and self.pixels is not None:
            count = min(self.pixels.mean.shape[:2])
            if (least := float((1 - values).min(initial=1.0)) * count) < 1:
                raise ValueError(
                    f"level is {float(values.max())!r}, which shrinks {count} pixels to {least:.2g}; "
                    f"need level <= {1 - 1 / count:.3g}"
                )
        if not np.isfinite(values).all():
            raise ValueError("level holds NaN or infinite entries; need finite")
        for value in (values.min(initial=0.0), values.max(initial=0.0)):
            within("level", float(value), 0, high)

    def __call__(
        self,
        key: Key[Array, ""],
        examples: Examples,
        indices: Int[np.ndarray | Array, " n"],
        level: float | Num[np.ndarray | Array, "..."],
        draws: Int[np.ndarray | Array, " n"] | None = None,
    ) -> tuple[Float[Array, "n H W C"], Num[Array, " n"]]:
        """Show the examples at `indices`, at `level`.

        The random numbers of an example follow from (key, its seed, its draw) and nothing else, so they do
        not depend on what else is in the batch. Without `draws` an example looks the same whenever it is
        shown, as in training for several epochs; with the number of each draw it gets a fresh sign and
        fresh noise, as in a single pass over an endless stream. The same draws at another level have the
        same noise, scaled.

        Parameters
        ----------
        key : typed PRNG key, one per role (training, test)
        examples : where images, and distractors, are taken from
        indices : (n,) positions in `examples`
        level : h, one for all or (n,); may be traced
        draws : (n,) whole numbers, or None

        Returns
        -------
        inputs (n, H, W', C) with W' as in `shape`, labels (n,)
        """
        if not isinstance(level, Array):
            self.check_level(level)
        rows, bank = indices if isinstance(indices, Array) else np.asarray(indices), examples.inputs
        inputs, labels = _at(bank, rows), jax.device_put(_at(examples.labels, rows))
        keys = _keys(key, _at(examples.seeds, rows), draws)
        maths = jnp if isinstance(level, Array) else np
        h: Any = maths.broadcast_to(maths.asarray(level, inputs.dtype), rows.shape)
        if self.corruption in ON_PIXELS:
            shown = self._on_pixels(keys, bank, rows, h)
            return (shown * _signs(keys, SIGN) if self.signed else shown), labels
        if self.signed:
            inputs = inputs * _signs(keys, SIGN)
        if self.corruption == "label_noise":
            return jax.device_put(inputs), _relabelled(keys, labels, h, self.n_labels)
        if self.corruption == "distractor_beside":
            extra = _at(bank, _others(keys, rows, len(bank)))
            extra = extra * _signs(keys, OTHER_SIGN) if self.signed else extra
        else:
            extra = _noise(keys, bank.shape[1:])
        extra = maths.sqrt(h)[:, None, None, None] * extra
        if self.corruption == "noise_in_place":
            return inputs + extra, labels
        return jnp.concatenate([inputs, extra], 2), labels

    def _on_pixels(self, keys: Key[Array, " n"], bank: Anywhere, rows: Anywhere, h: Any) -> Array:
        """Normalised images whose pixels were clipped after noise was added, or shrunk and pasted."""
        if self.pixels is None:
            raise ValueError(
                f"corruption {self.corruption!r} needs the range of the pixels; take task.presentation(...)"
            )
        mean, scale, low, high = (np.asarray(part, bank.dtype) for part in vars(self.pixels).values())
        pixels = _at(bank, rows) * scale + mean
        if self.corruption == "shrunk":
            ground = _at(bank, _others(keys, rows, len(bank))) * scale + mean
            changed = jax.vmap(pasted)(pixels, ground, 1 - h)
        else:
            noise = _noise(keys, bank.shape[1:])
            changed = jnp.clip(pixels + h[:, None, None, None] * (high - low) * noise, low, high)
        return (changed - mean) / scale


def draw_levels(
    key: Key[Array, ""],
    seeds: UInt32[np.ndarray | Array, " P"],
    *,
    easy: tuple[float, float],
    hard: float,
    easy_fraction: float,
) -> Float[Array, " P"]:
    """One level per example, from its seed: the oracle difficulty, higher is harder.

    Parameters
    ----------
    key : typed PRNG key
    seeds : (P,), from `Examples`
    easy : (low, high), an easy example has a level uniform between them
    hard : the level of all others
    easy_fraction : probability, for each example on its own, to be easy

    Examples
    --------
    >>> levels = draw_levels(
    ...     jax.random.key(0), np.arange(1000, dtype=np.uint32), easy=(0, 2), hard=16, easy_fraction=0.3
    ... )
    >>> bool(abs((levels < 2).mean() - 0.3) < 0.05), float(levels.max())
    (True, 16.0)
    """
    low, high = easy
    within("easy[0]", low, 0)
    within("easy[1]", high, low)
    within("hard", hard, high)
    within("easy_fraction", easy_fraction, 0, 1)

    pick, value = _pairs(_keys(key, seeds, None))
    return jnp.where(pick < easy_fraction, low + (high - low) * value, hard)


# Draws and look-ups are compiled as a whole; sums and products are not, so that each is rounded by itself.


@jax.jit
def _keys(key: Key[Array, ""], seeds: UInt32[Array, " n"], draws: Int[Array, " n"] | None) -> Any:
    """The key of every example (n,), or of its draw where these have numbers."""
    keys = jax.vmap(lambda seed: jax.random.fold_in(key, seed))(seeds)
    return keys if draws is None else jax.vmap(jax.random.fold_in)(keys, draws)


#: Two numbers uniform in [0, 1) for every key, (2, n).
_pairs = jax.jit(jax.vmap(lambda key: jax.random.uniform(key, (2,)), out_axes=1))
_rows = jax.jit(lambda array, rows: array[rows])


def _at(array: Anywhere, rows: Anywhere) -> Any:
    """The rows of an array (P, ...): looked up on the host where both are there."""
    on_host = isinstance(array, np.ndarray) and isinstance(rows, np.ndarray)
    return array[rows] if on_host else _rows(array, rows)


def _stream(keys: Key[Array, " n"], role: int) -> Any:
    """One key per example for a role, see `teacher_student.roles`."""
    return jax.vmap(lambda key: jax.random.fold_in(key, role))(keys)


@partial(jax.jit, static_argnames="shape")
def _noise(keys: Key[Array, " n"], shape: tuple[int, ...]) -> Any:
    """Standard normal noise in the shape of an image for every example."""
    return jax.vmap(lambda key: jax.random.normal(key, shape, jnp.float32))(_stream(keys, NOISE))


@partial(jax.jit, static_argnames="role")
def _signs(keys: Key[Array, " n"], role: int) -> Array:
    """(n, 1, 1, 1) of -1 and +1."""
    draw = jax.vmap(lambda key: jax.random.rademacher(key, (1, 1, 1), jnp.float32))
    return draw(_stream(keys, role))


@partial(jax.jit, static_argnames="n_labels")
def _relabelled(keys: Key[Array, " n"], labels: Array, h: Array, n_labels: int) -> Array:
    """Labels, replaced by another one with probability h."""
    change = jax.vmap(jax.random.uniform)(_stream(keys, NOISE)) < h
    if jnp.issubdtype(labels.dtype, jnp.floating):
        if n_labels != 2:
            raise ValueError(f"n_labels is {n_labels}, but labels in {{-1, +1}} are 2")
        return jnp.where(change, -labels, labels)
    shift = jax.vmap(lambda k: jax.random.randint(k, (), 1, n_labels, labels.dtype))(_stream(keys, OTHER))
    return jnp.where(change, (labels + shift) % n_labels, labels)


@partial(jax.jit, static_argnames="size")
def _others(keys: Key[Array, " n"], rows: Array, size: int) -> Array:
    """For each row another one below `size`, uniformly."""
    if size < 2:
        raise ValueError(f"a distractor needs a second example; there are {size}")
    step = jax.vmap(lambda key: jax.random.randint(key, (), 1, size, rows.dtype))(_stream(keys, OTHER))
    return (rows + step) % size
