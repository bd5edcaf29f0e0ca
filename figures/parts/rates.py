"""Panels about learning rates: every arm at its own best one, and which that is."""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts.panels import bars, legend_below, spread, zero_and_widths
from figures.parts.style import GREY, looks, rate_ticks, series, width_axis
from figures.parts.summary import cell_of, description, need, starting

#: On top of a line: open markers without line and label.
OPEN = {"ls": "none", "label": None, "mfc": "white", "zorder": 3}


def own_best(summary: xr.Dataset) -> xr.Dataset:
    """What a summary knows of every arm at its own best rate, at the widths where rates were swept."""
    need("tuned_benefit" in summary, "needs two learning rates and four replicates")
    return starting(summary, "tuned_")


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
    ends = np.isclose(known, swept.min(), rtol=1e-3) | np.isclose(known, swept.max(), rtol=1e-3)
    rate_lines(axes, known, known.copy(data=ends))
    rate_ticks(axes, "y", np.sort(swept))
    axes.set_ylim(swept.min() / 1.2, swept.max() * 1.2)
    width_axis(axes, rates.width.values)
    axes.set_ylabel("best learning rate")
    if ends.any():
        axes.plot([], [], "o", color=GREY, mfc="white", label="smallest or largest rate tried")
    legend_below(axes, 2)


def rate_lines(axes: Axes, rates: xr.DataArray, edge: xr.DataArray, step: float = 0.12) -> None:
    """Learning rates (protocol, width), a line per protocol, with open markers where `edge` is 1."""
    styles = looks(rates.protocol.values)
    for (name, style), shift in zip(styles.items(), spread(len(styles), step), strict=True):
        line = rates.sel(protocol=name).dropna("width")
        x, ends = line.width.values * 2.0**shift, edge.sel(protocol=name, width=line.width).values == 1
        axes.plot(x, line, **style)
        axes.plot(x[ends], line.values[ends], **style | OPEN)


def tuned_note(own: xr.Dataset) -> str:
    """How the rates were chosen, said below `tuned_panels`."""
    if "tuned_halves" in own:
        return (
            "Rates chosen on one half of the replicates and judged on the other, both ways, averaged; the "
            "intervals include the choice."
        )
    return "Rates chosen on the replicates of even number, benefit shown for the odd ones."
