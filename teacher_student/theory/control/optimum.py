"""`optimal_schedule`: which order of samples ends at the smallest loss, for a budget and given shares."""

from collections.abc import Sequence

import numpy as np

from teacher_student.checks import known, whole, within
from teacher_student.fixed_settings import fixed_settings
from teacher_student.interfaces import Task
from teacher_student.levels import Given
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.theory.control.accuracy import accurately
from teacher_student.theory.control.chosen import Optimum, chosen
from teacher_student.theory.control.descent import descend, relaxed_move
from teacher_student.theory.control.pontryagin import sweep
from teacher_student.theory.control.problem import pose
from teacher_student.theory.control.starts import guesses

METHODS = ("gradient", "pontryagin")


@fixed_settings(dtype=None)
def optimal_schedule(
    task: Task,
    student: TwoLayer,
    initial: Overlaps,
    levels: Sequence[Given],
    *,
    budget: float,
    share: float | Sequence[float] | None,
    learning_rate: float,
    target: Given | Sequence[Given] | None = None,
    rate_range: tuple[float, float] | None = None,
    objective: str = "test_loss",
    method: str = "gradient",
    n_pieces: int = 50,
    restarts: int = 8,
    iterations: int = 60,
    tolerance: float = 1e-4,
    n_nodes: int = 512,
    seed: int = 0,
) -> Optimum:
    """Minimise the loss at the end of a run over schedules, through the N -> infinity equations.

    Parameters
    ----------
    task, student, initial
        As for `teacher_student.theory.integrate.trajectory`. With a leading axis of starts, the schedule is
        the one best on average over them.
    levels : two levels or more, from easy to hard
        As `task.level` takes them.
    budget : float > 0
        Length of the run in alpha = samples / N.
    share : float in [0, 1], or one for every level, or None
        Of the samples that are easy (the first of two levels), or of every level; None leaves it free.
    learning_rate : float > 0
        eta; the same at all times unless `rate_range` is given.
    target : level or list of levels
        What the run is tested on at its end, the average over several; by default the last level.
    rate_range : (least, largest), optional
        Control the learning rate too: its factor on eta moves between these.
    objective : {"test_loss", "test_error"}
        The error is 1 - accuracy, where that is in closed form.
    method : {"gradient", "pontryagin"}
        Projected gradient on the relaxed mixing of rates, or the forward-backward sweep; see `descent` and
        `pontryagin`. Either is then rounded to bang-bang, and the moments of change are descended.
    n_pieces : int >= 2
        J, pieces of equal length in which the mixture is constant.
    restarts : int >= 1
        Guesses that are descended from: the named orders, easy at both ends, easy in the middle, then chance.
    iterations : int >= 1
        Steps or sweeps at most.
    tolerance : float > 0
        Relative error of the loss allowed on fixed steps: there are twice as many until the named orders have
        it; and the gap, over the loss, at which a sweep has settled.
    n_nodes : power of two
        Quasi-Monte Carlo nodes where something is sampled (relu, logistic).
    seed : int >= 0
        Of guesses by chance and of the nodes: the same seed gives the same schedule.

    Returns
    -------
    Optimum : the best of all restarts. These are local optima; how many restarts agree is in `restarts`.

    Raises
    ------
    ValueError
        In one line, for shares that are none, fewer than two levels, combinations without equations, and all
        else that is out of range.

    Examples
    --------
    The perceptron of arXiv 2507.07907, easy and hard in equal shares: the best order has three phases.

    >>> from teacher_student.tasks.sparse_teacher import SparseTeacher
    >>> task, student = SparseTeacher(1000), TwoLayer(1, "erf", train_readout=False)
    >>> start = Overlaps(np.zeros((1, 1)), np.full((2, 1, 1), 0.5), np.ones(1))
    >>> found = optimal_schedule(  # doctest: +SKIP
    ...     task, student, start, (0.0, 2.0), budget=6.0, share=0.5, learning_rate=3.0, target=(0.0, 2.0),
    ...     objective="test_error", n_pieces=30, restarts=4)
    >>> round(found.loss, 4), found.kind, [round(t, 1) for t in found.switching_times]  # doctest: +SKIP
    (0.1468, 'bang-bang', [1.4, 4.4])
    """
    known("method", method, METHODS)
    for name, value in (("restarts", restarts), ("iterations", iterations)):
        whole(name, value, low=1)
    within("tolerance", tolerance, low=0, open_low=True)
    if method == "pontryagin" and rate_range is not None:
        raise ValueError(
            "method 'pontryagin' controls difficulty alone; take 'gradient', or leave rate_range out"
        )
    problem = pose(
        task, student, initial, levels, budget=budget, share=share, target=target,
        learning_rate=learning_rate, rate_range=rate_range, objective=objective, n_pieces=n_pieces,
        n_nodes=n_nodes, seed=seed,
    )  # fmt: skip
    problem = accurately(problem, tolerance)
    setting, world, shares = problem.setting, problem.world, problem.shares
    start = problem.controls(guesses(shares, len(levels), n_pieces, restarts, seed))
    if method == "gradient":
        data = None if shares is None else np.tile(np.asarray(shares, start.mix.dtype), (restarts, 1))
        move = relaxed_move(shares is not None, rate_range)
        relaxed = descend(setting, world, start, move, iterations, data)
    else:
        relaxed = sweep(setting, world, start, shares, iterations, tolerance)
    return chosen(problem, relaxed.controls, relaxed.loss, relaxed.settled, method, iterations, tolerance)
