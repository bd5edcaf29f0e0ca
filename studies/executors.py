"""Ways to get the pending blocks of a study computed."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import xarray as xr

from studies.store import Store
from studies.study import Block


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a request to stop after the block at hand; the second one stops at once."""
    asked = False

    def ask(number, frame):
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        print("\nstopping after this block; Ctrl-C again stops at once", flush=True)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: asked
    finally:
        signal.signal(signal.SIGINT, before)


def run_serially(
    pending: list[Block],
    store: Store,
    report: Callable[[Block, xr.Dataset], None],
) -> bool:
    """Compute blocks one after the other, each stored before the next; False if stopped before the end."""
    with stop_on_interrupt() as stopped:
        for block in pending:
            result = block.cell.compute(block)
            store.write(block.address, result)
            report(block, result)
            if stopped():
                return block is pending[-1]
    return True
