"""Blocks computed by the workers of a Dask cluster: processes of this machine, or jobs of a cluster.

One task per pending block. The worker does to it what a serial run does (`finish` of the executors) and
writes the result straight into the store, so no array travels over the network and nothing that is finished
depends on scheduler or client. A task whose worker dies is given to another; a worker that hangs is replaced
(see `--timeout`), and a block that fails is tried RETRIES times more.

Regime of validity: workers see the same folder and the same installation, and have the same kind of device;
then the arrays are those of the serial run, bit for bit. Whoever can reach the port of a Dask scheduler can
run code as its owner. The scheduler started by `--workers` listens on 127.0.0.1 only; for one that is started
from a file the file must say where it listens.
"""

import json
import logging
import os
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from studies.cell import Block
from studies.engine.events import Event, Failed, Hung, Waiting
from studies.engine.executors import PATIENCE, finish, stop_on_interrupt
from studies.engine.how import How
from studies.engine.programs import keep
from studies.engine.watch import Watch, processing
from studies.store import Store

try:
    import distributed
    from dask import config
    from distributed.client import FuturesCancelledError
    from distributed.comm.addressing import get_address_host_port
    from distributed.comm.core import CommClosedError
except ImportError:
    raise ValueError(
        "--workers and --cluster need Dask: pip install -e '.[cluster]' in the folder of the project, or use "
        "--shard"
    ) from None

#: Further attempts at a block whose computation raised, or hung.
RETRIES = 2

#: Seconds without a worker before a run ends.
LONELY = 60.0

#: Tasks known to the scheduler at a time.
WINDOW = 500


_one_block = threading.Lock()


def work_on(block: Block, out: str, name: str) -> Event:
    """What a worker does."""
    store = Store(out, name)
    keep()
    if not store.blocks.is_dir():
        raise FileNotFoundError(
            f"{os.uname().nodename} does not see {store.blocks}; --out must be a folder that all workers "
            "share"
        )
    # else xarray, seeing that it runs in a task, would take a lock of the scheduler for every file in memory
    # (a setting of the whole process, so it is set inside the lock); with several threads one block at a time
    with _one_block, config.set(scheduler="synchronous"):
        return finish(store, [block])[0]


def from_a_file(how: How) -> bool:
    """Whether a YAML file describes the cluster."""
    return how.cluster is not None and how.cluster.endswith((".yaml", ".yml"))


def client_of(cluster: distributed.LocalCluster | str) -> distributed.Client:
    """A client that is nobody's default: one that could not connect would stay that of the whole process."""
    return distributed.Client(cluster, set_as_default=False)


def address_of(cluster: str) -> str:
    """The address of a scheduler, which may stand in a file written by `dask scheduler --scheduler-file`."""
    if cluster.endswith(".json"):
        try:
            found = json.loads(Path(cluster).expanduser().read_bytes())
            return str(found["address"])
        except OSError as error:
            raise ValueError(f"{cluster} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise ValueError(
                f"{cluster} does not say where a scheduler listens; one that does is written by: "
                "dask scheduler --scheduler-file FILE.json"
            ) from None
    if ":" not in cluster:
        raise ValueError(
            f"cluster is {cluster!r}; need the address of a scheduler, as tcp://host:8786, the .json file "
            "that it wrote, or a .yaml file"
        )
    return cluster


def check_address(address: str) -> None:
    """Refuse what can be no scheduler's address before Dask does.

    It would leave behind a client half made, whose end, should it come while another one starts, waits for
    that one for ever.
    """
    _, port = get_address_host_port(address)
    if not 0 < port < 65536:
        raise ValueError(f"port is {port}; need 0 < port < 65536")
    certified = distributed.Security().get_connection_args("client")["ssl_context"]
    if address.startswith(("tls:", "wss:")) and not certified:
        raise ValueError("it needs the certificates of distributed.comm.tls in the configuration of Dask")


@contextmanager
def connected(how: How) -> Iterator[distributed.Client]:
    """A client of the cluster asked for; what was started here is stopped at the end."""
    for part in ("distributed", "distributed.client"):
        logging.getLogger(part).setLevel(logging.CRITICAL)
    # the port of a dashboard that nobody asked for
    warnings.filterwarnings("ignore", r"Port \d+ is already in use", UserWarning)
    # one task at a time per worker: none waits behind one that hangs; and a local worker that is replaced
    # twice within that time would be given up
    settings = {
        "distributed.scheduler.worker-saturation": 1.0,
        # whatever the user's configuration says: a copy of this process, with its threads, would hang
        "distributed.worker.multiprocessing-method": "spawn",
        **({} if how.cluster else {"distributed.deploy.lost-worker-timeout": "1000 days"}),
    }
    with config.set(settings):
        if how.cluster is None:
            cluster = distributed.LocalCluster(
                n_workers=how.workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,  # pyright: ignore[reportArgumentType]
                silence_logs=logging.CRITICAL,
            )
            with cluster, client_of(cluster) as client:
                yield client
        elif from_a_file(how):
            from studies.engine.cluster_file import from_file

            with from_file(Path(how.cluster).expanduser()) as cluster, client_of(cluster) as client:
                yield client
        else:
            address = address_of(how.cluster)
            try:
                check_address(address)
                client = client_of(address)
            except (OSError, ValueError) as error:
                why = "" if isinstance(error, OSError) else f" ({error})"
                raise ValueError(
                    f"no Dask scheduler answers at {address}{why}; start one with: dask scheduler"
                ) from None
            with client:
                yield client


#: Seconds in which a worker hands over what became of a block; longer means that it is gone.
ANSWER = 10.0


class Tasks:
    """The blocks that are left: waiting here, known to the scheduler, or computed by another run."""

    def __init__(self, client: distributed.Client, store: Store, pending: Sequence[Block]) -> None:
        self.client, self.folder = client, store.folder.absolute()
        self.queue = deque(pending)
        self.running: dict[distributed.Future, Block] = {}
        self.later: deque[tuple[float, Block]] = deque()
        self.hung: Counter[str] = Counter()
        self.busy: set[str] = set()
        self.attempts = 0

    def __bool__(self) -> bool:
        return bool(self.queue or self.running or self.later)

    def submit(self) -> None:
        """Let the scheduler know of as many as it may."""
        while self.later and self.later[0][0] < time.monotonic():
            self.queue.append(self.later.popleft()[1])
        while self.queue and len(self.running) < WINDOW:
            block, self.attempts = self.queue.popleft(), self.attempts + 1
            key = f"{self.folder.name}-{block.address}-{os.getpid()}-{self.attempts}"
            task = (work_on, block, str(self.folder.parent), self.folder.name)
            # the first asked for goes first; else the scheduler orders what arrives together by name
            first = {"priority": -self.attempts, "retries": RETRIES, "pure": False}
            self.running[self.client.submit(*task, key=key, **first)] = block

    def drop(self) -> None:
        """Give up all that no worker has begun."""
        self.queue.clear()
        self.later.clear()
        begun = {str(key) for keys in processing(self.client).values() for key in keys}
        self.cancel([future for future in self.running if str(future.key) not in begun])

    def cancel(self, futures: Sequence[distributed.Future]) -> None:
        """Take back what the scheduler was asked for."""
        self.client.cancel(list(futures))
        for future in futures:
            del self.running[future]

    def collect(self) -> Iterator[Event]:
        """Wait a moment for blocks; what became of them."""
        if not self.running:
            time.sleep(PATIENCE)
            return
        with suppress(TimeoutError), self.client.as_current():
            distributed.wait(list(self.running), timeout=PATIENCE, return_when="FIRST_COMPLETED")
        for future in [future for future in self.running if future.done()]:
            block = self.running[future]
            if future.status == "finished":
                try:
                    event: Any = future.result(timeout=ANSWER)
                except TimeoutError:  # the worker that had it is gone: asked for again, or dropped at a stop
                    continue
            else:
                error = future.exception() if future.status == "error" else None
                if not isinstance(error, Exception):  # its key is unknown to the scheduler: not the same
                    raise CommClosedError(f"task {future.status}")
                event = Failed(block, error)
            del self.running[future]
            future.release()
            if isinstance(event, Waiting):
                self.later.append((time.monotonic() + PATIENCE, block))
                if block.address in self.busy:  # said already
                    continue
                self.busy.add(block.address)
            yield event

    def replace(self, watch: Watch) -> Iterator[Event]:
        """Have workers that hang replaced; a block that hangs again and again counts as failed."""
        hung = watch.hung()
        for future, block in list(self.running.items()):
            if future.key not in hung.values():
                continue
            self.hung[block.address] += 1
            if self.hung[block.address] <= RETRIES:
                yield Hung(block, watch.limit or 0.0)
                continue
            self.cancel([future])
            yield Failed(block, TimeoutError(f"longer than {watch.limit:g} s, {RETRIES + 1} times"))
        if hung and self:
            watch.replace(list(hung))


def run_on_cluster(pending: Sequence[Block], store: Store, how: How) -> Generator[Event, None, None]:
    """Have all blocks computed; ends early if asked to stop.

    Raises
    ------
    ConnectionError : the scheduler is gone, or all workers are
    """
    # jobs that end are asked for again, and a queueing system may take its time
    lonely = None if from_a_file(how) else LONELY
    try:
        with connected(how) as client, stop_on_interrupt() as stopped:
            watch, tasks = Watch(client, how.timeout, lonely), Tasks(client, store, pending)
            while tasks:
                if stopped():
                    tasks.drop()
                tasks.submit()
                yield from tasks.collect()
                yield from tasks.replace(watch)
    except (CommClosedError, FuturesCancelledError):
        raise ConnectionError("the Dask scheduler is gone") from None
