"""`simulate`: one call for a batch of replicates x protocols, compiled once per shape (see `program`)."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np
from jax import Array
from jaxtyping import Integer
from threadpoolctl import threadpool_limits

from teacher_student.checks import seed_fits, within
from teacher_student.fixed_settings import fixed_settings
from teacher_student.interfaces import Level, Student, Task
from teacher_student.levels import Given, as_target
from teacher_student.order_parameters import Overlaps
from teacher_student.protocols import Protocol
from teacher_student.rate_schedules import Rates
from teacher_student.results import STATUS, Labels, as_dataset
from teacher_student.schedules import draw_plans, tabulate
from teacher_student.training.lanes import lowered_lanes, run_lanes, stacked, stacked_shape
from teacher_student.training.plan import Plan, prepare
from teacher_student.training.program import compiled_run, compiled_start
from teacher_student.training.streams import Replicates, replicate_numbers

if TYPE_CHECKING:
    import xarray as xr

#: On a CPU the threads of a process run one after the other. A call of LAPACK takes a thread of XLA's pool
#: and waits there for the parts of its batch that it hands to the same pool: two at once, on two cores, wait
#: for ever.
_one_run = threading.Lock()


class Simulation(NamedTuple):
    """What `simulate` returns.

    time     : (records + 1,) samples / N, from 0 to the budget
    values   : name -> (R, L, records + 1, ...) recorded quantities
    diverged : (R, L) True where the weights blew up at some recorded time; do not average these
    method   : "gram", "bulk", "full" or "stepwise", whichever ran
    labels   : names of the protocols ("0", "1", ... where they were given as arrays) and the other axes
    """

    time: np.ndarray
    values: dict[str, np.ndarray]
    diverged: np.ndarray
    method: str
    labels: Labels

    def to_xarray(self) -> "xr.Dataset":
        """A Dataset with dims protocol, width, replicate, time, as `studies.analysis` takes it."""
        status = np.where(self.diverged, STATUS["diverged"], STATUS["ok"])
        return as_dataset(self.time, self.values, status, self.labels, self.method)


def simulate(
    task: Task,
    student: Student,
    table: Sequence[Level] | None = None,
    steps: Integer[np.ndarray, "*R_L T"] | None = None,
    *,
    protocol: str | Protocol | Sequence[str | Protocol] | None = None,
    easy: Given | None = None,
    hard: Given | None = None,
    budget: float | None = None,
    easy_fraction: float = 0.3,
    target: Given | None = None,
    learning_rate: float,
    replicates: Replicates = 1,
    seed: int = 0,
    record: str | Sequence[str] = ("test_accuracy", "test_loss"),
    n_records: int = 50,
    room: int | None = None,
    n_test: int = 512,
    method: str = "auto",
    dtype: str = "float32",
    initial: Overlaps | None = None,
    rates: Rates = "constant",
    average: float = 0.0,
) -> Simulation:
    """Simulate online SGD for R replicates x L protocols at once.

    What is shown when is said by name (`protocol`, `budget`, and `easy` and `hard` for the named ones), or as
    arrays (`table`, `steps`).

    Parameters
    ----------
    task, student
        What is learned, and by whom.
    table : levels, from `task.level(...)`
        The difficulty levels that occur.
    steps : integer array, shape (T,), (L, T) or (R, L, T)
        The schedule: index into `table` of every step, whole numbers. T must be a multiple of `n_records`.
    protocol : name, `Protocol`, or several of either
        See `teacher_student.protocols`; the order of replicate r is drawn from (seed, r).
    easy, hard : numbers, dicts or levels
        What the named protocols go between. A number is the noise, a dict what `task.level` takes.
    budget : float > 0
        Length of the run in units of N samples; T = budget N must be whole.
    easy_fraction : float in [0, 1]
        Share of the samples that a named protocol spends on levels easier than hard.
    target : number, dict or level, optional
        The test distribution, the same for all protocols and times; `hard` by default.
    learning_rate : float > 0
        eta; see `teacher_student.students.two_layer` for what the parametrisation makes of it.
    replicates : int or array of replicate numbers (R,)
        A number means 0 .. replicates - 1. Replicate r has its own teacher, initial student and
        sample stream, shared by its protocols.
    seed : int, 0 <= seed < 2^32
    record : name or names
        See `teacher_student.training.recording`.
    n_records : int
        Records are taken at times 0, T/n, 2T/n, ..., T (over N).
    room : int, optional
        Compile for this many records (default `n_records`): runs that differ in length, but share
        the interval between records and the room, share the compiled program.
    n_test : int
        Test points per record, see the task's `evaluate`.
    method : {"auto", "gram", "bulk", "full", "stepwise"}
        "auto" takes Gram space where it has room for whole chunks (N - P - K at least 16, 32, 64 or 128, for
        K up to 8, 32, 128 or beyond), and elsewhere "bulk": full vectors, the numbers of a chunk drawn in one
        call. "full" has the samples of "stepwise", the definition.
    dtype : {"float32", "float64"}
        The precision, whatever `JAX_ENABLE_X64` says; options of JAX change no number here, see
        `teacher_student.fixed_settings`.
    initial : Overlaps, optional
        Start every replicate from these order parameters instead of drawing them.
    rates : name or array (n,)
        The learning rate over time, a factor on it for each of n equal parts of the run, n a divisor of its
        steps; or a name, see `teacher_student.rate_schedules`. Of a `Pair` also (n, 2): of the teacher and
        of the student.
    average : float, 0 <= average < 1
        What is tested and recorded is the average of the iterates over this share of the run, at its end;
        before that the iterate. 0: the iterate throughout. See `teacher_student.training.averages`.

    Returns
    -------
    Simulation; its `to_xarray()` is the labelled Dataset that `studies.analysis` takes

    Raises
    ------
    ValueError
        In one line, for unknown names (the known ones are listed) and arguments out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from teacher_student.students.two_layer import TwoLayer
    >>> from teacher_student.tasks.xor_mixture import XorMixture
    >>> task = XorMixture(n_inputs=100)
    >>> both = simulate(task, TwoLayer(8), protocol=("curriculum", "no_curriculum"), easy=0.1, hard=1.0,
    ...                 budget=20, learning_rate=0.3, replicates=2)
    >>> dict(both.to_xarray().test_accuracy.sizes)
    {'protocol': 2, 'width': 1, 'replicate': 2, 'time': 51}

    The same levels as arrays, with a schedule of one's own:

    >>> easy, hard = task.level(noise=0.1), task.level(noise=1.0)
    >>> steps = np.repeat([0, 1], [600, 1400])
    >>> result = simulate(task, TwoLayer(8), [easy, hard], steps, target=hard, learning_rate=0.3,
    ...                   replicates=2)
    >>> result.values["test_accuracy"].shape, result.method
    ((2, 1, 51), 'gram')
    """
    numbers = replicate_numbers(replicates)
    names: tuple[str, ...] = ()
    if protocol is not None:
        seed_fits(seed)
        if table is not None or steps is not None:
            raise ValueError("what is shown is given twice; need protocol and budget, or table and steps")
        names, table, plans = tabulate(task, protocol, easy, hard, easy_fraction)
        steps = draw_plans(plans, sample_count(budget, task.n_inputs), seed, numbers)
    elif table is None or steps is None:
        raise ValueError("nothing says what is shown; give protocol and budget, or table and steps")
    plan = prepare(
        task,
        student,
        table,
        steps,
        target=as_target(task, target, hard),
        learning_rate=learning_rate,
        replicates=numbers,
        seed=seed,
        record=record,
        n_records=n_records,
        room=room,
        n_test=n_test,
        method=method,
        dtype=dtype,
        initial=initial,
        rates=rates,
        average=average,
    )
    (found,) = run_plans([plan])
    return found._replace(labels=found.labels._replace(protocols=names)) if names else found


def sample_count(budget: float | None, n_inputs: int) -> int:
    """Samples of a run of `budget` x N samples, refused unless it is a whole number."""
    if budget is None:
        raise ValueError("budget is missing; need the length of the run in units of N samples")
    within("budget", budget, low=0, open_low=True)
    if abs(budget * n_inputs - round(budget * n_inputs)) > 1e-6:
        raise ValueError(f"budget {budget} x {n_inputs} inputs is not a whole number of samples")
    return round(budget * n_inputs)


def run_plans(plans: Sequence[Plan], places: int = 1, devices: int | None = None) -> list[Simulation]:
    """Compute plans of equal shape: on a CPU each on a device of its own, on accelerators side by side.

    Parameters
    ----------
    plans : at most `places`, alike in all that is compiled; places without a plan idle
    places : plans that the program is compiled for
    devices : local devices that the places are spread over; on a CPU as many as places
    """
    first, *others = plans
    alike = all(plan[:4] == first[:4] and plan.interval == first.interval for plan in others)
    if len(plans) > places or not alike:
        raise ValueError(f"{len(plans)} plans do not run as one program on {places} places")
    if jax.default_backend() != "cpu":
        devices = devices or 1
        with fixed_settings(first.method.dtype):
            parts = run_lanes(plans, places // devices, devices)
        return [_simulation(plan, *part) for plan, part in zip(plans, parts, strict=True)]
    # LAPACK factors many small matrices: its own threads never pay, and stall when a core is taken
    with _one_run, fixed_settings(first.method.dtype), threadpool_limits(1, user_api="blas"):
        if places == 1:
            parts = [_started(first, 1, first.arguments)]
        else:
            idle = (*first.arguments[:-3], *[np.zeros_like(x) for x in first.arguments[-3:]])
            rows = [plan.arguments for plan in plans] + [idle] * (places - len(plans))
            together = stacked(*rows)
            found = jax.device_get(_started(first, places, together))
            parts = [jax.tree.map(lambda x: x[i], found) for i in range(len(plans))]  # noqa: B023
        jax.block_until_ready(parts)
        return [_simulation(plan, *part) for plan, part in zip(plans, parts, strict=True)]


def _started(plan: Plan, places: int, arguments: tuple) -> Any:
    """Values and diverged of a run: its start, which is a program of its own, then all of its steps."""
    keys, steps, table, target, scaling, initial, *others = arguments
    begun = compiled_start(plan.method, plan.n_test, places)(keys, scaling, initial)
    run = compiled_run(plan.method, plan.record, plan.room, places)
    return run(keys, steps, table, target, scaling, begun, *others)


def lowered_plan(plan: Plan, places: int = 1, devices: int | None = None) -> list[jax.stages.Lowered]:
    """The programs that `run_plans` calls for such plans, traced and ready to be compiled.

    Nothing is run, so only the shapes in the plan matter. Once they are compiled, in whatever thread,
    `run_plans` of this process finds them, and later processes in JAX's compilation cache on disk.
    """
    with fixed_settings(plan.method.dtype):
        if jax.default_backend() != "cpu":
            devices = devices or 1
            return [lowered_lanes(plan, places // devices, devices)]
        arguments = plan.arguments
        if places > 1:
            arguments = jax.tree.map(lambda x: stacked_shape(x, places), arguments)
        keys, steps, table, target, scaling, initial, *others = arguments
        start = compiled_start(plan.method, plan.n_test, places)
        begun = jax.eval_shape(start, keys, scaling, initial)
        run = compiled_run(plan.method, plan.record, plan.room, places)
        return [
            start.lower(keys, scaling, initial),
            run.lower(keys, steps, table, target, scaling, begun, *others),
        ]


def _simulation(plan: Plan, values: dict[str, Array], diverged: Array) -> Simulation:
    kept, last = plan.n_protocols, plan.n_records + 1
    time = np.arange(last) * plan.interval / plan.method.task.n_inputs
    found = {name: np.asarray(x)[:, :kept, :last] for name, x in values.items()}
    task, student = plan.method.task, plan.method.student
    names = tuple(map(str, range(kept)))
    labels = Labels(names, plan.replicates, student.width, tuple(task.group_names))
    return Simulation(time, found, np.asarray(diverged)[:, :kept], plan.method.name, labels)
