"""Seconds to an optimal schedule, over those of `scipy.optimize` with finite differences.

    python -m benchmarks.optimal [--widths 4 16] [--pieces 50 100 200] [--iterations 4] [--evaluations 4]

The setting of the study `optimal_curriculum`: committee, M = 2, label noise 0 and 0.5, half easy, budget
24, eta = 1, two levels, 8 restarts. First `optimal_schedule` as it is called, with 50 pieces, compilation,
rounding and the check by adaptive integration. Then the gradients alone, for every number of pieces: ours in
`--iterations` steps of all descents, without compilation, and SciPy's. That is SLSQP (bounds 0 and 1, the
mean kept) on one schedule after the other, its gradient by differences: a loss for every piece, and one. A
loss is either

- `solve_ivp`: the equations in NumPy, factored and with both symmetries (`ode_baseline`), by SciPy's RK45
  (rtol 1e-6) from piece to piece: what there is without this project;
- our own compiled loss on the same fixed steps: what is left then is the gradient backwards.

SciPy is stopped after `--evaluations` losses, and its time is extrapolated by a rule: as many gradients as
our descents took, all restarts together, x the losses of a gradient x seconds per loss. Its line searches and
the rounding, which it would need too, are not counted: that favours SciPy. Seconds are of processor time, so
that other work on the machine counts for little; the whole optimum is timed by the clock, too.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import jax
import numpy as np
from scipy.optimize import minimize

from benchmarks.ode import overlaps, starts
from benchmarks.ode_baseline import NumpyCommittee, solve_baseline
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.theory.control import descent
from teacher_student.theory.control.accuracy import accurately
from teacher_student.theory.control.descent import evaluate, relaxed_move
from teacher_student.theory.control.optimum import optimal_schedule
from teacher_student.theory.control.problem import pose
from teacher_student.theory.control.starts import guesses

TEACHERS, BUDGET, RATE, RESTARTS, N = 2, 24.0, 1.0, 8, 1000
NOISES = (0.0, 0.5)
#: Relative error of the loss on fixed steps, the default of `optimal_schedule`.
TOLERANCE = 1e-4


class Noisy(NumpyCommittee):
    """The same equations with label noise, whose rates of change are linear in its variance."""

    noise = 0.0

    def square(self, cov: np.ndarray, weight: np.ndarray) -> np.ndarray:
        own = 1 + np.diag(cov)[: self.k]
        slopes = (2 / np.pi) / np.sqrt(np.outer(own, own) - cov[: self.k, : self.k] ** 2)
        return super().square(cov, weight) + self.noise * slopes

    def final(self, start: np.ndarray, easy: np.ndarray) -> float:
        """The loss at the end of a schedule, from piece to piece."""
        y = start
        for share in easy:
            self.noise = share * NOISES[0] + (1 - share) * NOISES[1]
            y = solve_baseline(self, y, BUDGET / len(easy))
        return self.loss(y)


class Enough(Exception):
    """SciPy has asked for as many losses as are timed."""


def seconds_per_loss(loss: Callable[[np.ndarray], float], pieces: int, evaluations: int) -> float:
    """Seconds of a loss within SLSQP, which is stopped after so many."""
    spent: list[float] = []

    def timed(easy: np.ndarray) -> float:
        begin = time.process_time()
        value = loss(np.clip(easy, 0, 1))
        spent.append(time.process_time() - begin)
        if len(spent) >= evaluations:
            raise Enough
        return value

    with suppress(Enough):
        minimize(
            timed, np.full(pieces, 0.5), method="SLSQP", bounds=[(0, 1)] * pieces,
            constraints={"type": "eq", "fun": lambda easy: np.mean(easy) - 0.5},
        )  # fmt: skip
    return float(np.mean(spent))


def whole(width: int, start: Overlaps) -> None:
    """Print what the optimum takes as it is called."""
    clock, busy = time.perf_counter(), time.process_time()
    found = optimal_schedule(
        Committee(N, TEACHERS), TwoLayer(width, "erf"), start, NOISES,
        budget=BUDGET, share=0.5, learning_rate=RATE, restarts=RESTARTS,
    )  # fmt: skip
    print(
        f"committee K={width:<3} optimum, 50 pieces, all included: {time.process_time() - busy:.0f} s of "
        f"processor time, {time.perf_counter() - clock:.0f} s by the clock; loss {found.loss:.5f}, "
        f"{found.kind}",
        flush=True,
    )


def row(width: int, start: Overlaps, pieces: int, iterations: int, evaluations: int) -> None:
    """Print the lines of one width and number of pieces."""
    problem = accurately(
        pose(
            Committee(N, TEACHERS), TwoLayer(width, "erf"), start, NOISES, budget=BUDGET, share=0.5,
            target=None, learning_rate=RATE, rate_range=None, objective="test_loss", n_pieces=pieces,
            n_nodes=64, seed=0,
        ),
        TOLERANCE,
    )  # fmt: skip
    first = problem.controls(guesses(problem.shares, 2, pieces, RESTARTS, 0))
    shares = np.full((RESTARTS, 2), 0.5, first.mix.dtype)
    counted: list[int] = []

    def counting(*given: Any, **named: Any) -> Any:
        counted.append(len(given[2].duration))
        return evaluate(*given, **named)

    evaluate(problem.setting, problem.world, first)  # compiles
    with patch.object(descent, "evaluate", counting):
        begin = time.process_time()
        ended = descent.descend(
            problem.setting, problem.world, first, relaxed_move(True, None), iterations, shares
        )
        ours = time.process_time() - begin
    rhs = Noisy(width, TEACHERS, RATE)
    packed = rhs.pack(*(np.asarray(x[0], float) for x in start))
    best = np.asarray(ended.controls.mix[int(np.argmin(ended.loss)), :, 0], float)
    off = abs(rhs.final(packed, best) / ended.loss.min() - 1)
    single = problem.setting._replace(chunk=1)
    one = jax.tree.map(lambda x: x[:1], first)

    def compiled_loss(easy: np.ndarray) -> float:
        mix = np.stack([easy, 1 - easy], 1)[None].astype(first.mix.dtype)
        return float(evaluate(single, problem.world, one._replace(mix=mix), gradients=False)[0])

    compiled_loss(np.full(pieces, 0.5))
    print(
        f"committee K={width:<3} {pieces} pieces, {problem.setting.steps} steps each: "
        f"{sum(counted)} gradients {ours:.1f} s; the NumPy equations differ by {off:.0e}",
        flush=True,
    )
    losses = {"solve_ivp": lambda easy: rhs.final(packed, easy), "our compiled loss": compiled_loss}
    for name, loss in losses.items():
        each = seconds_per_loss(loss, pieces, evaluations)
        total = sum(counted) * (pieces + 1) * each
        print(
            f"committee K={width:<3} {pieces} pieces, differences of {name}: {each:.3f} s a loss, so "
            f"{total:.0f} s: x {total / ours:.0f}",
            flush=True,
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--pieces", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--iterations", type=int, default=4)
    parser.add_argument("--evaluations", type=int, default=4)
    args = parser.parse_args()
    for width in args.widths:
        start = overlaps(*starts(width, TEACHERS, 1))
        whole(width, start)
        for pieces in args.pieces:
            row(width, start, pieces, args.iterations, args.evaluations)


if __name__ == "__main__":
    main()
