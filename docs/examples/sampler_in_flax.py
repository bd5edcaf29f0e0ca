"""A curriculum in a flax and optax loop: three lines, and the loop stays as it was."""

import jax
import numpy as np
import optax
from flax import nnx

from curricula import Sampler, pace

x = np.random.default_rng(0).normal(size=(2000, 20)).astype(np.float32)
y, difficulty = (x[:, 0] > 0).astype(np.int32), -np.abs(x[:, 0])  # near the boundary = hard
model = nnx.Linear(20, 2, rngs=nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)


def loss(model, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


train = nnx.jit(lambda model, opt, x, y: opt.update(model, nnx.grad(loss)(model, x, y)))
sampler = Sampler(difficulty, pacing=pace("linear", total=200, b=0.2), batch_size=50, seed=1)
for step in range(400):
    train(model, optimizer, x[sampler.batch(step)], y[sampler.batch(step)])
print(f"training accuracy {(jax.numpy.argmax(model(x), 1) == y).mean():.3f}")
