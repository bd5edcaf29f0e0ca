"""The workers of a cluster, looked at now and then: who hangs, and whether there is any."""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from studies.engine.executors import PATIENCE

if TYPE_CHECKING:
    import distributed

logger = logging.getLogger(__name__)


def processing(client: "distributed.Client") -> dict[str, list]:
    """The tasks that each worker has been given, the oldest first."""
    found: Any = client.processing()
    return found


class Watch:
    """Looks at the workers now and then.

    limit : seconds without progress after which a worker is taken to hang; None is never
    lonely : seconds without any worker after which there is no point in waiting; None is never
    """

    #: Seconds since any moment.
    clock = staticmethod(time.monotonic)

    def __init__(self, client: "distributed.Client", limit: float | None, lonely: float | None) -> None:
        self.client, self.limit, self.lonely = client, limit, lonely
        self.seen: dict[str, tuple[frozenset[str], float]] = {}
        self.looked = self.met = self.clock()

    def hung(self) -> dict[str, str]:
        """Each worker whose tasks are the same as `limit` seconds ago, and the task that it hangs in.

        Raises
        ------
        ConnectionError : there is no worker
        """
        now = self.clock()
        if now - self.looked < PATIENCE:
            return {}
        self.looked = now
        tasks = {worker: list(map(str, keys)) for worker, keys in processing(self.client).items()}
        if tasks:
            self.met = now
        elif self.lonely is not None and now - self.met > self.lonely:
            raise ConnectionError(f"no worker of the cluster for {self.lonely:g} s")
        self.seen = {
            worker: old if (old := self.seen.get(worker)) and old[0] == set(keys) else (frozenset(keys), now)
            for worker, keys in tasks.items()
            if keys
        }
        if self.limit is None:
            return {}
        return {w: tasks[w][0] for w, (_, since) in self.seen.items() if now - since > self.limit}

    def replace(self, workers: Sequence[str]) -> None:
        """Have workers killed and started again; a word where that is not possible."""
        for worker in workers:
            del self.seen[worker]
        try:
            self.client.restart_workers(list(workers), timeout=30, raise_for_error=False)
        except ValueError as error:  # started without a nanny
            logger.warning("a worker hangs and cannot be replaced: %s", error)
