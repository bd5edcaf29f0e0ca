"""Where the time of a step in Gram space goes, beside the least that each part could take.

    python -m benchmarks.shares [--inputs 1000] [--replicates 32]

Every part of a chunk (see `teacher_student.training.gram`) is compiled and timed alone, for all replicates
at once, on the state and the samples that a run begins with, with as many chunks drawn at once and as few
threads of LAPACK as in a run; `the rest` is what a whole run takes beyond
them: copies of the state between chunks, schedules, loops. Times are microseconds of the batch's time per
run-step, medians of 15 calls. The floor of random numbers is the time of `jax.random.normal` for as many;
that of everything else its flops at the rate of a large matrix product, all measured in the same run.
"""

import argparse
import sys
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.baselines import RATE
from benchmarks.simulators import matmul_rate, normal_rate, timed
from teacher_student import generator
from teacher_student.order_parameters import factor
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.chunk import descend
from teacher_student.training.gram import GramSpace
from teacher_student.training.noise import normal
from teacher_student.training.program import choose_method
from teacher_student.training.simulate import simulate
from teacher_student.training.streams import replicate_keys

#: Chunks of the whole run that is timed.
CHUNKS = 64


class Part(NamedTuple):
    """A part of a chunk: its seconds, and the seconds that it could take at the least."""

    name: str
    seconds: float
    floor: float


def parts(n_inputs: int, width: int, replicates: int, flops_rate: float) -> list[Part]:
    """The parts of one chunk of XorMixture at this size, for all replicates."""
    task, student = XorMixture(n_inputs), TwoLayer(width)
    method = choose_method(task, student, "gram")
    assert isinstance(method, GramSpace)
    b, k = method.chunk, width
    scaling, level = student.scaling(RATE, n_inputs), task.level()
    keys = replicate_keys(0, np.arange(replicates))
    on = jax.device_put(np.ones(b, bool))
    state = jax.jit(jax.vmap(lambda key: method.init(key, (), scaling, None)))(keys)
    samples = jax.jit(jax.vmap(lambda key: method.draw(key, (), jnp.int32(0))))(keys)
    levels = {
        name: jax.device_put(np.tile(np.asarray(x, np.float32), (b, *[1] * np.ndim(x))))
        for name, x in level.items()
    }

    def whole(state, samples):
        return method.advance(state, (), samples, levels, on, scaling)

    def before(state, samples):
        """What the steps of a chunk begin with, F given."""
        seen = task.observe(samples.noise, levels)
        scale = seen.scale.T[:, :, None]
        noise = scale * (samples.xi @ state.gram.mT)
        total = seen.along @ seen.along.T + jnp.sum(scale * samples.gram * scale.mT, 0)
        return seen.along @ state.along.T + jnp.sum(noise, 0), total, seen.label

    def steps(state, begin):
        lambda0, total, label = begin
        return descend(student, scaling, lambda0, total, label, on, state.readout)

    def square(numbers):
        return numbers @ numbers.mT

    n_numbers = b * k + b * (b - 1) // 2 + 5 * b
    begin = jax.jit(jax.vmap(before))(state, samples)
    ahead = method.chunks_ahead  # chunks are drawn as many at once as in a run
    starts = jax.device_put(b * np.arange(ahead, dtype=np.int32))
    wide = jax.device_put(np.repeat(np.concatenate([samples.xi, samples.gram], -1), ahead, 1))
    pair = jax.device_put(np.ones((replicates, 2 * b, k), np.float32))

    def clock(function: Callable, *arguments) -> float:
        return timed(jax.jit(jax.vmap(function)), *arguments)

    def draw(key):
        return jax.vmap(lambda t: method.draw(key, (), t))(starts)

    def draw_numbers(key):
        return jax.vmap(lambda t: normal(generator.words(generator.fold_in(key, t), n_numbers)))(starts)

    drawing = clock(draw, keys) / ahead
    numbers = clock(draw_numbers, keys) / ahead
    gram = clock(square, wide) / ahead
    many = replicates / flops_rate
    return [
        Part("random numbers", numbers, n_numbers * replicates / normal_rate(n_numbers, replicates)),
        Part("their Gram matrix", gram, 2 * b * b * (b + k) * many),
        Part("chi, triangle", max(0.0, drawing - numbers - gram), 0.0),
        Part("factorisation", clock(factor, state.gram), k**3 / 3 * many),
        Part("pre-activations", clock(before, state, samples), 2 * b * k * k * many),
        Part("steps", clock(steps, state, begin), (b * b * k + 8 * b * k) * many),
        Part("update", clock(lambda x: x.mT @ x, pair), 4 * b * k * k * many),
        Part("all of a chunk", drawing + clock(whole, state, samples), 0.0),
    ]


def run_seconds(n_inputs: int, width: int, replicates: int) -> tuple[float, int]:
    """Seconds of a whole run per chunk, and the steps of a chunk."""
    task, student = XorMixture(n_inputs), TwoLayer(width)
    b = choose_method(task, student, "gram").chunk
    schedule = np.zeros((1, CHUNKS * b), np.uint8)

    def call():
        return simulate(
            task, student, [task.level()], schedule, target=task.level(), learning_rate=RATE,
            replicates=replicates, record=("v",), n_records=1, n_test=1, method="gram",
        ).values  # fmt: skip

    return timed(call, repetitions=5) / CHUNKS, b


def main(argv: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shares", description=__doc__)
    parser.add_argument("--inputs", type=int, default=1000, metavar="N")
    parser.add_argument("--replicates", type=int, default=32, metavar="R")
    args = parser.parse_args(argv)
    with threadpool_limits(1, user_api="blas"):
        table(args.inputs, args.replicates)
    return 0


def table(n_inputs: int, replicates: int) -> None:
    """Print the parts at K = 16, 64, 256."""
    rate = matmul_rate()
    print(f"N = {n_inputs}, {replicates} replicates, matrix product at {rate / 1e9:.0f} Gflop/s\n")
    print("| K | B | part | us per run-step | of a run | floor, us |\n|" + " --- |" * 6)
    for width in (16, 64, 256):
        found = parts(n_inputs, width, replicates, rate)
        seconds, b = run_seconds(n_inputs, width, replicates)
        found.append(Part("the rest", seconds - found[-1].seconds, 0.0))
        found.append(Part("a run", seconds, 0.0))
        unit = 1e6 / (b * replicates)
        for part in found:
            floor = f"{part.floor * unit:.3f}" if part.floor else ""
            share = f"{100 * part.seconds / seconds:.0f} %"
            print(
                f"| {width} | {b} | {part.name} | {part.seconds * unit:.3f} | {share} | {floor} |", flush=True
            )


if __name__ == "__main__":
    sys.exit(main())
