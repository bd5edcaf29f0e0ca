"""What figures of studies on finite data share: the rate that fits best, ends of runs, curves in width."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.style import GREY, looks, width_axis
from studies.analysis import last, usable


def fitted(ds: xr.Dataset, axis: str = "learning_rate", by: str = "train_loss") -> xr.Dataset:
    """Every arm at the value of `axis` that leaves the least training loss at the end, on average.

    The test set plays no part in the choice, so no test result is flattered by it. A value at which a run
    failed is not eligible. The value chosen is the variable `chosen`.
    """
    if axis not in ds.dims:
        return ds.assign(chosen=xr.DataArray(sums.cell_of(ds)[axis]))
    loss = last(usable(ds, by)).mean("replicate", skipna=False)
    index = loss.fillna(np.inf).argmin(axis)
    return ds.isel({axis: index}).drop_vars(axis).assign(chosen=ds[axis][index].drop_vars(axis))


def ends(ds: xr.Dataset, *names: str) -> xr.Dataset:
    """The last record of these variables, of runs that did not fail; those not recorded are left out."""
    return xr.Dataset({name: last(usable(ds, name)) for name in names if name in ds})


def gains_at_end(ds: xr.Dataset, name: str, control: str) -> xr.Dataset:
    """Paired differences of `name` at the end, every protocol less `control`, along an axis `treatment`."""
    others = [other for other in ds.protocol.values if other != control]
    each = [
        sums.gain(sums.at_end(ds, name), other, control, name).isel(time=0, drop=True) for other in others
    ]
    return xr.concat(each, xr.DataArray(others, dims="treatment", name="treatment"))


def against_width(
    table: xr.Dataset,
    each: Mapping[str, tuple[str, Mapping[str, Any]]],
    ylabel: str,
    along: str = "protocol",
    styles: Mapping[Any, Mapping[str, Any]] | None = None,
    *,
    log: bool = False,
    zero: bool = False,
) -> Figure:
    """Variables with their intervals against width: a panel for each selection, a line per value of `along`.

    Parameters
    ----------
    each : title of a panel -> variable, and what of `table` it shows
    log : logarithmic vertical axis
    zero : a line at 0
    """
    shown = looks(table[along].values) if styles is None else styles
    figure, places = panels.wrapped(len(each), 2.2)
    for axes, (title, (name, at)) in zip(places, each.items(), strict=True):
        part = table.sel(at)
        panels.curves(axes, part, name, along, shown)
        width_axis(axes, part.width.values[part[name].notnull().any(along).values])
        axes.set_title(title)
        if log:
            axes.set_yscale("log")
        if zero:
            axes.axhline(0, color=GREY, lw=0.8, zorder=1)
    figure.supylabel(ylabel, fontsize=8)
    panels.legend_above(figure, 3)
    return figure


def when(ds: xr.Dataset, name: str, below: float, wanted: Sequence[str]) -> xr.Dataset:
    """The variables `wanted` at the first record at which `name` is below a level; NaN where it never is."""
    under = (ds[name] < below) & (ds.status == 0)
    first = under.argmax("time")
    return xr.Dataset(
        {other: ds[other].isel(time=first).where(under.any("time")) for other in wanted}
    ).drop_vars("time")


def over_rates(runs: xr.Dataset) -> xr.Dataset:
    """Means over learning rates of what is known."""
    return runs.mean("learning_rate") if "learning_rate" in runs.dims else runs
