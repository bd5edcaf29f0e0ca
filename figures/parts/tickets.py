"""What the studies of tickets share: axes of weights left and of learning rates, everybody's best rate."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts.panels import bars
from figures.parts.style import GREY, log_axis
from figures.parts.summary import cell_of, means, need, prefixed
from studies.analysis.tickets import at_own_rate, effects

#: Said below figures that show everybody's best rate.
OWN = "Best rate: each training at the rate that suits it, chosen on even and shown for odd replicates."


def need_swap(ds: xr.Dataset) -> None:
    """Refuse results without tickets beside random masks, each trained with both protocols."""
    both = "trained_with" in ds.dims and {"ticket", "random_mask"} <= set(ds.arm.values)
    need(both, "needs the arms ticket and random_mask and the swap of protocols")
    need(ds.sizes["replicate"] > 3, "needs four replicates, half of them to choose rates")


def swapped(end: xr.DataArray) -> xr.Dataset:
    """Accuracies at the end with what trainer and finder add to them."""
    return means({"end": end} | effects(end))


def swapped_at_own_rate(ds: xr.Dataset) -> xr.Dataset:
    """The same with every training at its own best rate, and these rates; names start with `own_`."""
    own, rate = at_own_rate(ds)
    return prefixed("own", swapped(own).assign(rate=rate))


def lenet(summary: xr.Dataset) -> str:
    """The network, in words."""
    width = cell_of(summary)["width"]
    return f"LeNet of {3 * width} and {width} units"


def some_images(summary: xr.Dataset) -> str:
    """How many images are trained on, in words."""
    return f"{n} images" if (n := cell_of(summary)["n_train"]) else "all images"


def steps(summary: xr.Dataset) -> np.ndarray:
    """The step of every record."""
    cell = cell_of(summary)
    return np.arange(summary.sizes["time"]) * (cell["steps"] // cell["n_records"])


def shares_left(weights: xr.DataArray) -> xr.Dataset:
    """`left`, the share of weights that is left after each round; weights (replicate, round)."""
    one = weights.isel(replicate=0, drop=True)
    return xr.Dataset({"left": one / one.sel(round=0)})


def left_axis(axes: Axes, left: np.ndarray) -> None:
    """A logarithmic axis of the share of weights left, the dense network on the left, every round named."""
    axes.set_xscale("log")
    axes.set_xticks(left, [percent(x) for x in left], rotation=90 if len(left) > 8 else 0)
    axes.minorticks_off()
    axes.set_xlim(1.15 * left.max(), left.min() / 1.15)
    axes.set_xlabel("weights left, %")


def left_after(ds: xr.Dataset, rounds: int) -> str:
    """Share of the weights, but for the output layer, that is left after some rounds of pruning, in %."""
    return f"{percent((1 - cell_of(ds)['fraction']) ** int(rounds))} %"


def percent(share: float) -> str:
    """A share in percent, with two digits or all before the point."""
    return f"{100 * share:.0f}" if share >= 0.1 else f"{100 * share:.2g}"


def beside(rates: np.ndarray) -> float:
    """A place to the right of all rates, for what has everybody's best."""
    return rates.max() * max(1.6, (rates.max() / rates.min()) ** 0.25)


def by_rate(
    axes: Axes, rates: np.ndarray, table: xr.Dataset, name: str, style: dict[str, Any], shift: float = 0
) -> None:
    """`name` against the rate, and `own_` + name, at everybody's best, beside it; both with intervals."""
    bars(axes, rates, table, f"{name}_mean", style, shift)
    bars(axes, beside(rates), table, f"own_{name}_mean", style | {"ls": "none", "label": None}, shift)


def rate_axis(axes: Axes, rates: np.ndarray) -> None:
    """The axis of learning rates with a place for everybody's best, and the line of no gain."""
    axes.axhline(0, color=GREY, lw=0.8, zorder=1)
    log_axis(axes, "x", {rate: f"{rate:g}" for rate in rates} | {beside(rates): "own best"})
    axes.set_xlabel("learning rate")
