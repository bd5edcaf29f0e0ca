"""Online SGD over full vectors: one sample at a time (the definition), and in chunks.

Both draw sample t of a replicate from the same key, fold_in(data stream, t), so they see the same
samples whatever the chunk length and agree to rounding.

In chunks: with weights W at the start of a chunk of B samples x_i (rows of X), and
W_i = W - sum_{j<i} h_j x_j^T, the pre-activations are

    lambda_i = W x_i - sum_{j<i} (x_i . x_j) h_j,

so a chunk needs X W^T, X X^T, a sequential pass over B small vectors (`chunk.descend`) and one
update W <- W - h^T X: matrix-matrix work instead of B passes over W.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Int, Key, PyTree

from teacher_student import generator
from teacher_student.interfaces import Learner, Level, Noise, Task
from teacher_student.order_parameters import Overlaps, after, factor
from teacher_student.rate_schedules import CONSTANT, Pace
from teacher_student.students.heads import Head
from teacher_student.students.two_layer import Params, Scaling, TwoLayer, sgd_step
from teacher_student.training.averages import Followed
from teacher_student.training.chunk import descend, faster
from teacher_student.training.streams import stream


class Samples(NamedTuple):
    """What the protocols of a replicate share: z (B, N) standard normals and `noise` along the task."""

    z: Float[Array, "B N"]
    noise: Noise


def one_sample(
    student: TwoLayer,
    scaling: Scaling,
    params: Params,
    x: Float[Array, " N"],
    label: Float[Array, ""],
    on: Bool[Array, ""],
) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
    """The SGD step of one input: h (K,) and dv (K,) with w <- w - h x^T, v <- v - dv."""
    scale = scaling.output_scale
    return sgd_step(
        student, params.w @ x, params.v, label, on, output_scale=scale, slope_scale=1.0,
        hidden_rate=scaling.hidden_rate * scale, readout_rate=scaling.readout_rate * scale,
    )  # fmt: skip


def plain_step(
    head: Head,
    scaling: PyTree,
    params: Params,
    x: Float[Array, " N"],
    label: Float[Array, ""],
    on: Bool[Array, ""],
    rate: Float[Array, "*networks"] | None = None,
) -> Params:
    """SGD by its definition: the gradient of one sample's loss with respect to W (rows, N) and theta."""
    slope = jax.grad(lambda own: head.objective(own.v, own.w @ x, label))(params)
    rows = jnp.broadcast_to(scaling.hidden_rate, (head.rows,))
    rates = Params(*faster(head, rate, (rows, dict(scaling.rates))))
    rates = rates._replace(w=rates.w[:, None])
    return jax.tree.map(lambda p, rate, g: jnp.where(on, p - rate * g, p), params, rates, slope)


def definition(
    student: Any,
    scaling: PyTree,
    params: Params,
    x: Float[Array, " N"],
    label: Float[Array, ""],
    on: Bool[Array, ""],
    rate: Float[Array, "*networks"] | None,
) -> Params:
    """The weights after one step, whichever student it is."""
    if isinstance(student, Followed):
        k = student.student.rows
        before = Params(params.w[:k], params.v[0])
        after = definition(student.student, scaling, before, x, label, on, rate)
        gone = jax.tree.map(jnp.subtract, before, after)
        behind = jax.tree.map(jnp.add, Params(params.w[k:], params.v[1]), gone)
        return Params(jnp.concatenate([after.w, behind.w]), (after.v, behind.v))
    if isinstance(student, Head):
        return plain_step(student, scaling, params, x, label, on, rate)
    h, change = faster(student, rate, one_sample(student, scaling, params, x, label, on))
    return Params(params.w - jnp.outer(h, x), params.v - change)


@dataclass(frozen=True)
class FullVectors:
    """Online SGD on weights (K, N), drawing `chunk` = B samples (B, N) at a time.

    With `stepwise`, the samples are taken one after the other, each with a matrix-vector product and a
    rank-one update: slow, and the truth that the chunked and the Gram-space forms are tested against.
    """

    task: Task
    student: Learner
    chunk: int
    dtype: str = "float32"
    stepwise: bool = False

    @property
    def name(self) -> str:
        """What results call this simulator."""
        return "stepwise" if self.stepwise else "full"

    @property
    def chunks_ahead(self) -> int:
        """One: a chunk of N-vectors is large enough already."""
        return 1

    def teacher(self, key: Key[Array, ""]) -> Float[Array, "P N"]:
        """The task directions of the replicate."""
        return self.task.directions(stream(key, "teacher")).astype(self.dtype)

    def init(
        self, key: Key[Array, ""], teacher: Float[Array, "P N"], scaling: PyTree, initial: Overlaps | None
    ) -> Params:
        """w ~ N(0, 1/N) and v by the parametrisation, or weights with the `initial` overlaps."""
        n, k = self.task.n_inputs, self.student.rows
        w_key, v_key = generator.split(stream(key, "init"))
        if initial is None:
            w = generator.normal(w_key, (k, n)).astype(self.dtype) * n**-0.5
            return Params(w, self.student.start(v_key, scaling, self.dtype))
        w = initial.along @ teacher
        for block, gram, start in zip(self.task.blocks, initial.gram, self._starts(), strict=True):
            own = teacher[:, start : start + block.size]
            basis = jax.random.normal(generator.fold_in(w_key, start), (block.size, k), self.dtype)
            basis = jnp.linalg.qr(after(w, basis - own.T @ (own @ basis)))[0]
            w = w.at[:, start : start + block.size].add(factor(gram) @ basis.T)
        return Params(w, initial.readout)

    def draw(self, key: Key[Array, ""], teacher: Float[Array, "P N"], t: Int[Array, ""]) -> Samples:
        """Samples t, t+1, ..., t+B-1 of the replicate's data stream."""
        data = stream(key, "data")

        def one(i):
            z_key, choice_key, label_key = generator.split(generator.fold_in(data, i), 3)
            z = generator.normal(z_key, (self.task.n_inputs,))
            choice = jax.random.uniform(choice_key, (), jnp.float32)
            return z, choice, jax.random.normal(label_key, (), jnp.float32)

        numbers = jax.vmap(one)(t + jnp.arange(self.chunk))
        z, choice, label = (x.astype(self.dtype) for x in numbers)
        return Samples(z, Noise(z @ teacher.T, choice, label))

    def inputs(
        self, samples: Samples, teacher: Float[Array, "P N"], level: Level
    ) -> tuple[Float[Array, "B N"], Float[Array, " B"]]:
        """Inputs (B, N) and labels (B,) of the samples at their levels."""
        seen = self.task.observe(samples.noise, level)
        sizes = jnp.array([block.size for block in self.task.blocks])
        scale = jnp.repeat(seen.scale, sizes, axis=1, total_repeat_length=self.task.n_inputs)
        x = scale * samples.z
        return x + (seen.along - x @ teacher.T) @ teacher, seen.label

    def advance(
        self,
        state: Params,
        teacher: Float[Array, "P N"],
        samples: Samples,
        level: Level,
        on: Bool[Array, " B"],
        scaling: PyTree,
        pace: Pace = CONSTANT,
    ) -> Params:
        """B steps of SGD."""
        x, label = self.inputs(samples, teacher, level)
        if self.stepwise:
            return self._one_by_one(state, x, label, on, scaling, pace)
        h, _, v = descend(self.student, scaling, x @ state.w.T, x @ x.T, label, on, state.v, pace.rate)
        return Params(state.w - h.T @ x, v)

    def _one_by_one(
        self,
        state: Params,
        x: Float[Array, "B N"],
        label: Float[Array, " B"],
        on: Bool[Array, " B"],
        scaling: PyTree,
        pace: Pace,
    ) -> Params:
        def step(params, sample):
            return definition(self.student, scaling, params, *sample), None

        return jax.lax.scan(step, state, (x, label, on, pace.rate))[0]

    def overlaps(self, state: Params, teacher: Float[Array, "P N"]) -> Overlaps:
        """M, the Gram matrices orthogonal to the task directions, and v or theta."""
        along = state.w @ teacher.T
        rest = state.w - along @ teacher
        parts = (
            rest[:, start : start + block.size]
            for block, start in zip(self.task.blocks, self._starts(), strict=True)
        )
        return Overlaps(along, jnp.stack([part @ part.T for part in parts]), state.v)

    def _starts(self) -> list[int]:
        sizes = [block.size for block in self.task.blocks]
        return [sum(sizes[:b]) for b in range(len(sizes))]
