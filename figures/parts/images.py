"""What the two studies on images share: their summary, panels per data set and budget, accuracy and rates."""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.rates import rate_lines
from figures.parts.style import looks, rate_ticks, width_axis, words
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
    out["half_width"] = half_width(out.benefit)
    out["learning_rate"] = ds.learning_rate.mean("replicate")
    out["edge"] = _at_edge(ds)
    out["left_out"] = sums.left_out(ds).sum("replicate")
    out = out.sel(data_set=out.accuracy_n.sum([d for d in out.accuracy_n.dims if d != "data_set"]) > 0)
    return sums.summary_of(ds, out)


def _at_edge(ds: xr.Dataset) -> xr.DataArray:
    """Whether the rate chosen is the smallest or the largest of the sweep."""
    rates, chosen = ds.rate.values.astype(np.float32), ds.learning_rate.mean("replicate").astype(np.float32)
    low, high = (np.abs(chosen / rate - 1) < 1e-3 for rate in (rates[0], rates[-1]))
    return ((low | high) & (len(rates) > 1)).where(chosen.notnull())


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


def place(part: xr.Dataset, *axes: str) -> str:
    """Where a panel is on the axes it is told apart by, in words."""
    said = {
        "n_steps": lambda steps: f"{steps} steps",
        "label_noise": lambda noise: f"{100 * noise:g} % wrong" if noise else "clean",
        "width": lambda width: f"K = {width}",
    }
    return ", ".join(said.get(axis, words)(part[axis].item()) for axis in axes)


class Layout(NamedTuple):
    """A panel against width for every value of the axis `rows` and combination of the axes `across`.

    title : of a panel, from its part of the summary
    height : of a row, in inches
    """

    rows: str
    across: tuple[str, ...]
    title: Callable[[xr.Dataset], str]
    height: float = 1.8

    def draw(
        self, summary: xr.Dataset, ylabel: str, panel: Callable[[Axes, xr.Dataset], None], sharey: str = "row"
    ) -> Figure:
        """The figure whose panels `panel` draws; a legend above."""
        values = [
            dict(zip(self.across, at, strict=True))
            for at in product(*(summary[a].values.tolist() for a in self.across))
        ]
        down = summary[self.rows].values.tolist()
        figure, places = panels.grid(len(down), len(values), self.height, sharex=True, sharey=sharey)
        for line, value in zip(places, down, strict=True):
            for axes, at in zip(line, values, strict=True):
                part = summary.sel({self.rows: value, **at})
                panel(axes, part)
                width_axis(axes, part.width.values)
                axes.set_xlabel("width K" if value == down[-1] else "")
                axes.set_title(self.title(part), fontsize=7)
        figure.supylabel(ylabel, fontsize=8)
        panels.legend_above(figure)
        return figure


def accuracy(summary: xr.Dataset, layout: Layout, caption: str) -> Drawn:
    """Accuracy at the end against width, a line per protocol."""
    styles = looks(summary.protocol.values)

    def panel(axes: Axes, part: xr.Dataset) -> None:
        panels.curves(axes, part, "accuracy_mean", "protocol", styles, step=0.06)

    figure = layout.draw(summary, "test accuracy at the end", panel)
    return Drawn(figure, summary[[*sums.columns("accuracy_mean"), "accuracy_n"]], caption)


def rates(summary: xr.Dataset, layout: Layout, caption: str) -> Drawn:
    """The learning rate chosen against width, open markers where it lies at an edge of the sweep."""
    chosen = summary.learning_rate.values

    def panel(axes: Axes, part: xr.Dataset) -> None:
        rate_lines(axes, part.learning_rate, part.edge, 0.14)
        rate_ticks(axes, "y", np.unique(chosen[~np.isnan(chosen)]))

    figure = layout.draw(summary, "learning rate chosen", panel)
    note = " Open markers: at an edge of the sweep." if bool((summary.edge == 1).any()) else ""
    return Drawn(figure, summary[["learning_rate", "edge"]], caption + note)
