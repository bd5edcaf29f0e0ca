"""Figures of the study tickets_and_curricula_images.

swap     test accuracy against the weights left: who found the mask, who trained it, tickets and random masks
rates    what a curriculum is worth to the dense network, and through the mask, by learning rate
course   test accuracy of the dense network against the step, with and without a curriculum, by learning rate
"""

import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums, tickets
from figures.parts.style import GREY, looks, words
from figures.parts.tickets import OWN, by_rate, left_axis, lenet, rate_axis, some_images
from figures.parts.write import Drawn, Figures, named
from studies.analysis import usable, with_axes

PAIR = ("curriculum", "no_curriculum")
AXES = ("protocol", "learning_rate")
#: Round whose masks are compared in `rates`.
ROUND = 2


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means over replicates with intervals; differences are paired."""
    tickets.need_swap(ds)
    ds = with_axes(ds.isel(width=0, drop=True), ("learning_rate",))
    accuracy = usable(ds)
    end = accuracy.isel(time=-1, drop=True)
    course = accuracy.sel(protocol=PAIR[1], arm="ticket", round=0, drop=True)
    left = tickets.shares_left(ds.weights.isel(arm=0, protocol=0, trained_with=0, learning_rate=0, drop=True))
    parts = tickets.swapped(end), sums.means({"course": course}), tickets.swapped_at_own_rate(ds)
    return sums.summary_of(ds, *parts, left, left_out=sums.left_out(ds).sum())


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    return (
        "Classes 0 and 4 of {images:words} shown with a random sign beside noise of variance {hard[noise]:g} "
        "(hard, tested) or {easy[noise]:g} (easy, {easy_fraction:percent} % of the steps); "
        f"{lenet(summary)}, {{optimiser:words}}, {{steps}} steps of {{batch_size}}, {some_images(summary)}, "
        "{copies} draws of the noise each."
    )


def swap(summary: xr.Dataset) -> Drawn:
    """A row at the first rate and one at everybody's best, a column per protocol of training."""
    rate = float(summary.learning_rate[0])
    rows = {f"rate {rate:g}": "end_mean", "own best rate": "own_end_mean"}
    table = summary[[*sums.columns("end_mean"), "left", *sums.columns("own_end_mean")]]
    table = table.sel(learning_rate=rate, drop=True)
    found = looks(PAIR, "ticket found with {}")
    figure, grid = panels.grid(2, 2, 2.2, sharey=True, sharex=True)
    for row, (title, name) in zip(grid, rows.items(), strict=True):
        for axes, trainer in zip(row, PAIR, strict=True):
            own = table.sel(trained_with=trainer, arm="ticket")
            panels.curves(axes, own, name, "protocol", found, "left", step=0)
            own = table.sel(trained_with=trainer, protocol=PAIR[1], arm="random_mask")
            look = {"color": GREY, "marker": "x", "ls": ":", "label": "random mask"}
            panels.bars(axes, table.left.values, own, name, look)
            axes.set_title(f"trained with {words(trainer)}, {title}")
        row[0].set_ylabel("test accuracy")
    for axes in grid[1]:
        left_axis(axes, summary.left.values)
    panels.legend_above(figure)
    return Drawn(figure, table, f"{OWN} {caption(summary)}")


def rates_(summary: xr.Dataset) -> Drawn:
    """The gain of the dense network, and of masks found with a curriculum, by learning rate."""
    sums.need(ROUND in summary["round"], f"needs {ROUND} rounds of pruning")
    rates = summary.learning_rate.values
    gains = ("trainer_gain_mean", "finder_gain_mean", "own_trainer_gain_mean", "own_finder_gain_mean")
    table = sums.numbers(summary, *gains).sel(arm="ticket", drop=True)
    figure, ((left, right),) = panels.grid(1, 2, 2.7)
    dense = table.sel(round=0, protocol=PAIR[1])
    by_rate(left, rates, dense, "trainer_gain", looks(PAIR)[PAIR[0]] | {"label": None})
    for (trainer, look), shift in zip(looks(PAIR, "trained with {}").items(), (-0.04, 0.04), strict=True):
        by_rate(right, rates, table.sel(round=ROUND, trained_with=trainer), "finder_gain", look, shift)
    ticket = f"ticket, {100 * float(summary.left.sel(round=ROUND)):.0f} % left"
    for axes, did, title in ((left, "trained", "dense network"), (right, "found", ticket)):
        axes.set(title=title, ylabel=f"{did} with minus without\ncurriculum (test accuracy)")
        rate_axis(axes, rates)
    panels.legend_below(right, 2)
    return Drawn(figure, table.sel(round=[0, ROUND]), f"{OWN} {caption(summary)}")


def course(summary: xr.Dataset) -> Drawn:
    """The dense network over the run, a panel per rate."""
    cell = sums.cell_of(summary)
    table = sums.numbers(summary, "course_mean")
    parts = panels.each(table, "learning_rate", "rate {:g}")

    def draw(axes: Axes, part: xr.Dataset) -> None:
        panels.bands(axes, part, "course_mean", "trained_with", looks(PAIR), tickets.steps(summary))
        axes.axvline(cell["easy_fraction"] * cell["steps"], color=GREY, lw=0.8, ls=":")
        axes.set_xlabel("step")

    label = "test accuracy, dense network"
    figure = panels.facets(parts, draw, 2.2, len(parts), ylabel=label, legend=5, sharey=True)
    return Drawn(figure, table, f"Dotted: the curriculum turns from easy to hard. {caption(summary)}")


FIGURES: Figures = named(swap, rates_, course)
