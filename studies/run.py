"""The verbs of the command line that compute: run, and verify."""

import random
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import xarray as xr

from studies.display import Display, Meter, runs_not_ok, short
from studies.executors import Outcome, Report, compute, run_here
from studies.log import Done, RunLog
from studies.store import Store
from studies.study import Block, Study

#: An executor: gets blocks computed and reports each; True when none is left.
Executor = Callable[[Sequence[Block], Store, Report], bool]


@dataclass(frozen=True)
class How:
    """How a run is to be carried out; changes no number.

    devices : int or None, local devices to spread tiles over; None is all, on a CPU one
    workers : int, processes on this machine; 0 computes in this process
    cluster : address of a Dask scheduler, or a YAML file for dask-jobqueue
    timeout : seconds after which the worker of a block is taken to hang; None is never
    shard : (i, n), compute only every n-th block, from the i-th; 1 <= i <= n
    """

    devices: int | None = None
    workers: int = 0
    cluster: str | None = None
    timeout: float | None = None
    shard: tuple[int, int] = (1, 1)

    @classmethod
    def read(
        cls,
        devices: str | None,
        workers: str | None,
        cluster: str | None,
        timeout: str | None,
        shard: str | None,
    ) -> "How":
        """From the text of the command line; ValueError in one line."""
        if (workers or cluster) and devices:
            raise ValueError(
                "--devices spreads tiles inside one process; with --workers or --cluster every process uses "
                "its first device: give each its own, as by CUDA_VISIBLE_DEVICES"
            )
        if workers and cluster:
            raise ValueError("--workers starts processes here and --cluster uses others; give one of them")
        if timeout and not (workers or cluster):
            raise ValueError("--timeout replaces workers that hang; it needs --workers or --cluster")
        numbers = {}
        for name, text, kind in (
            ("devices", devices, int),
            ("workers", workers, int),
            ("timeout", timeout, float),
        ):
            try:
                whole = name == "devices" and text == "all"
                numbers[name] = None if text is None or whole else kind(text)
            except ValueError:
                raise ValueError(f"{name} is {text!r}; need a number >= 1") from None
            if numbers[name] is not None and not 1 <= numbers[name] < float("inf"):
                raise ValueError(f"{name} is {text!r}; need a number >= 1")
        i, slash, n = (shard or "1/1").partition("/")
        if not (slash and i.isdecimal() and n.isdecimal() and 1 <= int(i) <= int(n)):
            raise ValueError(f"shard is {shard!r}; need i/n with 1 <= i <= n, as 3/10")
        return cls(
            -1 if devices == "all" else numbers["devices"],
            numbers["workers"] or 0,
            cluster,
            numbers["timeout"],
            (int(i), int(n)),
        )

    def share(self, blocks: list[Block]) -> list[Block]:
        """The blocks of this shard; it does not depend on what is finished."""
        i, n = self.shard
        return blocks[i - 1 :: n]


def run(study: Study, out: str, how: How | None = None) -> int:
    """Compute and store the blocks that are missing.

    Returns
    -------
    0 when all is done, 1 when blocks failed, 130 when stopped
    """
    how = how or How()
    store = Store(out, study.name)
    store.prepare()
    blocks = how.share(study.blocks())
    with said_in_one_line(store, "nothing finished is lost"):
        store.describe(study.entry())
    store.check()
    finished = store.finished()
    pending = [block for block in blocks if block.address not in finished]
    shard = "" if how.shard == (1, 1) else f" of shard {how.shard[0]}/{how.shard[1]}"
    print(
        f"{study.name} {study.address}: {len(blocks) - len(pending)} of {len(blocks)} blocks{shard} done",
        flush=True,
    )
    log, meter = RunLog(store.logs), Meter(pending)
    log.start(study=study.address, blocks=len(blocks), pending=len(pending), shard=list(how.shard))
    waiting: set[str] = set()
    failed: list[str] = []
    with Display(study.name, meter) as display:

        def report(block: Block, outcome: Outcome | Exception) -> None:
            if isinstance(outcome, Done):
                log.block(outcome)
                display.block(block, outcome)
            elif outcome == "found":
                display.block(block, None)
            elif isinstance(outcome, Exception):
                failed.append(block.label())
                trace = "".join(traceback.format_exception(outcome))
                log.write(
                    "failed", address=block.address, label=block.label(), error=repr(outcome), traceback=trace
                )
                display.line(f"  {block.label()}  FAILED: {type(outcome).__name__}: {outcome}")
            elif outcome == "hung":
                log.write("replaced", address=block.address, label=block.label(), timeout=how.timeout)
                display.line(f"  {block.label()}  no end after {how.timeout:g} s: its worker is replaced")
            elif block.address not in waiting:
                waiting.add(block.address)
                log.write("waiting", address=block.address, label=block.label())
                display.line(f"  {block.label()}  is being computed by another run; left for last")

        try:
            done = _executor(how)(pending, store, report) if pending else True
        except KeyboardInterrupt:
            done = False
        except OSError as error:
            log.write("stop", error=str(error))
            with said_in_one_line(store, f"the {meter.done} blocks finished in this run are safe"):
                raise
    if not done and not failed:
        log.write("stop", done=meter.done)
        print(f"stopped; the same command goes on from here: {store.folder}")
        return 130
    log.write("end", done=meter.done, failed=len(failed), seconds=meter.elapsed)
    if failed:
        print(
            f"{len(failed)} blocks failed, the first: {failed[0]}; the same command tries them again; "
            f"tracebacks: {log.path}"
        )
        return 1
    bad = f"; {runs_not_ok(meter.not_ok)}" if meter.not_ok else ""
    print(f"done in {short(meter.elapsed)}; {store.folder}{bad}")
    return 0


@contextmanager
def said_in_one_line(store: Store, safe: str) -> Iterator[None]:
    """Say what a failure to write means and what to do."""
    try:
        yield
    except OSError as error:
        # an error of the system has a number; one without was raised with a message, as for a missing file
        what = f"{error.strerror} while writing to {store.folder}" if error.errno else f"{error}"
        raise OSError(f"{what}; {safe}, and the same command goes on once the cause is removed") from error


def _executor(how: How) -> Executor:
    if how.workers or how.cluster:
        from studies.cluster import run_on_cluster

        return lambda pending, store, report: run_on_cluster(pending, store, report, how)
    from studies.devices import local_devices

    return lambda pending, store, report: run_here(pending, store, report, local_devices(how.devices))


def verify(study: Study, out: str, cells: int = 3, seed: int | None = None) -> int:
    """Compute randomly chosen finished cells again and compare them bit by bit; 0 if all agree, else 1.

    A cell is one protocol and replicate of a block. Its whole block is computed, as its shape decides
    the bits. Other kinds of devices or versions of the libraries may give other bits: the largest
    difference is printed with what the stored block was made by.
    """
    store = Store(out, study.name)
    store.asked()  # says what to do where there is nothing
    there = store.finished()
    blocks = [block for block in study.blocks() if block.address in there]
    if not blocks:
        raise FileNotFoundError(f"no finished block of {study.address} in {store.folder}; see studies status")
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    chosen = sorted(_choose(blocks, study.replicates, cells, random.Random(seed)))
    print(f"{study.name} {study.address}: computing {len(chosen)} cells again (--seed {seed})", flush=True)
    again: dict[str, xr.Dataset] = {}
    differ = 0
    for index, protocol, replicate in chosen:
        block = blocks[index]
        stored = store.read(block.address)
        name = f"{block.cell.label()} {protocol} replicate {replicate}"
        if stored is None:
            differ += 1
            print(f"  {name}: damaged")
            continue
        if block.address not in again:
            started = time.perf_counter()
            again = {block.address: compute([block])[0]}  # one at a time in memory: they are sorted
            print(f"  {block.label()}: {time.perf_counter() - started:.1f} s", flush=True)
        at = {"protocol": protocol, "replicate": replicate}
        difference = _difference(stored.sel(at), again[block.address].sel(at))
        differ += difference is not None
        made = f"; stored by {stored.attrs.get('versions')} on {stored.attrs.get('device')}"
        print(f"  {name}: " + ("identical" if difference is None else f"DIFFERS, {difference}{made}"))
    print(f"{len(chosen) - differ} of {len(chosen)} cells identical")
    return int(differ > 0)


def _choose(
    blocks: list[Block], replicates: int, cells: int, rng: random.Random
) -> set[tuple[int, str, int]]:
    """`cells` different (block number, protocol, replicate), all cells equally likely."""
    sizes = [len(b.protocols) * sum(r < replicates for r in b.replicates) for b in blocks]
    ends = np.cumsum(sizes)
    found = set()
    for number in rng.sample(range(int(ends[-1])), min(cells, int(ends[-1]))):
        index = int(np.searchsorted(ends, number, side="right"))
        block = blocks[index]
        rows = sizes[index] // len(block.protocols)
        protocol, row = divmod(number - (int(ends[index]) - sizes[index]), rows)
        found.add((index, block.protocols[protocol], int(block.replicates[row])))
    return found


def _difference(stored: xr.Dataset, new: xr.Dataset) -> str | None:
    """Where two results differ, in words; None where every bit agrees."""
    if set(stored.data_vars) != set(new.data_vars):
        return "other quantities were recorded"
    for name in stored.data_vars:
        a, b = stored[name].values, new[name].values
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"{name} has another shape or type"
        if a.tobytes() != b.tobytes():
            gap = np.nanmax(np.abs(a.astype(float) - b.astype(float)))
            return f"{name} by up to {gap:.2g}"
    return None
