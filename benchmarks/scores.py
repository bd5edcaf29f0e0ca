"""EL2N over several seeds in one compiled run, against the same as a Python loop over seeds.

    python -m benchmarks.scores [--seeds 10] [--examples 60000] [--width 256]

Both sides train the same networks: batches of 128, one epoch, SGD with momentum, then score all
examples. The loop compiles its step once and calls it from Python for every batch of every seed. Images are
MNIST where the data folder has it (`TILTING_ODDS_DATA`), else Gaussian inputs of the same shape.
The last rows time the ordering and pacing of ten million scores. Each row is measured in a fresh
process, compilation included, and gives wall-clock and processor seconds and the peak resident memory
in GiB. At width 256 on a CPU both sides are bound by the same matrix products and take the same time.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

ROWS = ("vmapped", "python_loop", "order_and_pace")


def images(examples: int) -> tuple[np.ndarray, np.ndarray]:
    """(examples, 784) float32 in [0, 1] and labels in 0..9."""
    from teacher_student.data_sets.published import is_here
    from teacher_student.tasks.images import load_images

    if not is_here("mnist") or examples > 60_000:
        rng = np.random.default_rng(0)
        return rng.normal(size=(examples, 784)).astype(np.float32), rng.integers(0, 10, examples)
    mnist = load_images("mnist")
    pixels = mnist.train_inputs[:examples].reshape(-1, 784)
    return pixels.astype(np.float32) / 255, mnist.train_labels[:examples]


def vmapped(seeds: int, examples: int, width: int) -> np.ndarray:
    """The scorer of the package."""
    from curricula import rank
    from curricula.difficulty.training import Runs
    from teacher_student.students.flax_nets import MLP

    x, y = images(examples)
    return rank("el2n", x, y, model=MLP((width,), 10), runs=Runs(seeds=seeds)).scores


def python_loop(seeds: int, examples: int, width: int) -> np.ndarray:
    """The baseline: one jitted step, called batch by batch, seed after seed."""
    import jax
    import jax.numpy as jnp
    import optax

    from curricula.difficulty.pointwise import cross_entropy, error_l2
    from teacher_student.students.flax_nets import MLP

    x, y = images(examples)
    labels = y.astype(np.int32)
    model, optimizer = MLP((width,), 10), optax.sgd(0.1, momentum=0.9)

    @jax.jit
    def step(params, state, inputs, targets):
        slope = jax.grad(lambda p: cross_entropy(jnp.asarray(model.apply(p, inputs)), targets).mean())(params)
        change, state = optimizer.update(slope, state)
        return optax.apply_updates(params, change), state

    score = jax.jit(
        lambda params, inputs, targets: error_l2(jnp.asarray(model.apply(params, inputs)), targets)
    )
    total = np.zeros(examples)
    for seed in range(seeds):
        params = model.init(jax.random.key(seed), x[:1])
        state = optimizer.init(params)
        path = np.random.default_rng(seed).permutation(examples)
        for start in range(0, examples - 127, 128):
            batch = path[start : start + 128]
            params, state = step(params, state, x[batch], labels[batch])
        parts = [score(params, x[i : i + 1024], labels[i : i + 1024]) for i in range(0, examples, 1024)]
        total += np.concatenate(parts)
    return total / seeds


def order_and_pace(seeds: int, examples: int, width: int) -> np.ndarray:
    """Order ten million scores and draw batches along a pacing; the arguments play no part."""
    from curricula import Ranking, order, pace
    from curricula.draw import batches

    ranking = Ranking(np.random.default_rng(0).random(10_000_000))
    path = order(ranking)
    pacing = pace("root", total=1000, a=0.8, b=0.1)
    pacing.count(np.arange(1000), len(path))
    drawn = np.concatenate(list(batches(path, pacing, steps=1000, batch_size=128, refresh="step")))
    return ranking.scores[drawn]


MEASURED: dict[str, Callable[[int, int, int], np.ndarray]] = {
    "vmapped": vmapped,
    "python_loop": python_loop,
    "order_and_pace": order_and_pace,
}


def measure(row: str, seeds: int, examples: int, width: int) -> dict[str, float | str]:
    """Run one row here: wall-clock and processor seconds, peak memory, the mean of what it computed."""
    start = time.perf_counter()
    result = MEASURED[row](seeds, examples, width)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    numbers = {"seconds": seconds, "cpu_seconds": time.process_time(), "GiB": peak}
    return (
        {"row": row}
        | {name: round(value, 2) for name, value in numbers.items()}
        | {"mean": round(float(result.mean()), 4)}
    )


def main() -> None:
    """Print one line of JSON per row."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scores")
    parser.add_argument("--row", choices=ROWS, help="one row, in this process; default: all, each in its own")
    for name, default in (("seeds", 10), ("examples", 60_000), ("width", 256)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    sizes = (options.seeds, options.examples, options.width)
    if options.row:
        print(json.dumps(measure(options.row, *sizes)))
        return
    for row in ROWS:
        again = ["--seeds", str(sizes[0]), "--examples", str(sizes[1]), "--width", str(sizes[2])]
        subprocess.run([sys.executable, "-m", "benchmarks.scores", "--row", row, *again], check=True)


if __name__ == "__main__":
    main()
