"""What scale costs: `python -m benchmarks.scale [--quick]`.

    efficiency   one study by 1 and by 2 worker processes: blocks per second of the second over twice those of
                 the first, counted from the first block of each worker, so start and compilation are left out
    overhead     seconds between two blocks that compute nothing, by the log of a run: by the store (serial),
                 and by store and scheduler (1 worker); as a share of a block of 2 s
    start-up     `python -m studies list` and `python -m figures --help`, against a bare interpreter
    plan         10^5 cells: addresses, pending, status of half of them finished; peak memory

Each figure is a median over repetitions with its smallest and largest value.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import xarray as xr

from studies.cell import Block
from studies.study import Study

#: Seconds of the block that overheads are compared with.
BLOCK = 2.0


@dataclass(frozen=True)
class IdleCell:
    """A cell that takes `seconds` (busy: a loop on one core; else asleep) and gives a full-sized block."""

    width: int = 4
    protocol: str = "curriculum"
    seconds: float = 0.0
    busy: bool = False

    def check(self) -> None:
        """Nothing to refuse."""

    def numerics(self) -> dict:
        """No version."""
        return {}

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """All."""
        return most

    @property
    def n_records(self) -> int:
        """As many as the headline study."""
        return 30

    @property
    def work(self) -> float:
        """All alike."""
        return 1.0

    def compute(self, block: Block) -> xr.Dataset:
        """Five quantities of the size of a block of the headline study."""
        until = time.perf_counter() + self.seconds
        size = (len(block.protocols), block.rows, self.n_records + 1)
        rng = np.random.default_rng(self.width)
        values = {
            f"v{i}": (("protocol", "replicate", "time"), rng.random(size, np.float32)) for i in range(5)
        }
        while self.busy and time.perf_counter() < until:
            rng.random(1000)
        time.sleep(max(0.0, until - time.perf_counter()))
        return xr.Dataset(
            values | {"status": (("protocol", "replicate"), np.zeros(size[:2], np.int8))},
            coords={
                "protocol": list(block.protocols),
                "replicate": block.replicates,
                "time": np.arange(size[2]) * 20.0,
            },
            attrs={"method": "idle", "seconds": self.seconds, "run_steps": 1, "device": "none"}
            | {"versions": "none", "date": "none"},
        )


def study(blocks: int, seconds: float, busy: bool = False) -> Study:
    """As many blocks of five protocols and 32 replicates."""
    grid = {
        "protocol": ("curriculum", "anti_curriculum", "no_curriculum", "target_only", "rule_curriculum"),
        "width": tuple(range(1, blocks + 1)),
    }
    return Study(IdleCell(seconds=seconds, busy=busy), (grid,), replicates=32, name="idle")


def stamps_of(what: Study, workers: int) -> list[float]:
    """When each block of a run into an empty folder was done, by its log."""
    from studies.engine.how import How
    from studies.engine.run import run

    with tempfile.TemporaryDirectory() as out, open(os.devnull, "w") as nothing, redirect_stdout(nothing):
        assert run(what, out, How(workers=workers)).ok
        (log,) = Path(out).rglob("*.jsonl")
        events = [json.loads(line) for line in log.read_text().splitlines()]
    return sorted(datetime.fromisoformat(e["at"]).timestamp() for e in events if e["event"] == "block")


def rate(stamps: list[float], workers: int) -> float:
    """Blocks per second once every worker has done its first."""
    return (len(stamps) - workers) / (stamps[-1] - stamps[workers - 1])


def spread(values: list[float], digits: int = 3) -> str:
    """Median [smallest, largest]."""
    return f"{np.median(values):.{digits}f} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def overhead(blocks: int) -> None:
    """Seconds per block that are not computation."""
    for name, workers in (("store, serial", 0), ("store and scheduler, 1 worker", 1)):
        began = time.process_time()
        found = np.diff(stamps_of(study(blocks, 0.0), workers))[1:].tolist()
        own = (time.process_time() - began) / blocks
        share = f"{100 * float(np.median(found)) / BLOCK:.1f} % of {BLOCK:g} s"
        here = f"{own:.3f} s of a core in this process"
        print(f"overhead, {name}: {spread(found)} s a block = {share}; {here}", flush=True)


def efficiency(repetitions: int, blocks: int, seconds: float) -> None:
    """Blocks per second with 2 workers over twice those with 1."""
    for name, busy in (("one core each", True), ("no core (asleep)", False)):
        found = []
        for _ in range(repetitions):
            one, two = (rate(stamps_of(study(blocks, seconds, busy), w), w) for w in (1, 2))
            found.append(two / (2 * one))
        what = f"blocks of {seconds:g} s that need {name}"
        print(f"parallel efficiency of 2 workers, {what}: {spread(found, 2)}", flush=True)


def simulation_efficiency(repetitions: int, out: Path) -> None:
    """The same for the headline study, whose compiled program may itself use more than one core."""
    fields = ["--width", "16", "--budget", "600", "--replicates", "256", "--rows", "16"]
    rates: dict[int, list[float]] = {1: [], 2: []}
    for i in range(repetitions):
        for workers in (1, 2):
            folder = out / f"{workers}-{i}"
            line = [sys.executable, "-m", "studies", "run", "xor_mixture", "--workers", str(workers)]
            subprocess.run([*line, *fields, "--out", str(folder)], check=True, capture_output=True)
            rates[workers].append(rate(sorted(p.stat().st_mtime for p in folder.rglob("*.nc")), workers))
    ratio = [two / (2 * one) for one, two in zip(rates[1], rates[2], strict=True)]
    each = "; ".join(f"{w}: {spread([1 / r for r in rates[w]], 2)} s a block" for w in rates)
    print(f"parallel efficiency of 2 workers, xor_mixture K = 16: {spread(ratio, 2)} ({each})", flush=True)


def start_up(repetitions: int) -> None:
    """Whole processes, in turn."""
    lines = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -m studies list": [sys.executable, "-m", "studies", "list"],
        "python -m figures --help": [sys.executable, "-m", "figures", "--help"],
        "import jax": [sys.executable, "-c", "import jax"],
    }
    took: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(repetitions):
        for name, line in lines.items():
            started = time.perf_counter()
            subprocess.run(line, check=True, capture_output=True)
            took[name].append(time.perf_counter() - started)
    for name, values in took.items():
        print(f"start-up, {name}: {spread(values)} s", flush=True)


def plan() -> None:
    """10^5 cells of the headline study in a process of its own; prints JSON."""
    from studies.catalogue.xor_mixture import CELL
    from studies.engine.status import survey
    from studies.store import Store
    from studies.store.log import Facts, RunLog

    grid = {
        "protocol": ("curriculum", "no_curriculum"),
        "width": (2, 4, 8, 16, 32),
        "learning_rate": tuple((np.arange(1, 1001) / 1000).tolist()),
        "easy_fraction": tuple((np.arange(1, 11) / 20).tolist()),
    }
    took = {}

    def timed(name: str, act: Callable):
        started = time.perf_counter()
        result = act()
        took[name] = time.perf_counter() - started
        return result

    what = timed("cells checked, addresses", lambda: Study(CELL, (grid,), replicates=32, name="plan"))
    blocks = what.blocks()
    with tempfile.TemporaryDirectory() as out:
        store = Store(out, "plan")
        store.prepare()
        log = RunLog(store.logs)
        timed("description written", lambda: store.describe(what.entry()))
        parts = []
        for block in blocks[::2]:
            data = block.address.encode()
            digest = hashlib.sha256(data).hexdigest()
            (store.blocks / f"{block.address}.{digest}.nc").write_bytes(data)
            parts.append({"event": "block"} | asdict(Facts(block.address, digest, "", "gram", 1.0, 1, 0)))
        log.path.write_text("".join(f"{json.dumps(part)}\n" for part in parts))
        there = timed("finished, pending", store.finished)
        assert sum(block.address not in there for block in blocks) == len(blocks) // 2
        told = timed("status", lambda: str(survey(what, store)))
        assert f"{len(blocks) // 2} done, {len(blocks) // 2} pending" in told
    cells = sum(len(block.protocols) for block in blocks)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cells": cells, "blocks": len(blocks), "seconds": took, "MiB": memory}))


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, shorter runs")
    parser.add_argument("--plan", action="store_true", help="the plan alone, in this process")
    args = parser.parse_args()
    if args.plan:
        plan()
        return
    repetitions = 3 if args.quick else 5
    start_up(repetitions + 2)
    for _ in range(1 if args.quick else 3):
        line = [sys.executable, "-m", "benchmarks.scale", "--plan"]
        found = json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout)
        parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found["seconds"].items())
        print(
            f"plan of {found['cells']} cells in {found['blocks']} blocks: {parts}; {found['MiB']:.0f} MiB",
            flush=True,
        )
    overhead(30 if args.quick else 100)
    efficiency(1 if args.quick else 3, 6 if args.quick else 10, BLOCK)
    with tempfile.TemporaryDirectory() as out:
        simulation_efficiency(1 if args.quick else 3, Path(out))


if __name__ == "__main__":
    from benchmarks import scale  # under its own name, so that workers find its classes

    scale.main()
