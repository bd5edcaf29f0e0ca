"""`trajectory`: the order-parameter equations of a task, through difficulty schedules, in batches.

The checks and the batching live here; one trajectory is `teacher_student.theory.solve.solve`, a pure
function for those who differentiate or vmap it themselves.
"""

import importlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int

from teacher_student import rate_schedules
from teacher_student.checks import known, whole, within
from teacher_student.fixed_settings import fixed_settings
from teacher_student.interfaces import Level, OrderParameters, Student, Task
from teacher_student.levels import check_levels
from teacher_student.one_thread import ONE_THREAD
from teacher_student.order_parameters import Overlaps
from teacher_student.results import STATUS, Labels, as_dataset
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks import TASKS, task_class
from teacher_student.theory.averages import mean_states, with_sum
from teacher_student.theory.rates import Equations, Rates, rates_of
from teacher_student.theory.schedule import Phases, floats, make_schedule, paced, stack_schedules
from teacher_student.theory.solve import DEFAULTS, SOLVERS, STATUSES, Settings, solve

if TYPE_CHECKING:
    import xarray as xr


class Trajectory(NamedTuple):
    """Order parameters and test values along `time`; leading axes are those of the batch.

    time   : (T,) alpha = samples / N
    values : name -> (..., T, ...): M, Q, Q_blocks, v and what the task measures at the target level,
             by the names of `teacher_student.training.recording`; Q_blocks (n_blocks, K, K) is Q by
             isotropic block, its sum
    status : (...) index into STATUSES
    labels : names of the protocols ("0", "1", ... where they were given as phases) and the other axes
    """

    time: Float[np.ndarray, " T"]
    values: dict[str, np.ndarray]
    status: Int[np.ndarray, "..."]
    labels: Labels

    def to_xarray(self) -> "xr.Dataset":
        """A Dataset with dims protocol, width, replicate, time, as `studies.analysis` takes it."""
        status = np.array([STATUS[name] for name in STATUSES])[self.status]
        return as_dataset(self.time, self.values, status, self.labels, "theory")


def equations(task: Task, student: Student, *, n_nodes: int = 4096) -> Equations:
    """The right-hand side of a task, or one line that says why there is none.

    >>> from teacher_student.tasks.xor_mixture import XorMixture
    >>> equations(XorMixture(100), TwoLayer(4, activation="quadratic")).closed
    True
    """
    if not isinstance(student, TwoLayer):
        raise ValueError(
            f"the order-parameter equations are those of TwoLayer students, not of {type(student).__name__}; "
            "simulate it instead"
        )
    if task.equations is None:
        having = [name for name in sorted(TASKS) if task_class(name).equations]
        raise ValueError(f"task {task.name!r} has no equations; tasks with equations: {', '.join(having)}")
    return importlib.import_module(task.equations).EQUATIONS(task, student, n_nodes)


def check_times(times: Float[np.ndarray, " T"], horizon: float) -> None:
    """Refuse times that do not increase within [0, horizon]."""
    t = np.asarray(times, float)
    if t.ndim != 1 or not t.size or not (np.diff(t) > 0).all():
        raise ValueError(f"times must be increasing numbers, one at least; got {np.asarray(times)!r}")
    if not 0 <= t[0] <= t[-1] <= horizon * (1 + 1e-6):
        raise ValueError(
            f"times run from {t[0]} to {t[-1]}; need 0 <= times <= {horizon:g}, the schedule's end"
        )


def check_initial(task: Task, student: TwoLayer, initial: Overlaps) -> None:
    """Refuse overlaps of the wrong shape, with entries that are not finite, or that no weights can have."""
    along, gram, readout = (np.asarray(x) for x in initial)
    k, p, b = student.width, sum(block.directions for block in task.blocks), len(task.blocks)
    for name, x, shape in (("along", along, (k, p)), ("gram", gram, (b, k, k)), ("readout", readout, (k,))):
        if x.shape[-len(shape) :] != shape or x.ndim - len(shape) != readout.ndim - 1 or readout.ndim > 2:
            raise ValueError(
                f"initial.{name} has shape {x.shape}; need {shape}, or (starts, ...) for all three"
            )
        if not np.isfinite(x).all():
            raise ValueError(f"initial.{name} has entries that are not finite")
    scale = np.abs(gram).max() + np.finfo(float).tiny
    slack = 1e-5 if gram.dtype == np.float32 else 1e-10
    if not np.allclose(gram, np.swapaxes(gram, -1, -2), rtol=0, atol=slack * scale):
        raise ValueError(
            "initial.gram is not symmetric; give the Gram matrices of the weights, one per block"
        )
    lowest = np.linalg.eigvalsh(gram).min()
    if lowest < -slack * k * scale:
        raise ValueError(f"initial.gram is not positive semi-definite: it has the eigenvalue {lowest:.3g}")


def values_of(
    equation: Equations, state: Overlaps, target: Level, rates: Rates, nodes: Float[Array, "n D"]
) -> dict[str, Array]:
    """Recorded quantities of one state."""
    blocks = state.gram.at[0].add(state.along @ state.along.T)
    values = {"M": state.along, "Q": jnp.sum(blocks, 0), "Q_blocks": blocks, "v": state.readout}
    values |= equation.observe(state, target, rates.output_scale, nodes)
    if coverage := equation.task.coverage:
        values |= coverage(OrderParameters(state.along, (), rates.output_scale * state.readout))
    return values


@lru_cache(maxsize=64)
def compiled_solve(equation: Equations, settings: Settings, chunk: int):
    """The jitted batch over a leading axis of initial and schedule -> values, status; `chunk` at a time."""

    def one(initial, schedule, rates, times, target, nodes):
        averaged = schedule.inside is not None
        begin = with_sum(initial) if averaged else initial
        states, status = solve(equation, settings, begin, schedule, rates, times, nodes)
        if averaged:
            states = mean_states(states, schedule.duration, schedule.inside, times)
        seen = jax.lax.map(lambda state: values_of(equation, state, target, rates, nodes), states)
        gone = jnp.isnan(states.readout[:, 0])
        blank = {
            k: jnp.where(jnp.expand_dims(gone, tuple(range(1, x.ndim))), jnp.nan, x) for k, x in seen.items()
        }
        return blank, status

    def batch(initial, schedule, rates, times, target, nodes):
        return jax.lax.map(
            lambda own: one(own[0], own[1], rates, times, target, nodes),
            (initial, schedule),
            batch_size=chunk if chunk > 1 else None,
        )

    return jax.jit(batch, compiler_options=ONE_THREAD)


def chunk_size(width: int) -> int:
    """Trajectories integrated side by side: what keeps the right-hand side's arrays in the cache.

    Measured with `python -m benchmarks.ode`; it changes speed only.
    """
    return max(1, 2**15 // width**3)


@fixed_settings(dtype=None)
def trajectory(
    task: Task,
    student: Student,
    initial: Overlaps,
    table: list[Level],
    phases: Phases | Sequence[Phases],
    times: Float[np.ndarray, " T"],
    *,
    target: Level,
    learning_rate: float,
    readout_rate: float | None = None,
    weight_decay: float = 0.0,
    n_nodes: int = 4096,
    seed: int = 0,
    settings: Settings = DEFAULTS,
    rates: rate_schedules.Rates = "constant",
    average: float = 0.0,
) -> Trajectory:
    """Integrate the N -> infinity dynamics of online SGD through a schedule.

    Parameters
    ----------
    task, student
        As for `simulate`; N enters through the block fractions N_b / N only.
    initial : Overlaps
        The start, as for `simulate(initial=...)`: along (K, P), gram (n_blocks, K, K) orthogonal to the
        task directions, readout (K,); or all with a leading batch axis.
    table : list of levels
    phases : list of (duration in alpha, weights over `table`)
        See `make_schedule`; or a list of such lists, one per protocol: all protocols are integrated
        from all starts.
    times : increasing floats (T,)
        Where values are returned, in alpha, between 0 and the shortest total duration.
    target : level
        The test distribution.
    learning_rate : float > 0
        eta; the parametrisation's factors are applied as in the simulation.
    readout_rate : float >= 0, optional
        eta of the readout, where it differs.
    weight_decay : float >= 0
        c: weights and readout decay at rate c per unit of alpha.
    n_nodes : power of two
        Quasi-Monte Carlo nodes (before mirroring) where something is sampled; see
        `teacher_student.theory.accuracy` for its error and for the number that reaches a tolerance.
    seed : int >= 0
        Scrambling of the nodes.
    settings : Settings
        Solver, tolerances, largest number of steps.
    rates : name or array (n,)
        Factors on the learning rate over time, or the name of such a table, as for `simulate`.
    average : float, 0 <= average < 1
        Values are those of the average of the weights over this share of the time, at its end, as for
        `simulate`; see `teacher_student.theory.averages`.

    Returns
    -------
    Trajectory; `values` have leading axes (starts, protocols) as far as given: a single start has no
    starts axis, a single list of phases no protocols axis.

    Raises
    ------
    ValueError
        For combinations without equations and for arguments out of range. Divergence is no error but
        a status.

    Examples
    --------
    >>> from teacher_student.tasks.sparse_teacher import SparseTeacher
    >>> from teacher_student.theory.solve import STATUSES
    >>> task, student = SparseTeacher(1000), TwoLayer(1, activation="erf")
    >>> start = Overlaps(jnp.zeros((1, 1)), jnp.full((2, 1, 1), 0.5), jnp.ones(1))
    >>> table = [task.level(noise=0.1), task.level(noise=1.0)]
    >>> phases = [[(5.0, (1, 0)), (5.0, (0, 1))], [(10.0, (0.5, 0.5))]]  # easy then hard, and both mixed
    >>> result = trajectory(task, student, start, table, phases, np.array([0.0, 5.0, 10.0]),
    ...                     target=table[1], learning_rate=0.5)
    >>> accuracy = result.values["test_accuracy"]
    >>> accuracy.shape, accuracy[:, 0].tolist(), bool(accuracy[0, -1] > 0.75), STATUSES[result.status[0]]
    ((2, 3), [0.5, 0.5], True, 'ok')
    """
    equation = equations(task, student, n_nodes=n_nodes)
    known("solver", settings.solver, SOLVERS)
    for name in ("rtol", "atol"):
        within(name, getattr(settings, name), low=0, open_low=True)
    whole("max_steps", settings.max_steps, low=1)
    whole("seed", seed, low=0)
    check_levels(task, [*table, target])
    if not phases or not all(isinstance(entry, Sequence) and entry for entry in phases):
        raise ValueError(f"phases are {phases!r}; need (duration, weights) pairs, or a list of such lists")
    one_protocol = not isinstance(phases[0][0], Sequence)
    protocols: Any = [phases] if one_protocol else phases
    rate_schedules.check_average(average)
    over_time = rate_schedules.rate_table(rates)
    schedules = [paced(make_schedule(table, protocol), over_time, average) for protocol in protocols]
    check_times(times, min(float(np.sum(schedule.duration)) for schedule in schedules))
    check_initial(task, equation.student, initial)
    one_start = np.ndim(initial.readout) == 1
    starts = jax.tree.map(lambda x: floats(x)[None] if one_start else floats(x), initial)
    n_starts, n_protocols = len(starts.readout), len(schedules)
    values, status = compiled_solve(equation, settings, chunk_size(student.width))(
        jax.tree.map(lambda x: np.repeat(x, n_protocols, 0), starts),
        jax.tree.map(lambda x: np.concatenate([x] * n_starts), stack_schedules(schedules)),
        rates_of(equation.student, learning_rate, readout_rate=readout_rate, weight_decay=weight_decay),
        floats(times),
        {name: floats(x) for name, x in target.items()},
        equation.nodes(seed),
    )

    def unflatten(x):
        x = np.asarray(x).reshape(n_starts, n_protocols, *x.shape[1:])
        x = x[:, 0] if one_protocol else x
        return x[0] if one_start else x

    values, status = jax.tree.map(unflatten, (values, status))
    names = tuple(map(str, range(n_protocols)))
    labels = Labels(names, np.arange(n_starts), student.width, tuple(task.group_names))
    return Trajectory(np.asarray(times, float), values, status, labels)
