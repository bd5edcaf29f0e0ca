"""`simulate`: one call for a batch of replicates x protocols, compiled once per shape.

The run is one scan over the recorded times; between two records a loop over chunks of samples. Width,
activation, loss and the room for records shape the program; learning rate, parametrisation, difficulty
levels, schedule and length of the run are arguments, so changing them compiles nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Integer, Key
from threadpoolctl import threadpool_limits

from teacher_student.checks import known, within
from teacher_student.interfaces import Level, Simulator, Task
from teacher_student.students.two_layer import Scaling, TwoLayer
from teacher_student.training.full import FullVectors
from teacher_student.training.gram import GramSpace
from teacher_student.training.order_parameters import Overlaps
from teacher_student.training.recording import check_record, draw_test_points, make_recorder
from teacher_student.training.streams import replicate_keys, stream

METHODS = ("auto", "gram", "full", "stepwise")

#: A run whose weights exceed this squared norm, or are not finite, has diverged.
DIVERGED_NORM = 1e6


class Simulation(NamedTuple):
    """What `simulate` returns.

    time     : (records + 1,) samples / N, from 0 to the budget
    values   : name -> (R, L, records + 1, ...) recorded quantities
    diverged : (R, L) True where the weights blew up at some recorded time; do not average these
    method   : "gram", "full" or "stepwise", whichever ran
    """

    time: np.ndarray
    values: dict[str, np.ndarray]
    diverged: np.ndarray
    method: str


#: Gram space is taken, even with a chunk cut short by the dimension, down to this length.
SHORTEST_CHUNK = 32


def chunk_length(width: int) -> int:
    """Samples handled together, from the width: the fastest of those measured (see benchmarks/)."""
    return 16 if width <= 8 else 32 if width <= 32 else 64 if width <= 128 else 128


def choose_method(task: Task, student: TwoLayer, method: str = "auto", dtype: str = "float32") -> Simulator:
    """The simulator that `simulate` will use: Gram space where its law is exact, else full vectors."""
    known("method", method, METHODS)
    known("dtype", dtype, ("float32", "float64"))
    if dtype == "float64" and jnp.zeros((), float).dtype != dtype:
        raise ValueError("dtype float64 needs 64-bit JAX; set JAX_ENABLE_X64=1 before starting Python")
    if task_check := getattr(task, "check_student", None):
        task_check(student)
    chunk, core = chunk_length(student.width), student.core()
    room = min(block.size - block.directions for block in task.blocks) - student.width
    if method == "gram" or (method == "auto" and room >= min(chunk, SHORTEST_CHUNK)):
        return GramSpace(task, core, max(2, min(chunk, room - room % 2)), dtype)
    return FullVectors(task, core, chunk, dtype, stepwise=method == "stepwise")


@lru_cache(maxsize=64)
def compiled_run(method: Simulator, record: tuple[str, ...], room: int, n_test: int, places: int = 1):
    """The jitted run of a block -> values, diverged, for up to `room` records after the first.

    With several `places` every argument and result has a leading axis of that length, and every device runs
    the program of one block on its part: shapes, and with them the bits of a run, are those of one block.

    Its arguments are all traced: keys (R,); steps (L, R, room * interval + B) level of each step;
    `interval` steps between two records; `n_records` <= room, records beyond which mean nothing;
    `n_protocols` = L. Protocols take turns on the noise of a chunk, in a loop whose length the compiler
    does not know, so its body, and with it the bits of a protocol, cannot depend on the others.
    """
    recorder = make_recorder(method.task, method.student, record)

    def test_points(key):
        return draw_test_points(stream(key, "test"), method.task, method.student, n_test, method.dtype)

    b, ahead = method.chunk, method.chunks_ahead

    def run(
        keys: Key[Array, " R"],
        steps: Integer[Array, "L R T"],
        table: Level,
        target: Level,
        scaling: Scaling,
        initial: Overlaps | None,
        interval: Integer[Array, ""],
        n_records: Integer[Array, ""],
        n_protocols: Integer[Array, ""],
    ):
        teacher = jax.vmap(method.teacher)(keys)
        start = jax.vmap(lambda key, own: method.init(key, own, scaling, initial))(keys, teacher)
        state = jax.tree.map(lambda x: jnp.broadcast_to(x, (steps.shape[0], *x.shape)), start)
        points = jax.vmap(test_points)(keys)
        draw = jax.vmap(jax.vmap(method.draw, (0, 0, None)), (None, None, 0))
        advance = jax.vmap(method.advance, (0, 0, 0, 0, None, None))

        def observe(row):
            state, own, normals = row
            overlaps = method.overlaps(state, own)
            values = recorder(overlaps, scaling.output_scale, target, normals)
            squares = jnp.trace(overlaps.gram, axis1=-2, axis2=-1), overlaps.along**2, overlaps.readout**2
            return values, ~(sum(map(jnp.sum, squares)) < DIVERGED_NORM * method.student.width)

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
                own = jax.tree.map(lambda x: x[c], samples)

                def protocol(lane, state):
                    level = {name: values[index[lane]] for name, values in table.items()}
                    before = jax.tree.map(lambda x: x[lane], state)
                    after = advance(before, teacher, own, level, on, scaling)
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

    if places == 1:
        return jax.jit(run)

    def tile(*arguments):
        return jax.tree.map(lambda x: x[None], run(*jax.tree.map(lambda x: x[0], arguments)))

    mesh = jax.sharding.Mesh(np.array(jax.local_devices()[:places]), ("tile",))
    own = jax.sharding.PartitionSpec("tile")
    return jax.jit(jax.shard_map(tile, mesh=mesh, in_specs=own, out_specs=own, check_vma=False))


def simulate(
    task: Task,
    student: TwoLayer,
    table: list[Level],
    steps: Integer[np.ndarray, "*R_L T"],
    *,
    target: Level,
    learning_rate: float,
    replicates: int | np.ndarray = 1,
    seed: int = 0,
    record: tuple[str, ...] = ("test_accuracy", "test_loss"),
    n_records: int = 50,
    room: int | None = None,
    n_test: int = 512,
    method: str = "auto",
    dtype: str = "float32",
    initial: Overlaps | None = None,
) -> Simulation:
    """Simulate online SGD for R replicates x L protocols at once.

    Parameters
    ----------
    task, student
        What is learned, and by whom.
    table : list of levels
        The difficulty levels that occur, from `task.level(...)`.
    steps : integer array, shape (T,), (L, T) or (R, L, T)
        The schedule: index into `table` of every step. T must be a multiple of `n_records`.
    target : level
        The test distribution, the same for all protocols and times.
    learning_rate : float > 0
        eta; see `teacher_student.students.two_layer` for what the parametrisation makes of it.
    replicates : int or array of replicate numbers (R,)
        A number means 0 .. replicates - 1. Replicate r has its own teacher, initial student and
        sample stream, shared by its protocols.
    record : names
        See `teacher_student.training.recording`.
    n_records : int
        Records are taken at times 0, T/n, 2T/n, ..., T (over N).
    room : int, optional
        Compile for this many records (default `n_records`): runs that differ in length, but share
        the interval between records and the room, share the compiled program.
    n_test : int
        Test points per record, see the task's `evaluate`.
    method : {"auto", "gram", "full", "stepwise"}
        "auto" takes Gram space where it is exact and worth it (N - P - K at least 32, or at least the
        chunk of 16 of narrow students), and full vectors elsewhere.
    dtype : {"float32", "float64"}
    initial : Overlaps, optional
        Start every replicate from these order parameters instead of drawing them.

    Examples
    --------
    >>> import numpy as np
    >>> from teacher_student.tasks.xor_mixture import XorMixture
    >>> task = XorMixture(n_inputs=100)
    >>> easy, hard = task.level(noise=0.1), task.level(noise=1.0)
    >>> steps = np.repeat([0, 1], [3000, 7000])
    >>> result = simulate(task, TwoLayer(8), [easy, hard], steps, target=hard, learning_rate=0.3)
    >>> result.values["test_accuracy"].shape, result.method
    ((1, 1, 51), 'gram')
    """
    plan = prepare(
        task,
        student,
        table,
        steps,
        target=target,
        learning_rate=learning_rate,
        replicates=replicates,
        seed=seed,
        record=record,
        n_records=n_records,
        room=room,
        n_test=n_test,
        method=method,
        dtype=dtype,
        initial=initial,
    )
    return run_plans([plan])[0]


class Plan(NamedTuple):
    """A call of `simulate` up to the point where something is computed.

    method, record, room, n_test : what `compiled_run` takes
    arguments : of the compiled run
    n_records, n_protocols, interval : as there
    """

    method: Simulator
    record: tuple[str, ...]
    room: int
    n_test: int
    arguments: tuple
    n_records: int
    n_protocols: int
    interval: int


def prepare(
    task: Task,
    student: TwoLayer,
    table: list[Level],
    steps: Integer[np.ndarray, "*R_L T"],
    *,
    target: Level,
    learning_rate: float,
    replicates: int | np.ndarray,
    seed: int,
    record: tuple[str, ...],
    n_records: int,
    room: int | None,
    n_test: int,
    method: str,
    dtype: str,
    initial: Overlaps | None,
) -> Plan:
    """Check the arguments of `simulate` and lay them out for the compiled run."""
    steps = np.asarray(steps)
    steps = steps.reshape((1,) * (3 - steps.ndim) + steps.shape)
    numbers = np.arange(replicates) if isinstance(replicates, int) else np.asarray(replicates)
    within("n_records", n_records, low=1)
    within("n_test", n_test, low=1)
    length = steps.shape[-1]
    if length < n_records or length % n_records:
        raise ValueError(
            f"a run of {length} steps cannot be recorded at {n_records} equal intervals; "
            "make the number of steps a multiple of n_records"
        )
    if steps.size and not (steps.min() >= 0 and steps.max() < len(table)):
        raise ValueError(
            f"steps holds levels {steps.min()}..{steps.max()}, but table has {len(table)} levels"
        )
    runner = choose_method(task, student, method, dtype)
    check_record(record)
    interval = length // n_records
    room = n_records if room is None else room
    within("room", room, low=n_records)
    n_protocols = steps.shape[1]
    # an axis of length 1 would compile to another program than a longer one: an idle lane keeps it away
    shape = (max(2, n_protocols), len(numbers), room * interval + runner.chunk)
    padded = np.zeros(shape, np.uint8 if len(table) <= 256 else np.int32)
    padded[:n_protocols, :, :length] = np.swapaxes(steps, 0, 1)
    cast = lambda tree: jax.tree.map(lambda x: jnp.asarray(x, dtype), tree)  # noqa: E731
    arguments = (
        replicate_keys(seed, jnp.asarray(numbers)),
        jnp.asarray(padded),
        cast({name: np.stack([level[name] for level in table]) for name in table[0]}),
        cast(dict(target)),
        cast(student.scaling(learning_rate, task.n_inputs)),
        cast(initial),
        jnp.asarray(interval),
        jnp.asarray(n_records),
        jnp.asarray(n_protocols),
    )
    return Plan(runner, tuple(record), room, n_test, arguments, n_records, n_protocols, interval)


def run_plans(plans: Sequence[Plan], places: int = 1) -> list[Simulation]:
    """Compute plans of equal shape, each on a device of its own.

    Parameters
    ----------
    plans : at most `places`, alike in all that is compiled; devices without a plan idle
    places : local devices to compile for
    """
    first, *others = plans
    if len(plans) > places or any(plan[:4] != first[:4] for plan in others):
        raise ValueError(f"{len(plans)} plans do not run as one program on {places} devices")
    # LAPACK factors many small matrices: its own threads never pay, and stall when a core is taken
    with threadpool_limits(1, user_api="blas"):
        if places == 1:
            parts = [compiled_run(*first[:4])(*first.arguments)]
        else:
            idle = (*first.arguments[:-3], *[jnp.zeros_like(x) for x in first.arguments[-3:]])
            rows = [plan.arguments for plan in plans] + [idle] * (places - len(plans))
            together = jax.tree.map(lambda *x: jnp.stack(x), *rows)
            found = jax.device_get(compiled_run(*first[:4], places)(*together))
            parts = [jax.tree.map(lambda x: x[i], found) for i in range(len(plans))]  # noqa: B023
        jax.block_until_ready(parts)
    return [_simulation(plan, *part) for plan, part in zip(plans, parts, strict=True)]


def _simulation(plan: Plan, values: dict[str, Array], diverged: Array) -> Simulation:
    kept, last = plan.n_protocols, plan.n_records + 1
    time = np.arange(last) * plan.interval / plan.method.task.n_inputs
    found = {name: np.asarray(x[:, :kept, :last]) for name, x in values.items()}
    return Simulation(time, found, np.asarray(diverged[:, :kept]), plan.method.name)
