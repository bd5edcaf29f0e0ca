"""Figure of the study least_squares.

curves  test loss of a trained linear student beside the exact curves, against width and against time
"""

import numpy as np
import xarray as xr

from figures.parts import finite, panels, summary as sums
from figures.parts.style import GREY, series
from figures.parts.write import Drawn, Figures, named
from studies.analysis import usable, with_axes

RECORDED = ("test_loss", "exact_loss", "flow_loss")
AXES = ("protocol", "width")
#: Widths whose course is shown: below the peak, just above it, far above.
SHOWN = (20, 50, 100)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Test loss at the end and along the run, and the exact curves."""
    ds = with_axes(ds, ())
    exact, flow = ds.exact_loss.max(["protocol", "replicate"]), ds.flow_loss.mean(["protocol", "replicate"])
    return sums.summary_of(
        ds,
        sums.means(finite.ends(ds, "test_loss")),
        sums.prefixed("course", sums.mean(usable(ds, "test_loss"))),
        xr.Dataset({"exact": exact, "flow": flow}),
    )


def curves(summary: xr.Dataset) -> Drawn:
    """Against width at the end, and against time at three widths."""
    figure, (left, right) = panels.wrapped(2, 2.4)
    finite_ones = summary.exact.where(np.isfinite(summary.exact))
    panels.lines(left, summary, "test_loss_mean")
    left.plot(summary.width, finite_ones, color=GREY, lw=1, label="exact")
    left.set(ylabel="test loss", title="at the end", yscale="log", xlabel="inputs seen p")
    shown = [k for k in SHOWN if k in summary.width]
    sums.need(bool(shown), f"none of the widths {SHOWN}")
    for width, style in series(shown, "p = {}").items():
        part = summary.sel(width=width).isel(protocol=0)
        panels.band(right, summary.time.values, part, "course_mean", style)
        right.plot(summary.time, part.flow, color=GREY, lw=1, label="exact")
    right.set(xlabel=panels.TIME, title="along the run", yscale="log")
    panels.legend_above(figure)
    text = (
        "Least squares by full-batch descent from 0, {n_examples} samples of a linear teacher of {n_inputs} "
        "inputs, label noise of variance {label_noise:g}; test loss is half the squared distance from the "
        "true label. Exact: the mean over all data at p inputs (it is infinite at p = n), and gradient flow."
    )
    table = xr.merge([sums.numbers(summary, "test_loss_mean", "course_mean"), summary[["exact", "flow"]]])
    return Drawn(figure, table, text)


FIGURES: Figures = named(curves)
