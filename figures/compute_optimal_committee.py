"""Figures of the study compute_optimal_committee, of each exponent beta of the readouts.

isoflop  loss against width at equal cost, a panel per schedule and arm, minima marked
optimum  best width, and loss there, against cost
samples  loss against samples at each width, beside the slope of theory
slopes   that slope against width, beside theory
ratio    best width, and loss there, with a curriculum over those without
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import xarray as xr
from matplotlib.axes import Axes

from figures.parts import isoflop, panels, summary as sums
from figures.parts.style import GREY, looks, series, words
from figures.parts.write import Drawn, Figures

PAIR, RECORDED = isoflop.PAIR, isoflop.RECORDED
DECAY = "options.decay"
AXES = ("protocol", "width", "learning_rate", *isoflop.OWN, "rate_schedule", DECAY)
PANELS = {"rate_schedule": ""}
CAPTION = (
    "Committee of M = {options[teacher_units]:g} erf units, readouts m^-beta, N = {n_inputs}, learned by two "
    "layers of {activation:words} units, {loss} loss, label noise {easy[noise]:g} then {hard[noise]:g}, easy "
    "fraction {easy_fraction:g}; the loss is that of the noiseless label."
)
THEORY = "Grey: the slope 1/(2 beta) - 1 of arXiv 2605.10395."


def slope(decay: float) -> float:
    """Of the logarithm of the loss in that of the samples, by theory: 1 / (2 beta) - 1."""
    return 1 / (2 * decay) - 1


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show; the smallest loss is 0, which 16 units and more samples come ever closer to."""
    sums.need(sums.cell_of(ds)["loss"] == "squared", "needs the squared loss, whose smallest value is 0")
    return isoflop.summarise(ds, ("rate_schedule", DECAY), 0.0)


def samples(summary: xr.Dataset, axes: dict[str, str], caption: str) -> Drawn:
    """Loss against samples, a curve per width, a row per arm; theory's slope through the widest student's."""
    summary = isoflop.above_floor(summary)
    each = list(isoflop.places(summary, axes))
    figure, grid = panels.grid(len(PAIR), len(each), 2.4, sharex=True, sharey=True)
    styles = series(summary.width.values, "K = {}")
    for row, protocol in zip(grid, PAIR, strict=True):
        for axes_, (title, at) in zip(row, each, strict=True):
            part = summary.sel(at | {"protocol": protocol})
            for width, style in styles.items():
                line = part.sel(width=width)[["samples", *sums.columns("own_above")]].dropna("flops")
                panels.band(axes_, line.samples, line, "own_above", style | {"lw": 0.9})
            guide(axes_, part)
            axes_.set_title(f"{title}\n{words(protocol)}", fontsize=7)
            axes_.set(xscale="log", yscale="log")
    for axes_ in grid[-1]:
        axes_.set_xlabel("samples D / N")
    figure.supylabel("generalisation error", fontsize=8)
    panels.legend_above(figure)
    table = summary[["samples", *sums.columns("own_above"), "rate", "edge"]]
    return Drawn(figure, table, f"{caption} {isoflop.RATES} {THEORY}")


def guide(axes: Axes, part: xr.Dataset) -> None:
    """Theory's slope, through the middle of the widest student's curve and a little below."""
    line = part.isel(width=-1)[["samples", "own_above"]].dropna("flops").sortby("samples")
    x, y = line.samples.values, line.own_above.values
    middle = len(x) // 2
    exponent = slope(float(part[DECAY]))
    axes.plot(x, 0.6 * y[middle] * (x / x[middle]) ** exponent, "--", color=GREY, lw=0.9, zorder=1)


def slopes(summary: xr.Dataset, caption: str) -> Drawn:
    """The slope of the loss with samples against width, a panel per exponent and schedule, an arm a line."""
    parts = {title: summary.sel(at) for title, at in isoflop.places(summary, {DECAY: "beta", **PANELS})}

    def draw(axes: Axes, part: xr.Dataset) -> None:
        panels.lines(axes, part, "sample_exponent", styles=looks(PAIR))
        axes.axhline(slope(float(part[DECAY])), color=GREY, lw=0.9, ls="--", zorder=1)

    figure = panels.facets(
        parts, draw, 2.2, beside="slope of log loss in log samples", sharex=True, sharey=True
    )
    panels.label_last_row(figure, 2)
    return Drawn(figure, sums.numbers(summary, "sample_exponent"), f"{caption} {isoflop.RATES} {THEORY}")


def of_each(
    draw: Callable[[xr.Dataset, dict[str, str], str], Drawn], decay: float
) -> Callable[[xr.Dataset], Drawn]:
    """A figure of one exponent."""

    def drawn(summary: xr.Dataset) -> Drawn:
        part = summary.sel({DECAY: decay})
        return draw(part, PANELS, f"{CAPTION} beta = {decay:g}.")._replace(counted=part)

    return drawn


def figures(summary: xr.Dataset) -> Figures:
    """Three for each exponent, two of all."""
    both: dict[str, Any] = {"isoflop": isoflop.curves, "optimum": isoflop.optimum, "samples": samples}
    each = {
        f"{name}_beta_{decay:g}": of_each(draw, decay)
        for decay in summary[DECAY].values.tolist()
        for name, draw in both.items()
    }
    ratio = partial(isoflop.ratio, axes={DECAY: "beta", **PANELS}, caption=CAPTION)
    return each | {"slopes": partial(slopes, caption=CAPTION), "ratio": ratio}
