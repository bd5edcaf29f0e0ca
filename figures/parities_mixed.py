"""Figures of the study parities_mixed.

accuracy  test accuracy at the end against width, a panel for each number of bits in the label
course    the same against time, at the widest students
"""

from functools import partial

import xarray as xr

from figures.parts import finite, panels, summary as sums
from figures.parts.style import looks
from figures.parts.write import Drawn, Figures, named
from studies.analysis import usable, with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "standard")
RECORDED = ("test_accuracy", "train_accuracy")
AXES = ("protocol", "width", "bits")
CAPTION = (
    "Parity of k of {n_inputs} bits, {n_examples} examples, of which a share of {easy_fraction:g} has each "
    "bit -1 with probability {easy[flip]:g} only; {student:words} of K relu units, {loss} loss, {epochs} "
    "epochs of batches of {batch_size}. The curriculum shows these for a share of {a:g} of the run, then "
    "all; random as many others; all arms as many examples. Tests have uniform bits."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracy at the end, along the run, and what each order is ahead of the others."""
    ds = with_axes(ds, AXES[2:])
    # the first bits, so their number says which
    ds = ds.assign_coords(bits=[len(str(label).split(",")) for label in ds.bits.values])
    return sums.summary_of(
        ds,
        sums.means(finite.ends(ds, *RECORDED)),
        sums.gains_over(sums.at_end(ds, "test_accuracy"), ("standard", "random")),
        sums.prefixed("course", sums.mean(usable(ds))),
    )


def accuracy(summary: xr.Dataset) -> Drawn:
    """A panel for each number of bits."""
    names, label = {"k = {bits}": "test_accuracy_mean"}, "test accuracy at the end"
    return finite.against_width(summary, names, label, CAPTION, ("bits",), more=("train_accuracy_mean",))


def course(summary: xr.Dataset) -> Drawn:
    """Against time."""
    part = sums.numbers(summary.sel(width=int(summary.width.max())), "course_mean")
    parts = panels.each(part, "bits", f"k = {{}}, K = {int(part.width)}")
    draw = partial(panels.bands, name="course_mean", along="protocol", styles=looks(part.protocol.values))
    label, time = "test accuracy", panels.TIME
    figure = panels.facets(parts, draw, 2.0, 3, beside=label, below=time, legend=3, sharey=True)
    return Drawn(figure, part, CAPTION)


FIGURES: Figures = named(accuracy, course)
