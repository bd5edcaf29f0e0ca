"""Figures of the study trajectories.

length    length of the path of the first bias against width, at the end and at the same training accuracy
variance  the same of the variance of its steps
noise     length at the same training accuracy against the noise of the hard examples, a line per protocol
"""

from functools import partial

import xarray as xr

from figures.parts import finite, panels, summary as sums
from figures.parts.style import looks
from figures.parts.write import Drawn, Figures, named
from studies.analysis import with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "random")
RECORDED = ("path_length", "path_variance", "train_loss")
AXES = ("protocol", "width", "label_noise", "hard.noise")
#: Training accuracy at which arms are compared.
LEVEL = 0.9
CAPTION = (
    "{source:words}, N = {n_inputs}, {n_examples} examples, two layers of K relu units without biases, "
    "{loss} loss, {epochs} epochs, one example a step, learning rate {learning_rate:g}. The path is that "
    "of a bias in the first layer: the sum of its steps |db|. Same accuracy: when first "
    f"{100 * LEVEL:g} % of the training set were right."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Length and variance at the end, and when the training accuracy first was `LEVEL`."""
    ds = with_axes(ds, AXES[2:])
    same = finite.when(ds, 1 - ds.train_accuracy < 1 - LEVEL + 1e-6, RECORDED[:2])
    runs = finite.ends(ds, *RECORDED, "test_accuracy").assign(sums.prefixed("same", same).data_vars)
    return sums.summary_of(ds, sums.means(runs))


def path(summary: xr.Dataset, name: str) -> Drawn:
    """A row for each share of wrong labels, at the noise of hard examples that the study is about."""
    hard = sums.choose(summary, {"hard.noise": 0.5})
    wrong = "{label_noise:percent} % wrong"
    text = f"{CAPTION} Noise of hard examples: {hard['hard.noise']:g}."
    return finite.path(summary, summary.sel(hard), name, "label_noise", wrong, text)


def noise(summary: xr.Dataset) -> Drawn:
    """A panel for a narrow and a wide student, and each share of wrong labels."""
    sums.need(summary.sizes["hard.noise"] > 1, "one noise of hard examples was run")
    name, styles = "same_path_length_mean", looks(summary.protocol.values)
    ends = summary.isel(width=sorted({0, summary.sizes["width"] - 1}))
    title = "K = {width}, {label_noise:percent} % wrong"
    parts = panels.each(ends, ("label_noise", "width"), title)
    curves = partial(panels.curves, name=name, along="protocol", styles=styles, x="hard.noise", step=0.02)
    label, look = (
        "length of the path to the same accuracy",
        {"yscale": "log", "xlabel": "noise of hard examples"},
    )
    figure = panels.facets(parts, curves, 2.0, beside=label, legend=3, panel=look)
    return Drawn(figure, sums.numbers(summary, name), CAPTION)


FIGURES: Figures = {name: partial(path, name=name) for name in finite.PATHS} | named(noise)
