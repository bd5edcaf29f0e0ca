"""What a call of `simulate` computes, checked and laid out: the arguments of the compiled run."""

from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Integer

from teacher_student.checks import within
from teacher_student.fixed_settings import fixed_settings
from teacher_student.interfaces import Level, Student, Task
from teacher_student.levels import check_levels
from teacher_student.order_parameters import Overlaps
from teacher_student.rate_schedules import Pace, Rates, check_average, rate_factors, rate_table
from teacher_student.students.pair import Pair
from teacher_student.students.tracked import Tracked
from teacher_student.training.averages import average_shares
from teacher_student.training.program import choose_method
from teacher_student.training.recording import check_measured, check_record
from teacher_student.training.simulator import Simulator
from teacher_student.training.streams import Replicates, replicate_keys, replicate_numbers


class Plan(NamedTuple):
    """A call of `simulate` up to the point where something is computed.

    method, record, room, n_test : what `compiled_start` and `compiled_run` take
    arguments : keys, steps, table, target, scaling, initial, pace, interval, n_records, n_protocols: theirs
    n_records, n_protocols, interval : as there
    replicates : (R,) their numbers
    """

    method: Simulator
    record: tuple[str, ...]
    room: int
    n_test: int
    arguments: tuple
    n_records: int
    n_protocols: int
    interval: int
    replicates: np.ndarray


def prepare(
    task: Task,
    student: Student,
    table: Sequence[Level],
    steps: Integer[np.ndarray, "*R_L T"],
    *,
    target: Level,
    learning_rate: float,
    replicates: Replicates,
    seed: int,
    record: str | Sequence[str],
    n_records: int,
    room: int | None,
    n_test: int,
    method: str,
    dtype: str,
    initial: Overlaps | None,
    rates: Rates = "constant",
    average: float = 0.0,
) -> Plan:
    """Check the arguments of `simulate` and lay them out for the compiled run."""
    steps = np.asarray(steps)
    if steps.dtype.kind not in "iu":
        raise ValueError(f"steps are {steps.dtype}; need whole numbers, the index into table of every step")
    steps = steps.reshape((1,) * (3 - steps.ndim) + steps.shape)
    numbers = replicate_numbers(replicates)
    check_levels(task, [*table, target])
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
    check_average(average)
    runner = choose_method(task, student, method, dtype, averaged=average > 0)
    record = check_record(record)
    check_measured(task, student, record)
    interval = length // n_records
    room = n_records if room is None else room
    within("room", room, low=n_records)
    n_protocols = steps.shape[1]
    # an axis of length 1 would compile to another program than a longer one: an idle lane keeps it away
    shape = (max(2, n_protocols), len(numbers), room * interval + runner.chunk)
    padded = np.zeros(shape, np.uint8 if len(table) <= 256 else np.int32)
    padded[:n_protocols, :, :length] = np.swapaxes(steps, 0, 1)
    if isinstance(student, Tracked) and (average or rate_table(rates) is not None):
        raise ValueError(
            "a Tracked student counts its path at constant rates and without averages; leave both out"
        )
    networks = 2 if isinstance(student, Pair) else 1
    shares = average_shares(average, length, interval, runner.chunk)
    pace = Pace(rate_factors(rates, length, networks), shares)
    ahead = np.arange(shape[-1]).clip(max=length - 1)  # steps behind the end are never taken
    pace = jax.tree.map(lambda x: x[ahead], pace)
    cast = lambda tree: jax.tree.map(lambda x: np.asarray(x, dtype), tree)  # noqa: E731
    with fixed_settings(dtype):
        integer = jax.dtypes.canonicalize_dtype(np.int64)
        arguments = (
            replicate_keys(seed, numbers),
            padded,
            cast({name: np.stack([level[name] for level in table]) for name in table[0]}),
            cast(dict(target)),
            cast(student.scaling(learning_rate, task.n_inputs)),
            cast(initial),
            cast(pace),
            *(np.asarray(x, integer) for x in (interval, n_records, n_protocols)),
        )
    return Plan(runner, record, room, n_test, arguments, n_records, n_protocols, interval, numbers)
