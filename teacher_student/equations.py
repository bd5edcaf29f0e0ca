"""`trajectory`: the N -> infinity equations of protocols, by the call and the names of `simulate`."""

from collections.abc import Sequence

import jax
import numpy as np

from teacher_student.checks import whole, within
from teacher_student.interfaces import Student, Task
from teacher_student.levels import Given, as_target
from teacher_student.order_parameters import Overlaps
from teacher_student.protocols import Protocol
from teacher_student.rate_schedules import Rates
from teacher_student.schedules import spans, tabulate
from teacher_student.theory import integrate
from teacher_student.theory.integrate import Trajectory
from teacher_student.theory.solve import DEFAULTS, Settings
from teacher_student.training.recording import check_measured, check_record
from teacher_student.training.start import draw_start
from teacher_student.training.streams import Replicates, replicate_numbers


def trajectory(
    task: Task,
    student: Student,
    *,
    protocol: str | Protocol | Sequence[str | Protocol],
    easy: Given | None = None,
    hard: Given | None = None,
    budget: float,
    easy_fraction: float = 0.3,
    target: Given | None = None,
    learning_rate: float,
    replicates: Replicates = 1,
    seed: int = 0,
    record: str | Sequence[str] = ("test_accuracy", "test_loss"),
    n_records: int = 50,
    initial: Overlaps | None = None,
    settings: Settings = DEFAULTS,
    rates: Rates = "constant",
    average: float = 0.0,
) -> Trajectory:
    """Integrate the equations of a task through protocols, from the starts of `simulate`.

    The same call with `simulate` instead of `trajectory` runs the students whose law this is.

    Parameters
    ----------
    task, student, protocol, easy, hard, budget, easy_fraction, target, learning_rate, replicates, seed
        As for `teacher_student.training.simulate.simulate`; replicates differ in their start alone. The seed
        also scrambles the nodes where something is sampled.
    record : name or names
        See `teacher_student.training.recording`.
    n_records : int >= 1
        Records are taken at times 0, budget/n, 2 budget/n, ..., budget.
    initial : Overlaps, optional
        Start every replicate from these order parameters instead of drawing them: all are alike then.
    settings : Settings
        Solver, tolerances, largest number of steps.
    rates, average
        As for `simulate`; an array (n,) of rates is for any number n of equal parts of the budget.

    Returns
    -------
    Trajectory; `values` have leading axes (replicates, protocols, records + 1), `to_xarray()` names them.

    Raises
    ------
    ValueError
        For combinations without equations, unknown names and arguments out of range. Divergence is no error
        but a status.

    See Also
    --------
    teacher_student.theory.integrate.trajectory : phases, levels and times as arrays

    Examples
    --------
    >>> from teacher_student.students.two_layer import TwoLayer
    >>> from teacher_student.tasks.sparse_teacher import SparseTeacher
    >>> task, student = SparseTeacher(1000), TwoLayer(1, "erf")
    >>> found = trajectory(task, student, protocol=("curriculum", "no_curriculum"), easy=0.1, hard=1.0,
    ...                    budget=20, learning_rate=0.5, record="test_loss", n_records=2)
    >>> dict(found.to_xarray().test_loss.sizes)
    {'protocol': 2, 'width': 1, 'replicate': 1, 'time': 3}
    """
    integrate.equations(task, student)  # refuses before anything is drawn
    plan = tabulate(task, protocol, easy, hard, easy_fraction)
    goal = as_target(task, target, hard)
    record = check_record(record)
    check_measured(task, student, record)
    numbers = replicate_numbers(replicates)
    whole("n_records", n_records, low=1)
    within("budget", budget, low=0, open_low=True)
    if initial is not None and np.ndim(initial.readout) != 1:
        raise ValueError(
            f"initial.readout has shape {np.shape(initial.readout)}; need one start, ({student.width},)"
        )
    start = initial
    if start is None:
        start = draw_start(task, student, learning_rate=learning_rate, replicates=numbers, seed=seed)
    found = integrate.trajectory(
        task,
        student,
        start,
        plan.table,
        [spans(phases, budget, len(plan.table)) for phases in plan.plans],
        np.arange(n_records + 1) * (budget / n_records),
        target=goal,
        learning_rate=learning_rate,
        seed=seed,
        settings=settings,
        rates=rates,
        average=average,
    )
    values, status = {name: found.values[name] for name in record}, found.status
    if initial is not None:  # one solution for all replicates
        values, status = jax.tree.map(lambda x: np.repeat(x[None], len(numbers), 0), (values, status))
    labels = found.labels._replace(protocols=plan.names, replicates=numbers)
    return Trajectory(found.time, values, status, labels)
