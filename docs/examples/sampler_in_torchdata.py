"""A curriculum in torchdata's StatefulDataLoader, which keeps the state of the batch that was trained on."""

import torch
from torchdata.stateful_dataloader import StatefulDataLoader

from curricula import Sampler, pace
from curricula.adapters.torch import BatchSampler

data = torch.arange(1000)
difficulty = torch.rand(1000, generator=torch.Generator().manual_seed(0)).numpy()


def make():
    sampler = Sampler(difficulty, pacing=pace("linear", total=60, b=0.2), batch_size=50, seed=1)
    return StatefulDataLoader(data, batch_sampler=BatchSampler(sampler), num_workers=2)


first, second = make(), make()
walk = iter(first)
shown = [next(walk).tolist() for _ in range(7)]
second.load_state_dict(first.state_dict())
rest = [batch.tolist() for batch in second]
print(f"{len(rest)} batches left in the epoch, the same: {rest == [batch.tolist() for batch in walk]}")
