"""A curriculum in Grain, whose iterators save and restore their position themselves."""

import grain
import numpy as np

from curricula import Sampler, pace
from curricula.adapters.grain import ordered

data = np.random.default_rng(0).normal(size=(1000, 20))
difficulty = -np.abs(data[:, 0])
sampler = Sampler(difficulty, pacing=pace("linear", total=60, b=0.2), batch_size=50, seed=1)
rank, world = 0, 2  # jax.process_index(), jax.process_count()
share = ordered(data, sampler, steps=100)[rank::world].batch(50 // world)
loader = share.to_iter_dataset(grain.ReadOptions(num_threads=4, prefetch_buffer_size=8))
walk = iter(loader)
for _ in range(30):
    batch = next(walk)
again = iter(loader)
again.set_state(walk.get_state())
print(f"batches of {batch.shape}, the same after a restart: {(next(again) == next(walk)).all()}")
