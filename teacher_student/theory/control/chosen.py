"""What is returned of all descents: the best schedule, with all that is to be said of it."""

from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from teacher_student.saved_schedule import SavedSchedule, places
from teacher_student.theory.control.accuracy import adaptively, on_finer_steps
from teacher_student.theory.control.descent import evaluate
from teacher_student.theory.control.flow import Controls
from teacher_student.theory.control.phases import SHORTEST, bang_bang, count_phases
from teacher_student.theory.control.polytope import extreme
from teacher_student.theory.control.pontryagin import Adjoint, adjoint
from teacher_student.theory.control.problem import Problem
from teacher_student.theory.control.starts import ORDERS, ordered

#: Relaxed schedules that are rounded.
ROUNDED = 4

#: A mixture is one level if all others together have less than this.
PURE = 1e-3


class Optimum(NamedTuple):
    """The best schedule found.

    problem   : what was asked
    controls  : duration (J,), mix (J, C) and rate (J,) of its pieces
    loss      : at its end, averaged over starts and targets, by the adaptive integration
    error     : |loss on fixed steps - loss|; where the rate is controlled, fixed steps against twice as many
    kind      : "bang-bang", one level at a time, or "mixed": bang-bang if that comes within the tolerance of
                the best mixture and loses to no named order
    bang_bang : loss of the best bang-bang schedule
    relaxed   : (J, C) the best mixture on equal pieces, before it was rounded
    relaxed_loss : its loss
    restarts  : (R,) losses at which the descents ended, before rounding: local optima
    change    : (J, C) p . f_c averaged over each piece of `relaxed`: how level c changes the loss at the end
    gap       : what going from `relaxed` to the extreme point promises, over the loss; 0 at a best schedule
    orders    : name -> loss of every named order with the same shares
    adjoint   : the costate along the relaxed schedule, with the method "pontryagin"
    status    : "ok", "iterations" (not settled) or "diverged" (no start led to a finite loss)
    """

    problem: Problem
    controls: Controls
    loss: float
    error: float
    kind: str
    bang_bang: float
    relaxed: Float[np.ndarray, "J C"]
    relaxed_loss: float
    restarts: Float[np.ndarray, " R"]
    change: Float[np.ndarray, "J C"]
    gap: float
    orders: dict[str, float]
    adjoint: Adjoint | None
    status: str

    @property
    def phases(self) -> list[tuple[float, list[float]]]:
        """(duration, shares of the levels), alike pieces taken together but for their rates."""
        found: list[tuple[float, list[float]]] = []
        for duration, mix in zip(self.controls.duration, self.controls.mix, strict=True):
            row = np.asarray(mix, float)
            if duration <= SHORTEST * self.problem.budget:
                continue
            if found and np.allclose(found[-1][1], row, atol=PURE):
                found[-1] = (found[-1][0] + float(duration), found[-1][1])
            else:
                found.append((float(duration), (row / row.sum()).tolist()))
        return found

    @property
    def switching_times(self) -> list[float]:
        """Where one phase ends and the next begins, in alpha."""
        return np.cumsum([duration for duration, _ in self.phases])[:-1].tolist()

    def on_grid(self, n_pieces: int) -> Float[np.ndarray, "J C"]:
        """Shares of the levels on pieces of equal length."""
        ends = np.append(0, np.cumsum(self.controls.duration, dtype=float))
        shown = np.concatenate(
            [
                np.zeros((1, self.controls.mix.shape[1])),
                np.cumsum(self.controls.duration[:, None] * self.controls.mix, 0, dtype=float),
            ]
        )
        grid = np.linspace(0, ends[-1], n_pieces + 1)
        total = np.stack([np.interp(grid, ends, column) for column in shown.T], 1)
        return np.diff(total, axis=0) / np.diff(grid)[:, None]

    @property
    def switching(self) -> Float[np.ndarray, " J"]:
        """p . (f_hard - f_easy) along `relaxed`, last and first level: easy is best where it is largest."""
        return self.change[:, -1] - self.change[:, 0]

    @property
    def shares(self) -> Float[np.ndarray, " C"]:
        """Share of every level in the whole run."""
        part = self.controls.duration / self.controls.duration.sum()
        return np.asarray(part @ self.controls.mix, float)

    def saved(self, **notes: object) -> SavedSchedule:
        """The schedule as a file holds it, see `teacher_student.saved_schedule.save_schedule`.

        ValueError where the learning rate is controlled, or where a level does not lie between the first and
        the last: a file has no place for either.
        """
        problem = self.problem
        if problem.rate_range is not None:
            raise ValueError("a saved schedule is one of difficulty; this one moves the learning rate, too")
        places_, total = places(problem.levels), sum(duration for duration, _ in self.phases)
        phases = tuple(
            (min(duration / total, 1.0), {p: x for p, x in zip(places_, mix, strict=True) if x > 0})
            for duration, mix in self.phases
        )
        found = {"loss": self.loss, "width": problem.student.width, "learning_rate": problem.learning_rate}
        easy, hard = (dict(problem.levels[i]) for i in (0, -1))
        return SavedSchedule(problem.task.name, problem.budget, easy, hard, phases, found | notes)

    @property
    def regret(self) -> dict[str, float]:
        """What every named order loses against the optimum."""
        return {name: loss - self.loss for name, loss in self.orders.items()}


def chosen(
    problem: Problem,
    relaxed: Controls,
    losses: np.ndarray,
    settled: np.ndarray,
    method: str,
    iterations: int,
    tolerance: float,
) -> Optimum:
    """The best of relaxed and bang-bang schedules, with all that is to be said of it."""
    setting, world = problem.setting, problem.world
    order = np.argsort(losses, kind="stable")  # what is not finite comes last
    r = int(order[0])
    top = jax.tree.map(lambda x: np.asarray(x)[order[:ROUNDED]], relaxed)
    pure = bang_bang(setting, world, top, problem.shares, problem.rate_range, iterations)
    close = pure.loss <= pure.loss.min() * (1 + tolerance)
    plainest = int(np.argmin(np.where(close, count_phases(pure.controls), np.inf)))
    best, rounded = (
        jax.tree.map(lambda x: np.asarray(x)[[i]], tree)  # noqa: B023
        for tree, i in ((top, 0), (pure.controls, plainest))
    )
    own = mean_shares(best) if problem.shares is None else problem.shares
    orders = problem.controls(np.stack([ordered(name, own, problem.n_pieces) for name in ORDERS]))
    several = jax.tree.map(lambda *x: np.concatenate(x), best, rounded, orders)
    exact = adaptively(problem, several) if problem.rate_range is None else on_finer_steps(problem, several)
    pick = int(exact[1] <= min(exact[0] * (1 + tolerance), np.nanmin(exact[2:], initial=np.inf)))
    both = jax.tree.map(lambda x: x[:2], several)
    value, gradient = evaluate(setting, world, both)
    change = gradient.mix[0] / both.duration[0][:, None]
    status = "ok" if settled[r] else "iterations"
    gap = np.nan
    if np.isfinite(gradient.mix[0]).all():
        downhill = -gradient.mix[0].astype(float)
        gap = np.sum((extreme(downhill, problem.shares) - both.mix[0]) * downhill) / np.abs(value[0])
    else:
        status = "diverged"
    return Optimum(
        problem=problem,
        controls=jax.tree.map(lambda x: x[pick], both),
        loss=float(exact[pick]),
        error=float(np.max(np.abs(value - exact[:2]))),
        kind=("mixed", "bang-bang")[pick],
        bang_bang=float(exact[1]),
        relaxed=both.mix[0],
        relaxed_loss=float(exact[0]),
        restarts=np.asarray(losses, float),
        change=change,
        gap=float(gap),
        orders=dict(zip(ORDERS, map(float, exact[2:]), strict=True)),
        adjoint=adjoint(setting, world, jax.tree.map(lambda x: x[0], both))
        if method == "pontryagin"
        else None,
        status=status,
    )


def mean_shares(controls: Controls) -> Float[np.ndarray, " C"]:
    """Shares of the levels in one schedule (1, J, C) of equal pieces."""
    shares = np.asarray(controls.mix[0], float).mean(0)
    return shares / shares.sum()
