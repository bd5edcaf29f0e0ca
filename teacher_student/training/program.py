"""The compiled run behind `simulate`, and which simulator it uses.

The run is one scan over the recorded times; between two records a loop over chunks of samples. Width,
activation, loss and the room for records shape the program; learning rate, parametrisation, difficulty
levels, schedule and length of the run are arguments, so changing them compiles nothing.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Integer, Key, PyTree

from teacher_student.checks import known
from teacher_student.interfaces import Level, Student, Task
from teacher_student.order_parameters import Overlaps, squared_norm
from teacher_student.rate_schedules import Pace
from teacher_student.training.averages import Averaging, Followed, pace_at
from teacher_student.training.bulk import BulkVectors
from teacher_student.training.full import FullVectors
from teacher_student.training.gram import GramSpace
from teacher_student.training.recording import draw_test_points, make_recorder
from teacher_student.training.simulator import Simulator
from teacher_student.training.streams import stream

METHODS = ("auto", "gram", "bulk", "full", "stepwise")

#: A run whose weights exceed this squared norm, or are not finite, has diverged.
DIVERGED_NORM = 1e6


def chunk_length(width: int) -> int:
    """Samples handled together, from the width: the fastest of those measured (see benchmarks/)."""
    return 16 if width <= 8 else 32 if width <= 32 else 64 if width <= 128 else 128


#: Samples of a chunk of full vectors drawn in bulk, at most: longer ones save copies of the weights and cost
#: more for the Gram matrix of the samples and the steps.
LONGEST_BULK = 64


def gram_room(task: Task, rows: int) -> int:
    """Samples that a chunk of Gram space may hold: the least N - P - K of a block."""
    return min(block.size - block.directions for block in task.blocks) - rows


def choose_method(
    task: Task, student: Student, method: str = "auto", dtype: str = "float32", *, averaged: bool = False
) -> Simulator:
    """The simulator that `simulate` will use; "auto" is Gram space where it has room for whole chunks.

    With `averaged` it is that of the average of the iterates, see `teacher_student.training.averages`.
    """
    known("method", method, METHODS)
    known("dtype", dtype, ("float32", "float64"))
    task.check_student(student)
    core = Followed(student.core()) if averaged else student.core()
    chunk, room = chunk_length(core.rows), gram_room(task, core.rows)
    if method == "gram" or (method == "auto" and room >= chunk):
        found = GramSpace(task, core, max(2, min(chunk, room - room % 2)), dtype)
    elif method in ("auto", "bulk"):
        found = BulkVectors(task, core, min(chunk, LONGEST_BULK), dtype)
    else:
        found = FullVectors(task, core, chunk, dtype, stepwise=method == "stepwise")
    return Averaging(found) if averaged else found


class Begun(NamedTuple):
    """What R replicates begin with: teacher and state of the simulator, points that they are tested at."""

    teacher: PyTree
    state: PyTree
    points: Float[Array, "R n D"]


#: A start is drawn once, so its program is compiled without what makes loops fast and takes long.
ONCE = {"xla_backend_optimization_level": 1}


@lru_cache(maxsize=64)
def compiled_start(method: Simulator, n_test: int, places: int = 1):
    """The jitted start of a block: keys (R,), scaling, initial -> `Begun`; for `places` see `spread`."""

    def start(keys: Key[Array, " R"], scaling: PyTree, initial: Overlaps | None) -> Begun:
        def points(key):
            return draw_test_points(stream(key, "test"), method.task, method.student, n_test, method.dtype)

        teacher = jax.vmap(method.teacher)(keys)
        state = jax.vmap(lambda key, own: method.init(key, own, scaling, initial))(keys, teacher)
        return Begun(teacher, state, jax.vmap(points)(keys))

    return jax.jit(spread(start, places), compiler_options=ONCE)


def spread(function: Callable, places: int) -> Callable:
    """The function, or with several places one of arguments and results with a leading axis of that length.

    Every device runs the function on its part: shapes, and with them the bits, are those of one block.
    """
    if places == 1:
        return function

    def tile(*arguments):
        return jax.tree.map(lambda x: x[None], function(*jax.tree.map(lambda x: x[0], arguments)))

    mesh = jax.sharding.Mesh(np.array(jax.local_devices()[:places]), ("tile",))
    own = jax.sharding.PartitionSpec("tile")
    return jax.shard_map(tile, mesh=mesh, in_specs=own, out_specs=own, check_vma=False)


@lru_cache(maxsize=64)
def compiled_run(method: Simulator, record: tuple[str, ...], room: int, places: int = 1):
    """The jitted run of a block -> values, diverged, for up to `room` records after the first.

    With several `places` every argument and result has a leading axis of that length, see `spread`.

    Its arguments are all traced: keys (R,); steps (L, R, room * interval + B) level of each step; `begun`,
    of `compiled_start`;
    `pace` of the same length T, or nothing (see `rate_schedules.Pace`); `interval` steps between two
    records; `n_records` <= room, records beyond which mean nothing; `n_protocols` = L. Protocols take turns
    on the noise of a chunk, in a loop whose length the compiler does not know, so its body, and with it the
    bits of a protocol, cannot depend on the others.
    """
    recorder = make_recorder(method.task, method.student, record)
    b, ahead = method.chunk, method.chunks_ahead

    def run(
        keys: Key[Array, " R"],
        steps: Integer[Array, "L R T"],
        table: Level,
        target: Level,
        scaling: PyTree,
        begun: Begun,
        pace: Pace,
        interval: Integer[Array, ""],
        n_records: Integer[Array, ""],
        n_protocols: Integer[Array, ""],
    ):
        teacher, start, points = begun
        state = jax.tree.map(lambda x: jnp.broadcast_to(x, (steps.shape[0], *x.shape)), start)
        draw = jax.vmap(jax.vmap(method.draw, (0, 0, None)), (None, None, 0))
        advance = jax.vmap(method.advance, (0, 0, 0, 0, None, None, None))

        def observe(row):
            state, own, normals = row
            overlaps = method.overlaps(state, own)
            values = recorder(overlaps, scaling, target, normals)
            size = squared_norm(overlaps, method.student.counters)
            return values, ~(size < DIVERGED_NORM * method.student.rows)

        def look(state):
            return jax.lax.map(lambda one: jax.lax.map(observe, (one, teacher, points)), state)

        def group(g, carry):
            begin, state = carry
            first = g * ahead * b
            samples = draw(keys, teacher, begin + first + b * jnp.arange(ahead))

            def chunk(c, state):
                offset = first + c * b
                index = jax.lax.dynamic_slice_in_dim(steps, begin + offset, b, 2).astype(jnp.int32)
                on = offset + jnp.arange(b) < interval
                own, now = jax.tree.map(lambda x: x[c], samples), pace_at(pace, begin, offset, b, interval)

                def protocol(lane, state):
                    level = {name: values[index[lane]] for name, values in table.items()}
                    before = jax.tree.map(lambda x: x[lane], state)
                    after = advance(before, teacher, own, level, on, scaling, now)
                    return jax.tree.map(lambda x, new: x.at[lane].set(new), state, after)

                return jax.lax.fori_loop(0, n_protocols, protocol, state)

            left = jnp.minimum(ahead, (interval - first + b - 1) // b)
            return begin, jax.lax.fori_loop(0, left, chunk, state)

        def segment(state, r):
            blank = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(look, state))
            seen = jax.lax.cond(r <= n_records, look, lambda _: blank, state)
            n_groups = jnp.where(r < n_records, (interval + ahead * b - 1) // (ahead * b), 0)
            _, state = jax.lax.fori_loop(0, n_groups, group, (r * interval, state))
            return state, seen

        _, (values, diverged) = jax.lax.scan(segment, state, jnp.arange(room + 1))
        return {name: jnp.moveaxis(x, (2, 1, 0), (0, 1, 2)) for name, x in values.items()}, jnp.any(
            diverged, 0
        ).T

    return jax.jit(spread(run, places))
