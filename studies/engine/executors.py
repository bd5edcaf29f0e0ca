"""Executors that compute in this process: block after block, or spread over its devices.

`finish` is all that is ever done to a block, by whichever process: claim it, look whether it is there by
now, compute it, store it. Processes of a cluster do the same (`studies.engine.cluster`).
"""

import logging
import os
import platform
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import chain
from typing import TypeVar

import xarray as xr

from studies.cell import Block, ForeseenCell, ResumableCell, TiledCell
from studies.engine.devices import local_devices
from studies.engine.events import Done, Event, Failed, Found, Waiting
from studies.engine.pace import program, work
from studies.engine.programs import made_ahead
from studies.store import Store
from studies.store.log import Facts
from studies.store.progress import Progress
from studies.store.provenance import provenance_of

logger = logging.getLogger(__name__)

#: Seconds between two looks at blocks that another run computes.
PATIENCE = 0.5

Result = TypeVar("Result")

#: Programs of which this process has computed a block.
_compiled: set[Hashable] = set()


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a request to stop after the blocks at hand; the second one stops at once.

    SIGTERM keeps its meaning and ends the process at once; no harm comes of that.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked = False

    def ask(number, frame):
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        logger.warning("stopping after the blocks at hand; Ctrl-C again stops at once")

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def finish(store: Store, blocks: Sequence[Block], places: int = 1) -> list[Event]:
    """Compute and store those of the blocks that are ours to compute; what became of each.

    Parameters
    ----------
    blocks : one, or several that run as one program (see `together`)
    places : number of devices that program is compiled for
    """
    with ExitStack() as claims:
        ours = [claims.enter_context(store.claim(block.address)) for block in blocks]
        names = store.names({block.address for block in blocks})
        there = store.finished(names)
        mine = [b for b, own in zip(blocks, ours, strict=True) if own and b.address not in there]
        for block in mine:
            store.sweep(block.address, names)
        partial = [Progress.of(block, store.partial) for block in mine]
        results = compute(mine, places, partial)
        done = {b.address: _store(store, b, r) for b, r in zip(mine, results, strict=True)}
        for progress in filter(None, partial):
            progress.clear()
    return [done.get(b.address) or (Found(b) if b.address in there else Waiting(b)) for b in blocks]


def compute(
    blocks: Sequence[Block], places: int = 1, partial: Sequence[Progress | None] | None = None
) -> list[xr.Dataset]:
    """The results of blocks that run as one program; RuntimeError names the block where one fails.

    OSError passes as it is: it says which file is missing.

    `partial` holds, for each block, where it goes on from and saves to, if anywhere.
    """
    try:
        if places > 1 and blocks and isinstance(blocks[0].cell, TiledCell):
            return blocks[0].cell.compute_tiles(blocks, places)
        kept = partial or [None] * len(blocks)
        return [
            b.cell.resume(b, p) if p and isinstance(b.cell, ResumableCell) else b.cell.compute(b)
            for b, p in zip(blocks, kept, strict=True)
        ]
    except OSError:  # a file that is missing or cannot be read: the message is for the user
        raise
    except Exception as error:
        raise RuntimeError(f"{blocks[0].label()}: {type(error).__name__}: {error}") from error


def _store(store: Store, block: Block, result: xr.Dataset) -> Done | Found:
    kind = program(block)
    first = kind not in _compiled
    _compiled.add(kind)
    try:
        path = store.write(block.address, result.assign_attrs(provenance_of(block)))
    except FileExistsError:  # where the file system has no locks, another run may be faster
        return Found(block)
    return Done(block, facts_of(block, result, path.name), first, f"{platform.node()}:{os.getpid()}")


def facts_of(block: Block, result: xr.Dataset, name: str) -> Facts:
    """What is worth knowing of a block whose result is in the file `name`."""
    return Facts(
        block.address,
        name.split(".")[1],
        block.label(),
        str(result.attrs.get("method", "")),
        float(result.attrs.get("seconds", 0.0)),
        int(result.attrs.get("run_steps", 0)),
        int((result.status != 0).sum()),
    )


def together(pending: Sequence[Block], devices: int) -> Iterator[tuple[list[Block], int]]:
    """Blocks in the groups in which they are computed, with the number of places of its program.

    A group holds blocks of one program, as many as the devices run at once.
    """
    waiting: dict[object, list[Block]] = {}
    places: dict[object, int] = {}
    for block in pending:
        if not isinstance(block.cell, TiledCell):
            yield [block], 1
            continue
        program = block.cell.program(block)
        if program not in places:
            places[program] = block.cell.tiles_in_flight(block, devices)
        group = waiting.setdefault(program, [])
        group.append(block)
        if len(group) == places[program]:
            yield waiting.pop(program), places[program]
    for program, group in waiting.items():
        yield group, places[program] if len(group) > 1 else 1


def attempt(store: Store, blocks: Sequence[Block], places: int = 1) -> list[Event]:
    """As `finish`, and blocks that fail are `Failed`; OSError, as of a full disk, ends the run."""
    try:
        return finish(store, blocks, places)
    except OSError:
        raise
    except Exception as error:
        if len(blocks) == 1:
            return [Failed(blocks[0], error)]
        return [attempt(store, [block])[0] for block in blocks]  # which of them it was


def accelerated() -> bool:
    """Whether the first device is no CPU; JAX is started for this."""
    import jax

    return jax.default_backend() != "cpu"


def overlapped(calls: Iterable[Callable[[], Result]], beside: int) -> Iterator[Result]:
    """The results of calls, in their order, of which so many run at once, each in a thread if more than one.

    An accelerator is busy with one group while the host plans the next and stores the last: `beside` = 2.
    """
    if beside == 1:
        for call in calls:
            yield call()
        return
    with ThreadPoolExecutor(beside, "group") as threads:
        running: deque[Future[Result]] = deque()
        for call in calls:
            running.append(threads.submit(call))
            if len(running) == beside:
                yield running.popleft().result()
        for future in running:
            yield future.result()


def run_here(pending: Sequence[Block], store: Store, devices: int | None = 1) -> Generator[Event, None, None]:
    """Compute blocks in this process, each stored before the next; ends early if asked to stop.

    Tiles are spread over `devices`, see `studies.engine.devices.local_devices`.

    Blocks that another run is computing are left for last; should that run die, they are computed here.
    Where programs can be compiled ahead the largest groups come first, and the others' programs are compiled
    meanwhile.
    """
    tiled = any(isinstance(block.cell, TiledCell) for block in pending)
    groups = list(together(pending, local_devices(devices) if tiled or devices is not None else 1))
    if any(isinstance(block.cell, ForeseenCell) for block in pending):
        groups.sort(key=lambda group: -sum(map(work, group[0])))
    beside = 2 if tiled and accelerated() else 1
    with stop_on_interrupt() as stopped, made_ahead(groups) as ahead:

        def finished(group: Sequence[Block], places: int) -> list[Event]:
            if ahead:
                ahead.wait_for(group[0], places)
            return attempt(store, group, places)

        busy: deque[Block] = deque()
        begun = (partial(finished, *group) for group in groups if not stopped())
        for event in chain.from_iterable(overlapped(begun, beside)):
            if isinstance(event, Waiting):
                busy.append(event.block)
            yield event
        while busy and not stopped():
            (event,) = attempt(store, [busy[0]])
            if isinstance(event, Waiting):
                time.sleep(PATIENCE)
                busy.rotate(-1)
            else:
                busy.popleft()
                yield event
