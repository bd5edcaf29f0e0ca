"""What figures of studies on finite data share: the rate that fits best, ends of runs, curves in width."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums
from figures.parts.write import Drawn
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
    caption: str,
    by: tuple[str, ...] = (),
    along: str = "protocol",
    styles: Mapping[Any, Mapping[str, Any]] | None = None,
    *,
    log: bool = False,
    more: tuple[str, ...] = (),
) -> Drawn:
    """Variables with their intervals against width, a line per value of `along`, see `panels.lines`.

    A panel in which nothing is known is left out.

    Parameters
    ----------
    names : title of a panel, with the values of `by` in it, see `Settings` -> variable
    by : axes with panels of their own for every value
    log : logarithmic vertical axis
    more : further variables of the table
    """
    parts = {}
    for row in zip(*(panels.each(table, by, title).items() for title in names), strict=True):
        for (title, part), name in zip(row, names.values(), strict=True):
            part = part.sel(width=part[name].notnull().any(along))
            if part.sizes["width"]:
                parts[title] = (part, name)

    def draw(axes: Axes, shown: tuple[xr.Dataset, str]) -> None:
        panels.lines(axes, *shown, along, styles)
        if log:
            axes.set_yscale("log")

    figure = panels.facets(parts, draw, 2.2, beside=ylabel, legend=3)
    return Drawn(figure, sums.numbers(table, *names.values(), *more), caption)


def when(ds: xr.Dataset, there: xr.DataArray, wanted: Sequence[str]) -> xr.Dataset:
    """The variables `wanted` at the first record at which something is `there`; NaN where it never is."""
    there = there & (ds.status == 0)
    found = ds[[*wanted]].isel(time=there.argmax("time")).where(there.any("time"))
    return found.drop_vars("time")


#: Quantity of a path -> its label.
PATHS = {"length": "length of the path", "variance": "variance of its steps"}


def path(
    summary: xr.Dataset, part: xr.Dataset, name: str, by: str, said: str, caption: str, *more: str
) -> Drawn:
    """A quantity of the path against width at the end of the run, and where the accuracy is the same.

    Parameters
    ----------
    part : what is drawn of the summary, all of which is in the table
    name : one of `PATHS`
    by, said : axis with a row of panels for every value, and how titles say it, see `Settings`
    more : further variables of the table
    """
    names = {f"at the end, {said}": f"path_{name}_mean", f"same accuracy, {said}": f"same_path_{name}_mean"}
    drawn = against_width(part, names, PATHS[name], caption, (by,), log=True)
    return drawn._replace(table=sums.numbers(summary, *names.values(), *more))
