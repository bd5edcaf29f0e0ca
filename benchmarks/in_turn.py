"""Rows of a benchmark that are timed in turn, and the table they make."""

import csv
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import jax
import numpy as np

#: Call, and how many things it does.
Row = tuple[Callable[[], object], int]


def rates_in_turn(rows: Mapping[str, Row], repetitions: int) -> dict[str, list[float]]:
    """Things per second of every row, (repetitions,), in rounds of all rows; compilation is not counted."""
    rates: dict[str, list[float]] = {name: [] for name in rows}
    for call, _ in rows.values():
        call()
    for _ in range(repetitions):
        for name, (call, count) in rows.items():
            start = time.perf_counter()
            call()
            rates[name].append(count / (time.perf_counter() - start))
    return rates


def spread(found: Sequence[float], top: float) -> list[str]:
    """Median, lowest and highest rate, and how many times the median goes into `top`."""
    shown = (f"{value:.0f}" for value in (np.median(found), min(found), max(found)))
    return [*shown, f"{top / np.median(found):.1f}"]


def report(columns: Sequence[str], lines: Iterable[list[str]], out: str) -> None:
    """Print the table as it grows, below what it was measured on, and save it."""
    load = os.getloadavg()[0]
    print(f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores, load {load:.1f}, JAX {jax.__version__}\n")
    print(f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}", flush=True)
    kept = []
    for line in lines:
        kept.append(line)
        print(f"| {' | '.join(line)} |", flush=True)
    path = Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *kept])
