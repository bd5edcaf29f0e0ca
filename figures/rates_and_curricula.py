"""Figures of the study rates_and_curricula.

benefit   benefit against width, a line per kind of run, a panel per task, each arm at its own best peak rate
order     the same over the control that ends on hard samples too
accuracy  accuracy of both arms at their best peak rates, a panel per task and kind of run
rates     the best peak rates, likewise
"""

from collections.abc import Iterator
from textwrap import fill
from typing import Any

import numpy as np
import xarray as xr

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.rates import rate_lines
from figures.parts.style import looks, rate_ticks, series, width_axis, words
from figures.parts.summary import BENEFIT
from figures.parts.write import Drawn, Figures
from studies.analysis import last, usable, with_axes

PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_accuracy",)
#: What belongs to a task, and is no choice.
OWN = ("hard.noise", "budget", "record_every")
AXES = ("protocol", "width", "learning_rate", "task", *OWN, "rate_schedule", "average")
CAPTION = (
    "N = {n_inputs}, two layers of {activation:words} units, {loss} loss, {parametrisation:words} "
    "parametrisation, easy noise {easy[noise]:g}, easy fraction {easy_fraction:g}; tested at the hard noise. "
    "Peak rates chosen on one half of the replicates and judged on the other, both ways; intervals include "
    "that."
)


def run_name(schedule: str, average: float) -> str:
    """A kind of run in words."""
    return words(schedule) + (f", last {average:.0%} averaged" if average else "")


def runs(ds: xr.Dataset) -> Iterator[tuple[str, str, xr.Dataset]]:
    """Task, kind of run, and its results, at the settings it was run with."""
    kinds = [(s, a) for a in ds.average.values for s in ds.rate_schedule.values]
    for task in ds.task.values:
        for schedule, average in kinds:
            part = ds.sel(task=task, rate_schedule=schedule, average=average, drop=True)
            there = sums.asked(part)
            if bool(there.any()):
                at = {
                    axis: int(there.any([d for d in there.dims if d != axis]).values.argmax()) for axis in OWN
                }
                yield str(task), run_name(str(schedule), float(average)), part.isel(at, drop=True)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, at the end of the run, replicates reduced to means and intervals."""
    full = with_axes(ds, AXES[2:])
    parts = []
    for task, run, part in runs(full):
        own = sums.prefixed("accuracy", sums.mean(last(usable(part))))
        own["left_out"] = sums.left_out(part).sum("replicate")
        own["run_at"] = sums.asked(part).any(["protocol", "width", "replicate"]).astype(float)
        own = sums.merged(own, sums.own_over_controls(part, PAIR[0]))
        parts.append(own.expand_dims(task=[task], run=[run]))
    return sums.summary_of(ds, sums.merged(*parts))


def over(summary: xr.Dataset, control: str) -> Drawn:
    """Benefit over a control against width, a panel per task."""
    sums.need("tuned_benefit" in summary, "needs two learning rates and four replicates")
    table = summary[[f"tuned_{name}" for name in BENEFIT]].rename({f"tuned_{n}": n for n in BENEFIT})
    sums.need(control in table.control, f"needs {control}")
    table = table.sel(control=control)
    figure, row = panels.wrapped(len(table.task), 2.8)
    for axes, task in zip(row, table.task.values, strict=True):
        panels.benefit_lines(axes, table.sel(task=task), "run", series(table.run.values))
        axes.set_title(words(task))
    row[0].set_ylabel(f"benefit over {words(control)}\n(test accuracy)")
    panels.legend_above(figure, 2)
    return Drawn(figure, table, CAPTION)


def benefit(summary: xr.Dataset) -> Drawn:
    """Benefit over the same samples shuffled."""
    return over(summary, PAIR[1])


def order(summary: xr.Dataset) -> Drawn:
    """Benefit over samples that are shuffled and end as the curriculum does."""
    return over(summary, sums.CONTROLS[1])


def at(rates: xr.DataArray, rate: Any) -> xr.DataArray:
    """Where a rate, in single precision, is this one."""
    return abs(rates - rate) < 1e-3 * rate


def places(summary: xr.Dataset) -> tuple[Any, list[tuple[Any, xr.Dataset]]]:
    """A figure with a panel for each kind of run of each task."""
    sums.need("tuned_rate" in summary, "needs two learning rates and four replicates")
    tasks, kinds = summary.task.values, summary.run.values
    figure, grid = panels.grid(len(tasks), len(kinds), 1.9, sharex=True, sharey="row")
    found = []
    for row, task in zip(grid, tasks, strict=True):
        for axes, kind in zip(row, kinds, strict=True):
            axes.set_title(f"{words(task)}\n{fill(kind, 18)}", fontsize=7)
            found.append((axes, summary.sel(task=task, run=kind)))
    return figure, found


def accuracy(summary: xr.Dataset) -> Drawn:
    """Accuracy at the end of every arm at its own best peak rate."""
    figure, found = places(summary)
    for axes, part in found:
        own = sums.numbers(part, "accuracy_mean")
        own = own.where(at(own.learning_rate, part.tuned_rate)).max("learning_rate")
        panels.curves(axes, own, "accuracy_mean", "protocol", looks(part.protocol.values))
        width_axis(axes, part.width.values)
    figure.supylabel("test accuracy at the best peak rate", fontsize=8)
    panels.legend_above(figure, 3)
    table = sums.numbers(summary, "accuracy_mean")
    table = table.where(at(table.learning_rate, summary.tuned_rate)).max("learning_rate")
    return Drawn(figure, table, f"{CAPTION} Accuracies are those of the replicates that chose the rates.")


def rates(summary: xr.Dataset) -> Drawn:
    """The best peak rate of every arm against width."""
    figure, found = places(summary)
    for axes, part in found:
        tried = part.learning_rate.values[part.run_at.values == 1]
        ends = at(part.tuned_rate, np.min(tried)) | at(part.tuned_rate, np.max(tried))
        rate_lines(axes, part.tuned_rate, part.tuned_rate.copy(data=ends))
        rate_ticks(axes, "y", summary.learning_rate.values)
        axes.set_ylim(summary.learning_rate.values.min() / 1.2, summary.learning_rate.values.max() * 1.2)
        width_axis(axes, part.width.values)
    figure.supylabel("best peak rate", fontsize=8)
    panels.legend_above(figure, 3)
    note = "Open markers: smallest or largest rate tried."
    return Drawn(figure, summary[["tuned_rate"]], f"{CAPTION} {note}")


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    return {"benefit": benefit, "order": order, "accuracy": accuracy, "rates": rates}
