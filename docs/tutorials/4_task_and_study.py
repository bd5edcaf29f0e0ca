# %% [markdown]
# # Your own task and your own study
#
# A study is a cell, all settings of one run, and axes along which it is swept. It needs no file: any
# cell with any axes is a study, is stored, and goes on after an interruption. So is one on a task of
# your own.

# %%
import os
import sys
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt

import studies
from studies.cells.online import OnlineCell
from studies.study import Study
from teacher_student.tasks import TASKS

os.chdir(tempfile.mkdtemp())  # a folder to play in
sys.path.insert(0, os.getcwd())

# %% [markdown]
# ## A task
#
# The clusters of the XOR mixture, where not the noise is the difficulty but how far apart they lie. A task
# is a module with a frozen dataclass; this one only says what a level is, and which way is harder. A task
# from scratch, with all that one owes: [adding to it](../extend.md).

# %%
Path("faint_mixture.py").write_text('''
from dataclasses import dataclass

from teacher_student import XorMixture


@dataclass(frozen=True)
class FaintMixture(XorMixture):
    """The XOR mixture; the distance of its clusters from the origin is the difficulty."""

    name = "faint_mixture"
    equations = None
    harder = {"signal": -1}

    def level(self, signal=1.0, noise=0.5, prior=(0.25,) * 4):
        return XorMixture.level(self, noise=noise, signal=signal, prior=prior)


TASK = FaintMixture
''')
TASKS["faint_mixture"] = "faint_mixture"  # name -> module

# %% [markdown]
# ## A study
#
# Does a curriculum from clusters far apart to near ones help, and does that fade with width?

# %%
cell = OnlineCell(
    task="faint_mixture",
    easy={"signal": 2.0},
    hard={"signal": 1.0},
    n_inputs=60,
    budget=100.0,
    record_every=20.0,
    learning_rate=0.3,
)
axes = {"protocol": ("curriculum", "no_curriculum"), "width": (2, 8), "easy.signal": (1.5, 3.0)}
study = Study(cell, (axes,), replicates=16, rows=16, name="how_faint")
print(len(study.blocks()), "blocks")

# %%
ds = studies.run(study, out="results")
print(dict(ds.sizes))

# %% [markdown]
# What is there already is found again, by what was asked: a second run computes nothing, and a wider
# one only what is new. The code of the task is part of what was asked: after an edit it is another study.

# %%
print(studies.status(study, out="results"))
wider = Study(cell, (axes | {"width": (2, 4, 8)},), replicates=16, rows=16, name="how_faint")
print(studies.status(wider, out="results"))

# %%
found = studies.analysis.benefit(ds).isel(time=-1)
figure, plot = plt.subplots(figsize=(6, 3.5))
for signal in found["easy.signal"].values:
    own = found.sel({"easy.signal": signal})
    bars = [own.benefit - own.ci_low, own.ci_high - own.benefit]
    plot.errorbar(own.width, own.benefit, bars, fmt="o-", capsize=3, label=f"easy clusters at {signal}")
plot.set(xlabel="width K", ylabel="benefit, test accuracy", xscale="log")
plot.legend()
plt.show()

# %% [markdown]
# An activation, a loss, a protocol or a scorer of your own is one entry, and joins all of this by its
# name: [adding to it](../extend.md) has complete examples, and the contract that each must keep.
