"""Panels that several studies draw: lines against time per width, benefit against width, maps."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from figures.parts.style import SERIES, width_axis, words


def time_panels(
    curves: xr.Dataset, series: str, looks: Mapping[str, tuple], ylabel: str, *, log: bool = False
) -> Figure:
    """Lines with bands against time, a panel per width.

    Parameters
    ----------
    curves : `mean`, `ci_low`, `ci_high` over (series, width, time)
    series : the axis with a line per value
    looks : value -> (colour, marker, dash); values that are not in `curves`, or NaN there, are left out
    ylabel : what is plotted
    log : logarithmic vertical axis
    """
    widths = curves.width.values
    columns = min(4, len(widths))
    rows = -(-len(widths) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(2.1 * columns, 1.9 * rows + 0.4), sharex=True, sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for axes, width in zip(grid.flat, widths, strict=False):
        for name, (colour, marker, dash) in looks.items():
            line = curves.sel({"width": width, series: name}) if name in curves[series] else None
            if line is not None and line["mean"].notnull().any():
                axes.plot(
                    line.time, line["mean"], color=colour, ls=dash, marker=marker, markevery=0.24,
                    label=words(name),
                )  # fmt: skip
                axes.fill_between(line.time, line.ci_low, line.ci_high, color=colour, alpha=0.2, lw=0)
        axes.set_title(f"K = {width}")
        if log:
            axes.set_yscale("log")
    for axes in grid.flat[len(widths) :]:
        axes.set_axis_off()
    for axes in grid.flat[len(widths) - columns : len(widths)]:
        axes.tick_params(labelbottom=True)
    figure.supxlabel("time, samples / N", fontsize=9)
    figure.supylabel(ylabel, fontsize=9)
    handles = dict(zip(*reversed(grid[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=5 if len(handles) <= 5 else 3)
    return figure


def plot_benefit(axes: Any, line: xr.Dataset, colour: str, marker: str, label: str, shift: float = 0) -> None:
    """A benefit curve with its intervals; `shift` (in octaves) keeps bars of several curves apart."""
    x = line.width * 2.0**shift
    error = [line.benefit - line.ci_low, line.ci_high - line.benefit]
    axes.errorbar(x, line.benefit, error, color=colour, marker=marker, capsize=2, label=label)


def benefit_by_budget(axes: Any, ends: xr.Dataset) -> None:
    """Benefit against width, a curve per budget, a dotted line where the benefit is gone.

    Parameters
    ----------
    ends : `benefit`, `ci_low`, `ci_high` (budget, width), `fading_width` (budget)
    """
    n = ends.sizes["budget"]
    for i, budget in enumerate(ends.budget.values):
        line, (colour, marker) = ends.sel(budget=budget), SERIES[i % len(SERIES)]
        fading, shift = float(line.fading_width), 0.08 * (i - (n - 1) / 2)
        gone = f"gone from K = {fading:.0f}" if np.isfinite(fading) else "not gone in this sweep"
        plot_benefit(axes, line, colour, marker, f"budget {budget:g}: {gone}", shift)
        if np.isfinite(fading):
            axes.axvline(fading * 2**shift, color=colour, lw=0.8, ls=":")
    zero_and_widths(axes, ends.width.values)


def zero_and_widths(axes: Any, widths: np.ndarray) -> None:
    """The line of no benefit and the width axis."""
    axes.axhline(0, color="#888888", lw=0.8)
    width_axis(axes, widths)


def small_panel(axes: Any, widths: np.ndarray, title: str, *, bottom: bool) -> None:
    """Width axis and title of one of many panels; only those at the `bottom` say what the axis is."""
    width_axis(axes, widths)
    axes.set_xlabel("width K" if bottom else "")
    axes.tick_params(axis="x", labelsize=7)
    axes.set_title(title, fontsize=8.5)


def maps(panels: list[tuple[str, xr.Dataset, str, str]], label: str) -> Figure:
    """Benefit over width and time, with the curves where its interval covers 0.

    Parameters
    ----------
    panels : (title, `benefit`, `ci_low`, `ci_high` (down, width), name of the axis down, its label)
    label : of the colour bar
    """
    figure, grid = plt.subplots(
        1, len(panels), figsize=(1 + 3.6 * len(panels), 3.2), layout="constrained", squeeze=False
    )
    top = max(float(np.abs(p.benefit).max()) for _, p, _, _ in panels)
    scale = ScalarMappable(Normalize(-top, top), "RdBu_r")
    for axes, (title, data, down, name) in zip(grid[0], panels, strict=True):
        data = data.sel(width=data.benefit.notnull().any(down)).transpose(down, "width", ...)
        x, y = np.arange(data.sizes["width"]), np.arange(data.sizes[down])
        axes.pcolormesh(x, y, data.benefit, cmap=scale.cmap, norm=scale.norm, shading="nearest")
        axes.contour(x, y, data.ci_low, levels=[0], colors="black", linewidths=1.6)
        axes.contour(x, y, data.ci_high, levels=[0], colors="black", linewidths=1.2, linestyles=":")
        axes.set_xticks(x, [str(w) for w in data.width.values])
        few = y if len(y) < 6 else y[:: max(1, len(y) // 6)]
        axes.set_yticks(few, [f"{t:g}" for t in data[down].values[few]])
        axes.set(xlabel="width K", ylabel=name, title=title)
    figure.colorbar(scale, ax=grid, label=label)
    lines = [Line2D([], [], color="black", lw=1.6), Line2D([], [], color="black", lw=1.2, ls=":")]
    names = ["helps beyond its interval inside this line", "hurts beyond its interval inside this line"]
    figure.legend(lines, names, loc="outside upper center", ncols=2)
    return figure


def rate_panel(axes: Any, rates: xr.DataArray, looks: Mapping[str, tuple]) -> None:
    """The best learning rate of each protocol against width; rates (protocol, width)."""
    known = rates.dropna("protocol", how="all")
    for name in known.protocol.values:
        colour, marker, dash = looks[name]
        axes.plot(
            rates.width, known.sel(protocol=name), color=colour, marker=marker, ls=dash, label=words(name)
        )
    chosen = np.unique(known.values[~np.isnan(known.values)])
    axes.set_yscale("log")
    axes.set_yticks(chosen, [f"{rate:g}" for rate in chosen])
    axes.yaxis.set_minor_locator(NullLocator())
    width_axis(axes, rates.width.values)
    axes.set_ylabel("best learning rate")
    axes.legend()
