"""Examples shown per second over a fixed set: all runs in one program, against jitted steps per run.

    python -m benchmarks.finite [--runs 32] [--repetitions 5] [--out FILE]

Every row trains the same network (MLP, ten outputs, squared loss, plain sgd) on random inputs of 196 numbers,
200 examples in batches of 20. `one program` is `teacher_student.training.finite.train` with all runs in one
call; `jitted steps` trains one run after the other, a step compiled once and called for every minibatch from
Python. The rows of a group are timed in turn; compilation is not counted. Read the ratios.
"""

import argparse
import sys

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.in_turn import Row, rates_in_turn, report, spread
from teacher_student.students.plain import PlainNet
from teacher_student.training.finite import train
from teacher_student.training.finite_parts import LOSSES, Bank, Plan, Setting
from teacher_student.training.optimisers import Optimiser

N, P, BATCH, RATE = 196, 200, 20, 0.01
#: Epochs of one repetition by width.
EPOCHS = {8: 50, 32: 20, 128: 5}
#: Runs that stand for all where they are trained one after the other.
FEW = 2
COLUMNS = ("width", "row", "runs", "examples/s", "low", "high", "one program is x")


def examples() -> Bank:
    """Random inputs with random classes."""
    rng = np.random.default_rng(0)
    hot = np.eye(10, dtype=np.float32)[rng.integers(0, 10, P)]
    return Bank(jnp.asarray(rng.normal(size=(P, N)), jnp.float32), jnp.asarray(hot))


def one_program(width: int, runs: int) -> Row:
    """All runs in one call."""
    bank, epochs = examples(), EPOCHS[width]
    plan = Plan(
        np.tile(np.arange(P, dtype=np.int32), (runs, 1)),
        np.tile(np.array([[0, P, 0]], np.int32), (runs, 1, 1)),
        np.ones(runs, bool),
    )
    tests = Bank(bank.inputs[None, :1], bank.labels[None, :1])
    keys = jax.random.split(jax.random.key(0), runs)

    def call() -> object:
        return train(
            PlainNet("mlp", width, 10), bank, tests, plan, setting=Setting(P, BATCH, "squared", Optimiser()),
            keys=keys, rates=np.full(runs, RATE, np.float32), at=np.array([epochs]),
        ).diverged  # fmt: skip

    return call, runs * epochs * P


def jitted_steps(width: int, runs: int) -> Row:
    """One run after the other, one compiled step called from Python."""
    bank, net, epochs = examples(), PlainNet("mlp", width, 10), EPOCHS[width]

    @jax.jit
    def step(params, rows):
        def objective(params):
            return LOSSES["squared"](net.apply(params, bank.inputs[rows]), bank.labels[rows]).mean()

        return jax.tree.map(lambda p, g: p - RATE * g, params, jax.grad(objective)(params))

    init = jax.jit(lambda key: net.init(key, N))

    def call() -> object:
        params = None
        for run in range(FEW):
            params, rng = init(jax.random.key(run)), np.random.default_rng(run)
            for _ in range(epochs):
                for rows in rng.permutation(P).astype(np.int32).reshape(-1, BATCH):
                    params = step(params, rows)
        return jax.block_until_ready(params)

    return call, FEW * epochs * P


ROWS = {"one program": one_program, "jitted steps": jitted_steps}


def measure(width: int, runs: int, repetitions: int) -> list[list[str]]:
    """The table's lines for one width, the rows timed in turn."""
    rows = {name: make(width, runs) for name, make in ROWS.items()}
    rates = rates_in_turn(rows, repetitions)
    top = float(np.median(rates["one program"]))
    return [
        [str(width), name, str(runs if name == "one program" else 1), *spread(found, top)]
        for name, found in rates.items()
    ]


def main(argv: list[str] | None = None) -> int:
    """Print and save the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.finite", description=__doc__)
    parser.add_argument("--runs", type=int, default=32)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", default="results/benchmark_finite.csv", help="where to save the table")
    options = parser.parse_args(argv)
    lines = (line for width in EPOCHS for line in measure(width, options.runs, options.repetitions))
    report(COLUMNS, lines, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
