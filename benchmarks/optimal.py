"""Seconds to an optimal schedule, over those of `scipy.optimize` with finite differences.

    python -m benchmarks.optimal [--widths 4 16] [--evaluations 6] [--iterations 60]

The setting of the study `optimal_curriculum`: committee, M = 2, label noise 0 and 0.5, half easy, budget
24, eta = 1, 50 pieces, 8 restarts. Ours is `optimal_schedule` as it is called, with compilation, rounding
and the check by adaptive integration; and the descents alone, without compilation. SciPy's is SLSQP (bounds
0 and 1, the mean kept) on one schedule after the other, its gradient by differences, 51 losses each. A loss
is either the equations in NumPy, factored and with both symmetries (`ode_baseline`), by `solve_ivp` (RK45,
rtol 1e-6) from piece to piece; or our own compiled loss on the same fixed steps: what is left then is the
gradient.

SciPy is stopped after `--evaluations` losses, and its time is extrapolated by a rule: as many gradients as
our descents took, all restarts together, x 51 losses x seconds per loss. Its line searches and the
rounding, which it would need too, are not counted: that favours SciPy.
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
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.theory.control import descent
from teacher_student.theory.control.descent import evaluate, relaxed_move
from teacher_student.theory.control.optimum import optimal_schedule
from teacher_student.theory.control.starts import guesses

TEACHERS, BUDGET, RATE, PIECES, RESTARTS, N = 2, 24.0, 1.0, 50, 8, 1000
NOISES = (0.0, 0.5)


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


def seconds_per_loss(loss: Callable[[np.ndarray], float], evaluations: int) -> float:
    """Seconds of a loss within SLSQP, which is stopped after so many."""
    spent: list[float] = []

    def timed(easy: np.ndarray) -> float:
        begin = time.perf_counter()
        value = loss(np.clip(easy, 0, 1))
        spent.append(time.perf_counter() - begin)
        if len(spent) >= evaluations:
            raise Enough
        return value

    with suppress(Enough):
        minimize(
            timed, np.full(PIECES, 0.5), method="SLSQP", bounds=[(0, 1)] * PIECES,
            constraints={"type": "eq", "fun": lambda easy: np.mean(easy) - 0.5},
        )  # fmt: skip
    return float(np.mean(spent))


def row(width: int, evaluations: int, iterations: int) -> None:
    """Print the lines of one width."""
    task, student = Committee(N, TEACHERS), TwoLayer(width, "erf")
    along, gram, readout = starts(width, TEACHERS, 1)
    start = overlaps(along, gram, readout)
    settings: dict[str, Any] = {"budget": BUDGET, "share": 0.5, "learning_rate": RATE, "n_pieces": PIECES}
    begin = time.perf_counter()
    found = optimal_schedule(
        task, student, start, NOISES, restarts=RESTARTS, iterations=iterations, **settings
    )
    whole = time.perf_counter() - begin
    problem = found.problem
    first = problem.controls(guesses(problem.shares, 2, PIECES, RESTARTS, 0))
    shares = np.full((RESTARTS, 2), 0.5, first.mix.dtype)
    counted: list[int] = []

    def counting(*given: Any, **named: Any) -> Any:
        counted.append(len(given[2].duration))
        return evaluate(*given, **named)

    with patch.object(descent, "evaluate", counting):
        begin = time.perf_counter()
        ended = descent.descend(
            problem.setting, problem.world, first, relaxed_move(True, None), iterations, shares
        )
        ours = time.perf_counter() - begin
    rhs = Noisy(width, TEACHERS, RATE)
    packed = rhs.pack(along[0], gram[0], readout[0])
    best = np.asarray(ended.controls.mix[int(np.argmin(ended.loss)), :, 0], float)
    off = abs(rhs.final(packed, best) / ended.loss.min() - 1)
    single = problem.setting._replace(chunk=1)
    one = jax.tree.map(lambda x: x[:1], first)

    def compiled_loss(easy: np.ndarray) -> float:
        mix = np.stack([easy, 1 - easy], 1)[None].astype(first.mix.dtype)
        return float(evaluate(single, problem.world, one._replace(mix=mix), gradients=False)[0])

    compiled_loss(np.full(PIECES, 0.5))
    print(
        f"committee K={width:<3} optimum, all included {whole:.0f} s; {sum(counted)} gradients of "
        f"{RESTARTS} restarts {ours:.1f} s; loss {found.loss:.5f}, {found.kind}; "
        f"the NumPy equations differ by {off:.0e}",
        flush=True,
    )
    losses = {"solve_ivp": lambda easy: rhs.final(packed, easy), "our compiled loss": compiled_loss}
    for name, loss in losses.items():
        each = seconds_per_loss(loss, evaluations)
        total = sum(counted) * (PIECES + 1) * each
        print(
            f"committee K={width:<3} SLSQP by differences, {name}: {each:.3f} s a loss, so {total:.0f} s: "
            f"x {total / ours:.0f} the descents, x {total / whole:.0f} the whole optimum",
            flush=True,
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--evaluations", type=int, default=6)
    parser.add_argument("--iterations", type=int, default=60)
    args = parser.parse_args()
    for width in args.widths:
        row(width, args.evaluations, args.iterations)


if __name__ == "__main__":
    main()
