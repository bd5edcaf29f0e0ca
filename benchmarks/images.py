"""Images trained per second: all runs in one program, against the two usual loops.

    python -m benchmarks.images [--seeds 16] [--repetitions 5] [--out FILE]

Every row trains the same two-layer relu network (MLP, ten classes, plain sgd) on MNIST where the data folder
has it (`TILTING_ODDS_DATA`), else on Gaussian inputs of the same shape; the images lie in memory already.
`vmapped` is `teacher_student.training.epochs.train` with seeds x 4 protocols in one call. `jitted loop`
trains one run at a time: a step compiled once, called for every minibatch, the loop over steps and seeds in
Python. `PyTorch loop` is the same in PyTorch, if it is installed, on one thread (more cost more than they
gain on networks of this size). The rows of a group are timed in turn; compilation is not counted. Read the
ratios; the numbers belong to the machine named in the first line.
"""

import argparse
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.in_turn import Row, rates_in_turn, report, spread
from benchmarks.scores import images
from teacher_student.students.flax_nets import make_student
from teacher_student.training.epochs import train
from teacher_student.training.evaluation import Labelled, cross_entropy

RATE = 0.05
PROTOCOLS = 4
#: Steps of one repetition by width.
STEPS = {16: 400, 256: 40}
COLUMNS = ("width", "batch", "row", "runs", "images/s", "low", "high", "vmapped is x")


def minibatches(runs: int, steps: int, batch: int, examples: int) -> np.ndarray:
    """Indices (runs, steps, batch)."""
    return np.random.default_rng(0).integers(0, examples, (runs, steps, batch), dtype=np.int32)


def vmapped(x: np.ndarray, y: np.ndarray, width: int, batch: int, seeds: int) -> Row:
    """All seeds and protocols in one call."""
    runs, steps = seeds * PROTOCOLS, STEPS[width]
    data, student = Labelled(jnp.asarray(x), jnp.asarray(y)), make_student("mlp", width, 10)
    orders = minibatches(runs, steps, batch, len(y))
    keys = jax.random.split(jax.random.key(0), runs)

    def call() -> object:
        return train(student, data, {}, orders, keys=keys, rates=RATE, at=(steps,)).diverged

    return call, runs * steps * batch


def jitted_loop(x: np.ndarray, y: np.ndarray, width: int, batch: int, seeds: int) -> Row:
    """One run after the other, one compiled step called from Python; two runs stand for all."""
    student, optimiser, steps = make_student("mlp", width, 10), optax.sgd(RATE), STEPS[width]
    orders = minibatches(2, steps, batch, len(y))

    @jax.jit
    def step(params, state, inputs, labels):
        slope = jax.grad(lambda p: cross_entropy(student.apply(p, inputs), labels).mean())(params)
        change, state = optimiser.update(slope, state, params)
        return optax.apply_updates(params, change), state

    init = jax.jit(lambda key: student.init(key, x[:1]))

    def call() -> object:
        params = None
        for seed, order in enumerate(orders):
            params = init(jax.random.key(seed))
            state = optimiser.init(params)
            for index in order:
                params, state = step(params, state, x[index], y[index])
        return jax.block_until_ready(params)

    return call, orders.size


def torch_loop(x: np.ndarray, y: np.ndarray, width: int, batch: int, seeds: int) -> Row | None:
    """One run after the other in PyTorch, autograd and torch.optim.SGD; two runs stand for all."""
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    torch.set_num_threads(1)
    inputs, labels = torch.tensor(x), torch.tensor(y, dtype=torch.long)
    orders = torch.tensor(minibatches(2, STEPS[width], batch, len(y)), dtype=torch.long)

    def call() -> object:
        model = None
        for order in orders:
            model = torch.nn.Sequential(
                torch.nn.Linear(x.shape[1], width), torch.nn.ReLU(), torch.nn.Linear(width, 10)
            )
            optimiser = torch.optim.SGD(model.parameters(), lr=RATE)
            for index in order:
                loss = torch.nn.functional.cross_entropy(model(inputs[index]), labels[index])
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        return model

    return call, orders.numel()


ROWS = {"vmapped": vmapped, "jitted loop": jitted_loop, "PyTorch loop": torch_loop}


def measure(
    x: np.ndarray, y: np.ndarray, width: int, batch: int, seeds: int, repetitions: int
) -> list[list[str]]:
    """The table's lines for one width and batch size, the rows timed in turn."""
    rows = {name: row for name, make in ROWS.items() if (row := make(x, y, width, batch, seeds))}
    rates = rates_in_turn(rows, repetitions)
    top = float(np.median(rates["vmapped"]))
    return [
        [
            str(width),
            str(batch),
            name,
            str(seeds * PROTOCOLS if name == "vmapped" else 1),
            *spread(found, top),
        ]
        for name, found in rates.items()
    ]


def main(argv: list[str] | None = None) -> int:
    """Print and save the table; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.images", description=__doc__)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", default="results/benchmark_images.csv", help="where to save the table")
    options = parser.parse_args(argv)
    pixels, classes = images(60_000)
    x, y = np.ascontiguousarray(pixels), classes.astype(np.int32)
    lines = (
        line
        for width in STEPS
        for batch in (4, 32)
        for line in measure(x, y, width, batch, options.seeds, options.repetitions)
    )
    report(COLUMNS, lines, options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
