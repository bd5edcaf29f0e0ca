"""What the two studies on images share: their summary, panels per data set and budget, accuracy and rates."""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.parts.panels import OPEN, bars, grid, legend_above, small_panel, spread
from figures.parts.style import looks, rate_ticks, words
from figures.parts.summary import (
    cell_of,
    columns,
    gains,
    left_out,
    mean,
    merged,
    prefixed,
    summary_of,
)
from figures.parts.write import Drawn
from studies.analysis import half_width, last, usable, with_axes

BENEFIT = ["benefit", "ci_low", "ci_high", "n", "fading_width", "critical_width"]


def summarise_images(ds: xr.Dataset, axes: tuple[str, ...], control: str) -> xr.Dataset:
    """Accuracy and paired benefit over `control` at the end, the rates chosen, the runs left out.

    `axes` are there even where a study has a single value of them.
    """
    ds = with_axes(ds, axes)
    end = last(usable(ds))
    ends = xr.Dataset({"test_accuracy": end.expand_dims(time=[0.0], axis=-1), "status": ds.status})
    out = merged(prefixed("accuracy", mean(end)), gains(ends, control).isel(time=0, drop=True))
    out["half_width"] = half_width(out.benefit)
    out["learning_rate"] = ds.learning_rate.mean("replicate")
    out["edge"] = _at_edge(ds)
    out["left_out"] = left_out(ds).sum("replicate")
    out = out.sel(data_set=out.accuracy_n.sum([d for d in out.accuracy_n.dims if d != "data_set"]) > 0)
    return summary_of(ds, out)


def _at_edge(ds: xr.Dataset) -> xr.DataArray:
    """Whether the rate chosen is the smallest or the largest of the sweep."""
    rates, chosen = ds.rate.values.astype(np.float32), ds.learning_rate.mean("replicate").astype(np.float32)
    low, high = (np.abs(chosen / rate - 1) < 1e-3 for rate in (rates[0], rates[-1]))
    return ((low | high) & (len(rates) > 1)).where(chosen.notnull())


def settings(summary: xr.Dataset) -> str:
    """The student, its learning rates and the number of replicates."""
    cell = cell_of(summary)
    rates = (
        f"one learning rate for each arm at each width, the best of {cell['n_rates']} (a factor of 2 apart) "
        f"on a validation split over {cell['tuning_replicates']} other runs"
        if cell["n_rates"] > 1
        else f"learning rate {cell['slowest_rate']:g}"
    )
    return (
        f"Student {words(cell['student'])}, {words(cell['parametrisation'])} parametrisation, "
        f"{words(cell['optimiser'])}, batch {cell['batch_size']}; {rates}. "
        "Intervals are those at the rates chosen."
    )


def place(part: xr.Dataset, *axes: str) -> str:
    """Where a panel is on the axes it is told apart by, in words."""
    said = {
        "data_set": words,
        "n_steps": lambda steps: f"{steps} steps",
        "label_noise": lambda noise: f"{100 * noise:g} % wrong" if noise else "clean",
        "ranking": words,
        "width": lambda width: f"K = {width}",
    }
    return ", ".join(said[axis](part[axis].item()) for axis in axes)


def grid_of(
    summary: xr.Dataset, rows: str, across: tuple[str, ...], height: float = 1.8, **options: str | bool
) -> tuple[Figure, Iterator[tuple[Axes, xr.Dataset, bool]]]:
    """A panel for every value of `rows` and combination of `across`: axes, part, whether at the bottom."""
    values = [
        dict(zip(across, at, strict=True)) for at in product(*(summary[a].values.tolist() for a in across))
    ]
    down = summary[rows].values.tolist()
    figure, places = grid(len(down), len(values), height, **options)
    return figure, (
        (axes, summary.sel({rows: value, **at}), value == down[-1])
        for line, value in zip(places, down, strict=True)
        for axes, at in zip(line, values, strict=True)
    )


Panels = Callable[[xr.Dataset], tuple[Figure, Iterator[tuple[Axes, xr.Dataset, bool]]]]
Title = Callable[[xr.Dataset], str]


def accuracy(summary: xr.Dataset, layout: Panels, title: Title, caption: str) -> Drawn:
    """Accuracy at the end against width, a line per protocol."""
    figure, each = layout(summary)
    styles = looks(summary.protocol.values)
    for axes, part, bottom in each:
        for (protocol, style), shift in zip(styles.items(), spread(len(styles), 0.06), strict=True):
            bars(axes, part.width.values, part.sel(protocol=protocol), "accuracy_mean", style, shift)
        small_panel(axes, part.width.values, title(part), bottom=bottom)
    figure.supylabel("test accuracy at the end", fontsize=8)
    legend_above(figure)
    return Drawn(figure, summary[[*columns("accuracy_mean"), "accuracy_n"]], caption)


def rates(summary: xr.Dataset, layout: Panels, title: Title, caption: str) -> Drawn:
    """The learning rate chosen against width, open markers where it lies at an edge of the sweep."""
    figure, each = layout(summary)
    chosen = summary.learning_rate.values
    styles = looks(summary.protocol.values)
    for axes, part, bottom in each:
        for (protocol, style), shift in zip(styles.items(), spread(len(styles), 0.14), strict=True):
            line = part.sel(protocol=protocol).dropna("width", subset=["learning_rate"])
            x, y, edge = line.width.values * 2.0**shift, line.learning_rate.values, line.edge.values == 1
            axes.plot(x, y, **style)
            axes.plot(x[edge], y[edge], **style | OPEN)
        small_panel(axes, part.width.values, title(part), bottom=bottom)
        rate_ticks(axes, "y", np.unique(chosen[~np.isnan(chosen)]))
    figure.supylabel("learning rate chosen", fontsize=8)
    legend_above(figure)
    note = " Open markers: at an edge of the sweep." if bool((summary.edge == 1).any()) else ""
    return Drawn(figure, summary[["learning_rate", "edge"]], caption + note)
