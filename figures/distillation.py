"""Figures of the study distillation, and of the same on the committee.

teachers     the teachers on their own over time, a panel for each width and rate
checkpoints  what students reach against the time at which their teacher stopped, a panel per width
replaces     guidance on shuffled samples ahead of a curriculum with labels only; what the curriculum adds
cost         what students reach against training FLOPs, those of the teacher counted and not
rates        the best rate of every arm against width
"""

from functools import partial

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums
from figures.parts.distilled import AXES, LABELS, PAIR, styles, summarise
from figures.parts.rates import TUNED, own_benefit, rate_lines
from figures.parts.style import GREY, looks, words
from figures.parts.write import Drawn, Figures, named

__all__ = ["AXES", "FIGURES", "PAIR", "RECORDED", "summarise"]

RECORDED = ("test_accuracy",)
CAPTION = (
    "{task:words}, N = {n_inputs}, {activation:words} students of K units, {loss} loss, "
    "{parametrisation:words} parametrisation, budget {budget:g} for a student, and for its teacher the time "
    "at which it stops before that; noise {easy[noise]:g} then {hard[noise]:g}, easy fraction "
    "{easy_fraction:g}, tested at the hard level."
)
SHOWN = "Every arm at its best rate, chosen on the replicates that are shown."


def teachers(summary: xr.Dataset) -> Drawn:
    """The teachers on labels only over time; grey where one of theirs is taken."""
    sums.need("teacher_mean" in summary, "needs students on labels as wide as the teachers")
    table = sums.known(sums.numbers(summary, "teacher_mean"), "learning_rate", "time")
    styled = looks(table.protocol.values)
    parts = panels.each(table, ("teacher_width", "learning_rate"), "{} units, rate {:.3g}")

    def draw(axes: Axes, part: xr.Dataset) -> None:
        panels.bands(axes, part, "teacher_mean", "protocol", styled)
        stops = summary.stopped.values[summary.teacher.values == part.teacher_width.item()]
        for stop in np.unique(stops[np.isfinite(stops)]):
            axes.axvline(stop, color=GREY, lw=0.6, ls=":")

    label, across = f"{summary.attrs['measured']} of the teacher", table.sizes["learning_rate"]
    figure = panels.facets(
        parts, draw, 1.7, across, beside=label, below=panels.TIME, sharex=True, sharey=True
    )
    return Drawn(figure, table, f"{CAPTION} Dotted: times at which teachers were taken.")


def taught(summary: xr.Dataset) -> xr.Dataset:
    """The widths of students that were taught."""
    there = summary.score_mean.where(summary.source != LABELS).notnull().any(["source", "protocol"])
    sums.need(bool(there.any()), "needs students with a teacher")
    return summary.sel(width=there)


def checkpoints(summary: xr.Dataset) -> Drawn:
    """What students reach against the time at which their teacher stopped; at the right, progressive."""
    part = taught(summary)
    table = sums.numbers(part, "score_mean").assign(part[["teacher", "stopped", "apart"]])
    last = float(part.stopped.max())
    places = {f"{time:g}": time for time in np.unique(part.stopped.values[np.isfinite(part.stopped)])}
    places["beside"] = 1.2 * last
    wide = np.unique(part.teacher.values[np.isfinite(part.teacher)])

    def draw(axes: Axes, part: xr.Dataset) -> None:
        for protocol, style in looks(table.protocol.values).items():
            own = part.sel(protocol=protocol)
            along = own.sel(source=own.apart == 0)
            for units, fill, dash in zip(wide, ("full", "none"), ("-", "--"), strict=False):
                rows = along.sel(source=along.teacher == units).sortby("stopped")
                stopped, rest = (rows.sel(source=rows.stopped.notnull() == there) for there in (True, False))
                look = style | {"ls": dash, "fillstyle": fill}
                look["label"] = f"{style['label']}, teacher of {units:g} units"
                panels.bars(axes, stopped.stopped.values, stopped, "score_mean", look)
                panels.bars(axes, places["beside"], rest, "score_mean", look | {"ls": "none", "label": None})
            apart = own.sel(source=own.apart == 1)
            if bool(apart.score_mean.notnull().any()):
                look = style | {"ls": "none", "marker": "*", "ms": 8}
                look["label"] = f"{style['label']}, teacher of a curriculum"
                panels.bars(axes, apart.stopped.values, apart, "score_mean", look)
            if LABELS in own.source:
                axes.axhline(float(own.score_mean.sel(source=LABELS)), color=style["color"], lw=0.8, ls=":")
        axes.set_xticks([*places.values()], [*places])

    parts, measured = panels.each(table, "width", "K = {}"), summary.attrs["measured"]
    below = "time at which the teacher stopped, samples / N"
    figure = panels.facets(parts, draw, 2.2, beside=measured, below=below, legend=2, sharex=True, sharey=True)
    note = "Dotted: labels only; beside: a teacher that learns from the same samples at the same time."
    return Drawn(figure, table, f"{CAPTION} {note} {SHOWN}")


def replaces(summary: xr.Dataset) -> Drawn:
    """Guidance on shuffled samples minus a curriculum with labels only, and what a curriculum adds to it."""
    table = own_benefit(taught(summary), "teacher", "stopped")
    styled = styles(table.source.values)
    parts = {
        "shuffled with a teacher, over\na curriculum with labels only": table.sel(comparison="replaces"),
        "a curriculum over shuffled samples,\nboth with that teacher": table.sel(comparison="curriculum"),
    }
    draw = partial(panels.lines, name="benefit", along="source", styles=styled, step=0.05)
    label = f"ahead in {summary.attrs['measured']}"
    figure = panels.facets(parts, draw, 3.2, ylabel=label, legend=3, sharey=True)
    return Drawn(figure, table, f"{CAPTION} {TUNED}")


def cost(summary: xr.Dataset) -> Drawn:
    """What students reach against training FLOPs, a point for each width; with the teacher's, and without."""
    part = taught(summary)
    table = sums.numbers(part, "score_mean").assign(flops=part.flops, own_flops=part.own_flops)
    styled, measured = styles(table.source.values), summary.attrs["measured"]

    def draw(axes: Axes, rows: xr.Dataset, counted: str) -> None:
        panels.curves(axes, rows, "score_mean", "source", styled, counted, step=0)
        axes.set_xscale("log")

    orders = (name for name in PAIR if name in table.protocol)
    down = {f"{measured},\n{words(order)}": table.sel(protocol=order) for order in orders}
    across = {"the teacher's counted": "flops", "the student's own": "own_flops"}
    figure = panels.matrix(down, across, draw, 2.4, 3, below="training FLOPs", sharey=True)
    return Drawn(figure, table, f"{CAPTION} A point for each width. {SHOWN}")


def rates(summary: xr.Dataset) -> Drawn:
    """The best rate of every arm against width, open where it is the smallest or the largest tried."""
    table = taught(summary)[["rate", "edge"]]
    lines = partial(rate_lines, name="rate", named=table.rate.values)
    parts = panels.each(table, "source", "{}")
    figure = panels.facets(parts, lines, 1.9, 3, beside="best learning rate", sharex=True, sharey=True)
    panels.label_last_row(figure, 3)
    return Drawn(figure, table, f"{CAPTION} Open: the smallest or the largest rate tried.")


FIGURES: Figures = named(teachers, checkpoints, replaces, cost, rates)
