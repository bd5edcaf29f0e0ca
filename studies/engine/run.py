"""Run a study: a loop over what its executor says, heard by the log, the tally and whoever else listens."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager

from studies.cell import Block
from studies.engine.changes import note
from studies.engine.events import Ended, Event, Executor, Listener, Started
from studies.engine.executors import run_here
from studies.engine.how import How
from studies.engine.journal import Journal
from studies.engine.programs import keep
from studies.engine.tally import Tally, runs_not_ok, short
from studies.store import Store
from studies.store.log import RunLog
from studies.study import Study

logger = logging.getLogger(__name__)


def run(study: Study, out: str, how: How | None = None, listeners: Sequence[Listener] = ()) -> Tally:
    """Compute and store the blocks that are missing.

    Parameters
    ----------
    out : folder of the results
    how : where to compute; default: in this process
    listeners : told of everything that happens, in order

    Returns
    -------
    Tally : `ok` when all is done; else `failed` blocks, and those `left` when it was stopped

    Raises
    ------
    OSError : results cannot be written; what was finished before is safe
    """
    how = how or How()
    store = Store(out, study.name)
    store.prepare()
    blocks = how.share(study.blocks())
    with said_in_one_line(store, "nothing finished is lost"):
        store.describe(study.entry())
    store.check()
    finished = store.finished()
    pending = tuple(block for block in blocks if block.address not in finished)
    logger.info(
        "%s %s: %d of %d blocks%s done",
        study.name,
        study.address,
        len(blocks) - len(pending),
        len(blocks),
        "" if how.shard == (1, 1) else f" of shard {how.shard[0]}/{how.shard[1]}",
    )
    if study.surplus:
        logger.info(
            "blocks are computed whole: %d replicates, of which the first %d are asked for",
            study.replicates + study.surplus,
            study.replicates,
        )
    if changed := note(store, [finished[block.address] for block in blocks if block.address in finished]):
        logger.info("note: %s", changed)
    tally = Tally(how.processes)
    log = RunLog(store.logs)
    heard = (tally, Journal(log, tally), *listeners)

    def tell(event: Started | Event | Ended) -> None:
        for listener in heard:
            listener(event)

    tell(Started(study, len(blocks), pending, how.shard))
    error: Exception | None = None
    try:
        with said_in_one_line(store, lambda: f"the {tally.done} blocks finished in this run are safe"):
            for event in events(how, pending, store):
                tell(event)
    except KeyboardInterrupt:
        pass  # the second one; what is left says that it was stopped
    except Exception as raised:
        error = raised
        raise
    finally:
        tell(Ended(error))
    say_the_end(tally, store, log)
    return tally


def say_the_end(tally: Tally, store: Store, log: RunLog) -> None:
    """How a run ended, in a line."""
    failed = ""
    if tally.failed:
        failed = (
            f"{len(tally.failed)} blocks failed, the first: {tally.failed[0]}; the same command tries them "
            f"again; tracebacks: {log.path}"
        )
    if tally.left:
        logger.info("stopped; the same command goes on from here: %s", store.folder)
    if failed:
        logger.info(failed)
    elif not tally.left:
        bad = f"; {runs_not_ok(tally.not_ok)}" if tally.not_ok else ""
        logger.info("done in %s; %s%s", short(tally.elapsed), store.folder, bad)


@contextmanager
def said_in_one_line(store: Store, safe: str | Callable[[], str]) -> Iterator[None]:
    """Say what a failure to write means and what to do."""
    try:
        yield
    except OSError as error:
        # an error of the system has a number; one without was raised with a message, as for a missing file
        what = f"{error.strerror} while writing to {store.folder}" if error.errno else f"{error}"
        lost = safe if isinstance(safe, str) else safe()
        raise OSError(f"{what}; {lost}, and the same command goes on once the cause is removed") from error


def events(how: How, pending: Sequence[Block], store: Store) -> Generator[Event, None, None]:
    """What the executor asked for says of the pending blocks."""
    if pending:
        keep(how.programs)
        with closing(executor(how)(pending, store)) as said:
            yield from said


def executor(how: How) -> Executor:
    """Where blocks are computed."""
    if how.workers or how.cluster:
        from studies.engine.cluster import run_on_cluster

        return lambda pending, store: run_on_cluster(pending, store, how)
    return lambda pending, store: run_here(pending, store, how.devices)
