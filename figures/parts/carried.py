"""What the studies of carried tickets share: masks of the data, of other data, of the start, random ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.style import GREY, PAGE, series
from figures.parts.write import Drawn
from studies.analysis import usable

RECORDED = ("random_accuracy",)
#: Where a mask is from -> said in legends.
ARMS = {
    "own": "mask of the same data",
    "carried": "mask of other data",
    "start": "largest weights at the start",
    "random": "random mask",
}


def accuracies(own: xr.Dataset, carried: xr.Dataset) -> xr.DataArray:
    """Accuracy at the end (arm, replicate) of tickets on one task, whose mask is of it or of other data."""
    sums.need(own.sizes["step"] > 1, "needs masks drawn at the start and at the end")
    end, other = (usable(ds).isel(time=-1, drop=True) for ds in (own, carried))
    anywhere = usable(own, "random_accuracy").isel(time=-1, drop=True)
    parts = [
        end.isel(step=-1, drop=True),
        other.isel(step=-1, drop=True),
        end.isel(step=0, drop=True),
        anywhere,
    ]
    return xr.concat(parts, xr.DataArray([*ARMS], dims="arm", name="arm"))


def summarise(ds: xr.Dataset, places: Mapping[str, tuple[xr.Dataset, xr.Dataset]]) -> xr.Dataset:
    """Accuracies and paired gains at every place, a task with its mask and its carried one.

    Returns
    -------
    accuracy_mean, over_random_mean, over_start_mean (place, arm) with intervals
    dense_mean (place) : the whole network, on the task
    left (place) : share of the weights left
    """
    sums.need(bool(places), "needs masks of the same and of other data")
    parts = []
    for own, carried in places.values():
        values = accuracies(own, carried)
        dense = usable(own, "dense_accuracy").isel(time=-1, drop=True)
        part = sums.merged(
            sums.prefixed("accuracy", sums.mean(values)),
            sums.prefixed("over_random", sums.mean(values - values.sel(arm="random", drop=True))),
            sums.prefixed("over_start", sums.mean(values - values.sel(arm="start", drop=True))),
            sums.prefixed("dense", sums.mean(dense)),
        )
        part["left"] = (own.flops_per_step / own.dense_flops_per_step).mean()
        part["left_out"] = sums.left_out(own).sum() + sums.left_out(carried).sum()
        parts.append(part)
    return sums.summary_of(ds, sums.along("place", dict(zip(places, parts, strict=True))))


def _points(axes: Axes, table: xr.Dataset, name: str, arms: list[str]) -> None:
    """A point with its interval for every place and arm."""
    looks = series(ARMS)
    for arm, shift in zip(arms, np.linspace(-0.2, 0.2, len(arms)), strict=True):
        own = table.sel(arm=arm)
        middle, low, high = (own[column].values for column in sums.columns(name))
        style: dict[str, Any] = looks[arm] | {"ls": "", "label": ARMS[arm]}
        axes.errorbar(np.arange(middle.size) + shift, middle, [middle - low, high - middle], **style)
    axes.set_xticks(
        np.arange(table.sizes["place"]), [str(place).replace(", ", "\n") for place in table.place.values]
    )
    axes.set_xlim(-0.5, table.sizes["place"] - 0.5)


def figure(summary: xr.Dataset, caption: str) -> Drawn:
    """Accuracy of tickets by where their mask is from; what they gain over random masks, paired."""
    drawn, grid = panels.grid(2, 1, 2.3, sharex=True)
    drawn.set_figwidth(PAGE)
    (above,), (below,) = grid
    table = summary.transpose("place", ...)
    _points(above, table, "accuracy_mean", [*ARMS])
    above.set_ylabel("test accuracy")
    _points(below, table, "over_random_mean", ["own", "carried", "start"])
    below.axhline(0, color=GREY, lw=0.8, zorder=1)
    below.set_ylabel("accuracy over\nrandom masks")
    panels.legend_above(drawn)
    return Drawn(drawn, summary[[str(v) for v in summary.data_vars if v != "left_out"]], caption)
