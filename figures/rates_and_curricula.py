"""Figures of the study rates_and_curricula.

benefit   benefit against width, a line per kind of run, a panel per task, each arm at its own best peak rate
order     the same over the control that ends on hard samples too
accuracy  accuracy of both arms at their best peak rates, a panel per task and kind of run
rates     the best peak rates, likewise
"""

from collections.abc import Callable
from functools import partial

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.parts import panels, summary as sums
from figures.parts.rates import arms, at_best, best_rates, own_benefit_over, rate_lines
from figures.parts.style import series, words
from figures.parts.write import Drawn, Figures, named
from studies.analysis import with_axes

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


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, at the end of the run, replicates reduced to means and intervals."""
    full, parts = with_axes(ds, AXES[2:]), []
    for (task, average, schedule), part in sums.ran(full, ("task", "average", "rate_schedule")):
        part = sums.ran_with(part, OWN)
        run_at = sums.asked(part).any(["protocol", "width", "replicate"]).astype(float)
        own = arms(part, PAIR[0]).assign(run_at=run_at)
        parts.append(own.expand_dims(task=[task], run=[run_name(schedule, average)]))
    return sums.summary_of(ds, *parts)


def over(summary: xr.Dataset, control: str) -> Drawn:
    """Benefit over a control against width, a panel per task."""
    table = own_benefit_over(summary, control)
    lines = partial(panels.lines, name="benefit", along="run", styles=series(table.run.values))
    label = f"benefit over {words(control)}\n(test accuracy)"
    figure = panels.facets(panels.each(table, "task"), lines, 2.8, ylabel=label, legend=2)
    return Drawn(figure, table, CAPTION)


def per_run(table: xr.Dataset, draw: Callable[[Axes, xr.Dataset], None], label: str) -> Figure:
    """A row of panels for each task, one for each kind of run."""
    parts, across = panels.each(table, ("task", "run"), "{:words}\n{:narrow}"), table.sizes["run"]
    return panels.facets(parts, draw, 1.9, across, beside=label, legend=3, sharex=True, sharey="row")


def accuracy(summary: xr.Dataset) -> Drawn:
    """Accuracy at the end of every arm at its own best peak rate."""
    table = at_best(summary, "accuracy_mean")
    lines = partial(panels.lines, name="accuracy_mean")
    figure = per_run(table, lines, "test accuracy at the best peak rate")
    return Drawn(figure, table, f"{CAPTION} Accuracies are those of the replicates that chose the rates.")


def rates(summary: xr.Dataset) -> Drawn:
    """The best peak rate of every arm against width."""
    table = best_rates(summary, summary.run_at == 1)
    every = summary.learning_rate.values
    figure = per_run(table, partial(rate_lines, name="tuned_rate", named=every), "best peak rate")
    for axes in figure.axes:
        axes.set_ylim(every.min() / 1.2, every.max() * 1.2)
    return Drawn(figure, table[["tuned_rate"]], f"{CAPTION} Open markers: smallest or largest rate tried.")


OVER = {"benefit": partial(over, control=PAIR[1]), "order": partial(over, control=sums.CONTROLS[1])}
FIGURES: Figures = OVER | named(accuracy, rates)
