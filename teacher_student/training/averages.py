"""Averages of iterates: beside W and theta the simulation carries how far their average lies from them.

After every chunk of samples, n chunks into the tail of the run, the average moves towards what was learned:

    w_bar <- w_bar + c (w - w_bar),    theta_bar likewise,    c = 1 / n, and c = 1 before the tail.

So it is the mean of the iterates at the ends of the chunks of the tail, and it is what is tested and
recorded; learning knows nothing of it. Carried are the rows d = w_bar - w below those of W: a step takes
w <- w - h x^T and d <- d + h x^T, the end of a chunk d <- (1 - c) d. To the simulators these are rows like
all others, whose h is known, so in Gram space the average is exact in law as well; it costs what a student
of twice as many rows does. Copies of the rows of W would make Gram matrices singular before the tail; rows
that are 0 there do not.
"""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, Key, PyTree

from teacher_student.interfaces import Level, Student, Task
from teacher_student.order_parameters import Overlaps
from teacher_student.rate_schedules import CONSTANT, Pace
from teacher_student.students.two_layer import Params
from teacher_student.training.bulk import Weights


@dataclass(frozen=True)
class Followed:
    """A student, and below its rows those of the distance to its average; theta is a pair likewise."""

    student: Student

    @property
    def width(self) -> int:
        """K of the student."""
        return self.student.width

    @property
    def rows(self) -> int:
        """Twice the student's."""
        return 2 * self.student.rows

    def start(self, key: Key[Array, ""], scaling: PyTree, dtype: str = "float32") -> PyTree:
        """theta, and no distance."""
        return _beside(self.student.start(key, scaling, dtype))

    def step(
        self,
        lam: Float[Array, " rows"],
        theta: PyTree,
        label: Float[Array, ""],
        on: Bool[Array, ""],
        scaling: PyTree,
    ) -> tuple[Float[Array, " rows"], PyTree]:
        """The student's step, and its opposite for the distance."""
        h, change = self.student.step(lam[: self.student.rows], theta[0], label, on, scaling)
        return jnp.concatenate([h, -h]), (change, jax.tree.map(jnp.negative, change))

    def weights(self, n_inputs: int) -> tuple[int, ...]:
        """Numbers that are kept, layer by layer."""
        return tuple(2 * count for count in self.student.weights(n_inputs))


@dataclass(frozen=True)
class Averaging:
    """A simulator of the average of a student's iterates; `run` simulates the student `Followed`."""

    run: Any

    @property
    def task(self) -> Task:
        """The run's."""
        return self.run.task

    @property
    def student(self) -> Student:
        """The student whose average it is, and which that is an instance of."""
        return self.run.student.student

    @property
    def chunk(self) -> int:
        """The run's."""
        return self.run.chunk

    @property
    def dtype(self) -> str:
        """The run's."""
        return self.run.dtype

    @property
    def name(self) -> str:
        """The run's."""
        return self.run.name

    @property
    def chunks_ahead(self) -> int:
        """The run's."""
        return self.run.chunks_ahead

    def teacher(self, key: Key[Array, ""]) -> PyTree:
        """That of the run."""
        return self.run.teacher(key)

    def init(
        self, key: Key[Array, ""], teacher: PyTree, scaling: PyTree, initial: Overlaps | None
    ) -> Overlaps | Params | Weights:
        """The start of a run without averages, and no distance."""
        own = replace(self.run, student=self.student).init(key, teacher, scaling, initial)
        below = ((0, self.student.rows), (0, 0))
        if isinstance(own, Overlaps):
            gram = jnp.pad(own.gram, ((0, 0), below[0], below[0]))
            return Overlaps(jnp.pad(own.along, below), gram, _beside(own.readout))
        *weights, theta = own
        return type(own)(*jax.tree.map(lambda w: jnp.pad(w, below), weights), _beside(theta))

    def draw(self, key: Key[Array, ""], teacher: PyTree, t: Int[Array, ""]) -> PyTree:
        """Samples, as the run draws them."""
        return self.run.draw(key, teacher, t)

    def advance(
        self,
        state: Overlaps | Params | Weights,
        teacher: PyTree,
        samples: PyTree,
        level: Level,
        on: Bool[Array, " B"],
        scaling: PyTree,
        pace: Pace = CONSTANT,
    ) -> Overlaps | Params | Weights:
        """B steps of SGD, then the average moves by `pace.share`."""
        after = self.run.advance(state, teacher, samples, level, on, scaling, pace)
        keep = jnp.asarray(1, self.dtype) - jnp.asarray(pace.share, self.dtype)
        rows = jnp.concatenate([jnp.ones(self.student.rows, keep.dtype), jnp.full(self.student.rows, keep)])
        if isinstance(after, Overlaps):
            gram = rows[:, None] * after.gram * rows
            return Overlaps(rows[:, None] * after.along, gram, _scaled(after.readout, keep))
        *weights, theta = after
        return type(after)(*jax.tree.map(lambda w: rows[:, None] * w, weights), _scaled(theta, keep))

    def overlaps(self, state: Overlaps | Params | Weights, teacher: PyTree) -> Overlaps:
        """Those of the average."""
        both, k = self.run.overlaps(state, teacher), self.student.rows
        parts = both.gram.reshape(-1, 2, k, 2, k)
        readout = jax.tree.map(jnp.add, *both.readout)
        return Overlaps(both.along[:k] + both.along[k:], jnp.sum(parts, (1, 3)), readout)


def _beside(theta: PyTree) -> tuple[PyTree, PyTree]:
    return theta, jax.tree.map(jnp.zeros_like, theta)


def _scaled(theta: tuple[PyTree, PyTree], keep: Float[Array, ""]) -> tuple[PyTree, PyTree]:
    return theta[0], jax.tree.map(lambda x: keep * x, theta[1])


def average_shares(
    average: float, n_steps: int, interval: int, chunk: int
) -> Float[np.ndarray, " n_steps"] | None:
    """c after every step that may end a chunk: chunks start afresh at every record; None without an average.

    Parameters
    ----------
    average : float, 0 <= average < 1
        Share of the run, at its end, over which iterates are averaged; 0 for none.
    n_steps, interval, chunk : int
        Steps of the run, steps between two records, steps of a chunk.

    Examples
    --------
    >>> average_shares(0.5, 8, 4, 2).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5]
    """
    if not average:
        return None
    step = np.arange(1, n_steps + 1)
    since = (step - 1) % interval + 1
    ends = (since % chunk == 0) | (since == interval)
    inside = np.cumsum(ends & (step > round((1 - average) * n_steps)))
    return 1 / np.maximum(inside, 1)


def pace_at(pace: Pace, begin: Array, offset: Array, size: int, interval: Array) -> Pace:
    """Of the pace of a run that of a chunk, which starts `offset` steps into the interval at step `begin`.

    A chunk that starts behind the interval takes no step and moves no average.
    """
    rate = share = None
    if pace.rate is not None:
        rate = jax.lax.dynamic_slice_in_dim(jnp.asarray(pace.rate), begin + offset, size)
    if pace.share is not None:
        last = begin + jnp.minimum(offset + size, interval) - 1
        share = jnp.where(offset < interval, jnp.asarray(pace.share)[last], 0)
    return Pace(rate, share)
