"""Draws from finite data: ordering x pacing -> indices, for any training loop.

refresh="step"   the pool order[:g(t)] is read at every step and a batch is drawn from it uniformly,
                 with replacement;
refresh="epoch"  the pool is shuffled and walked through without replacement, and g is read again only
                 when it is exhausted. This is what the loaders of Wu, Dyer, Neyshabur, ICLR 2021, arXiv
                 2012.03107, do, with pools of at least n_min = 256 and a short last batch.

A run that may be interrupted, or has several workers or replicas, takes `curricula.Sampler`: the same
pools, drawn so that every batch can be had on its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from curricula.pacing import Pacing
from curricula.passes import LAST, Passes
from curricula.randomness import Key, generator
from curricula.ranking import Ranking
from teacher_student.checks import known, within

if TYPE_CHECKING:
    import jax

REFRESH = ("step", "epoch")


@dataclass(frozen=True, eq=False)
class Draw:
    """A schedule for `refresh="step"` in compiled code: `draw(key, step)` -> (B,) indices.

    path : (P,) permutation from `curricula.order`
    pacing : step -> fraction
    batch_size : B
    n_min : smallest pool

    Examples
    --------
    >>> import jax
    >>> from curricula import pace
    >>> draw = Draw(np.arange(100)[::-1], pace("linear", total=10, a=1, b=0.1), batch_size=4)
    >>> bool((jax.jit(draw)(jax.random.key(0), 0) >= 90).all())
    True
    """

    path: np.ndarray
    pacing: Pacing
    batch_size: int
    n_min: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", check_path(self.path))
        within("batch_size", self.batch_size, low=1)
        within("n_min", self.n_min, low=1, high=self.path.size)

    def __call__(self, key: "jax.Array", step: "int | jax.Array") -> "jax.Array":
        """Uniform indices (B,) from the pool at `step`; traceable in key and step."""
        import jax
        import jax.numpy as jnp

        pool = self.pacing.count(jnp.asarray(step), self.path.size, self.n_min)
        return jnp.asarray(self.path)[jax.random.randint(key, (self.batch_size,), 0, pool)]


def batches(
    path: ArrayLike,
    pacing: Pacing,
    *,
    steps: int,
    batch_size: int,
    refresh: str = "epoch",
    n_min: int = 1,
    last: str = "drop",
    key: Key = 0,
) -> Iterator[np.ndarray]:
    """Yield `steps` arrays of indices into the data set.

    Parameters
    ----------
    path : (P,) permutation from `curricula.order`
    pacing : from `curricula.pace`
    steps : number of batches; with last="drop" all orderings and pacings see steps * batch_size draws
    batch_size : B, at most P
    refresh : {"epoch", "step"}, see the module
    n_min : smallest pool, default 1 (256 reproduces the paper above)
    last : {"drop", "short"}, what happens to an incomplete last batch of a pool (refresh="epoch");
        with "drop" the pool holds at least one full batch
    key : int, numpy Generator or jax.random.key

    Raises
    ------
    ValueError
        For unknown names, a path that is no permutation, or numbers out of range.

    Examples
    --------
    >>> from curricula import pace
    >>> pacing = pace("linear", total=4, a=1, b=0.25)
    >>> [sorted(b.tolist()) for b in batches(np.arange(8), pacing, steps=1, batch_size=2)]
    [[0, 1]]
    """
    known("refresh", refresh, REFRESH)
    known("last", last, LAST)
    within("steps", steps, low=0)
    indices = check_path(path)
    if not isinstance(pacing, Pacing):
        raise ValueError(f"pacing is a {type(pacing).__name__}; need what curricula.pace returns")
    within("batch_size", batch_size, low=1, high=indices.size)
    within("n_min", n_min, low=1, high=indices.size)
    if refresh == "step":
        return _per_step(indices, pacing, steps, batch_size, n_min, generator(key))
    passes = Passes(pacing, indices.size, batch_size, n_min, last)
    return _per_epoch(indices, passes, steps, generator(key))


def check_path(path: ArrayLike | Ranking) -> np.ndarray:
    """The path as an array, or a ValueError if it is no permutation."""
    if isinstance(path, Ranking):
        raise ValueError("path is a Ranking; pass curricula.order(ranking), a permutation")
    indices = np.asarray(path)
    whole = indices.ndim == 1 and indices.size > 0 and indices.dtype.kind in "iu" and indices.min() >= 0
    if not whole or not np.array_equal(np.bincount(indices), np.ones(indices.size)):
        raise ValueError("path must be a permutation of 0..P-1, as curricula.order returns it")
    return indices


def _per_step(
    path: np.ndarray, pacing: Pacing, steps: int, batch_size: int, n_min: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    for step in range(steps):
        yield path[rng.integers(0, pacing.count(step, path.size, n_min), batch_size)]


def _per_epoch(
    path: np.ndarray, passes: Passes, steps: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    step, size = 0, passes.batch_size
    while step < steps:
        this = passes.at(step)
        pool = rng.permutation(path[: this.pool])
        for batch in range(min(this.batches, steps - step)):
            yield pool[batch * size : (batch + 1) * size]
        step += this.batches
