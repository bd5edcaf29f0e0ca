"""Figures of the study depth_and_width.

benefit   benefit against width, a line per depth: one rate for all, and each arm at its own best rate
map       the same over width and depth, with dots where its interval covers 0
controls  benefit over each control, each arm at its own best rate
rates     the best learning rate of every arm against width, a panel per depth
accuracy  test accuracy of every arm at its own best rate against width, a panel per depth
"""

from typing import Any

import xarray as xr

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.rates import rate_lines
from figures.parts.style import looks, rate_ticks, series, width_axis, words
from figures.parts.summary import BENEFIT
from figures.parts.write import Drawn, Figures
from studies.analysis import last, usable, with_axes

#: The protocols that are compared, and the axes that the figures know.
PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_accuracy",)
AXES = ("protocol", "width", "depth", "learning_rate")
LABEL = "benefit over no curriculum\n(test accuracy)"
#: How rates were chosen.
TUNED = (
    "Rates chosen on one half of the replicates and judged on the other, both ways; intervals include that."
)
CAPTION = (
    "XOR-like Gaussian mixture, N = {n_inputs}, L hidden layers of K units, {activation:words} students, "
    "{loss} loss, {parametrisation:words} parametrisation, budget {budget:g}; noise {easy[noise]:g} then "
    "{hard[noise]:g}, easy fraction {easy_fraction:g}, tested at noise {hard[noise]:g}."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, at the end of the run, replicates reduced to means and intervals."""
    ds = with_axes(ds, AXES[2:])
    rate = sums.choose(ds, {"learning_rate": None})
    out = sums.merged(
        sums.prefixed("accuracy", sums.mean(last(usable(ds)))), _gains(ds.sel(rate, drop=True)), _own(ds)
    )
    lost = sums.left_out(ds).sum("replicate")
    return sums.summary_of(ds, out.assign(left_out=lost), shared_rate=rate["learning_rate"])


def _gains(ds: xr.Dataset) -> xr.Dataset:
    """The benefit over every control at the end of the run, both arms at one rate."""
    names, ends = [name for name in sums.CONTROLS if name in ds.protocol], sums.at_end(ds, "test_accuracy")
    each = [sums.gain(ends, PAIR[0], name).isel(time=0, drop=True) for name in names]
    return xr.concat(each, xr.DataArray(names, dims="control", name="control"), join="outer")


def _own(ds: xr.Dataset) -> xr.Dataset:
    """The same with both arms at their own best rates, and the rates; nothing where there is no choice."""
    return sums.merged(*(sums.own_over_controls(ds.sel(depth=[depth]), PAIR[0]) for depth in ds.depth.values))


def own(summary: xr.Dataset) -> xr.Dataset:
    """The benefit with every arm at its own best rate, by the names of that at one rate."""
    sums.need("tuned_benefit" in summary, "needs two learning rates and four replicates")
    return summary[[f"tuned_{name}" for name in BENEFIT]].rename({f"tuned_{n}": n for n in BENEFIT})


def both(summary: xr.Dataset) -> dict[str, xr.Dataset]:
    """The benefit over no curriculum at one rate and, where rates were swept, each arm at its own."""
    found = {f"one rate, {summary.attrs['shared_rate']:g}": summary[BENEFIT]}
    if "tuned_benefit" in summary:
        found["each arm at its best rate"] = own(summary)
    return {title: part.sel(control=PAIR[1]) for title, part in found.items()}


def noted(parts: dict[str, xr.Dataset]) -> str:
    """The caption, with how rates were chosen where they were."""
    return f"{CAPTION} {TUNED}" if len(parts) > 1 else CAPTION


def benefit(summary: xr.Dataset) -> Drawn:
    """Benefit against width, a line per depth."""
    parts = both(summary)
    figure, row = panels.wrapped(len(parts), 2.8, sharey=True)
    for axes, (title, part) in zip(row, parts.items(), strict=True):
        panels.benefit_lines(axes, part, "depth", series(part.depth.values, "L = {}"))
        axes.set_title(title)
    row[0].set_ylabel(LABEL)
    panels.legend_above(figure)
    return Drawn(figure, parts, noted(parts))


def map_(summary: xr.Dataset) -> Drawn:
    """Benefit over width and depth."""
    parts = both(summary)
    shown = [(title, part, "depth", "hidden layers L") for title, part in parts.items()]
    return Drawn(panels.maps(shown, "benefit (test accuracy)"), parts, noted(parts))


def controls(summary: xr.Dataset) -> Drawn:
    """Benefit over each control, every arm at its own best rate."""
    table = own(summary)
    names = table.control.values
    figure, row = panels.wrapped(len(names), 2.5, most=3, sharey=True)
    for axes, name in zip(row, names, strict=True):
        part = table.sel(control=name)
        panels.benefit_lines(axes, part, "depth", series(part.depth.values, "L = {}"))
        axes.set_title(f"over {words(name)}")
    row[0].set_ylabel("benefit of the curriculum\n(test accuracy)")
    panels.legend_above(figure)
    return Drawn(figure, table, f"{CAPTION} {TUNED}")


def per_depth(summary: xr.Dataset) -> tuple[Any, list[tuple[int, Any]]]:
    """A figure with a panel for each depth."""
    depths = summary.depth.values
    figure, places = panels.wrapped(len(depths), 2.0, sharex=True, sharey=True)
    for axes, depth in zip(places, depths, strict=True):
        axes.set_title(f"L = {depth}")
    return figure, [(int(depth), axes) for axes, depth in zip(places, depths, strict=True)]


def at(rates: xr.DataArray, rate: Any) -> xr.DataArray:
    """Where a rate, in single precision, is this one."""
    return abs(rates - rate) < 1e-3 * rate


def rates(summary: xr.Dataset) -> Drawn:
    """The best learning rate of every arm against width, a panel per depth."""
    sums.need("tuned_rate" in summary, "needs two learning rates and four replicates")
    figure, places = per_depth(summary)
    for depth, axes in places:
        best = summary.tuned_rate.sel(depth=depth)
        run = summary.accuracy_n.sel(depth=depth).max(["protocol", "width"])
        swept = summary.learning_rate.values[run > 0]
        rate_lines(axes, best, best.copy(data=at(best, swept.min()) | at(best, swept.max())))
        rate_ticks(axes, "y", summary.learning_rate.values)
        width_axis(axes, summary.width.values)
    figure.supylabel("best learning rate", fontsize=8)
    panels.legend_above(figure, 2)
    note = "Open markers: smallest or largest rate tried at that depth."
    return Drawn(figure, summary[["tuned_rate"]], f"{CAPTION} {note}")


def accuracy(summary: xr.Dataset) -> Drawn:
    """Test accuracy at the end of the run of every arm at its own best rate."""
    sums.need("tuned_rate" in summary, "needs two learning rates and four replicates")
    best = sums.numbers(summary, "accuracy_mean")
    best = best.where(at(best.learning_rate, summary.tuned_rate)).max("learning_rate")
    figure, places = per_depth(summary)
    for depth, axes in places:
        part = best.sel(depth=depth)
        panels.curves(axes, part, "accuracy_mean", "protocol", looks(part.protocol.values))
        width_axis(axes, part.width.values)
    figure.supylabel("test accuracy at the best rate", fontsize=8)
    panels.legend_above(figure, 2)
    note = "Rates chosen on the replicates that are shown."
    return Drawn(figure, best, f"{CAPTION} {note}")


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    each = {"benefit": benefit, "map": map_, "controls": controls}
    return each | {"rates": rates, "accuracy": accuracy}
