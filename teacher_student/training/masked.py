"""Online SGD of two-layer students under masks: many masked students per replicate, on the same samples.

Sample by sample, with a mask m of the shape of the weights (`teacher_student.pruning`):

    w_k <- w_k - m_k * (hidden_rate g output_scale v_k phi'(w_k . x)) x,
    v_k <- v_k - m_k' readout_rate g output_scale phi(w_k . x),           g = dloss/df,

so a pruned weight that starts at 0 is never anything but exactly 0 (plain SGD keeps no other state).
Masks break the symmetry that Gram-space simulation rests on, so this is the reference path of
`teacher_student.training.full` with masks: the same teachers, students and samples from the same keys, and
without masks the same numbers up to rounding. All lanes of a replicate see the same samples, each at its own
difficulty levels. Time of a step is proportional to K N, whatever is pruned.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Integer, Key

from teacher_student.interfaces import Level
from teacher_student.students.two_layer import Params, Scaling
from teacher_student.training.full import FullVectors, one_sample
from teacher_student.training.program import DIVERGED_NORM
from teacher_student.training.recording import draw_test_points, make_recorder
from teacher_student.training.streams import stream


class Segment(NamedTuple):
    """What `train_masked` returns.

    params   : (R, L, ...) after the last step
    values   : name -> (R, L, ...) recorded there
    diverged : (R, L) True where the weights blew up; do not average these
    """

    params: Params
    values: dict[str, Array]
    diverged: Bool[Array, "R L"]


@partial(jax.jit, static_argnames="method")
def initialise(method: FullVectors, keys: Key[Array, " R"], scaling: Scaling) -> Params:
    """Students of the replicates, (R, ...): those that `simulate` starts from."""
    return jax.vmap(lambda key: method.init(key, method.teacher(key), scaling, None))(keys)


@partial(jax.jit, static_argnames=("method", "record", "n_test"))
def train_masked(
    method: FullVectors,
    keys: Key[Array, " R"],
    levels: Integer[Array, "R L T"],
    table: Level,
    target: Level,
    scaling: Scaling,
    masks: Params,
    params: Params,
    begin: Integer[Array, ""],
    stop: Integer[Array, ""],
    *,
    sample_keys: Key[Array, " R"] | None = None,
    record: tuple[str, ...] = ("test_accuracy",),
    n_test: int = 512,
) -> Segment:
    """Steps begin, ..., stop - 1 of R replicates x L lanes, then one record.

    Parameters
    ----------
    method : FullVectors
        Task, student and samples drawn at a time; `chunk` changes no number.
    keys : (R,) replicate keys (`teacher_student.training.streams.replicate_keys`)
    levels : (R, L, T) index into `table` of every step, T >= stop + chunk - 1 (what lies beyond is not used)
    table : levels, each entry with a leading axis
    target : the level that records are taken at
    scaling : of the student's parametrisation and learning rate
    masks, params : (R, L, ...); start from params * masks
    begin, stop : steps done before and after; going on from `params` gives the bits of one go
    sample_keys : (R,) keys of the samples where these are to be others than those of `keys`; teachers and
        test points stay
    record : names from `teacher_student.training.recording.QUANTITIES`
    n_test : test points of a replicate, the same for all lanes and records
    """
    student: Any = method.student  # of two layers, as its masks are
    chunk = method.chunk
    recorder = make_recorder(method.task, student, record)
    teacher = jax.vmap(method.teacher)(keys)
    streams = keys if sample_keys is None else sample_keys
    draw = jax.vmap(method.draw, (0, 0, None))

    def lane(own: Params, mask: Params, index, samples, directions, on):
        level = {name: values[index] for name, values in table.items()}
        x, label = method.inputs(samples, directions, level)

        def step(carry: Params, sample):
            x, label, on = sample
            h, change = one_sample(student, scaling, carry, x, label, on)
            return Params(carry.w - mask.w * jnp.outer(h, x), carry.v - mask.v * change), None

        return jax.lax.scan(step, own, (x, label, on))[0]

    lanes = jax.vmap(lane, (0, 0, 0, None, None, None))
    replicates = jax.vmap(lanes, (0, 0, 0, 0, 0, None))

    def advance(c, now: Params) -> Params:
        t = begin + c * chunk
        index = jax.lax.dynamic_slice_in_dim(levels, t, chunk, 2).astype(jnp.int32)
        return replicates(now, masks, index, draw(streams, teacher, t), teacher, t + jnp.arange(chunk) < stop)

    start = jax.tree.map(jnp.multiply, params, masks)
    end = jax.lax.fori_loop(0, (stop - begin + chunk - 1) // chunk, advance, start)

    def look(row):
        own, directions, key = row
        points = draw_test_points(stream(key, "test"), method.task, student, n_test, method.dtype)

        def one(params: Params):
            overlaps = method.overlaps(params, directions)
            square = jnp.sum(params.w**2) + jnp.sum(params.v**2)
            values = recorder(overlaps, scaling, target, points)
            return values, ~(square < DIVERGED_NORM * student.width)

        return jax.lax.map(one, own)

    values, diverged = jax.lax.map(look, (end, teacher, keys))
    return Segment(end, values, diverged)
