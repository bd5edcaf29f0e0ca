"""Figures of the study trajectories.

length    length of the path of the first bias against width, at the end and at the same training loss
variance  the same of the variance of its steps
"""

from functools import partial

import xarray as xr

from figures.parts import finite
from figures.parts import summary as sums
from figures.parts.write import Drawn, Figures
from studies.analysis import with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "random")
RECORDED = ("path_length", "path_variance", "train_loss")
AXES = ("protocol", "width", "label_noise", "hard.noise")
#: Training loss at which arms are compared.
LEVEL = 0.4
CAPTION = (
    "{source:words}, N = {n_inputs}, {n_examples} examples, two layers of K relu units without biases, "
    "{loss} loss, {epochs} epochs, one example a step, learning rate {learning_rate:g}. The path is that "
    "of a bias in the first layer: the sum of its steps |db|. Same loss: when the training loss first "
    f"was below {LEVEL:g}."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Length and variance at the end, and when the training loss first was below `LEVEL`."""
    ds = with_axes(ds, AXES[2:])
    same = finite.when(ds, "train_loss", LEVEL, RECORDED[:2])
    runs = finite.ends(ds, *RECORDED, "test_accuracy").assign(sums.prefixed("same", same).data_vars)
    return sums.summary_of(ds, sums.means(runs), left_out=sums.left_out(ds).sum("replicate"))


def path(summary: xr.Dataset, name: str, ylabel: str) -> Drawn:
    """A row for each share of wrong labels, at the noise of hard examples that the study is about."""
    hard = sums.choose(summary, {"hard.noise": 0.5})
    names = {
        "at the end, {label_noise:percent} % wrong": f"{name}_mean",
        "same loss, {label_noise:percent} % wrong": f"same_{name}_mean",
    }
    figure = finite.against_width(summary.sel(hard), names, ylabel, ("label_noise",), log=True)
    note = f"Noise of hard examples: {hard['hard.noise']:g}."
    return Drawn(figure, sums.numbers(summary, *names.values()), f"{CAPTION} {note}")


FIGURES: Figures = {
    "length": partial(path, name="path_length", ylabel="length of the path"),
    "variance": partial(path, name="path_variance", ylabel="variance of its steps"),
}
