"""Maps of a benefit, each cell with a colour, and dots where it may be 0."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures.parts.panels import TIME, wrapped

#: What a benefit is shown over beside the width -> label of that axis.
DOWN = {"time": TIME, "budget": "budget, samples / N", "depth": "hidden layers L"}


def benefits(parts: Mapping[str, xr.Dataset], label: str, linear: float | None = None) -> Figure:
    """Benefit over width and time, each panel with a scale of its own, dots where the interval covers 0.

    Parameters
    ----------
    parts : title -> `benefit`, `ci_low`, `ci_high` (time, width), or another of `DOWN` in the place of time
    label : of the colour bar
    linear : the scale is logarithmic beyond +- this value; linear throughout if None
    """
    figure, places = wrapped(len(parts), 2.5)
    for axes, (title, data) in zip(places, parts.items(), strict=True):
        down = next(axis for axis in DOWN if axis in data.benefit.dims)
        data = data.sel(width=data.benefit.notnull().any(down)).transpose(down, "width", ...)
        x, rows = np.arange(data.sizes["width"]), data[down].values.astype(float)
        named = down != "time"  # times are an axis, budgets are names
        rows = np.arange(len(rows)) if named else rows
        top = max(float(np.abs(data.benefit).max()), 1e-6)
        norm = Normalize(-top, top) if linear is None else SymLogNorm(linear, vmin=-top, vmax=top)
        axes.pcolormesh(edges(x), edges(rows), data.benefit, cmap="RdBu_r", norm=norm)
        covered = np.argwhere(((data.ci_low <= 0) & (data.ci_high >= 0)).values)
        axes.plot(covered[:, 1], rows[covered[:, 0]], "o", color="#444444", ms=1.5)
        axes.set_xticks(x, [str(w) for w in data.width.values])
        if named:
            axes.set_yticks(rows, [f"{value:g}" for value in data[down].values])
        axes.set(xlabel="width K", ylabel=DOWN[down], title=title)
        bar = figure.colorbar(ScalarMappable(norm, "RdBu_r"), ax=axes, label=label)
        if linear is not None:
            marks = [-top, -linear, 0, linear, top]
            bar.set_ticks(marks, labels=[f"{value:.2g}" for value in marks])
            bar.minorticks_off()
    dots = Line2D([], [], color="#444444", marker="o", ms=1.5, ls="none")
    figure.legend([dots], ["interval covers 0"], loc="outside upper center")
    return figure


def edges(middles: np.ndarray) -> np.ndarray:
    """The borders of cells around `middles`, which are half-way between neighbours."""
    half = np.diff(middles) / 2 if len(middles) > 1 else np.array([0.5])
    inner = middles[:-1] + half[: len(middles) - 1]
    return np.concatenate([[middles[0] - half[0]], inner, [middles[-1] + half[-1]]])
