"""How far quasi-Monte Carlo may be trusted: `error_estimate`, and `nodes_for` a tolerance.

The Sobol nodes are scrambled at random, and each scrambling gives an unbiased value, so the spread over
independent scramblings is the error of one of them. For smooth integrands it falls nearly as 1 / n, for
the jumps of relu slopes somewhat faster than n^-1/2, the less so the wider the student. Closed forms
have error 0.

Source: Owen, J. Complexity 14, 466 (1998); jumps: He & Wang, Math. Comp. 84, 2303 (2015).
"""

from functools import lru_cache
from typing import NamedTuple

import jax
import numpy as np

from teacher_student.checks import whole, within
from teacher_student.interfaces import Level, Task
from teacher_student.one_thread import ONE_THREAD
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.theory.integrate import check_initial, equations
from teacher_student.theory.rates import Equations, derivative, rates_of
from teacher_student.theory.schedule import floats


class ErrorEstimate(NamedTuple):
    """Standard errors of one scrambling.

    slope    : Overlaps, of dM/dalpha (K, P), dq/dalpha (n_blocks, K, K) and dv/dalpha (K,)
    relative : largest of them over the largest entry of the right-hand side
    values   : of test_loss, test_accuracy, ... at the same level
    """

    slope: Overlaps
    relative: float
    values: dict[str, np.ndarray]


def error_estimate(
    task: Task,
    student: TwoLayer,
    state: Overlaps,
    level: Level,
    *,
    learning_rate: float,
    n_nodes: int = 4096,
    scramblings: int = 8,
    seed: int = 0,
) -> ErrorEstimate:
    """Error of the sampled part of the right-hand side, and of the test values, at `state`.

    Parameters
    ----------
    state : Overlaps
        Where to ask; a plateau and the end of a trajectory are telling.
    level : the difficulty level of both the samples and the test values
    learning_rate : eta, which weighs the sampled second-order term against the others
    n_nodes : as in `trajectory`
    scramblings : int >= 2
        Independent ones; the estimate itself has a relative error of (2 (scramblings - 1))^-1/2.
    seed : of the first scrambling

    Examples
    --------
    >>> from teacher_student.tasks.xor_mixture import XorMixture
    >>> task, student = XorMixture(100), TwoLayer(2)
    >>> state = Overlaps(0.1 * np.eye(2), np.eye(2)[None], np.array([0.5, -0.5]))
    >>> estimate = error_estimate(task, student, state, task.level(), learning_rate=0.3, n_nodes=512)
    >>> 0 < estimate.relative < 0.05
    True
    """
    whole("scramblings", scramblings, low=2)
    check_initial(task, student, state)
    equation = equations(task, student, n_nodes=n_nodes)
    rates = rates_of(student, learning_rate)
    state, level = jax.tree.map(floats, state), {name: floats(x) for name, x in level.items()}

    once = _compiled(equation)
    runs = [once(state, level, rates, equation.nodes(seed + i)) for i in range(scramblings)]
    slopes, values = jax.tree.map(lambda *x: np.stack(x), *runs)
    spread, errors = jax.tree.map(lambda x: np.std(x, axis=0, ddof=1), (slopes, values))
    largest = max(float(np.abs(x).max()) for x in slopes)
    error = max(float(x.max()) for x in spread)
    return ErrorEstimate(spread, error / largest if largest else 0.0, errors)


@lru_cache(maxsize=64)
def _compiled(equation: Equations):
    """Right-hand side and test values on given nodes, jitted."""

    def once(state, level, rates, nodes):
        moments = equation.moments(state, level, rates.output_scale, nodes)
        return derivative(moments, state, rates), equation.observe(state, level, rates.output_scale, nodes)

    return jax.jit(once, compiler_options=ONE_THREAD)


def nodes_for(
    tolerance: float,
    task: Task,
    student: TwoLayer,
    state: Overlaps,
    level: Level,
    *,
    learning_rate: float,
    largest: int = 2**17,
) -> int:
    """The smallest power of two, from 256, whose `error_estimate(...).relative` is below `tolerance`.

    Raises ValueError, naming the error reached, if `largest` nodes are not enough.

    >>> from teacher_student.tasks.xor_mixture import XorMixture
    >>> task, student = XorMixture(100), TwoLayer(2, activation="quadratic")
    >>> state = Overlaps(0.1 * np.eye(2), np.eye(2)[None], np.array([0.5, -0.5]))
    >>> nodes_for(1e-3, task, student, state, task.level(), learning_rate=0.3)
    256
    """
    within("tolerance", tolerance, low=0, open_low=True)
    n_nodes, reached = 256, float("inf")
    while n_nodes <= largest:
        reached = error_estimate(
            task, student, state, level, learning_rate=learning_rate, n_nodes=n_nodes
        ).relative
        if reached <= tolerance:
            return n_nodes
        n_nodes *= 2
    raise ValueError(f"{largest} nodes reach a relative error of {reached:.1e} only, not {tolerance:.1e}")
