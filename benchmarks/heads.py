"""python -m benchmarks.heads: run-steps per second of every head, against the usual way in the same run.

The usual way is a vmapped scan over full vectors of N = 1000 inputs, one jax.random.normal and one gradient
with respect to W and theta a step. Read ratios; seconds belong to the machine. Rows of a group are timed in
turn, medians of the repetitions.
"""

import sys
from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.baselines import RATE
from benchmarks.simulators import Row, exponent, measure
from teacher_student.students.deep import Deep
from teacher_student.students.experts import Experts
from teacher_student.students.heads import Head
from teacher_student.students.pair import Pair
from teacher_student.students.softmax import Softmax
from teacher_student.students.two_layer import Params, TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.full import plain_step
from teacher_student.training.simulate import simulate

N, REPLICATES = 1000, 32


def students(width: int) -> dict[str, TwoLayer | Head]:
    """What is timed at a width."""
    deep = {f"deep, L = {depth}": Deep(width, depth=depth) for depth in (1, 2, 4)}
    return {
        "two-layer": TwoLayer(width),
        **deep,
        "deep, L = 1, biases": Deep(width, bias=True),
        "4 experts": Experts(width, experts=4),
        "pair, teacher of 2 K": Pair(width, teacher_width=2 * width),
        "an output per label": Softmax(width),
    }


def gram(student: TwoLayer | Head, steps: int) -> Callable[[], object]:
    """A call of `simulate` in Gram space that records the end only."""
    task, schedule = XorMixture(N), np.zeros((1, steps), np.uint8)

    def call():
        return simulate(
            task, student, [task.level()], schedule, target=task.level(), learning_rate=RATE, method="gram",
            replicates=REPLICATES, record="test_loss", n_records=1, n_test=1,
        )  # fmt: skip

    return call


def naive(head: Head, steps: int) -> Callable[[], object]:
    """vmap over replicates of a lax.scan of plain SGD on W (rows, N) and theta."""
    scaling = jax.tree.map(jnp.float32, head.scaling(RATE, N))

    def run(key):
        w_key, theta_key, data = jax.random.split(key, 3)
        w = jax.random.normal(w_key, (head.rows, N)) / N**0.5

        def step(params, key):
            z_key, c_key = jax.random.split(key)
            cluster = jax.random.randint(c_key, (), 0, 4)
            x = jax.random.normal(z_key, (N,)).at[cluster // 2].add(1.0 - 2.0 * (cluster % 2))
            y = jnp.where(cluster < 2, 1.0, -1.0)
            return plain_step(head, scaling, params, x, y, jnp.array(True)), None

        start = Params(w, head.start(theta_key, scaling))
        return jax.lax.scan(step, start, jax.random.split(data, steps))[0].v

    compiled = jax.jit(jax.vmap(run))
    keys = jax.random.split(jax.random.key(0), REPLICATES)
    return lambda: jax.block_until_ready(compiled(keys))


def rows_for(width: int, steps: int, few: int, only: tuple[str, ...] = ()) -> list[Row]:
    """Every student in Gram space, and every head the usual way."""
    rows = []
    for name, student in students(width).items():
        if only and name not in only:
            continue
        row = partial(Row, n=N, width=width, replicates=REPLICATES, protocols=1)
        rows.append(row(name, run_steps=REPLICATES * steps, call=gram(student, steps)))
        if isinstance(student, Head):
            rows.append(row(f"naive {name}", run_steps=REPLICATES * few, call=naive(student, few)))
    return rows


def report(rows: list[Row]) -> list[str]:
    """A line for each student of timed rows: thousands of run-steps per second, and how many times naive."""
    rates = {row.what: row.rate() for row in rows}
    lines = []
    for row in rows:
        usual = rates.get(f"naive {row.what}")
        if usual is not None:
            ratio = f"{row.rate() / usual:.1f}"
            lines.append(
                f"| {row.what} | {row.width} | {row.rate() / 1e3:.0f} | {usual / 1e3:.1f} | {ratio} |"
            )
        elif not row.what.startswith("naive"):
            lines.append(f"| {row.what} | {row.width} | {row.rate() / 1e3:.0f} | | |")
    return lines


def growth(rows: list[Row]) -> str:
    """How the time of a step grows with L."""
    deep = {row.what: 1 / row.rate() for row in rows if row.what in {f"deep, L = {d}" for d in (1, 2, 4)}}
    seconds = list(deep.values())
    shown = ", ".join(f"{name[6:]}: {1e6 * s:.2f} us" for name, s in deep.items())
    power = exponent([1, 2, 4], seconds)
    return f"K = {rows[0].width}: time per step against L, exponent {power:+.2f} ({shown})"


def main() -> int:
    """Measure and print everything."""
    print("| student | K | kilo run-steps/s | naive | times naive |\n| --- | --- | --- | --- | --- |")
    said = []
    for width, steps, few in ((16, 4096, 256), (64, 1024, 128)):
        rows = rows_for(width, steps, few)
        measure(rows, 3)
        print("\n".join(report(rows)), flush=True)
        said.append(growth(rows))
    print("\n" + "\n".join(said))
    return 0


if __name__ == "__main__":
    sys.exit(main())
