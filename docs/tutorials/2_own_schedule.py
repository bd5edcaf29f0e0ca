# %% [markdown]
# # Your own schedule, and the best one
#
# Which order of easy and hard samples is best, if there are as many of both? A perceptron learns a rule
# that hides among irrelevant inputs; their variance is the difficulty. In the limit of many inputs its run
# is a differential equation, which can be differentiated with respect to the schedule.

# %%
import os
import tempfile
from pathlib import Path

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import teacher_student as ts
from teacher_student.protocols import Phase
from teacher_student.saved_schedule import save_schedule
from teacher_student.theory.control.optimum import optimal_schedule

task = ts.SparseTeacher(n_inputs=1000, relevant=0.5)
student = ts.TwoLayer(width=1, activation="erf", train_readout=False)
start = ts.Overlaps(jnp.zeros((1, 1)), jnp.full((2, 1, 1), 0.5), jnp.ones(1))  # all start here
settings = {"learning_rate": 3.0, "budget": 6.0, "target": [0.0, 2.0]}  # tested on both levels

# %% [markdown]
# ## A schedule of your own
#
# A protocol is a list of phases: a share of the run, and the mixture of levels in it. Here three phases:
# easy, hard, and easy again. Its control shows the same levels as often, in no order.

# %%
sandwich = ts.Protocol("sandwich", (0.0, 2.0), (Phase(0.2, {0: 1}), Phase(0.5, {1: 1}), Phase(0.3, {0: 1})))
orders = ("curriculum", "anti_curriculum", "no_curriculum", sandwich)

# %% [markdown]
# ## The best one
#
# `optimal_schedule` descends the loss at the end of the run from several guesses, through the equations,
# and rounds what it finds to one level at a time.

# %%
found = optimal_schedule(
    task, student, start, (0.0, 2.0), share=0.5, objective="test_error", n_pieces=20, restarts=3, **settings
)
print(f"error {found.loss:.4f}, {found.kind}, changes at {np.round(found.switching_times, 2).tolist()}")
for name, regret in sorted(found.regret.items(), key=lambda item: item[1]):
    print(f"{name.replace('_', ' '):>16} loses {regret:.4f}")

# %%
easy = found.relaxed[:, 0]
figure, axes = plt.subplots(figsize=(6, 3))
places = np.linspace(0, 6, len(easy) + 1)
axes.stairs(easy, places, fill=True, alpha=0.3, label="share of easy samples")
axes.plot(
    0.5 * (places[1:] + places[:-1]),
    found.switching / np.abs(found.switching).max(),
    label="switching function",
)
axes.set(xlabel="time, samples / N")
axes.legend()
plt.show()

# %% [markdown]
# Easy samples are best where the switching function, which the costate of the equations gives, is large:
# at both ends.
#
# ## Does SGD agree?
#
# The equations are the limit of many inputs; here are 1000, and eight runs of every order. The error is
# that on both levels, as above.

# %%
phases = tuple(Phase(length / 6, dict(enumerate(mix))) for length, mix in found.phases)
best = ts.Protocol("the best", (0.0, 2.0), phases)
given = {"easy": 0.0, "hard": 2.0, "easy_fraction": 0.5, "initial": start, "replicates": 8}
accuracy = [
    ts.simulate(
        task,
        student,
        protocol=(*orders, best),
        n_records=12,
        **given,
        **settings | {"target": level},
    )
    .to_xarray()
    .test_accuracy.squeeze("width")
    for level in (0.0, 2.0)
]
error = 1 - sum(accuracy) / 2

figure, axes = plt.subplots(figsize=(6, 3.5))
for name in error.protocol.values:
    mean = error.sel(protocol=name).mean("replicate")
    axes.plot(error.time, mean, label=f"{name.replace('_', ' ')}: {mean[-1]:.4f}")
axes.set(xlabel="time, samples / N", ylabel="error, both levels", ylim=(0.13, 0.3))
axes.legend()
plt.show()

# %% [markdown]
# ## Into a study
#
# Saved, the schedule is a protocol of any study: `--protocol optimal,curriculum --schedule best.json`.

# %%
os.chdir(tempfile.mkdtemp())  # a folder to play in
save_schedule(found.saved(), "best.json")
print(Path("best.json").read_text()[:160], "...")
