"""python -m benchmarks.device [--tiny] [--seconds S] [--out FILE]: what an accelerator gives, in one table.

Run-steps per second of Gram space, as `python -m studies run` would run it on this device, next to the usual
vmapped scan over full vectors, for K = 4, 16, 64, 256 and 32 to 16,384 lanes (XorMixture, N = 300, two
protocols that share their samples); then the time of whole commands, each in a process of its own:
`xor_mixture full`, `images_online full`, EL2N of MNIST over ten seeds. The device is named in the first line
and in the name of the file. No row is begun after `--seconds`; how many were
left out is said. `--tiny` takes sizes that a CPU does in a minute, to see that all of it runs.
"""

import argparse
import csv
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.random import threefry_2x32

from benchmarks import baselines
from teacher_student import generator
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training import noise
from teacher_student.training.plan import Plan, prepare
from teacher_student.training.simulate import run_plans
from teacher_student.training.streams import replicate_keys

N = 300
COLUMNS = ("what", "K", "lanes", "million run-steps/s, or normals/s", "seconds", "compile s")
Row = tuple[str, int, int, float, float, float]

#: Whether JAX takes most of the device's memory at once: not this process, which leaves it to the commands.
PREALLOCATE = "XLA_PYTHON_CLIENT_PREALLOCATE"

#: Replicates of a block; the lanes of an accelerator are blocks of twice as many runs.
ROWS = 32


def plan(width: int, rows: int, steps: int, seed: int) -> Plan:
    """A third of the steps easy, under two protocols; the accuracy is recorded at the end."""
    task = XorMixture(N)
    schedule = np.zeros((2, steps), np.uint8)
    schedule[0, steps // 3 :] = schedule[1, : -(steps // 3)] = 1
    table = [task.level(noise=0.1), task.level(noise=1.0)]
    return prepare(
        task, TwoLayer(width), table, schedule, target=table[1], learning_rate=baselines.RATE,
        replicates=rows, seed=seed, record=("test_accuracy",), n_records=1, room=1, n_test=512,
        method="gram", dtype="float32", initial=None,
    )  # fmt: skip


def gram(width: int, lanes: int, steps: int) -> Callable[[], object]:
    """A call that takes `steps` steps in each of the lanes, the way of this device."""
    if jax.default_backend() == "cpu":
        alone = plan(width, lanes // 2, steps, 0)
        return lambda: run_plans([alone])
    rows = min(ROWS, lanes // 2)
    plans = [plan(width, rows, steps, seed) for seed in range(lanes // 2 // rows)]
    return lambda: run_plans(plans, len(plans), 1)


def timed(call: Callable[[], object], repetitions: int = 2) -> tuple[float, float]:
    """Median seconds of a call, and how much longer the first one took."""
    taken = []
    for _ in range(1 + repetitions):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    seconds = float(np.median(taken[1:]))
    return seconds, max(0.0, taken[0] - seconds)


def simulators(tiny: bool) -> Iterator[Callable[[], Row]]:
    """One function per row, so that the caller may stop between two."""
    for lanes in (32,) if tiny else (32, 1024, 16_384):
        for width in (4, 16) if tiny else (4, 16, 64, 256):
            steps = 512 if tiny else max(1024, 12_288 * 1024 // max(lanes, 1024) // max(1, width // 32))
            few = 128 if tiny else max(64, steps // 8)

            def ours(width=width, lanes=lanes, steps=steps) -> Row:
                seconds, first = timed(gram(width, lanes, steps))
                return "gram", width, lanes, lanes * steps / seconds / 1e6, seconds, first

            def naive(width=width, lanes=lanes, few=few) -> Row:
                call, _ = baselines.naive_jax(N, width, lanes, few)
                seconds, first = timed(call)
                return "naive vmap(scan)", width, lanes, lanes * few / seconds / 1e6, seconds, first

            yield ours
            if lanes <= 1024 or width <= 64:
                yield naive


def random_numbers(tiny: bool) -> Iterator[Callable[[], Row]]:
    """Normals of a chunk of Gram space at K = 16 in many lanes: from the same words, made in two ways."""
    lanes, each = (64, 1024) if tiny else (16_384, 1536)
    keys = replicate_keys(0, np.arange(lanes))
    ways = {
        "jax.random": lambda key: threefry_2x32(jax.random.key_data(key), jnp.arange(each, dtype=jnp.uint32))
    }
    ways["written out"] = lambda key: generator.words(key, each)
    for name, draw in ways.items():
        drawn = jax.jit(jax.vmap(lambda key, draw=draw: noise.normal(draw(key))))

        def row(name=name, drawn=drawn) -> Row:
            seconds, first = timed(lambda: drawn(keys).block_until_ready())
            return f"threefry, {name}", 16, lanes, lanes * each / seconds / 1e6, seconds, first

        yield row


def commands(tiny: bool) -> Iterator[Callable[[], Row]]:
    """Whole commands, one function each, the longest last."""
    small = ("--width", "2,4", "--budget", "20", "--replicates", "4", "--rows", "4")
    few = ("--width", "2", "--n_steps", "125", "--replicates", "2", "--rows", "2", "--n_rates", "2")

    def study(name: str, cut: tuple[str, ...]) -> Row:
        with tempfile.TemporaryDirectory() as out:
            preset = cut if tiny else ("--preset", "full")
            seconds = process("-m", "studies", "run", name, "--out", out, *preset)
        return f"{name} {'cut down' if tiny else 'full'}", 0, 0, float("nan"), seconds, float("nan")

    def scores() -> Row:
        sizes = ("--seeds", "2", "--examples", "2000", "--width", "16") if tiny else ()
        seconds = process("-m", "benchmarks.scores", "--row", "vmapped", *sizes)
        return (
            f"EL2N {'cut down' if tiny else '10 seeds x 60,000'}",
            0,
            0,
            float("nan"),
            seconds,
            float("nan"),
        )

    yield lambda: study("xor_mixture", small)
    yield scores
    yield lambda: study("images_online", few)


def process(*arguments: str) -> float:
    """Seconds that a Python process takes, its start included."""
    start = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != PREALLOCATE}
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment)
    if result.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed: {result.stderr.strip().splitlines()[-1:]}")
    return time.perf_counter() - start


def main(argv: list[str] | None = None) -> int:
    """Measure, print and save one table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.device", description=__doc__)
    parser.add_argument("--tiny", action="store_true", help="sizes that a CPU does in a minute")
    parser.add_argument("--seconds", type=float, default=540.0, help="begin no row after this long")
    parser.add_argument("--out", help="where to save (default: results/device-NAME.csv)")
    args = parser.parse_args(argv)
    os.environ[PREALLOCATE] = "false"
    started, kind = time.perf_counter(), jax.devices()[0].device_kind
    print(f"device: {kind}, {os.cpu_count()} cores, JAX {jax.__version__}\n\n| {' | '.join(COLUMNS)} |")
    print("|" + " --- |" * len(COLUMNS), flush=True)
    path = Path(args.out or f"results/device-{re.sub(r'[^a-z0-9]+', '-', kind.lower())}.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, left = [], 0
    for row in (*simulators(args.tiny), *random_numbers(args.tiny), *commands(args.tiny)):
        if time.perf_counter() - started > args.seconds:
            left += 1
            continue
        try:
            rows.append(row())
        except Exception as error:  # one row out of memory costs no other
            print(f"| a row failed: {type(error).__name__}: {str(error).splitlines()[0][:200]} |", flush=True)
            continue
        with path.open("w", newline="") as file:  # a run that is stopped has saved what it measured
            csv.writer(file).writerows([COLUMNS, *rows])
        print(
            "| " + " | ".join(f"{x:.4g}" if isinstance(x, float) else f"{x}" for x in rows[-1]) + " |",
            flush=True,
        )
    if left:
        print(f"\n{left} rows left out: {args.seconds:g} s are over")
    print(f"\nsaved: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
