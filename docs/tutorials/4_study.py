# %% [markdown]
# # A study of your own
#
# A study is a cell, all settings of one run, and axes along which it is swept. It needs no file: any
# cell with any axes is a study, is stored, and goes on after an interruption.

# %%
import os
import tempfile

import matplotlib.pyplot as plt

import studies
from studies.cells.online import OnlineCell
from studies.study import Study

os.chdir(tempfile.mkdtemp())  # a folder to play in

cell = OnlineCell(n_inputs=60, budget=100.0, record_every=20.0, learning_rate=0.3)
axes = {"protocol": ("curriculum", "no_curriculum"), "width": (2, 8), "hard.noise": (0.5, 1.0)}
study = Study(cell, (axes,), replicates=16, rows=16, name="how_hard")
print(len(study.blocks()), "blocks")

# %%
ds = studies.run(study, out="results")
print(dict(ds.sizes))

# %% [markdown]
# What is there already is found again, by what was asked: a second run computes nothing, and a wider
# one only what is new.

# %%
print(studies.status(study, out="results"))
wider = Study(cell, (axes | {"width": (2, 4, 8)},), replicates=16, rows=16, name="how_hard")
print(studies.status(wider, out="results"))

# %%
found = studies.analysis.benefit(ds).isel(time=-1)
figure, plot = plt.subplots(figsize=(6, 3.5))
for noise in found["hard.noise"].values:
    own = found.sel({"hard.noise": noise})
    bars = [own.benefit - own.ci_low, own.ci_high - own.benefit]
    plot.errorbar(own.width, own.benefit, bars, fmt="o-", capsize=3, label=f"hard noise {noise}")
plot.set(xlabel="width K", ylabel="benefit, test accuracy", xscale="log")
plot.legend()
plt.show()

# %% [markdown]
# A task, an activation, a loss, a protocol or a scorer of your own is one file or one entry, and joins
# all of this by its name: [adding to it](../extend.md) has complete examples, a task from scratch among
# them, and the contract that each must keep.
