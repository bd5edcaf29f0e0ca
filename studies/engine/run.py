"""The verbs of the command line that compute: run, and verify."""

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from studies.cell import Block
from studies.engine.display import Display, Meter, runs_not_ok, short
from studies.engine.executors import Outcome, Report, run_here
from studies.engine.how import How
from studies.store import Store
from studies.store.log import Done, RunLog
from studies.study import Study

#: An executor: gets blocks computed and reports each; True when none is left.
Executor = Callable[[Sequence[Block], Store, Report], bool]


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
        from studies.engine.cluster import run_on_cluster

        return lambda pending, store, report: run_on_cluster(pending, store, report, how)
    from studies.engine.devices import local_devices

    return lambda pending, store, report: run_here(pending, store, report, local_devices(how.devices))
