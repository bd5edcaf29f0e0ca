"""PyTorch: `DataLoader(data, batch_sampler=BatchSampler(sampler))`, or torchdata's StatefulDataLoader."""
# the framework need not be installed where types are checked
# pyright: reportMissingImports=false, reportAttributeAccessIssue=false, reportIndexIssue=false
# pyright: reportArgumentType=false

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from curricula.sampler import Sampler


class BatchSampler(torch.utils.data.Sampler[list[int]]):
    """A `curricula.Sampler` as the `batch_sampler` of a loader.

    The loader asks it in the main process, so that the number of workers plays no part. One iteration of
    the loader is one epoch of the sampler; the next one goes on from there, with or without `set_epoch`.

    Parameters
    ----------
    sampler : curricula.Sampler
        With torch.distributed at work, the whole one: this process takes its share of every global batch.
        So a `DistributedSampler` is not needed, and batch_size counts the examples of all processes.

    Raises
    ------
    ValueError
        If there are more processes than examples in a batch.

    Examples
    --------
    >>> from torch.utils.data import DataLoader
    >>> sampler = BatchSampler(Sampler([0.3, 0.1, 0.2, 0.4], batch_size=2))
    >>> [x.tolist() for x in DataLoader([10, 11, 12, 13], batch_sampler=sampler)]
    [[11, 12], [10, 13]]
    """

    def __init__(self, sampler: Sampler) -> None:
        distributed = torch.distributed
        if sampler.world == 1 and distributed.is_available() and distributed.is_initialized():
            sampler = sampler.for_replica(distributed.get_rank(), distributed.get_world_size())
        self.sampler = sampler

    @property
    def batch_size(self) -> int:
        """Examples in a batch of this process; rounded up where processes do not share evenly."""
        return -(-self.sampler.batch_size // self.sampler.world)

    @property
    def drop_last(self) -> bool:
        """Whether all batches are full."""
        return self.sampler.last == "drop"

    def __iter__(self) -> Iterator[list[int]]:
        for batch in self.sampler:
            yield batch.tolist()

    def __len__(self) -> int:
        return len(self.sampler)

    def set_epoch(self, epoch: int) -> None:
        """See `Sampler.set_epoch`."""
        self.sampler.set_epoch(epoch)

    def state_dict(self, step: int | None = None) -> dict[str, Any]:
        """See `Sampler.state_dict`: a plain DataLoader with workers has asked for more batches than it gave.

        So pass the number of batches that were trained on, or use torchdata's StatefulDataLoader, which
        takes the state of the right moment.
        """
        return self.sampler.state_dict(step)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Sampler.load_state_dict`."""
        self.sampler.load_state_dict(state)


class ExampleSampler(torch.utils.data.Sampler[int]):
    """A `curricula.Sampler` as the `sampler` of a loader that makes batches itself, one index at a time.

    Each iteration begins at the start of an epoch, since such loaders (Hugging Face's Trainer, accelerate)
    skip by themselves what was trained on before; without `set_epoch` the next iteration is the next epoch.
    The loader deals the indices out again: batches of b on w processes keep the order where b w is the
    sampler's batch_size or a divisor of it.

    Examples
    --------
    >>> list(ExampleSampler(Sampler([0.3, 0.1, 0.2, 0.4], batch_size=2)))
    [1, 2, 0, 3]
    """

    def __init__(self, sampler: Sampler) -> None:
        if sampler.world > 1 or sampler.last == "short":
            raise ValueError('need the sampler of all replicas, with last="drop": the loader shares batches')
        self.sampler, self.epoch = sampler, 0

    def __iter__(self) -> Iterator[int]:
        first = self.epoch * len(self.sampler)
        self.epoch += 1
        for step in range(first, first + len(self.sampler)):
            yield from self.sampler.batch(step).tolist()

    def __len__(self) -> int:
        return len(self.sampler) * self.sampler.batch_size

    def set_epoch(self, epoch: int) -> None:
        """The next iteration is this epoch."""
        self.epoch = epoch
