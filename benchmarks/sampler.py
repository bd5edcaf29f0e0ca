"""The sampler against a shuffled sampler of PyTorch: time to the first batch, per batch, memory.

    python -m benchmarks.sampler [--examples 1000000 10000000] [--batch 128]

Each row runs in a fresh process. `first_s` is the time from scores in memory to the first batch, `us` the
mean over the batches that follow, `peak_GB` and `kept_GB` the memory beyond the scores at the most and after
the first batch (bytes / 10^9, resident). `paced` shows everything from the start, the largest pool there is;
`growing` a pool that grows from a tenth; `kept` the order itself; `per_step` draws with replacement. `torch`
is a RandomSampler in a BatchSampler, where torch is installed, and sorts nothing.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from curricula import Ranking

MEASURED_BATCHES = 20_000


def _ours(**settings: Any) -> Callable[[Any, int], Iterator[np.ndarray]]:
    def start(ranking: "Ranking", batch: int) -> Iterator[np.ndarray]:
        from curricula import Sampler, pace

        told = dict(settings)
        if "pacing" in told:
            told["pacing"] = pace("linear", total=len(ranking) // batch, b=told["pacing"])
        sampler = Sampler(ranking, batch_size=batch, **told)
        while True:
            yield from sampler

    return start


def _torch(ranking: "Ranking", batch: int) -> Iterator[np.ndarray]:
    from torch.utils.data import BatchSampler, RandomSampler  # pyright: ignore[reportMissingImports]

    while True:
        yield from BatchSampler(RandomSampler(ranking.scores), batch, drop_last=True)


ROWS: dict[str, Callable[[Any, int], Iterator[Any]]] = {
    "kept": _ours(),
    "paced": _ours(pacing=1.0),
    "growing": _ours(pacing=0.1),
    "per_step": _ours(pacing=0.1, refresh="step"),
    "torch": _torch,
}


def measure(row: str, examples: int, batch: int) -> dict[str, float | str]:
    """Run one row here."""
    from curricula import Ranking

    scores = Ranking(np.random.default_rng(0).random(examples))
    if row == "torch":
        next(_torch(Ranking(np.arange(4.0)), 2))  # torch itself is no part of it
    before, highest = _resident(), _peak()
    start, cpu = time.perf_counter(), time.process_time()
    walk = ROWS[row](scores, batch)
    next(walk)
    first, first_cpu = time.perf_counter() - start, time.process_time() - cpu
    kept, peak = _resident() - before, max(_peak(), highest) - before
    start, cpu = time.perf_counter(), time.process_time()
    batches = min(MEASURED_BATCHES, max(1, examples // batch - 1))
    for _ in range(batches):
        next(walk)
    each, each_cpu = time.perf_counter() - start, time.process_time() - cpu
    numbers = {
        "first_s": first, "first_cpu_s": first_cpu, "us": 1e6 * each / batches,
        "cpu_us": 1e6 * each_cpu / batches, "peak_GB": peak / 1e9, "kept_GB": kept / 1e9,
    }  # fmt: skip
    return {"row": row, "examples": examples, "batch": batch} | {k: round(v, 3) for k, v in numbers.items()}


def _resident() -> int:
    """Bytes of this process in memory; its greatest so far where the system does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        return _peak()


def _peak() -> int:
    """Most bytes of this process in memory so far; off Linux also those of the process that began it."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """Print one line of JSON per row and size."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampler")
    parser.add_argument("--row", choices=ROWS, help="one row, in this process; default: all, each in its own")
    parser.add_argument("--examples", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--batch", type=int, default=128)
    options = parser.parse_args()
    for examples in options.examples:
        if options.row:
            print(json.dumps(measure(options.row, examples, options.batch)))
            continue
        for row in ROWS:
            if row == "torch" and find_spec("torch") is None:
                print(json.dumps({"row": "torch", "skipped": "torch is not installed"}))
                continue
            again = ["--row", row, "--examples", str(examples), "--batch", str(options.batch)]
            subprocess.run([sys.executable, "-m", "benchmarks.sampler", *again], check=True)


if __name__ == "__main__":
    main()
