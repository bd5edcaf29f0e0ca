"""A curriculum in a plain NumPy loop, broken off after 300 steps and gone on with."""

import json

import numpy as np

from curricula import Sampler, pace

rng = np.random.default_rng(0)
x, truth = rng.normal(size=(2000, 20)), rng.normal(size=20)
y = np.sign(x @ truth)
difficulty = -np.abs(x @ truth)  # near the boundary = hard
settings = {"pacing": pace("linear", total=400, b=0.2), "batch_size": 50, "seed": 1}
w, first, second = np.zeros(20), Sampler(difficulty, **settings), Sampler(difficulty, **settings)
for step in range(600):
    if step == 300:  # the run goes on elsewhere, from a file of text
        second.load_state_dict(json.loads(json.dumps(first.state_dict(step))))
    batch = (first if step < 300 else second).batch(step)
    w += 0.1 * ((y[batch] - np.tanh(x[batch] @ w)) @ x[batch]) / len(batch)
print(f"training accuracy {(np.sign(x @ w) == y).mean():.3f}")
