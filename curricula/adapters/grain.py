"""Grain: the order of a sampler as a `MapDataset`, which Grain shares, batches and checkpoints."""
# the framework need not be installed where types are checked
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportIndexIssue=false
# pyright: reportArgumentType=false

from typing import Any, Protocol, SupportsIndex, runtime_checkable

import grain

from curricula.sampler import Sampler
from teacher_student.checks import whole


@runtime_checkable
class Indexed(Protocol):
    """Examples by index: a list, an array, a data source of Grain."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


class Ordered:
    """Random access to the examples in the order in which they are shown: entry i of batch i // B.

    Parameters
    ----------
    data : what holds the examples, by index
    sampler : the sampler of all replicas, with last="drop"
    steps : number of batches
    """

    def __init__(self, data: Indexed, sampler: Sampler, steps: int) -> None:
        whole("steps", steps, 1)
        if sampler.world > 1 or sampler.last == "short":
            raise ValueError('need the sampler of all replicas, with last="drop": Grain shares batches')
        if len(data) != len(sampler.ranking):
            raise ValueError(f"the data have {len(data)} examples but the ranking {len(sampler.ranking)}")
        self.data, self.sampler, self.steps = data, sampler, steps
        self._batch: tuple[int, Any] = (-1, None)

    def __len__(self) -> int:
        return self.steps * self.sampler.batch_size

    def __getitem__(self, index: SupportsIndex) -> Any:
        step, place = divmod(index.__index__(), self.sampler.batch_size)
        known, batch = self._batch  # read and replaced as one, so that threads do not mix them
        if known != step:
            batch = self.sampler.batch(step)
            self._batch = (step, batch)
        return self.data[int(batch[place])]

    def __repr__(self) -> str:
        return f"Ordered({self.steps} batches of {self.sampler.batch_size} from {len(self.data)} examples)"


def ordered(data: Indexed, sampler: Sampler, *, steps: int) -> grain.MapDataset:
    """A Grain data set of the examples in the order in which the sampler shows them.

    Its iterators know their position, also with workers, and Grain saves it with
    `iterator.get_state()`: nothing of ours has to be saved. `[rank::world]` is the share of a replica, equal
    to `Sampler.for_replica` where world divides the batch size.

    Parameters
    ----------
    data : what holds the examples, by index, as many as the ranking has
    sampler : curricula.Sampler
        Of all replicas, with last="drop".
    steps : number of batches, over all epochs

    Examples
    --------
    >>> data = ordered("abcd", Sampler([0.3, 0.1, 0.2, 0.4], batch_size=2), steps=2)
    >>> [data[i] for i in range(4)], list(data[1::2])
    (['b', 'c', 'a', 'd'], ['c', 'd'])
    """
    return grain.MapDataset.source(Ordered(data, sampler, steps))
