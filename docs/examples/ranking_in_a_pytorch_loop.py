"""A published ranking file drives a plain PyTorch loader: easy CIFAR-100 images first, class-balanced.

Needs torch and torchvision, and the C-score file of Jiang et al. (cifar100-cscores-orig-order.npz).
"""

import torch
from torchvision.datasets import CIFAR100
from torchvision.transforms import ToTensor

from curricula import load_ranking, order, pace
from curricula.draw import batches

data = CIFAR100("data", train=True, download=True, transform=ToTensor())
ranking = load_ranking("cifar100-cscores-orig-order.npz", labels=data.targets)
path = order(ranking, "curriculum", balanced=True)
pacing = pace("linear", total=3900, a=0.8, b=0.2)
plan = list(batches(path, pacing, steps=3900, batch_size=128, n_min=256, key=0))
for images, labels in torch.utils.data.DataLoader(data, batch_sampler=plan):
    print(images.shape, labels.shape)  # the training step goes here
