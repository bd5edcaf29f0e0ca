"""What is asked of an optimal schedule, checked and laid out for the compiled programs."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from teacher_student.checks import known, seed_fits, whole, within
from teacher_student.interfaces import Level, Task
from teacher_student.levels import Given, as_level
from teacher_student.one_thread import ONE_THREAD
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.theory.control.flow import OBJECTIVES, Controls, Setting, World, final_loss
from teacher_student.theory.integrate import check_initial, equations
from teacher_student.theory.rates import Equations, rates_of
from teacher_student.theory.schedule import floats


class Problem(NamedTuple):
    """All that is asked.

    task, student, equation : whose equations
    levels  : from easy to hard
    shares  : (C,) of the levels, or None where they are free
    budget, learning_rate, n_pieces : of the schedule
    rate_range : least and largest factor on the learning rate, or None where it is 1
    setting, world : static and traced arguments of the compiled programs; a piece takes one step at first
    """

    task: Task
    student: TwoLayer
    equation: Equations
    levels: list[Level]
    shares: Float[np.ndarray, " C"] | None
    budget: float
    learning_rate: float
    n_pieces: int
    rate_range: tuple[float, float] | None
    setting: Setting
    world: World

    def controls(self, mix: Float[np.ndarray, "*R J C"]) -> Controls:
        """Mixtures as controls of equal pieces, at the learning rate itself."""
        dtype = np.asarray(self.world.initial.readout).dtype
        shape = mix.shape[:-1]
        duration = np.full(shape, self.budget / self.n_pieces, dtype)
        return Controls(duration, np.asarray(mix, dtype), np.ones(shape, dtype))


def side_by_side(width: int) -> int:
    """Trajectories taken side by side: few units need many to keep the processor busy."""
    return max(1, 512 // width**2)


def pose(
    task: Task,
    student: TwoLayer,
    initial: Overlaps,
    levels: Sequence[Given],
    *,
    budget: float,
    share: float | Sequence[float] | None,
    target: Given | Sequence[Given] | None,
    learning_rate: float,
    rate_range: tuple[float, float] | None,
    objective: str,
    n_pieces: int,
    n_nodes: int,
    seed: int,
) -> Problem:
    """Check what is asked; see `optimum.optimal_schedule` for the arguments."""
    equation = equations(task, student, n_nodes=n_nodes)
    if len(levels) < 2:
        raise ValueError(f"{len(levels)} level is given; need two at least, from easy to hard")
    table = [as_level(task, level) for level in levels]
    goals: Any = levels[-1:] if target is None else target if isinstance(target, list | tuple) else [target]
    targets = [as_level(task, goal) for goal in goals]
    whole("n_pieces", n_pieces, low=2)
    shares = check_shares(share, len(table), n_pieces)
    within("budget", budget, low=0, open_low=True)
    within("learning_rate", learning_rate, low=0, open_low=True)
    known("objective", objective, OBJECTIVES)
    seed_fits(seed)
    if rate_range is not None and not 0 < rate_range[0] < rate_range[1] < np.inf:
        raise ValueError(f"rate_range is {rate_range}; need two factors, 0 < least < largest")
    check_initial(task, student, initial)
    starts = jax.tree.map(floats, initial)
    if starts.readout.ndim == 1:
        starts = jax.tree.map(lambda x: x[None], starts)
    world = World(
        starts,
        {name: floats([level[name] for level in table]) for name in table[0]},
        {name: floats([level[name] for level in targets]) for name in targets[0]},
        jax.tree.map(floats, rates_of(student, learning_rate)),
        equation.nodes(seed),
    )
    setting = Setting(equation, objective, 1, side_by_side(student.width))
    if objective == "test_error":
        check_error(setting, world)
    return Problem(
        task, student, equation, table, shares, float(budget), float(learning_rate), n_pieces, rate_range,
        setting, world,
    )  # fmt: skip


def check_shares(share: Any, n_levels: int, n_pieces: int) -> Float[np.ndarray, " C"] | None:
    """The share of every level, from that of the easy one of two, from all of them, or None where free."""
    if share is None:
        return None
    if np.ndim(share) == 0:
        if n_levels != 2:
            raise ValueError(f"share is {share!r}; need {n_levels} shares, one for each level, or None")
        within("share", share, 0, 1)
        share = (share, 1 - share)
    shares = np.asarray(share, float)
    if shares.shape != (n_levels,) or not (shares >= 0).all() or not np.isclose(shares.sum(), 1):
        raise ValueError(f"share is {share!r}; need {n_levels} shares within [0, 1] that sum to 1")
    small = shares[(shares > 0) & (shares * n_pieces < 1 - 1e-9)]
    if small.size:
        raise ValueError(
            f"a share of {small.min():g} is less than one of {n_pieces} pieces; "
            f"need n_pieces >= {int(np.ceil(1 / small.min()))}"
        )
    return shares / shares.sum()


@lru_cache(maxsize=64)
def compiled_slope(setting: Setting):
    """Jitted: (state, world) -> slope of the objective by the state."""
    return jax.jit(
        jax.grad(lambda state, world: final_loss(setting, world, state)), compiler_options=ONE_THREAD
    )


def check_error(setting: Setting, world: World) -> None:
    """Refuse the test error where it is counted over nodes: it has no gradient there."""
    start = jax.tree.map(lambda x: x[0], world.initial)
    if not any(np.any(np.asarray(x) != 0) for x in compiled_slope(setting)(start, world)):
        raise ValueError(
            f"the accuracy of {setting.equation.task.name} at this width and activation is counted and has "
            "no gradient; take the objective test_loss"
        )
