"""Blocks computed by the workers of a Dask cluster: processes of this machine, or jobs of a cluster.

One task per pending block. The worker does to it what a serial run does (`studies.executors.finish`) and
writes the result straight into the store, so no array travels over the network and nothing that is finished
depends on scheduler or client. A task whose worker dies is given to another; a worker that hangs is replaced
(see `--timeout`), and a block that fails is tried RETRIES times more.

Regime of validity: workers see the same folder and the same installation, and have the same kind of device;
then the arrays are those of the serial run, bit for bit. Whoever can reach the port of a Dask scheduler can
run code as its owner. The scheduler started by `--workers` listens on 127.0.0.1 only; for one that is started
from a file the file must say where it listens.
"""

import logging
import os
import time
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from studies.executors import PATIENCE, Outcome, Report, finish, stop_on_interrupt
from studies.store import Store
from studies.study import Block

try:
    import distributed
    import yaml
    from dask import config
except ImportError:
    raise ValueError(
        "--workers and --cluster need Dask: pip install 'tilting-odds[cluster]', or use --shard"
    ) from None

#: Further attempts at a block whose computation raised.
RETRIES = 2

#: Tasks known to the scheduler at a time.
WINDOW = 500

#: Kinds of clusters that a file may describe, and their classes in dask_jobqueue.
KINDS = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "oar": "OARCluster",
    "htcondor": "HTCondorCluster",
    "local": "LocalCluster",
}


class Asked(Protocol):
    """What is read of `studies.run.How`."""

    @property
    def workers(self) -> int: ...

    @property
    def cluster(self) -> str | None: ...

    @property
    def timeout(self) -> float | None: ...


def work_on(block: Block, out: str, name: str) -> Outcome:
    """What a worker does."""
    store = Store(out, name)
    if not store.blocks.is_dir():
        raise FileNotFoundError(
            f"{os.uname().nodename} does not see {store.blocks}; --out must be a folder that all workers "
            "share"
        )
    # else xarray, seeing that it runs in a task, would take a lock of the scheduler for every file in memory
    with config.set(scheduler="synchronous"):
        return finish(store, [block])[0]


@contextmanager
def connected(how: Asked) -> Iterator[distributed.Client]:
    """A client of the cluster asked for; what was started here is stopped at the end."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    # the port of a dashboard that nobody asked for
    warnings.filterwarnings("ignore", r"Port \d+ is already in use", UserWarning)
    # one task at a time per worker: none waits behind one that hangs
    with config.set({"distributed.scheduler.worker-saturation": 1.0}):
        if how.cluster is None:
            cluster = distributed.LocalCluster(
                n_workers=how.workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,  # pyright: ignore[reportArgumentType]
                silence_logs=logging.CRITICAL,
            )
            with cluster, distributed.Client(cluster) as client:
                yield client
        elif how.cluster.endswith((".yaml", ".yml")):
            with from_file(Path(how.cluster)) as cluster, distributed.Client(cluster) as client:
                yield client
        else:
            if ":" not in how.cluster:
                raise ValueError(
                    f"cluster is {how.cluster!r}; need the address of a scheduler, as tcp://host:8786, or a "
                    ".yaml file"
                )
            try:
                client = distributed.Client(how.cluster)
            except OSError:
                raise ValueError(
                    f"no Dask scheduler answers at {how.cluster}; start one with: dask scheduler"
                ) from None
            with client:
                yield client


@contextmanager
def from_file(path: Path) -> Iterator[Any]:
    """The cluster that a YAML file describes, with its jobs asked for.

    The file holds `jobs`, their number, and `jobqueue` with one kind of cluster and its settings, named as in
    the documentation of dask-jobqueue; see docs/slurm.yaml. Nothing in it is executed here.
    """
    import dask_jobqueue

    if not path.is_file():
        raise FileNotFoundError(f"no file {path}; docs/slurm.yaml is one to begin with")
    try:
        found = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    kinds = found.get("jobqueue") if isinstance(found, dict) else None
    if not isinstance(kinds, dict) or len(kinds) != 1 or set(found) != {"jobs", "jobqueue"}:
        raise ValueError(f"{path} needs the keys jobs and jobqueue, and in jobqueue one kind of cluster")
    ((kind, given),) = kinds.items()
    if kind not in KINDS:
        raise ValueError(f"unknown kind of cluster {kind!r} in {path}; known: {', '.join(KINDS)}")
    jobs = found["jobs"]
    if not isinstance(jobs, int) or jobs < 1:
        raise ValueError(f"jobs is {jobs!r} in {path}; need a whole number >= 1")
    given = {str(key).replace("_", "-"): value for key, value in (given or {}).items()}
    scheduler = dict(given.pop("scheduler-options", None) or {})
    if not (given.get("interface") or scheduler.keys() & {"host", "interface"}):
        if kind != "local":
            raise ValueError(
                f"{path} does not say where the scheduler listens; give interface, the network that the "
                "nodes share, as ib0 or eth0"
            )
        scheduler["host"] = "127.0.0.1"
    scheduler.setdefault("dashboard_address", None)
    before = config.get(f"jobqueue.{kind}", {})
    with config.set({f"jobqueue.{kind}": {**before, **given, "scheduler-options": scheduler}}):
        try:
            cluster = getattr(dask_jobqueue, KINDS[kind])()
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
        with cluster:
            # a job that ends, whatever the reason, is asked for again
            cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
            yield cluster


def processing(client: distributed.Client) -> dict[str, list]:
    """The tasks that each worker has been given."""
    found: Any = client.processing()
    return found


class Watch:
    """Notices workers that make no progress for longer than `limit` seconds, and has them replaced."""

    def __init__(self, client: distributed.Client, limit: float | None) -> None:
        self.client, self.limit = client, limit
        self.seen: dict[str, tuple[frozenset[str], float]] = {}

    def look(self) -> None:
        """Replace the workers whose tasks are the same as `limit` seconds ago."""
        if self.limit is None:
            return
        now = time.monotonic()
        tasks = {worker: frozenset(map(str, keys)) for worker, keys in processing(self.client).items()}
        self.seen = {
            worker: old if (old := self.seen.get(worker)) and old[0] == keys else (keys, now)
            for worker, keys in tasks.items()
            if keys
        }
        hung = [worker for worker, (_, since) in self.seen.items() if now - since > self.limit]
        if hung:
            for worker in hung:
                del self.seen[worker]
            try:
                self.client.restart_workers(hung, timeout=30, raise_for_error=False)
            except ValueError as error:  # started without a nanny, so nobody can replace it
                print(f"a worker hangs and cannot be replaced: {error}")


def run_on_cluster(pending: Sequence[Block], store: Store, report: Report, how: Asked) -> bool:
    """Have all blocks computed; False if stopped before the end."""
    out, name = str(store.folder.parent.absolute()), store.folder.name
    queue, running, attempts = deque(pending), {}, 0
    later: deque[tuple[float, Block]] = deque()  # blocks that another run computes
    with connected(how) as client, stop_on_interrupt() as stopped:
        watch = Watch(client, how.timeout)
        while queue or running or later:
            if stopped():
                queue.clear()
                later.clear()
                begun = {str(key) for keys in processing(client).values() for key in keys}
                waiting = [future for future in running if str(future.key) not in begun]
                client.cancel(waiting)
                for future in waiting:
                    del running[future]
            while later and later[0][0] < time.monotonic():
                queue.append(later.popleft()[1])
            while queue and len(running) < WINDOW:
                block, attempts = queue.popleft(), attempts + 1
                key = f"{name}-{block.address}-{os.getpid()}-{attempts}"
                future = client.submit(work_on, block, out, name, key=key, retries=RETRIES, pure=False)
                running[future] = block
            if not running:
                time.sleep(PATIENCE)
                continue
            try:
                distributed.wait(list(running), timeout=PATIENCE, return_when="FIRST_COMPLETED")
            except TimeoutError:
                watch.look()
            for future in [future for future in running if future.done()]:
                block = running.pop(future)
                if future.status == "finished":
                    outcome = future.result()
                    if outcome == "busy":
                        later.append((time.monotonic() + PATIENCE, block))
                    report(block, outcome)
                else:
                    report(block, _error(future))
                future.release()
        return not stopped()


def _error(future: distributed.Future) -> Exception:
    """Why a block has no result."""
    error = future.exception() if future.status == "error" else None
    return error if isinstance(error, Exception) else RuntimeError(f"task {future.status}")
