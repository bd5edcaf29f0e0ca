"""A curriculum over a Hugging Face data set: scores joined by id, examples in the order shown."""

import datasets
import numpy as np

from curricula import Ranking, Sampler, pace
from curricula.adapters.huggingface import align, iterable

text = [f"example {i}" for i in range(1000)]
data = datasets.Dataset.from_dict({"id": [f"id-{i}" for i in range(1000)], "text": text})
shuffled = np.random.default_rng(0).permutation(1000)  # scores lie in another order than the data
scored = Ranking(shuffled / 1000.0, "loss of a small model", ids=np.array([f"id-{i}" for i in shuffled]))
ranking = align(scored, data, "id")
sampler = Sampler(ranking, pacing=pace("linear", total=60, b=0.2), batch_size=50, seed=1)
for step, batch in enumerate(iterable(data, sampler, stop=100).batch(50)):
    if step % 25 == 0:
        print(step, batch["text"][:2])  # the training step goes here
