"""Figures of the study trajectories_online.

length    length of the path of the first bias against width, at the end and at the same test accuracy
variance  the same of the variance of its steps
"""

from functools import partial

import xarray as xr

from figures.parts import finite, summary as sums
from figures.parts.write import Drawn, Figures
from studies.analysis import with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "no_curriculum")
RECORDED = ("path_length", "path_variance", "test_accuracy")
AXES = ("protocol", "width", "hard.noise")
#: Test accuracy at which arms are compared.
LEVEL = 0.55


CAPTION = (
    "{task:words} online, N = {n_inputs}, two layers of K relu units without biases that count the path of a "
    "bias in the first layer, the sum of its steps |db|; budget {budget:g} N samples, learning rate "
    f"{{learning_rate:g}}. Same accuracy: when first {100 * LEVEL:g} % of hard test points were right; arms "
    "of which less than half of the runs get there are left out."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Length and variance at the end, and when the test accuracy first was `LEVEL`."""
    ds = with_axes(ds, AXES[2:])
    same = finite.when(ds, 1 - ds.test_accuracy < 1 - LEVEL, RECORDED[:2])
    reached = same.path_length.notnull().where(ds.status == 0)
    often = reached.mean("replicate") >= 0.5
    runs = finite.ends(ds, *RECORDED).assign(sums.prefixed("same", same.where(often)).data_vars)
    return sums.summary_of(ds, sums.means(runs.assign(reached=reached)))


def path(summary: xr.Dataset, name: str) -> Drawn:
    """A row for each noise of hard samples: at the end, and at the same accuracy."""
    by_noise = summary.rename({"hard.noise": "noise"})
    return finite.path(summary, by_noise, name, "noise", "noise {noise:g}", CAPTION, "reached_mean")


FIGURES: Figures = {name: partial(path, name=name) for name in finite.PATHS}
