"""The compiled run for accelerators: all protocols of all replicates of several blocks side by side.

`program.compiled_run` lets the protocols of a block take turns, which suits a CPU. An accelerator is idle
then: a chunk of 32 replicates is microseconds of work and a launch for each of its operations. Here every run
is a lane, and blocks that share a program (other learning rates, parametrisations, difficulty levels,
budgets, seeds) run in one batch. Samples are still drawn once for all protocols of a replicate.

The program is compiled for a fixed number of blocks (`memory.abreast`), filled up with idle copies of the
first, so the bits of a block do not depend on how many others run. The loop over the chunks of a group has a
length known beforehand, so that the device need not ask the host whether to go on: chunks beyond the
interval, and records beyond a block's own last, are computed and thrown away.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Integer, Key, PyTree

from teacher_student.interfaces import Level
from teacher_student.order_parameters import Overlaps, squared_norm
from teacher_student.rate_schedules import Pace
from teacher_student.training import kernel
from teacher_student.training.averages import pace_at
from teacher_student.training.gram import GramSpace
from teacher_student.training.plan import Plan
from teacher_student.training.program import DIVERGED_NORM
from teacher_student.training.recording import draw_test_points, make_recorder
from teacher_student.training.simulator import Simulator
from teacher_student.training.streams import stream

#: Lanes whose records are evaluated at once; more would take memory and no less time.
SEEN_AT_ONCE = 512

#: Products of single-precision numbers in single precision, which accelerators do not do unless told.
PRECISION = "highest"

#: Small products by the rules of cuBLAS. To choose among kernels by trial takes as long as all other
#: compilation, waits for a device that is busy with runs, and gains 3 % (H100, K = 16, 64, 256).
OPTIONS = {"xla_gpu_enable_triton_gemm": False, "xla_gpu_autotune_level": 0}


def run_lanes(plans: Sequence[Plan], abreast: int, devices: int = 1) -> list[Any]:
    """Values and diverged of each plan, as `compiled_run` gives them, from one call.

    Parameters
    ----------
    plans : at most devices x abreast, alike in all that is compiled
    abreast : blocks that a device runs side by side
    devices : local devices to spread them over
    """
    first, places = plans[0], abreast * devices
    rows = [_own(plan) for plan in plans]
    rows += rows[:1] * (places - len(plans))
    together = stacked(*rows)
    interval, last = first.arguments[7], jnp.max(together[7])
    with jax.default_matmul_precision(PRECISION):
        found = jax.device_get(_lanes_of(first, abreast, devices)(*together, interval, last))
    return [jax.tree.map(lambda x: x[i], found) for i in range(len(plans))]  # noqa: B023


@jax.jit
def stacked(*rows: PyTree) -> Any:
    """Trees of arrays as one, with a leading axis that numbers the trees."""
    return jax.tree.map(lambda *x: jnp.stack(x), *rows)


def lowered_lanes(plan: Plan, abreast: int, devices: int = 1) -> jax.stages.Lowered:
    """What `run_lanes` calls for such plans, traced and ready to be compiled."""
    together = jax.tree.map(lambda x: stacked_shape(x, abreast * devices), _own(plan))
    interval, n_records = plan.arguments[7:9]
    with jax.default_matmul_precision(PRECISION):
        return _lanes_of(plan, abreast, devices).lower(*together, interval, jnp.max(n_records))


def stacked_shape(x: Array, places: int) -> jax.ShapeDtypeStruct:
    """Shape and type of `places` such arrays, stacked."""
    return jax.ShapeDtypeStruct((places, *x.shape), x.dtype)


def _own(plan: Plan) -> tuple:
    """The arguments that every plan has of its own: all but the interval and the number of protocols."""
    return plan.arguments[:7] + plan.arguments[8:9]


def _lanes_of(plan: Plan, abreast: int, devices: int):
    method = plan.method
    if isinstance(method, GramSpace):
        method = replace(method, kernel=kernel.chosen())
    return compiled_lanes(method, plan.record, plan.room, plan.n_test, abreast, devices)


@lru_cache(maxsize=64)
def compiled_lanes(
    method: Simulator, record: tuple[str, ...], room: int, n_test: int, abreast: int, devices: int = 1
):
    """The jitted run of `abreast` blocks on each of `devices` -> values, diverged.

    All arguments are traced and lead with an axis of G = devices x abreast blocks, but for the last two:
    keys (G, R); steps (G, L, R, T) level of each step; table, target, scaling, initial and pace of
    each block;
    n_records (G,) records of each block after the first; `interval` steps between two records; `last`, the
    largest of n_records.
    """
    recorder = make_recorder(method.task, method.student, record)
    b, ahead = method.chunk, method.chunks_ahead

    def test_points(key):
        return draw_test_points(stream(key, "test"), method.task, method.student, n_test, method.dtype)

    def block(
        keys: Key[Array, " R"],
        steps: Integer[Array, "L R T"],
        table: Level,
        target: Level,
        scaling: PyTree,
        initial: Overlaps | None,
        pace: Pace,
        n_records: Integer[Array, ""],
        interval: Integer[Array, ""],
        last: Integer[Array, ""],
    ):
        teacher = jax.vmap(method.teacher)(keys)
        start = jax.vmap(lambda key, own: method.init(key, own, scaling, initial))(keys, teacher)
        state = jax.tree.map(lambda x: jnp.broadcast_to(x, (steps.shape[0], *x.shape)), start)
        points = jax.vmap(test_points)(keys)
        draw = jax.vmap(jax.vmap(method.draw, (0, 0, None)), (None, None, 0))
        same = None, None, None  # what is not a lane's own
        advance = jax.vmap(jax.vmap(method.advance, (0, 0, 0, 0, *same)), (0, None, None, 0, *same))
        lanes = steps.shape[0] * steps.shape[1]

        def observe(row):
            state, own, normals = row
            overlaps = method.overlaps(state, own)
            values = recorder(overlaps, scaling, target, normals)
            size = squared_norm(overlaps, method.student.counters)
            return values, ~(size < DIVERGED_NORM * method.student.rows)

        def look(state):
            replicate = jnp.arange(lanes) % steps.shape[1]
            flat = jax.tree.map(lambda x: x.reshape(lanes, *x.shape[2:]), state)
            found = jax.lax.map(
                lambda row: observe((row[0], *jax.tree.map(lambda x: x[row[1]], (teacher, points)))),
                (flat, replicate),
                batch_size=min(lanes, SEEN_AT_ONCE),
            )
            return jax.tree.map(lambda x: x.reshape(*steps.shape[:2], *x.shape[1:]), found)

        def group(g, carry):
            begin, state = carry
            first = g * ahead * b
            samples = draw(keys, teacher, begin + first + b * jnp.arange(ahead))

            def chunk(state, numbered):
                c, own = numbered
                offset = first + c * b
                index = jax.lax.dynamic_slice_in_dim(steps, begin + offset, b, 2).astype(jnp.int32)
                on = offset + jnp.arange(b) < interval
                level = {name: values[index] for name, values in table.items()}
                now = pace_at(pace, begin, offset, b, interval)
                return advance(state, teacher, own, level, on, scaling, now), None

            state, _ = jax.lax.scan(chunk, state, (jnp.arange(ahead), samples))
            return begin, state

        def segment(state, r):
            blank = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(look, state))
            values, diverged = jax.lax.cond(r <= last, look, lambda _: blank, state)
            n_groups = jnp.where(r < last, (interval + ahead * b - 1) // (ahead * b), 0)
            _, state = jax.lax.fori_loop(0, n_groups, group, (r * interval, state))
            return state, (values, diverged & (r <= n_records))

        _, (values, diverged) = jax.lax.scan(segment, state, jnp.arange(room + 1))
        return {name: jnp.moveaxis(x, (2, 1, 0), (0, 1, 2)) for name, x in values.items()}, jnp.any(
            diverged, 0
        ).T

    blocks = jax.vmap(block, (*[0] * 8, None, None))
    if devices == 1:
        return jax.jit(blocks, compiler_options=OPTIONS)
    mesh = jax.sharding.Mesh(np.array(jax.local_devices()[:devices]), ("tile",))
    own, same = jax.sharding.PartitionSpec("tile"), jax.sharding.PartitionSpec()
    return jax.jit(
        jax.shard_map(blocks, mesh=mesh, in_specs=(*[own] * 8, same, same), out_specs=own, check_vma=False),
        compiler_options=OPTIONS,
    )
