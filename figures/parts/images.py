"""What the two studies on images share: their summary, panels per data set and budget, accuracy and rates."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.parts import panels, summary as sums
from figures.parts.rates import is_end, rate_lines
from figures.parts.write import Drawn
from studies.analysis import half_width, with_axes

BENEFIT = ["benefit", "ci_low", "ci_high", "n", "fading_width", "critical_width"]


def summarise_images(ds: xr.Dataset, axes: tuple[str, ...], control: str) -> xr.Dataset:
    """Accuracy and paired benefit over `control` at the end, the rates chosen, the runs left out.

    `axes` are there even where a study has a single value of them.
    """
    ds = with_axes(ds, axes)
    ends = sums.at_end(ds, "test_accuracy")
    out = sums.merged(
        sums.prefixed("accuracy", sums.mean(ends.test_accuracy.isel(time=0, drop=True))),
        sums.gains(ends, control).isel(time=0, drop=True),
    )
    out["half_width"], rate = half_width(out.benefit), ds.learning_rate.mean("replicate")
    out["learning_rate"] = rate
    out["edge"] = (is_end(rate, ds.rate.values) & (ds.rate.size > 1)).where(rate.notnull())
    out["left_out"] = sums.left_out(ds).sum("replicate")
    out = out.sel(data_set=out.accuracy_n.sum([d for d in out.accuracy_n.dims if d != "data_set"]) > 0)
    return sums.summary_of(ds, out)


def settings(summary: xr.Dataset) -> str:
    """The student, its learning rates and the number of replicates."""
    rates = "learning rate {slowest_rate:g}"
    if sums.cell_of(summary)["n_rates"] > 1:
        rates = (
            "one learning rate for each arm at each width, the best of {n_rates} (a factor of 2 apart) on a "
            "validation split over {tuning_replicates} other runs"
        )
    return (
        "Student {student:words}, {parametrisation:words} parametrisation, {optimiser:words}, batch "
        f"{{batch_size}}; {rates}. Intervals are those at the rates chosen."
    )


class Layout(NamedTuple):
    """A panel against width for every value of the axis `rows` and combination of the axes `across`.

    title : of a panel, with its place in it, see `panels.each`
    height : of a row, in inches
    """

    rows: str
    across: tuple[str, ...]
    title: str
    height: float = 1.8

    def draw(
        self,
        summary: xr.Dataset,
        ylabel: str,
        panel: Callable[[Axes, xr.Dataset], None],
        sharey: panels.Alike = "row",
    ) -> Figure:
        """The figure whose panels `panel` draws; a legend above."""
        parts = panels.each(summary, (self.rows, *self.across), self.title)
        across = len(parts) // summary.sizes[self.rows]
        figure = panels.facets(parts, panel, self.height, across, beside=ylabel, sharex=True, sharey=sharey)
        panels.label_last_row(figure, across)
        for axes in figure.axes:
            axes.set_title(axes.get_title(loc="left"), fontsize=7)
        return figure


def accuracy(summary: xr.Dataset, layout: Layout, caption: Callable[[xr.Dataset], str]) -> Drawn:
    """Accuracy at the end against width, a line per protocol."""
    lines = partial(panels.lines, name="accuracy_mean", step=0.06)
    figure = layout.draw(summary, "test accuracy at the end", lines)
    return Drawn(figure, summary[[*sums.columns("accuracy_mean"), "accuracy_n"]], caption(summary))


def rates(summary: xr.Dataset, layout: Layout, caption: Callable[[xr.Dataset], str]) -> Drawn:
    """The learning rate chosen against width, open markers where it lies at an edge of the sweep."""
    lines = partial(rate_lines, name="learning_rate", named=summary.learning_rate.values, step=0.14)
    figure = layout.draw(summary, "learning rate chosen", lines)
    note = " Open markers: at an edge of the sweep." if bool((summary.edge == 1).any()) else ""
    return Drawn(figure, summary[["learning_rate", "edge"]], caption(summary) + note)
