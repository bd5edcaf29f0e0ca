"""Run-steps per second of every head in Gram space, against the usual way in the same run.

    python -m benchmarks.heads [--repetitions 3] [--out FILE]

The usual way is a vmapped scan over full vectors of N = 1000 inputs, one jax.random.normal and one gradient
with respect to W and theta a step. The rows of a group are timed in turn; compilation is not counted. Read
the ratios. Below the table: how the time of a step grows with the depth L.
"""

import argparse
import sys
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.baselines import RATE
from benchmarks.in_turn import Row, rates_in_turn, report
from benchmarks.simulators import exponent
from teacher_student.students.deep import Deep
from teacher_student.students.experts import Experts
from teacher_student.students.heads import Head
from teacher_student.students.pair import Pair
from teacher_student.students.softmax import Softmax
from teacher_student.students.two_layer import Params, TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.full import definition
from teacher_student.training.simulate import simulate

N, REPLICATES = 1000, 32
DEPTHS = (1, 2, 3, 4)
#: Width -> steps of a repetition, in Gram space and the usual way.
STEPS = {16: (2048, 128), 64: (512, 64)}
COLUMNS = ("student", "K", "kilo run-steps/s", "low", "high", "usual way", "times the usual way")


def students(width: int) -> dict[str, TwoLayer | Head]:
    """What is timed at a width."""
    return {
        "two layers": TwoLayer(width),
        "biases": Deep(width, bias=True),
        **{f"L = {depth}": Deep(width, depth=depth) for depth in DEPTHS},
        "4 experts": Experts(width, experts=4),
        "2 of 4 experts": Experts(width, experts=4, active=2),
        "pair, teacher of 2 K": Pair(width, teacher_width=2 * width),
        "an output per label": Softmax(width),
    }


def gram(student: TwoLayer | Head, steps: int) -> Row:
    """A call of `simulate` in Gram space that records the end only."""
    task, schedule = XorMixture(N), np.zeros((1, steps), np.uint8)

    def call() -> object:
        return simulate(
            task, student, [task.level()], schedule, target=task.level(), learning_rate=RATE, method="gram",
            replicates=REPLICATES, record="test_loss", n_records=1, n_test=1,
        )  # fmt: skip

    return call, REPLICATES * steps


def usual(student: TwoLayer | Head, steps: int) -> Row:
    """vmap over replicates of a lax.scan of plain SGD on W (rows, N) and theta."""
    scaling = jax.tree.map(jnp.float32, student.scaling(RATE, N))

    def run(key):
        w_key, theta_key, data = jax.random.split(key, 3)
        w = jax.random.normal(w_key, (student.rows, N)) / N**0.5

        def step(params, key):
            z_key, c_key = jax.random.split(key)
            cluster = jax.random.randint(c_key, (), 0, 4)
            x = jax.random.normal(z_key, (N,)).at[cluster // 2].add(1.0 - 2.0 * (cluster % 2))
            y = jnp.where(cluster < 2, 1.0, -1.0)
            return definition(student, scaling, params, x, y, jnp.array(True), None), None

        start = Params(w, student.start(theta_key, scaling))
        return jax.lax.scan(step, start, jax.random.split(data, steps))[0].v

    compiled = jax.jit(jax.vmap(run))
    keys = jax.random.split(jax.random.key(0), REPLICATES)
    return lambda: jax.block_until_ready(compiled(keys)), REPLICATES * steps


def measure(width: int, repetitions: int, only: tuple[str, ...] = ()) -> dict[str, list[list[float]]]:
    """Student -> run-steps per second of every repetition, in Gram space and the usual way."""
    steps, few = STEPS[width]
    each = {name: student for name, student in students(width).items() if name in (only or students(width))}
    rows = {name: gram(student, steps) for name, student in each.items()}
    rows |= {f"usual {name}": usual(student, few) for name, student in each.items()}
    rates = rates_in_turn(rows, repetitions)
    return {name: [rates[name], rates[f"usual {name}"]] for name in each}


def lines_of(width: int, rates: dict[str, list[list[float]]]) -> list[list[str]]:
    """The table's lines for one width."""
    lines = []
    for name, (ours, theirs) in rates.items():
        shown = (f"{value / 1e3:.1f}" for value in (np.median(ours), min(ours), max(ours), np.median(theirs)))
        lines.append([name, str(width), *shown, f"{np.median(ours) / np.median(theirs):.1f}"])
    return lines


def growth(width: int, rates: dict[str, list[list[float]]]) -> str:
    """How the time of a step grows with L."""
    seconds = [1 / float(np.median(rates[f"L = {depth}"][0])) for depth in DEPTHS]
    power = exponent(list(map(float, DEPTHS)), seconds)
    shown = ", ".join(f"{depth}: {1e6 * s:.2f} us" for depth, s in zip(DEPTHS, seconds, strict=True))
    return f"K = {width}: time per step against L, exponent {power:+.2f} ({shown})"


def main(argv: list[str] | None = None) -> int:
    """Print and save the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.heads", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", default="results/benchmark_heads.csv", help="where to save the table")
    options = parser.parse_args(argv)
    said = []

    def lines() -> Iterator[list[str]]:
        for width in STEPS:
            rates = measure(width, options.repetitions)
            said.append(growth(width, rates))
            yield from lines_of(width, rates)

    report(COLUMNS, lines(), options.out)
    print("\n" + "\n".join(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
