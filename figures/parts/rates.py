"""Panels about learning rates: every arm at its own best one, and which that is."""

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import summary as sums
from figures.parts.panels import bars, legend_below, spread, zero_and_widths
from figures.parts.style import GREY, log_axis, looks, series, width_axis
from studies.analysis import last, usable

#: On top of a line: open markers without line and label.
OPEN: dict[str, Any] = {"ls": "none", "label": None, "mfc": "white", "zorder": 3}
#: How rates were chosen, said below figures of every arm at its own.
TUNED = (
    "Rates chosen on one half of the replicates and judged on the other, both ways; intervals include that."
)


def need_rates(summary: xr.Dataset) -> None:
    """Refuse a summary without rates to choose from."""
    sums.need("tuned_benefit" in summary, "needs two learning rates and four replicates")


def own_best(summary: xr.Dataset) -> xr.Dataset:
    """What a summary knows of every arm at its own best rate, at the widths where rates were swept."""
    need_rates(summary)
    return sums.starting(summary, "tuned_")


def own_benefit(summary: xr.Dataset, *more: str) -> xr.Dataset:
    """The benefit with every arm at its own best rate, by the names of that at one rate, and `more`."""
    need_rates(summary)
    names = {f"tuned_{name}": name for name in sums.BENEFIT}
    return summary[[*names, *more]].rename(names)


def own_benefit_over(summary: xr.Dataset, control: str, *more: str) -> xr.Dataset:
    """The same over one control."""
    table = own_benefit(summary, *more)
    sums.need(control in table.control, f"needs {control}")
    return table.sel(control=control)


def arms(part: xr.Dataset, treatment: str) -> xr.Dataset:
    """Accuracies at the end, gains over controls with every arm at its own best rate, runs left out."""
    known = sums.prefixed("accuracy", sums.mean(last(usable(part))))
    lost = xr.Dataset({"left_out": sums.left_out(part).sum("replicate")})
    return sums.merged(known, lost, sums.own_over_controls(part, treatment))


def best_rates(summary: xr.Dataset, tried: xr.DataArray) -> xr.Dataset:
    """The best rates `tuned_rate`, and whether they are an `edge` of those that were tried."""
    need_rates(summary)
    edge = is_end(summary.tuned_rate, tried.learning_rate.where(tried), "learning_rate")
    return summary[["tuned_rate"]].assign(edge=edge)


def at_best(summary: xr.Dataset, name: str) -> xr.Dataset:
    """A variable with its interval where every arm is at its own best rate."""
    need_rates(summary)
    known = sums.numbers(summary, name)
    return known.where(is_rate(known.learning_rate, summary.tuned_rate)).max("learning_rate")


def is_rate(rates: xr.DataArray, rate: xr.DataArray | float) -> xr.DataArray:
    """Where rates, in single precision, are this one."""
    return abs(rates - rate) < 1e-3 * rate


def is_end(rates: xr.DataArray, tried: np.ndarray | xr.DataArray, along: str | None = None) -> xr.DataArray:
    """Where rates are the smallest or the largest that was tried; `along` that axis, if there are others."""
    known = xr.DataArray(tried)
    return is_rate(rates, known.min(along)) | is_rate(rates, known.max(along))


def tuned_panels(left: Axes, right: Axes, shared: xr.Dataset, own: xr.Dataset, summary: xr.Dataset) -> None:
    """Benefit against width with one rate for both arms and with each at its own best; the rates chosen."""
    n, kept = (int(np.nanmax(part[name])) for part, name in ((shared, "n"), (own, "tuned_n")))
    said = f"one rate for both arms ({n} replicates)", f"each arm at its best rate ({kept} replicates)"
    one, best = series(said).values()
    bars(left, shared.width.values, shared, "benefit", one, -0.06)
    bars(left, own.width.values, own, "tuned_benefit", best, 0.06)
    zero_and_widths(left, own.width.values)
    legend_below(left)
    text = sums.description(summary)
    swept = np.array(text["axes"].get("learning_rate", [text["cell"]["learning_rate"]]))
    chosen = own.tuned_rate.dropna("protocol", how="all")
    table = xr.Dataset({"rate": chosen, "edge": is_end(chosen, swept)})
    rate_lines(right, table, "rate", np.sort(swept))
    right.set(ylim=(swept.min() / 1.2, swept.max() * 1.2), ylabel="best learning rate")
    if table.edge.any():
        right.plot([], [], "o", color=GREY, mfc="white", label="smallest or largest rate tried")
    legend_below(right, 2)


def rate_lines(axes: Axes, table: xr.Dataset, name: str, named: np.ndarray, step: float = 0.12) -> None:
    """Learning rates `name` (protocol, width) against width, a line per protocol, open where `edge` is 1.

    `named` are the rates with a tick; NaN is none.
    """
    styles = looks(table.protocol.values)
    for (protocol, style), shift in zip(styles.items(), spread(len(styles), step), strict=True):
        line = table[[name, "edge"]].sel(protocol=protocol).dropna("width", subset=[name])
        x, ends = line.width.values * 2.0**shift, line.edge.values == 1
        axes.plot(x, line[name], **style)
        axes.plot(x[ends], line[name].values[ends], **style | OPEN)
    log_axis(axes, "y", {rate: f"{rate:g}" for rate in np.unique(named[~np.isnan(named)])})
    width_axis(axes, table.width.values)


def tuned_note(own: xr.Dataset) -> str:
    """How the rates were chosen, said below `tuned_panels`."""
    if "tuned_halves" in own:
        return (
            "Rates chosen on one half of the replicates and judged on the other, both ways, averaged; the "
            "intervals include the choice."
        )
    return "Rates chosen on the replicates of even number, benefit shown for the odd ones."
