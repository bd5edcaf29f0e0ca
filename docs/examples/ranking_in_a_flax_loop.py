"""A published ranking file drives a plain flax and optax loop: indices out, the loop stays yours.

python docs/examples/ranking_in_a_flax_loop.py RANKING.npz IMAGES.npy LABELS.npy [STEPS]
"""

import sys

import jax
import numpy as np
import optax
from flax import nnx

from curricula import load_ranking, order, pace
from curricula.draw import batches

images, labels = np.load(sys.argv[2]), np.load(sys.argv[3])
images = images.astype(np.float32) / (255 if images.dtype == np.uint8 else 1)
steps = int(sys.argv[4]) if len(sys.argv) > 4 else 2000
path = order(load_ranking(sys.argv[1], labels=labels), "curriculum", balanced=True)
pacing = pace("linear", total=steps, a=0.8, b=0.2)
model = nnx.Linear(images[0].size, int(labels.max()) + 1, rngs=nnx.Rngs(0))
optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)


@nnx.jit
def train(model, optimizer, x, y):
    loss = lambda m: optax.softmax_cross_entropy_with_integer_labels(m(x.reshape(len(x), -1)), y).mean()  # noqa: E731
    value, slope = nnx.value_and_grad(loss)(model)
    optimizer.update(model, slope)
    return value


for batch in batches(path, pacing, steps=steps, batch_size=64, key=0):
    loss = train(model, optimizer, images[batch], labels[batch])
accuracy = (jax.numpy.argmax(model(images.reshape(len(images), -1)), 1) == labels).mean()
print(f"loss {float(loss):.3f}, training accuracy {float(accuracy):.3f}")
