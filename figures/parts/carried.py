"""What the studies of carried tickets share: masks of the data, of other data, of the start, random ones."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums
from figures.parts.style import GREY, PAGE, series
from figures.parts.write import Drawn
from studies.analysis import last, usable

RECORDED = ("random_accuracy",)
#: Where a mask is from -> said in legends.
ARMS = {
    "own": "mask of the same data",
    "carried": "mask of other data",
    "start": "largest weights at the start",
    "random": "random mask",
    "own_shuffled": "mask of the same data, shuffled within units",
    "carried_shuffled": "mask of other data, shuffled within units",
}


class Place(NamedTuple):
    """The tickets of one task: with its own masks and with carried ones, and these with shuffled weights."""

    own: xr.Dataset
    carried: xr.Dataset
    own_shuffled: xr.Dataset | None = None
    carried_shuffled: xr.Dataset | None = None


def accuracies(place: Place) -> xr.DataArray:
    """Accuracy at the end (arm, replicate) of the tickets of a task."""
    sums.need(place.own.sizes["step"] > 1, "needs masks drawn at the start and at the end")
    there = {name: ds for name, ds in place._asdict().items() if ds is not None}
    # a data set has times of its own
    ends = {name: last(usable(ds)) for name, ds in there.items()}
    parts = {name: end.isel(step=-1, drop=True) for name, end in ends.items()}
    parts["start"] = ends["own"].isel(step=0, drop=True)
    parts["random"] = last(usable(place.own, "random_accuracy"))
    return xr.concat(parts.values(), xr.DataArray([*parts], dims="arm", name="arm"))


def summarise(ds: xr.Dataset, places: Mapping[str, Place]) -> xr.Dataset:
    """Accuracies and paired gains at every place.

    Returns
    -------
    accuracy_mean, over_random_mean, over_start_mean, over_carried_mean (place, arm) with intervals
    over_shuffled_mean (place, arm) : of own and carried masks, over the same shuffled within units
    dense_mean (place) : the whole network, on the task
    left (place) : share of the weights left
    """
    sums.need(bool(places), "needs masks of the same and of other data")
    parts = []
    for place in places.values():
        values = accuracies(place)
        dense = last(usable(place.own, "dense_accuracy"))
        gains = {
            f"over_{arm}": sums.mean(values - values.sel(arm=arm, drop=True))
            for arm in ("random", "start", "carried")
        }
        if place.carried_shuffled is not None:
            kinds = ["own", "carried"]
            shuffled = values.sel(arm=[f"{kind}_shuffled" for kind in kinds]).assign_coords(arm=kinds)
            gains["over_shuffled"] = sums.mean(values.sel(arm=kinds) - shuffled)
        gains |= {"accuracy": sums.mean(values), "dense": sums.mean(dense)}
        part = sums.merged(*(sums.prefixed(name, found) for name, found in gains.items()))
        part["left"] = (place.own.flops_per_step / place.own.dense_flops_per_step).mean()
        part["left_out"] = sum(sums.left_out(runs).sum() for runs in place if runs is not None)
        parts.append(part)
    return sums.summary_of(ds, sums.along("place", dict(zip(places, parts, strict=True))))


def _points(axes: Axes, table: xr.Dataset, name: str, arms: list[str]) -> None:
    """A point with its interval for every place and arm."""
    looks = series(ARMS)
    for arm, shift in zip(arms, np.linspace(-0.2, 0.2, len(arms)), strict=True):
        own = table.sel(arm=arm)
        style: dict[str, Any] = looks[arm] | {"ls": "", "label": ARMS[arm]}
        panels.bars(axes, np.arange(own.sizes["place"]) + shift, own, name, style)
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
    arms = [arm for arm in ARMS if arm in table.arm]
    _points(above, table, "accuracy_mean", arms)
    above.set_ylabel("test accuracy")
    _points(below, table, "over_random_mean", [arm for arm in arms if arm != "random"])
    below.axhline(0, color=GREY, lw=0.8, zorder=1)
    below.set_ylabel("accuracy over\nrandom masks")
    panels.legend_above(drawn, 4 if len(arms) == 4 else 2)
    return Drawn(drawn, summary[[str(v) for v in summary.data_vars if v != "left_out"]], caption)
