"""Figures of the study trajectories.

length    length of the path of the first bias against width, at the end and at the same training loss
variance  the same of the variance of its steps
"""

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


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Length and variance at the end, and when the training loss first was below `LEVEL`."""
    ds = with_axes(ds, AXES[2:])
    same = finite.when(ds, "train_loss", LEVEL, RECORDED[:2])
    runs = finite.ends(ds, *RECORDED, "test_accuracy").assign({f"same_{n}": v for n, v in same.items()})
    out = sums.means(runs)
    out["left_out"] = sums.left_out(ds).sum("replicate")
    return sums.summary_of(ds, out)


def caption(summary: xr.Dataset) -> str:
    """Settings, and what the path is."""
    return (
        "{source:words}, N = {n_inputs}, {n_examples} examples, two layers of K relu units without biases, "
        "{loss} loss, {epochs} epochs, one example a step, learning rate {learning_rate:g}. The path is that "
        "of a bias in the first layer: the sum of its steps |db|. Same loss: when the training loss first "
        f"was below {LEVEL:g}."
    )


def panels_of(summary: xr.Dataset, name: str, hard: float) -> dict:
    """A row for each share of wrong labels: at the end, and at the same training loss."""
    each = {}
    for noise in summary.label_noise.values:
        at = {"label_noise": noise, "hard.noise": hard}
        each[f"at the end, {100 * noise:g} % wrong"] = f"{name}_mean", at
        each[f"same loss, {100 * noise:g} % wrong"] = f"same_{name}_mean", at
    return each


def draw(summary: xr.Dataset, name: str, ylabel: str) -> Drawn:
    """Panels at the noise of the hard examples that the study is about."""
    hard = sums.choose(summary, {"hard.noise": 0.5})["hard.noise"]
    figure = finite.against_width(summary, panels_of(summary, name, hard), ylabel, log=True)
    table = sums.numbers(summary, f"{name}_mean", f"same_{name}_mean")
    return Drawn(figure, table, caption(summary) + f" Noise of hard examples: {hard:g}.")


def length(summary: xr.Dataset) -> Drawn:
    """The length."""
    return draw(summary, "path_length", "length of the path")


def variance(summary: xr.Dataset) -> Drawn:
    """The variance of its steps."""
    return draw(summary, "path_variance", "variance of its steps")


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    return {"length": length, "variance": variance}
