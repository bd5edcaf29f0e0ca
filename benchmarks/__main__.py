"""python -m benchmarks [--quick] [--border] [--out FILE]: measure, print and save one table.

Every ratio is between medians of the same run on the same machine, with the rows of a group timed in
turn. Read ratios; the seconds belong to the machine named in the first line. MiB is what the compiler
reserves (naive) or the estimate by which blocks are cut, an upper bound (Gram space, bulk, full).
"""

import argparse
import csv
import math
import os
import sys
from pathlib import Path

import jax

from benchmarks import simulators

COLUMNS = (
    *("what", "N", "K", "replicates", "protocols", "kilo run-steps/s", "low", "high"),
    *("x naive", "x PyTorch", "of random floor", "of floor", "compile s", "MiB"),
)

WIDTHS = (4, 16, 64, 256)

#: N and K around the border between Gram space and bulk.
BORDER = ((100, 64), (125, 64), (300, 128), (300, 256), (400, 256))


def table_row(row: simulators.Row, group: list[simulators.Row], flops_rate: float) -> list[str]:
    """One line of the table; ratios are per run-step, against rows of the same group."""
    reference = {r.what: r.rate() for r in group}
    ratios = [
        f"{row.rate() / reference[name]:.1f}" if name in reference else ""
        for name in ("naive vmap(scan)", "PyTorch loop")
    ]
    floors = ["", ""]
    if row.what == "gram":
        random, flops = simulators.floor_seconds(row, flops_rate)
        floors = [f"{random * row.rate():.2f}", f"{(random + flops) * row.rate():.2f}"]
    reserved = row.reserved()
    spread = [row.run_steps / max(row.seconds) / 1e3, row.run_steps / min(row.seconds) / 1e3]
    return [
        row.what, f"{row.n}", f"{row.width}", f"{row.replicates}", f"{row.protocols}",
        f"{row.rate() / 1e3:.1f}", *(f"{s:.1f}" for s in spread), *ratios, *floors, f"{row.compile_s:.1f}",
        "" if math.isnan(reserved) else f"{reserved / 2**20:.0f}",
    ]  # fmt: skip


def sizes(quick: bool, border: bool) -> list[tuple[int, int]]:
    """The pairs of N and K that are measured."""
    whole = [(n, k) for n in ((1000,) if quick else (1000, 300, 100_000)) for k in WIDTHS]
    return list(BORDER) if border else whole if quick else list(dict.fromkeys((*whole, *BORDER)))


def main(argv: list[str] | None = None) -> int:
    """Measure everything; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the table at N = 1000 only, shorter runs")
    parser.add_argument("--border", action="store_true", help="only where Gram space runs out of room")
    parser.add_argument("--out", default="results/benchmarks.csv", help="where to save the table")
    args = parser.parse_args(argv)
    repetitions = 3 if args.quick else 5
    flops_rate = simulators.matmul_rate()
    print(f"device: {jax.devices()[0].device_kind}, {os.cpu_count()} cores, JAX {jax.__version__}")
    print(f"jax.random.normal: {simulators.normal_rate(1000) / 1e6:.0f} M/s at 32 x 1000; ", end="")
    print(f"matrix product: {flops_rate / 1e9:.0f} Gflop/s\n\n| {' | '.join(COLUMNS)} |")
    print("|" + " --- |" * len(COLUMNS), flush=True)
    lines = []
    for n, width in sizes(args.quick, args.border):
        group = simulators.rows_for(n, width, args.quick)
        simulators.measure(group, repetitions)
        for row in group:
            lines.append(table_row(row, group, flops_rate))
            print(f"| {' | '.join(lines[-1])} |", flush=True)
    print()
    if not (args.quick or args.border):
        for line in simulators.growth(repetitions) + simulators.evaluation_share(repetitions):
            print(line, flush=True)
    path = Path(args.out)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *lines])
    print(f"\nsaved: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
