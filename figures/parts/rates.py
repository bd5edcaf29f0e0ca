"""Panels about learning rates: every arm at its own best one, and which that is."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts.panels import bars, legend_below, spread, zero_and_widths
from figures.parts.style import GREY, looks, rate_ticks, series, width_axis
from figures.parts.summary import BENEFIT, cell_of, description, need, numbers, starting

#: On top of a line: open markers without line and label.
OPEN: dict[str, Any] = {"ls": "none", "label": None, "mfc": "white", "zorder": 3}
#: How rates were chosen, said below figures of every arm at its own.
TUNED = (
    "Rates chosen on one half of the replicates and judged on the other, both ways; intervals include that."
)


def need_rates(summary: xr.Dataset) -> None:
    """Refuse a summary without rates to choose from."""
    need("tuned_benefit" in summary, "needs two learning rates and four replicates")


def own_best(summary: xr.Dataset) -> xr.Dataset:
    """What a summary knows of every arm at its own best rate, at the widths where rates were swept."""
    need_rates(summary)
    return starting(summary, "tuned_")


def own_benefit(summary: xr.Dataset, *more: str) -> xr.Dataset:
    """The benefit with every arm at its own best rate, by the names of that at one rate, and `more`."""
    need_rates(summary)
    names = {f"tuned_{name}": name for name in BENEFIT}
    return summary[[*names, *more]].rename(names)


def at_best(summary: xr.Dataset, name: str) -> xr.Dataset:
    """A variable with its interval where every arm is at its own best rate."""
    need_rates(summary)
    known = numbers(summary, name)
    return known.where(is_rate(known.learning_rate, summary.tuned_rate)).max("learning_rate")


def is_rate(rates: xr.DataArray, rate: xr.DataArray | float) -> xr.DataArray:
    """Where rates, in single precision, are this one."""
    return abs(rates - rate) < 1e-3 * rate


def is_end(rates: xr.DataArray, tried: np.ndarray) -> xr.DataArray:
    """Where rates are the smallest or the largest that was tried."""
    return is_rate(rates, tried.min()) | is_rate(rates, tried.max())


def tuned_panels(left: Axes, right: Axes, shared: xr.Dataset, own: xr.Dataset, summary: xr.Dataset) -> None:
    """Benefit against width with one rate for both arms and with each at its own best; the rates chosen."""
    n, kept = (int(np.nanmax(part[name])) for part, name in ((shared, "n"), (own, "tuned_n")))
    styles = series(
        (f"one rate for both arms ({n} replicates)", f"each arm at its best rate ({kept} replicates)")
    )
    one, best = styles.values()
    bars(left, shared.width.values, shared, "benefit", one, -0.06)
    bars(left, own.width.values, own, "tuned_benefit", best, 0.06)
    zero_and_widths(left, own.width.values)
    legend_below(left)
    swept = np.array(description(summary)["axes"].get("learning_rate", [cell_of(summary)["learning_rate"]]))
    rate_panel(right, own.tuned_rate, swept)


def rate_panel(axes: Axes, rates: xr.DataArray, swept: np.ndarray) -> None:
    """The best learning rate of each protocol against width, open where smallest or largest tried."""
    known = rates.dropna("protocol", how="all")
    ends = is_end(known, swept)
    rate_lines(axes, known, ends, np.sort(swept))
    axes.set_ylim(swept.min() / 1.2, swept.max() * 1.2)
    axes.set_ylabel("best learning rate")
    if ends.any():
        axes.plot([], [], "o", color=GREY, mfc="white", label="smallest or largest rate tried")
    legend_below(axes, 2)


def rate_lines(
    axes: Axes, rates: xr.DataArray, edge: xr.DataArray, named: np.ndarray, step: float = 0.12
) -> None:
    """Learning rates (protocol, width) against width, a line per protocol.

    Parameters
    ----------
    edge : markers are open where it is 1
    named : rates with a tick; NaN is none
    """
    styles = looks(rates.protocol.values)
    for (name, style), shift in zip(styles.items(), spread(len(styles), step), strict=True):
        line = rates.sel(protocol=name).dropna("width")
        x, ends = line.width.values * 2.0**shift, edge.sel(protocol=name, width=line.width).values == 1
        axes.plot(x, line, **style)
        axes.plot(x[ends], line.values[ends], **style | OPEN)
    rate_ticks(axes, "y", np.unique(named[~np.isnan(named)]))
    width_axis(axes, rates.width.values)


def tuned_note(own: xr.Dataset) -> str:
    """How the rates were chosen, said below `tuned_panels`."""
    if "tuned_halves" in own:
        return (
            "Rates chosen on one half of the replicates and judged on the other, both ways, averaged; the "
            "intervals include the choice."
        )
    return "Rates chosen on the replicates of even number, benefit shown for the odd ones."
