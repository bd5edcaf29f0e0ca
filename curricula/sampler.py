"""A sampler for any training loop: the batch of every step is a function of the seed and the step.

So the sequence of batches is the same for every number of workers, replicas and prefetched batches, and a
run that was interrupted goes on at any step, also on another number of replicas. No framework is
imported; `curricula.adapters` fits it to PyTorch, Grain and Hugging Face.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from curricula.draw import REFRESH
from curricula.ordering import ORDERINGS, compact_order
from curricula.pacing import Pacing
from curricula.passes import LAST, Passes
from curricula.pools import Draws, Pools, Source, WeightedDraws
from curricula.ranking import Ranking
from curricula.record import Record
from teacher_student.checks import known, seed_fits, whole, within

VERSION = 1
KEYS = ("version", "step", "seed", "ranking", "settings")


class Sampler:
    """Batches of indices in the order of a ranking, for any number of replicas, resumable at any step.

    Three ways to draw, all a function of (seed, step):

        pacing given       pools of the g(t) first examples of the ordering, see `curricula.draw`
        neither            the order itself, kept example by example, pass after pass
        weights given      example i with probability w_i / sum_j w_j, with replacement

    Parameters
    ----------
    ranking : Ranking, or scores (P,) of which a higher one is harder
    ordering : {"curriculum", "anti_curriculum", "random", "standard"}, default "curriculum"
    balanced : bool, default False
        Deal the classes out evenly, see `curricula.order`; needs labels.
    pacing : from `curricula.pace`, optional
        Its steps are batches. `pace("linear", total=1)` shows everything from the start, shuffled: the arm
        without a curriculum.
    weights : (P,) floats >= 0, optional
        Such as `curricula.self_paced.self_paced_weights`; change them with `set_weights`.
    batch_size : B, examples in a batch of all replicas together, 1 <= B <= P
    seed : int, 0 <= seed < 2^32, default 0
    refresh : {"epoch", "step"}, default "epoch"
        With a pacing: walk through a shuffled pool without replacement, or draw from it at every step.
    n_min : smallest pool, default 1
    last : {"drop", "short"}, default "drop"
        What becomes of an incomplete last batch of a pool. With "drop" all arms see B examples per step.
    steps_per_epoch : int, optional
        Batches that one iteration gives; default P / B, rounded down (up with last="short").

    Raises
    ------
    ValueError
        For unknown names, numbers out of range, or weights that cannot be drawn from.

    Examples
    --------
    >>> from curricula import pace
    >>> scores = np.array([0.1, 0.9, 0.4, 0.2, 0.8, 0.3])
    >>> kept = Sampler(scores, batch_size=2)
    >>> [batch.tolist() for batch in kept], len(kept)
    ([[0, 3], [5, 2], [4, 1]], 3)
    >>> paced = Sampler(scores, pacing=pace("linear", total=4, b=0.34), batch_size=2, seed=7)
    >>> sorted(paced.batch(0).tolist())
    [0, 3]
    >>> state = paced.state_dict(step=2)  # after two batches, wherever they were trained
    >>> other = Sampler(scores, pacing=pace("linear", total=4, b=0.34), batch_size=2, seed=7)
    >>> other.load_state_dict(state)
    >>> bool((next(iter(other)) == paced.batch(2)).all())
    True
    """

    def __init__(
        self,
        ranking: Ranking | ArrayLike,
        *,
        ordering: str = "curriculum",
        balanced: bool = False,
        pacing: Pacing | None = None,
        weights: ArrayLike | None = None,
        batch_size: int,
        seed: int = 0,
        refresh: str = "epoch",
        n_min: int = 1,
        last: str = "drop",
        steps_per_epoch: int | None = None,
    ) -> None:
        self.ranking = ranking if isinstance(ranking, Ranking) else Ranking(np.asarray(ranking, np.float64))
        size = len(self.ranking)
        whole("batch_size", batch_size, 1, size)
        seed_fits(seed)
        known("ordering", ordering, ORDERINGS)
        known("refresh", refresh, REFRESH)
        known("last", last, LAST)
        whole("n_min", n_min, 1, size)
        if pacing is not None and not isinstance(pacing, Pacing):
            raise ValueError(f"pacing is a {type(pacing).__name__}; need what curricula.pace returns")
        if pacing is not None and weights is not None:
            raise ValueError("pass a pacing (subsets) or weights, not both")
        if refresh == "step" and pacing is None:
            raise ValueError('refresh="step" draws from the pools of a pacing; pass pacing=... too')
        self.batch_size, self.seed, self.last = int(batch_size), int(seed), last
        usual = size // batch_size if last == "drop" else -(-size // batch_size)
        self.steps_per_epoch = usual if steps_per_epoch is None else steps_per_epoch
        whole("steps_per_epoch", self.steps_per_epoch, 1)
        self.step = 0
        self.rank, self.world = 0, 1
        self._resumed = False
        self._settings: dict[str, Any] = {
            "ordering": ordering, "balanced": balanced, "batch_size": self.batch_size, "refresh": refresh,
            "n_min": int(n_min), "last": last, "steps_per_epoch": int(self.steps_per_epoch),
            "pacing": None if pacing is None else pacing.described,
        }  # fmt: skip
        self._checksum = ""
        self._weights: str | None = None
        if weights is not None:
            self.set_weights(weights)
            return
        path = compact_order(self.ranking, ordering, self.seed, balanced=balanced)
        if refresh == "step" and pacing is not None:
            self._source: Source = Draws(path, pacing, self.batch_size, n_min, self.seed)
        else:
            passes = Passes(pacing, size, self.batch_size, n_min, last)
            self._source = Pools(path, passes, None if pacing is None else self.seed)

    def __len__(self) -> int:
        return self.steps_per_epoch

    def __iter__(self) -> Iterator[np.ndarray]:
        """The batches from the present step to the end of its epoch; iterating again goes on from there."""
        end = (self.epoch + 1) * self.steps_per_epoch
        while self.step < end:
            self._resumed = False
            self.step += 1
            yield self.batch(self.step - 1)

    @property
    def epoch(self) -> int:
        """The epoch of the present step, from 0."""
        return self.step // self.steps_per_epoch

    def batch(self, step: int) -> np.ndarray:
        """Indices (B,) int64 of the batch of `step` >= 0; of a replica its share of them."""
        whole("step", step, 0)
        return self._source.batch(int(step))[self.rank :: self.world].astype(np.int64)

    def for_replica(self, rank: int, world: int) -> "Sampler":
        """The sampler of one of `world` replicas: entries rank, rank + world, ... of every global batch.

        It shares the arrays of this one and starts at its step. The states of all replicas are alike, and
        fit any number of replicas.

        Raises
        ------
        ValueError
            If there are more replicas than examples in a batch, or a last batch may be too short for all.

        Examples
        --------
        >>> sampler = Sampler(np.arange(8.0), batch_size=4)
        >>> [sampler.for_replica(rank, 2).batch(1).tolist() for rank in (0, 1)]
        [[4, 6], [5, 7]]
        """
        whole("world", world, 1)
        whole("rank", rank, 0, world - 1)
        if self.world > 1:
            raise ValueError("this is the sampler of a replica already; ask the whole one")
        if world > self.batch_size:
            raise ValueError(
                f"{world} replicas share batches of {self.batch_size}; need batch_size >= {world}"
            )
        if world > 1 and self.last == "short":
            raise ValueError('a short last batch may leave a replica without examples; need last="drop"')
        replica = copy.copy(self)
        replica.rank, replica.world = int(rank), int(world)
        return replica

    def set_epoch(self, epoch: int) -> None:
        """Go to the first step of an epoch; directly after `load_state_dict`, stay at a step inside of it."""
        whole("epoch", epoch, 0)
        if not (self._resumed and self.epoch == epoch):
            self.step = int(epoch) * self.steps_per_epoch
        self._resumed = False

    def set_weights(self, weights: ArrayLike) -> None:
        """Draw from these weights (P,) from now on; the same ones are to be set before a state is loaded.

        Raises
        ------
        ValueError
            If they are not finite, negative, all zero, or not one per example; or the sampler has a pacing.
        """
        if self._settings["pacing"] is not None:
            raise ValueError("the sampler has a pacing (subsets); make one with weights instead")
        values = np.array(weights, np.float64)
        if values.shape != (len(self.ranking),):
            raise ValueError(f"weights have shape {values.shape} but there are {len(self.ranking)} scores")
        if (bad := np.flatnonzero(~np.isfinite(values))).size:
            raise ValueError(
                f"{bad.size} weights are NaN or infinite, the first at index {bad[0]}; need finite"
            )
        if (bad := np.flatnonzero(values < 0)).size:
            raise ValueError(f"{bad.size} weights are negative, the first at index {bad[0]}; need >= 0")
        if not values.any():
            raise ValueError("all weights are 0: nothing to draw; with self-paced weights, raise the age")
        values /= values.max()  # so that their sum is finite
        self._weights = sha256(values.astype("<f8", copy=False)).hexdigest()
        self._source = WeightedDraws(values, self.batch_size, self.seed)

    def state_dict(self, step: int | None = None) -> dict[str, Any]:
        """What another process needs to go on: small, and JSON can hold it.

        Parameters
        ----------
        step : number of batches that were trained on; default: that were handed out by iterating
            A loader that prefetches has been handed more than was trained on: pass the number, or use a
            loader that keeps the state itself, as torchdata's StatefulDataLoader does.
        """
        whole("step", self.step if step is None else step, 0)
        return {
            "version": VERSION,
            "step": self.step if step is None else int(step),
            "seed": self.seed,
            "ranking": self._ranking_checksum(),
            "settings": self._settings | {"weights": self._weights},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where the state was taken. Nothing is changed if it is refused.

        Raises
        ------
        ValueError
            If it is no state of a sampler, or of one with another ranking, seed, setting or weights.
        """
        if lacking := [key for key in KEYS if key not in state]:
            raise ValueError(f"this is no state of a Sampler: it lacks {', '.join(lacking)}")
        if state["version"] != VERSION:
            raise ValueError(f"the state has version {state['version']!r}; this reads version {VERSION}")
        whole("step of the state", state["step"], 0)
        if state["ranking"] != self._ranking_checksum():
            raise ValueError(
                f"the state belongs to another ranking, checksum {str(state['ranking'])[:12]}..., "
                f"not {self._ranking_checksum()[:12]}...; load that ranking, or start anew"
            )
        if state["seed"] != self.seed:
            raise ValueError(f"the state has seed {state['seed']!r}, the sampler {self.seed}; pass seed=...")
        mine = self._settings | {"weights": self._weights}
        for name, value in mine.items():
            if (theirs := state["settings"].get(name)) != value:
                hint = "; call set_weights first" if name == "weights" else ""
                raise ValueError(
                    f"the state has {name} {_short(theirs)}, the sampler {_short(value)}: "
                    f"another sequence of batches{hint}"
                )
        self.step, self._resumed = int(state["step"]), True

    def record(self, start: int, stop: int, *, bins: int = 10, indices: bool = False) -> Record:
        """What steps start..stop-1 show, over all replicas, see `Record`; nothing has to be trained."""
        whole("start", start, 0)
        within("stop", stop, low=start)
        record = Record(self.ranking, bins=bins, indices=indices)
        for step in range(start, stop):
            record.add(step, self._source.batch(step))
        return record

    def _ranking_checksum(self) -> str:
        self._checksum = self._checksum or self.ranking.checksum
        return self._checksum


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) < 60 else text[:57] + "..."
