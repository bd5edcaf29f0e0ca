# %% [markdown]
# # Rank, order and use your own data
#
# `curricula` needs nothing else of this project: data in, difficulty scores and index arrays out. Here
# the images of handwritten digits that come with scikit-learn; a tenth of the labels is made wrong, to
# see who notices.

# %%
import os
import tempfile

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

from curricula import Sampler, order, pace, rank
from curricula.difficulty.training import Runs

os.chdir(tempfile.mkdtemp())  # a folder to play in

digits = load_digits()
images, labels = (digits.images / 16).astype(np.float32), digits.target.copy()
rng = np.random.default_rng(0)
wrong = rng.random(len(labels)) < 0.1
labels[wrong] = (labels[wrong] + rng.integers(1, 10, wrong.sum())) % 10

# %% [markdown]
# ## A score
#
# EL2N is the distance of a network's prediction from the label, early in training, averaged over
# networks. One call trains them all in one program. A higher score is a harder example, for every score
# here.

# %%
ranking = rank("el2n", images, labels, runs=Runs(seeds=4, epochs=3), key=0)
hardest = order(ranking, "anti_curriculum")[: wrong.sum()]
print(f"{wrong.sum()} wrong labels; {wrong[hardest].sum()} of them are among the {wrong.sum()} hardest")

# %%
figure, axes = plt.subplots(1, 6, figsize=(9, 2))
for axis, i in zip(axes, hardest, strict=False):
    axis.imshow(images[i], cmap="gray_r")
    axis.set_title(f"{labels[i]}" + (", wrong" if wrong[i] else ""))
    axis.axis("off")
plt.show()

# %% [markdown]
# A ranking is saved with what it was made from, and refuses data it does not fit.

# %%
path = ranking.save("digits-el2n.npz")
print(ranking)

# %% [markdown]
# ## Batches for a training loop
#
# A pacing says from how much of the data, the easiest first, a step may draw. The sampler turns it into
# batches that are the same for any number of workers and after any interruption.

# %%
pacing = pace("linear", total=400, a=0.8, b=0.2)
sampler = Sampler(ranking, pacing=pacing, batch_size=32, seed=0)
rank_of = np.argsort(order(ranking))
drawn = np.stack([sampler.batch(step) for step in range(400)])

figure, axes = plt.subplots(figsize=(6, 3))
axes.plot(rank_of[drawn].max(1) / len(labels), ".", ms=3, label="hardest of each batch")
axes.plot([pacing(step) for step in range(400)], label="pacing")
axes.set(xlabel="step", ylabel="share of the data")
axes.legend()
plt.show()

# %% [markdown]
# `python -m curricula report` makes a page on how stable a score is and what it says of wrong labels;
# published score files are read by `load_ranking`.
