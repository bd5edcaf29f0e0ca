"""A curriculum in a PyTorch loader with workers; under torchrun each process takes its share of a batch."""

import torch
from torch.utils.data import DataLoader, TensorDataset

from curricula import Sampler, pace
from curricula.adapters.torch import BatchSampler

torch.manual_seed(0)
x = torch.randn(2000, 20)
y, difficulty = (x[:, 0] > 0).long(), -x[:, 0].abs()  # near the boundary = hard
sampler = Sampler(difficulty.numpy(), pacing=pace("linear", total=200, b=0.2), batch_size=50, seed=1)
batches = BatchSampler(sampler)
model = torch.nn.Linear(20, 2)
optimizer = torch.optim.Adam(model.parameters(), 1e-2)
for _ in range(10):  # epochs of 40 batches; the pacing goes on through them
    for inputs, labels in DataLoader(TensorDataset(x, y), batch_sampler=batches, num_workers=2):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
print(f"training accuracy {(model(x).argmax(1) == y).float().mean():.3f}")
print(batches.state_dict(step=400))  # what a checkpoint holds
