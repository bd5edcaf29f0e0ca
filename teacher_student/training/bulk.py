"""Online SGD over full vectors where Gram space has no room: the numbers of a chunk are drawn in one call.

The law of the order parameters does not depend on where the task directions point, so here they are axes:
weights are kept as their components along the P task directions and, for each isotropic block b, along its
other n_b = N_b - P_b coordinates,

    w = (a, r_1, r_2, ...),      x_i = (x_i1 ... x_iP, s_i1 z_i1, s_i2 z_i2, ...),     z_ib ~ N(0, I).

A chunk of B samples then needs, with S_b = diag(s_1b ... s_Bb),

    lambda0 = x a^T + sum_b S_b (z_b r_b^T),     G = x x^T + sum_b S_b (z_b z_b^T) S_b,

the B steps of `chunk.descend` on these small arrays, which give h (B, K), and

    a <- a - h^T x,     r_b <- r_b - (S_b h)^T z_b.

So it is online SGD itself, step after step, with 2 N K multiplications a step in matrix products, N + P
normals, no factor of a K x K matrix, and no bound on K. Protocols of a replicate share z and z z^T.

`full` draws every sample from a key of its own, as the step-by-step reference does, and turns the task
directions at random; this simulator gives other numbers of the same law.
"""

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, Key, PyTree

from teacher_student import generator
from teacher_student.interfaces import Learner, Level, Noise, Task
from teacher_student.order_parameters import Overlaps, after, factor
from teacher_student.rate_schedules import CONSTANT, Pace
from teacher_student.training.chunk import descend
from teacher_student.training.noise import normal, uniform
from teacher_student.training.streams import stream


class Weights(NamedTuple):
    """Weights along the task directions, along the other coordinates of each block, and theta.

    along : (K, P)
    rest  : per block (K, n_b)
    theta : v (K,), or theta of a head
    """

    along: Float[Array, "K P"]
    rest: tuple[Float[Array, "K _"], ...]
    theta: PyTree


class Samples(NamedTuple):
    """What the protocols of a replicate share for B samples.

    noise : the noise along the task directions
    z     : per block (B, n_b) standard normals, the noise along the other coordinates
    gram  : (n_blocks, B, B) Gram matrix z z^T of each block
    """

    noise: Noise
    z: tuple[Float[Array, "B _"], ...]
    gram: Float[Array, "n_blocks B B"]


@dataclass(frozen=True)
class BulkVectors:
    """Online SGD on weights (K, N), `chunk` = B samples (B, N) at a time."""

    task: Task
    student: Learner
    chunk: int
    dtype: str = "float32"

    name = "bulk"

    @property
    def chunks_ahead(self) -> int:
        """One: a chunk of N-vectors is large enough already."""
        return 1

    @property
    def _sizes(self) -> list[int]:
        """n_b of each block."""
        return [block.size - block.directions for block in self.task.blocks]

    def teacher(self, key: Key[Array, ""]) -> tuple[()]:
        """Nothing: the task directions are axes."""
        return ()

    def init(
        self, key: Key[Array, ""], teacher: tuple[()], scaling: PyTree, initial: Overlaps | None
    ) -> Weights:
        """w ~ N(0, I/N) and theta by the parametrisation, or weights with the `initial` overlaps."""
        k, n = self.student.rows, self.task.n_inputs
        w_key, v_key = generator.split(stream(key, "init"))
        if initial is None:
            w = generator.normal(w_key, (k, n)).astype(self.dtype) * n**-0.5
            along, *rest = jnp.split(w, np.cumsum([n - sum(self._sizes), *self._sizes])[:-1], 1)
            return Weights(along, tuple(rest), self.student.start(v_key, scaling, self.dtype))
        if k > min(self._sizes):
            raise ValueError(
                f"{k} vectors with given overlaps do not fit into the {min(self._sizes)} coordinates of a "
                "block; start from drawn weights, without `initial`"
            )
        rest = [initial.along]
        keys = generator.split(w_key, len(self._sizes))
        for own, size, gram in zip(keys, self._sizes, initial.gram, strict=True):
            basis = jnp.linalg.qr(after(rest[-1], jax.random.normal(own, (size, k), self.dtype)))[0]
            rest.append(factor(gram) @ basis.T)
        return Weights(initial.along, tuple(rest[1:]), initial.readout)

    def draw(self, key: Key[Array, ""], teacher: tuple[()], t: Int[Array, ""]) -> Samples:
        """Samples t .. t+B-1, given that the chunk starts at t."""
        b = self.chunk
        key = generator.fold_in(stream(key, "data"), t)
        sizes = [b * n for n in (*self._sizes, self.task.n_inputs - sum(self._sizes), 1)]
        numbers = generator.words(key, sum(sizes) + b)
        *rest, along, label = jnp.split(
            normal(numbers[: sum(sizes)]).astype(self.dtype), np.cumsum(sizes)[:-1]
        )
        choice = uniform(numbers[sum(sizes) :]).astype(self.dtype)
        z = tuple(x.reshape(b, -1) for x in rest)
        return Samples(Noise(along.reshape(b, -1), choice, label), z, jnp.stack([x @ x.T for x in z]))

    def advance(
        self,
        state: Weights,
        teacher: tuple[()],
        samples: Samples,
        level: Level,
        on: Bool[Array, " B"],
        scaling: PyTree,
        pace: Pace = CONSTANT,
    ) -> Weights:
        """B steps of SGD."""
        seen = self.task.observe(samples.noise, level)
        scales = seen.scale.T[:, :, None]
        parts = list(zip(scales, samples.z, state.rest, strict=True))
        lambda0 = seen.along @ state.along.T + sum(scale * (z @ rest.T) for scale, z, rest in parts)
        gram = seen.along @ seen.along.T + jnp.sum(scales * samples.gram * scales.mT, 0)
        h, _, theta = descend(self.student, scaling, lambda0, gram, seen.label, on, state.theta, pace.rate)
        rest = tuple(rest - (scale * h).T @ z for scale, z, rest in parts)
        return Weights(state.along - h.T @ seen.along, rest, theta)

    def overlaps(self, state: Weights, teacher: tuple[()]) -> Overlaps:
        """M, the Gram matrices orthogonal to the task directions, and theta."""
        return Overlaps(state.along, jnp.stack([rest @ rest.T for rest in state.rest]), state.theta)
