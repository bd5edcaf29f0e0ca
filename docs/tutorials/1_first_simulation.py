# %% [markdown]
# # A first simulation, and its theory
#
# Four Gaussian clusters, labelled like XOR: no linear rule works. A network with a handful of hidden
# units learns them by online SGD, one fresh sample a step. The noise of the clusters is the difficulty.
# Does it help to show samples of little noise first?

# %%
import matplotlib.pyplot as plt

import teacher_student as ts
from studies.analysis import benefit

task = ts.XorMixture(n_inputs=100)
settings = {"easy": 0.1, "hard": 1.0, "easy_fraction": 0.3, "budget": 300, "learning_rate": 0.3}
protocols = ("curriculum", "no_curriculum")

# %% [markdown]
# `simulate` runs both orders of the same samples for 16 replicates at once; a replicate is a draw of
# the clusters, of the first weights and of all samples, and both orders share it. `n_records` says how
# often the network is tested, always on the hard noise. Time is samples / N.

# %%
runs = ts.simulate(
    task, ts.TwoLayer(width=4), protocol=protocols, replicates=16, n_records=30, **settings
).to_xarray()
print(runs.test_accuracy.sizes)

# %%
figure, axes = plt.subplots(figsize=(6, 3.5))
for name in protocols:
    accuracy = runs.test_accuracy.sel(protocol=name).squeeze("width")
    axes.plot(runs.time, accuracy.mean("replicate"), label=name.replace("_", " "))
axes.axvspan(0, 0.3 * 300, alpha=0.1, label="the curriculum's easy samples")
axes.set(xlabel="time, samples / N", ylabel="test accuracy")
axes.legend()
plt.show()

# %% [markdown]
# Is the difference more than chance? `benefit` takes it replicate by replicate and bootstraps an
# interval over replicates.

# %%
found = benefit(runs).isel(time=-1)
at = found.sel(width=4)
print(f"benefit {float(at.benefit):+.3f} [{float(at.ci_low):.3f}, {float(at.ci_high):.3f}], n = {int(at.n)}")

# %% [markdown]
# ## The limit of many inputs
#
# As N grows, overlaps of weights follow differential equations. `trajectory` integrates them, from a
# start of its own or from that of a simulation. Here quadratic units, for which the equations are
# closed, from one start that all share.

# %%
student = ts.TwoLayer(width=4, activation="quadratic")
short = settings | {"budget": 20, "learning_rate": 0.1}
big = ts.XorMixture(n_inputs=1000)
start = ts.draw_start(big, student, learning_rate=0.1)
one = ts.Overlaps(*(x[0] for x in start))
runs = ts.simulate(
    big, student, protocol=protocols, replicates=16, initial=one, record="test_loss", n_records=20, **short
).to_xarray()
limit = ts.trajectory(big, student, protocol=protocols, initial=one, n_records=20, **short).to_xarray()

figure, axes = plt.subplots(figsize=(6, 3.5))
for name in protocols:
    loss = runs.test_loss.sel(protocol=name).squeeze("width")
    (line,) = axes.plot(
        runs.time, loss.mean("replicate"), "o", ms=4, label=f"{name.replace('_', ' ')}, N = 1000"
    )
    solved = limit.test_loss.sel(protocol=name).squeeze()
    axes.plot(limit.time, solved, color=line.get_color(), label="equations")
axes.set(xlabel="time, samples / N", ylabel="test loss")
axes.legend()
plt.show()
