"""Run-steps per second of the simulators against the usual ways, with the floor they cannot pass.

The floor of Gram space is the time to draw its random numbers (P + K + (B + 1)/2 normals and two numbers
for a chi per step, at the rate of `jax.random.normal` measured in the same run at the batch of a chunk)
plus the time of its flops at the measured rate of a large matrix product.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import baselines
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.memory import run_bytes
from teacher_student.training.program import choose_method
from teacher_student.training.simulate import simulate

#: Full-vector simulations whose weights take more bytes than this are not tried.
TOO_LARGE = 1e8


@dataclass
class Row:
    """One timed thing: `call()` does `run_steps` run-steps; `reserved()` bytes, where known."""

    what: str
    n: int
    width: int
    replicates: int
    protocols: int
    run_steps: int
    call: Callable[[], object]
    reserved: Callable[[], float] = lambda: float("nan")
    compile_s: float = float("nan")
    seconds: list[float] = field(default_factory=list)

    def rate(self) -> float:
        """Run-steps per second, median over the repetitions."""
        return self.run_steps / float(np.median(self.seconds))


def ours(what: str, n: int, width: int, replicates: int, protocols: int, steps: int) -> Row:
    """A call of `simulate` with method `what` ("gram", "bulk" or "full"), recording the end only."""
    task = XorMixture(n)
    schedule = np.zeros((protocols, steps), np.uint8)

    def call():
        return simulate(
            task, TwoLayer(width), [task.level()], schedule, target=task.level(),
            learning_rate=baselines.RATE, replicates=replicates, record=("v",), n_records=1,
            n_test=1, method=what,
        )  # fmt: skip

    method = choose_method(task, TwoLayer(width), what)
    reserved = partial(run_bytes, method, replicates, protocols, steps, 1)
    return Row(what, n, width, replicates, protocols, replicates * protocols * steps, call, reserved)


def rows_for(n: int, width: int, quick: bool) -> list[Row]:
    """All that is compared at one (N, K)."""
    long = 1 if quick else 3
    steps = {4: 4096, 16: 2048, 64: 1024, 128: 512, 256: 256}[width] * long
    rows = []
    if min(n, 10**9) - 2 - width >= 32:
        rows += [ours("gram", n, width, 32, 1, steps * 4), ours("gram", n, width, 32, 5, steps * 2)]
    few = max(128, min(steps, int(5e8 * long / (32 * n * max(width, 8)))) // 128 * 128)
    if 32 * n * width * 4 <= TOO_LARGE:
        rows += [ours("bulk", n, width, 32, 1, few), ours("bulk", n, width, 32, 5, few)]
        rows.append(ours("full", n, width, 32, 1, few))
        call, reserved = baselines.naive_jax(n, width, 32, few)
        rows.append(Row("naive vmap(scan)", n, width, 32, 1, 32 * few, call, reserved))
        alone = max(64, min(2000, int(1e8 / (n * width))))
        rows.append(Row("NumPy loop", n, width, 1, 1, alone, baselines.numpy_loop(n, width, alone)))
        torch = baselines.torch_loop(n, width, alone)
        if torch is not None:
            rows.append(Row("PyTorch loop", n, width, 1, 1, alone, torch))
    return rows


def measure(rows: list[Row], repetitions: int) -> None:
    """Time all rows in turn, round after round, so that a slow spell hits all alike."""
    for row in rows:
        start = time.perf_counter()
        row.call()
        row.compile_s = time.perf_counter() - start
    for _ in range(repetitions):
        for row in rows:
            start = time.perf_counter()
            row.call()
            row.seconds.append(time.perf_counter() - start)
    for row in rows:
        row.compile_s = max(0.0, row.compile_s - float(np.median(row.seconds)))


def timed(function: Callable, *arguments, repetitions: int = 15) -> float:
    """Median seconds of a compiled call."""
    jax.block_until_ready(function(*arguments))
    seconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def matmul_rate() -> float:
    """Flops per second of a 1024 x 1024 single-precision product."""
    x = jnp.ones((1024, 1024))
    return 2 * 1024**3 / timed(jax.jit(lambda x: x @ x), x)


def normal_rate(count: int, replicates: int = 32) -> float:
    """Normals per second of jax.random.normal, `count` for each of the replicates in one call."""
    keys = jax.random.split(jax.random.key(0), replicates)
    draw = jax.jit(jax.vmap(lambda key: jax.random.normal(key, (count,))))
    return count * replicates / timed(draw, keys)


def floor_seconds(row: Row, flops_rate: float) -> tuple[float, float]:
    """Seconds per run-step that random numbers alone, and flops alone, would take."""
    b, k = choose_method(XorMixture(row.n), TwoLayer(row.width), "gram").chunk, row.width
    numbers = 2 + k + (b + 1) / 2 + 2
    random = numbers / normal_rate(round(numbers * b)) / row.protocols
    flops = 2 * ((b * (b + k) + 2 * b) / row.protocols + 2 * k * k + k * b / 2 + 2 * k * k + k**3 / (6 * b))
    return random, flops / flops_rate


def exponent(x: list[float], seconds: list[float]) -> float:
    """Slope of log seconds against log x."""
    return float(np.polyfit(np.log(x), np.log(seconds), 1)[0])


def growth(repetitions: int) -> list[str]:
    """How the seconds per run-step of Gram space grow with N and K, and those of a batch with replicates."""
    t, lines = 4096, []
    for name, grid in {
        "N": [(n, 16, 32) for n in (300, 1000, 10_000, 100_000)],
        "K": [(1000, k, 32) for k in (4, 16, 64, 256)],
        "replicates": [(1000, 16, r) for r in (8, 32, 128)],
    }.items():
        rows = [ours("gram", n, k, r, 1, t * 16 // max(16, k)) for n, k, r in grid]
        measure(rows, repetitions)
        axis = [float(point[["N", "K", "replicates"].index(name)]) for point in grid]
        per_step = [float(np.median(r.seconds)) / r.run_steps for r in rows]
        if name == "replicates":
            per_step = [p * r.replicates for p, r in zip(per_step, rows, strict=True)]
        shown = ", ".join(f"{a:g}: {1e6 * p:.2f} us" for a, p in zip(axis, per_step, strict=True))
        lines.append(f"time per step against {name}: exponent {exponent(axis, per_step):+.2f} ({shown})")
    return lines


def evaluation_share(repetitions: int) -> list[str]:
    """Share of a run of the headline study (N = 300, a record every 20 N steps) that recording takes."""
    task, steps, lines = XorMixture(300), np.zeros((5, 30_000), np.uint8), []

    def run(width, n_records, record):
        return simulate(
            task, TwoLayer(width), [task.level()], steps, target=task.level(), learning_rate=0.3,
            replicates=32, record=record, n_records=n_records,
        )  # fmt: skip

    for width in (4, 16, 64):
        calls = (
            partial(run, width, 1, ("v",)),
            partial(run, width, 5, ("test_accuracy", "test_loss", "covered")),
        )
        rows = [Row("gram", 300, width, 32, 5, steps.size * 32, call) for call in calls]
        measure(rows, repetitions)
        bare, recorded = (float(np.median(row.seconds)) for row in rows)
        lines.append(f"recording takes {100 * (recorded / bare - 1):.1f} % of a run at K = {width}")
    return lines
