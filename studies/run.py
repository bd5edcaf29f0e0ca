"""The verbs of the command line: run, status, where."""

import os
import time
from datetime import timedelta

import xarray as xr
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from studies.executors import run_serially
from studies.store import Store
from studies.study import Block, Study


def work(block: Block) -> float:
    """What the time of a block is roughly proportional to."""
    return block.rows * len(block.protocols) * block.cell.work


def run(study: Study, out: str) -> int:
    """Compute and store the blocks that are missing; 0 when all is done, 130 when stopped."""
    store = Store(out, study.name)
    store.prepare()
    blocks = study.blocks()
    store.describe(study.entry())
    store.check()
    finished = store.finished()
    pending = [block for block in blocks if block.address not in finished]
    print(
        f"{study.name} {study.address}: {len(blocks) - len(pending)} of {len(blocks)} blocks done", flush=True
    )
    started, diverged = time.perf_counter(), 0
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(study.name, total=len(pending))

        def report(block: Block, result: xr.Dataset) -> None:
            nonlocal diverged
            diverged += int(result.status.sum())
            progress.advance(bar)
            rate = result.attrs["run_steps"] / result.attrs["seconds"]
            line = (
                f"  {block.label()}  {result.attrs['method']}  {result.attrs['seconds']:.1f} s"
                f"  {rate / 1e3:.0f}k run-steps/s"
            )
            bad = int(result.status.sum())
            progress.console.print(
                line + (f"  {bad} diverged" if bad else ""), highlight=False, soft_wrap=True
            )

        done = run_serially(pending, store, report)
    if not done:
        print(f"stopped; the same command goes on from here: {store.folder}")
        return 130
    took = timedelta(seconds=round(time.perf_counter() - started))
    print(f"done in {took}; {store.folder}" + (f"; {diverged} runs diverged" if diverged else ""))
    return 0


def status(study: Study, out: str) -> int:
    """Print blocks done, pending, and with diverged runs, and the time left."""
    store, blocks = Store(out, study.name), study.blocks()
    found = {block.address: store.read(block.address) for block in blocks}
    done = [(block, ds) for block in blocks if (ds := found[block.address]) is not None]
    pending = [block for block in blocks if found[block.address] is None]
    failed = sum(bool(ds.status.any()) for _, ds in done)
    print(
        f"{study.name} {study.address}: {len(done)} done, {len(pending)} pending, {failed} with diverged runs"
    )
    if done and pending:
        pace = sum(ds.attrs["seconds"] for _, ds in done) / sum(work(block) for block, _ in done)
        left = timedelta(seconds=round(pace * sum(map(work, pending))))
        print(f"time left about {left}, at the pace of the blocks done")
    return 0


def where(study: Study, out: str) -> int:
    """Print the address and the folder."""
    blocks = study.blocks()
    store = Store(out, study.name)
    print(f"study   {study.address}\nblocks  {len(blocks)}\nfolder  {os.fspath(store.folder)}")
    return 0
