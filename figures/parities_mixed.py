"""Figures of the study parities_mixed.

accuracy  test accuracy at the end against width, a panel for each number of bits in the label
course    the same against time, at the widest students
"""

from functools import partial

import xarray as xr

from figures.parts import finite, panels
from figures.parts import summary as sums
from figures.parts.style import looks
from figures.parts.write import Drawn, Figures
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
    ends, controls = sums.at_end(ds, "test_accuracy"), [n for n in ("standard", "random") if n in ds.protocol]
    gains = sums.along("control", {name: sums.gains(ends, name) for name in controls})
    return sums.summary_of(
        ds,
        sums.means(finite.ends(ds, *RECORDED)),
        sums.prefixed("gain", gains.isel(time=0, drop=True)),
        sums.prefixed("course", sums.mean(usable(ds))),
        left_out=sums.left_out(ds).sum("replicate"),
    )


def accuracy(summary: xr.Dataset) -> Drawn:
    """A panel for each number of bits."""
    names = {"k = {bits}": "test_accuracy_mean"}
    figure = finite.against_width(summary, names, "test accuracy at the end", ("bits",))
    return Drawn(figure, sums.numbers(summary, *names.values(), "train_accuracy_mean"), CAPTION)


def course(summary: xr.Dataset) -> Drawn:
    """Against time."""
    part = sums.numbers(summary.sel(width=int(summary.width.max())), "course_mean")
    parts = panels.each(part, "bits", f"k = {{}}, K = {int(part.width)}")
    draw = partial(panels.bands, name="course_mean", along="protocol", styles=looks(part.protocol.values))
    figure = panels.facets(parts, draw, 2.0, 3, beside="test accuracy", legend=3, sharey=True)
    figure.supxlabel("time, samples / N", fontsize=8)
    return Drawn(figure, part, CAPTION)


FIGURES: Figures = {"accuracy": accuracy, "course": course}
