"""Figures of the study rates_and_curricula.

benefit   benefit against width, a line per kind of run, a panel per task, each arm at its own best peak rate
order     the same over the control that ends on hard samples too
accuracy  accuracy of both arms at their best peak rates, a panel per task and kind of run
rates     the best peak rates, likewise
"""

from collections.abc import Callable, Iterator
from functools import partial
from textwrap import fill

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.rates import at_best, is_end, need_rates, own_benefit, rate_lines
from figures.parts.style import series, words
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
    return sums.summary_of(ds, *parts)


def over(summary: xr.Dataset, control: str) -> Drawn:
    """Benefit over a control against width, a panel per task."""
    table = own_benefit(summary)
    sums.need(control in table.control, f"needs {control}")
    table = table.sel(control=control)
    lines = partial(panels.lines, name="benefit", along="run", styles=series(table.run.values))
    label = f"benefit over {words(control)}\n(test accuracy)"
    figure = panels.facets(panels.each(table, "task"), lines, 2.8, ylabel=label, legend=2)
    return Drawn(figure, table, CAPTION)


def per_run(table: xr.Dataset, draw: Callable[[Axes, xr.Dataset], None], label: str) -> Figure:
    """A row of panels for each task, one for each kind of run."""
    parts = {
        f"{words(task)}\n{fill(kind, 18)}": table.sel(task=task, run=kind)
        for task in table.task.values
        for kind in table.run.values
    }
    across = table.sizes["run"]
    return panels.facets(parts, draw, 1.9, across, beside=label, legend=3, sharex=True, sharey="row")


def accuracy(summary: xr.Dataset) -> Drawn:
    """Accuracy at the end of every arm at its own best peak rate."""
    table = at_best(summary, "accuracy_mean")
    lines = partial(panels.lines, name="accuracy_mean")
    figure = per_run(table, lines, "test accuracy at the best peak rate")
    return Drawn(figure, table, f"{CAPTION} Accuracies are those of the replicates that chose the rates.")


def rates(summary: xr.Dataset) -> Drawn:
    """The best peak rate of every arm against width."""
    need_rates(summary)
    every = summary.learning_rate.values

    def draw(axes: Axes, part: xr.Dataset) -> None:
        rate_lines(axes, part.tuned_rate, is_end(part.tuned_rate, every[part.run_at.values == 1]), every)
        axes.set_ylim(every.min() / 1.2, every.max() * 1.2)

    note = "Open markers: smallest or largest rate tried."
    return Drawn(per_run(summary, draw, "best peak rate"), summary[["tuned_rate"]], f"{CAPTION} {note}")


FIGURES: Figures = {
    "benefit": partial(over, control=PAIR[1]),
    "order": partial(over, control=sums.CONTROLS[1]),
    "accuracy": accuracy,
    "rates": rates,
}
