"""Draws from finite data: ordering x pacing -> indices, for any training loop.

refresh="step"   the pool order[:g(t)] is read at every step and a batch is drawn from it uniformly,
                 with replacement;
refresh="epoch"  the pool is shuffled and walked through without replacement, and g is read again only
                 when it is exhausted. This is what the loaders of Wu, Dyer, Neyshabur, ICLR 2021, arXiv
                 2012.03107, do, with pools of at least n_min = 256 and a short last batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from curricula.pacing import Pacing
from curricula.randomness import generator
from teacher_student.checks import known, within

REFRESH = ("step", "epoch")
LAST = ("drop", "short")


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
        check_draw(self.path, self.batch_size, self.n_min)

    def __call__(self, key: Any, step: Any) -> Any:
        """Uniform indices (B,) from the pool at `step`; traceable in key and step."""
        import jax
        import jax.numpy as jnp

        pool = self.pacing.count(jnp.asarray(step), self.path.size, self.n_min)
        return jnp.asarray(self.path)[jax.random.randint(key, (self.batch_size,), 0, pool)]


def batches(
    path: np.ndarray,
    pacing: Pacing,
    *,
    steps: int,
    batch_size: int,
    refresh: str = "epoch",
    n_min: int = 1,
    last: str = "drop",
    key: Any = 0,
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
    n_min = max(n_min, batch_size) if last == "drop" and refresh == "epoch" else n_min
    check_draw(path, batch_size, n_min)
    walk = _per_step if refresh == "step" else _per_epoch
    return walk(path, pacing, steps, batch_size, n_min, last, generator(key))


def check_draw(path: np.ndarray, batch_size: int, n_min: int) -> None:
    """Refuse a path that is no permutation, and sizes that do not fit it."""
    if path.ndim != 1 or path.size == 0 or not (np.bincount(path, minlength=path.size) == 1).all():
        raise ValueError("path must be a permutation of 0..P-1, as curricula.order returns it")
    within("batch_size", batch_size, low=1)
    within("n_min", n_min, low=1, high=path.size)


def _per_step(path, pacing, steps, batch_size, n_min, last, rng) -> Iterator[np.ndarray]:
    for step in range(steps):
        yield path[rng.integers(0, pacing.count(step, path.size, n_min), batch_size)]


def _per_epoch(path, pacing, steps, batch_size, n_min, last, rng) -> Iterator[np.ndarray]:
    step = 0
    while step < steps:
        pool = rng.permutation(path[: pacing.count(step, path.size, n_min)])
        full = pool.size // batch_size * batch_size if last == "drop" else pool.size
        for start in range(0, full, batch_size):
            if step == steps:
                return
            yield pool[start : start + batch_size]
            step += 1
