"""What figures of studies on finite data share: the rate that fits best, ends of runs, curves in width."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.style import Settings
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


def against_width(
    table: xr.Dataset,
    names: Mapping[str, str],
    ylabel: str,
    by: Sequence[str] = (),
    along: str = "protocol",
    styles: Mapping[Any, Mapping[str, Any]] | None = None,
    *,
    log: bool = False,
) -> Figure:
    """Variables with their intervals against width, a line per value of `along`, see `panels.lines`.

    A panel in which nothing is known is left out.

    Parameters
    ----------
    names : title of a panel, with the values of `by` in it, see `Settings` -> variable
    by : axes with panels of their own for every value
    log : logarithmic vertical axis
    """
    parts = {}
    for values in product(*(table[axis].values for axis in by)):
        at = dict(zip(by, values, strict=True))
        for title, name in names.items():
            part = table.sel(at)
            part = part.sel(width=part[name].notnull().any(along))
            if part.sizes["width"]:
                parts[Settings().format(title, **at)] = (part, name)

    def draw(axes: Axes, shown: tuple[xr.Dataset, str]) -> None:
        panels.lines(axes, *shown, along, styles)
        if log:
            axes.set_yscale("log")

    return panels.facets(parts, draw, 2.2, beside=ylabel, legend=3)


def when(ds: xr.Dataset, name: str, below: float, wanted: Sequence[str]) -> xr.Dataset:
    """The variables `wanted` at the first record at which `name` is below a level; NaN where it never is."""
    under = (ds[name] < below) & (ds.status == 0)
    first = under.argmax("time")
    return xr.Dataset(
        {other: ds[other].isel(time=first).where(under.any("time")) for other in wanted}
    ).drop_vars("time")
