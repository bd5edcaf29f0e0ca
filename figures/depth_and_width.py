"""Figures of the study depth_and_width.

benefit   benefit against width, a line per depth: one rate for all, and each arm at its own best rate
map       the same over width and depth, with dots where its interval covers 0
controls  benefit over each control, each arm at its own best rate
rates     the best learning rate of every arm against width, a panel per depth
accuracy  test accuracy of every arm at its own best rate against width, a panel per depth
"""

from functools import partial

import xarray as xr
from matplotlib.axes import Axes

from figures.parts import maps, panels, summary as sums
from figures.parts.rates import TUNED, at_best, best_rates, own_benefit, rate_lines
from figures.parts.style import series
from figures.parts.write import Drawn, Figures, named
from studies.analysis import last, usable, with_axes

#: The protocols that are compared, and the axes that the figures know.
PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_accuracy",)
AXES = ("protocol", "width", "depth", "learning_rate")
LABEL = "benefit over no curriculum\n(test accuracy)"
CAPTION = (
    "XOR-like Gaussian mixture, N = {n_inputs}, L hidden layers of K units, {activation:words} students, "
    "{loss} loss, {parametrisation:words} parametrisation, budget {budget:g}; " + panels.NOISE
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, at the end of the run, replicates reduced to means and intervals."""
    ds = with_axes(ds, AXES[2:])
    rate = sums.choose(ds, {"learning_rate": None})
    return sums.summary_of(
        ds,
        sums.prefixed("accuracy", sums.mean(last(usable(ds)))),
        sums.gains_over_controls(ds.sel(rate, drop=True), PAIR[0]),
        *(sums.own_over_controls(ds.sel(depth=[depth]), PAIR[0]) for depth in ds.depth.values),
        shared_rate=rate["learning_rate"],
    )


def both(summary: xr.Dataset) -> tuple[dict[str, xr.Dataset], str]:
    """Benefit over no curriculum at one rate and, where rates were swept, each arm at its own; caption."""
    found, text = {f"one rate, {summary.attrs['shared_rate']:g}": summary[sums.BENEFIT]}, CAPTION
    if "tuned_benefit" in summary:
        found["each arm at its best rate"], text = own_benefit(summary), f"{CAPTION} {TUNED}"
    return {title: part.sel(control=PAIR[1]) for title, part in found.items()}, text


def by_depth(axes: Axes, part: xr.Dataset) -> None:
    """Benefit against width, a line per depth."""
    panels.lines(axes, part, "benefit", "depth", series(part.depth.values, "L = {}"))


def benefit(summary: xr.Dataset) -> Drawn:
    """Benefit against width at one rate, and with every arm at its own best rate."""
    parts, text = both(summary)
    return Drawn(panels.facets(parts, by_depth, 2.8, ylabel=LABEL, sharey=True), parts, text)


def map_(summary: xr.Dataset) -> Drawn:
    """Benefit over width and depth."""
    parts, text = both(summary)
    return Drawn(maps.benefits(parts, "benefit (test accuracy)"), parts, text)


def controls(summary: xr.Dataset) -> Drawn:
    """Benefit over each control, every arm at its own best rate."""
    table = own_benefit(summary)
    label = "benefit of the curriculum\n(test accuracy)"
    parts = panels.each(table, "control", "over {:words}")
    figure = panels.facets(parts, by_depth, 2.5, 3, ylabel=label, sharey=True)
    return Drawn(figure, table, f"{CAPTION} {TUNED}")


#: A panel per depth: height, place of the label and legend, axes that are shared.
per_depth = partial(panels.facets, height=2.0, legend=2, sharex=True, sharey=True)


def rates(summary: xr.Dataset) -> Drawn:
    """The best learning rate of every arm against width, a panel per depth."""
    table = best_rates(summary, summary.accuracy_n.max(["protocol", "width"]) > 0)
    lines = partial(rate_lines, name="tuned_rate", named=summary.learning_rate.values)
    figure = per_depth(panels.each(table, "depth", "L = {}"), lines, beside="best learning rate")
    note = "Open markers: smallest or largest rate tried at that depth."
    return Drawn(figure, table[["tuned_rate"]], f"{CAPTION} {note}")


def accuracy(summary: xr.Dataset) -> Drawn:
    """Test accuracy at the end of the run of every arm at its own best rate."""
    best = at_best(summary, "accuracy_mean")
    lines = partial(panels.lines, name="accuracy_mean")
    figure = per_depth(panels.each(best, "depth", "L = {}"), lines, beside="test accuracy at the best rate")
    return Drawn(figure, best, f"{CAPTION} Rates chosen on the replicates that are shown.")


FIGURES: Figures = named(benefit, map_, controls, rates, accuracy)
