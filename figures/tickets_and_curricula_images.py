"""Figures of the study tickets_and_curricula_images.

swap     test accuracy against the weights left: who found the mask, who trained it, tickets and random masks
rates    what a curriculum is worth to the dense network, and through the mask, by learning rate
course   test accuracy of the dense network against the step, with and without a curriculum, by learning rate
"""

import numpy as np
import xarray as xr

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.style import GREY, looks, words
from figures.parts.tickets import OWN, by_rate, left_axis, rate_axis
from figures.parts.write import Drawn, Figures
from studies.analysis import usable, with_axes
from studies.analysis.tickets import at_own_rate, effects

PAIR = ("curriculum", "no_curriculum")
AXES = ("protocol", "learning_rate")
#: Round whose masks are compared in `rates`.
ROUND = 2


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means over replicates with intervals; differences are paired."""
    if "trained_with" not in ds.dims or not {"ticket", "random_mask"} <= set(ds.arm.values):
        raise sums.Missing("needs the arms ticket and random_mask and the swap of protocols")
    if ds.sizes["replicate"] < 4:
        raise sums.Missing("needs four replicates, half of them to choose rates")
    ds = with_axes(ds.isel(width=0, drop=True), ("learning_rate",))
    accuracy = usable(ds)
    end = accuracy.isel(time=-1, drop=True)
    course = accuracy.sel(protocol=PAIR[1], arm="ticket", round=0, drop=True)
    own, best = at_own_rate(ds)
    runs = {"end": end, "course": course} | effects(end)
    runs |= {f"own_{name}": values for name, values in ({"end": own} | effects(own)).items()}
    out = sums.means(xr.Dataset(runs)).assign(own_rate=best)
    weights = ds.weights.isel(replicate=0, arm=0, protocol=0, trained_with=0, learning_rate=0, drop=True)
    return sums.summary_of(
        ds, out.assign(left=weights / weights.sel(round=0), left_out=sums.left_out(ds).sum())
    )


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    cell = sums.cell_of(summary)
    some = f"{cell['n_train']} images" if cell["n_train"] else "all images"
    return (
        f"Classes 0 and 4 of {words(cell['images'])} shown with a random sign beside noise of variance "
        f"{cell['hard']['noise']:g} (hard, tested) or {cell['easy']['noise']:g} (easy, "
        f"{100 * cell['easy_fraction']:g} % of the steps); LeNet of {3 * cell['width']} and "
        f"{cell['width']} units, {words(cell['optimiser'])}, {cell['steps']} steps of "
        f"{cell['batch_size']}, {some}, {cell['copies']} draws of the noise each."
    )


def swap(summary: xr.Dataset) -> Drawn:
    """A row at the first rate and one at everybody's best, a column per protocol of training."""
    rate = float(summary.learning_rate[0])
    rows = {
        f"rate {rate:g}": ("end_mean", summary.sel(learning_rate=rate)),
        "own best rate": ("own_end_mean", summary),
    }
    figure, grid = panels.grid(2, 2, 2.2, sharey=True, sharex=True)
    for row, (title, (name, table)) in zip(grid, rows.items(), strict=True):
        for axes, trainer in zip(row, PAIR, strict=True):
            for finder, style in looks(PAIR).items():
                own = table.sel(trained_with=trainer, protocol=finder, arm="ticket")
                look = style | {"label": f"ticket found with {style['label']}"}
                panels.bars(axes, table.left.values, own, name, look)
            own = table.sel(trained_with=trainer, protocol=PAIR[1], arm="random_mask")
            look = {"color": GREY, "marker": "x", "ls": ":", "label": "random mask"}
            panels.bars(axes, table.left.values, own, name, look)
            axes.set_title(f"trained with {words(trainer)}, {title}")
        row[0].set_ylabel("test accuracy")
    for axes in grid[1]:
        left_axis(axes, summary.left.values)
    panels.legend_above(figure)
    tables = [
        table[[*sums.columns(name), "left"]].drop_vars("learning_rate", errors="ignore")
        for name, table in rows.values()
    ]
    return Drawn(figure, sums.merged(*tables), f"{OWN} {caption(summary)}")


def rates_figure(summary: xr.Dataset) -> Drawn:
    """The gain of the dense network, and of masks found with a curriculum, by learning rate."""
    if ROUND not in summary["round"]:
        raise sums.Missing(f"needs {ROUND} rounds of pruning")
    rates = summary.learning_rate.values
    names = [
        f"{own}{gain}_gain_{k}" for own in ("", "own_") for gain in ("trainer", "finder") for k in sums.ENDS
    ]
    table = summary[names].sel(arm="ticket", drop=True)
    figure, ((left, right),) = panels.grid(1, 2, 2.7)
    dense = table.sel(round=0, protocol=PAIR[1])
    by_rate(left, rates, dense, "trainer_gain", looks(PAIR)[PAIR[0]] | {"label": None})
    for (trainer, style), shift in zip(looks(PAIR).items(), (-0.04, 0.04), strict=True):
        masks = table.sel(round=ROUND, trained_with=trainer)
        look = style | {"label": f"trained with {style['label']}"}
        by_rate(right, rates, masks, "finder_gain", look, shift)
    share = float(summary.left.sel(round=ROUND))
    left.set(title="dense network", ylabel="trained with minus without\ncurriculum (test accuracy)")
    right.set(
        title=f"ticket, {100 * share:.0f} % left",
        ylabel="found with minus without\ncurriculum (test accuracy)",
    )
    rate_axis(left, rates)
    rate_axis(right, rates)
    panels.legend_below(right, 2)
    return Drawn(figure, table.sel(round=[0, ROUND]), f"{OWN} {caption(summary)}")


def course(summary: xr.Dataset) -> Drawn:
    """The dense network over the run, a panel per rate."""
    cell = sums.cell_of(summary)
    table = summary[sums.columns("course_mean")]
    steps = np.arange(summary.sizes["time"]) * (cell["steps"] // cell["n_records"])
    rates = summary.learning_rate.values
    figure, (row,) = panels.grid(1, len(rates), 2.2, sharey=True)
    for axes, rate in zip(row, rates, strict=True):
        for name, style in looks(PAIR).items():
            panels.band(axes, steps, table.sel(trained_with=name, learning_rate=rate), "course_mean", style)
        axes.axvline(cell["easy_fraction"] * cell["steps"], color=GREY, lw=0.8, ls=":")
        axes.set(xlabel="step", title=f"rate {rate:g}")
    row[0].set_ylabel("test accuracy, dense network")
    panels.legend_above(figure)
    return Drawn(figure, table, f"Dotted: the curriculum turns from easy to hard. {caption(summary)}")


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    return {"swap": swap, "rates": rates_figure, "course": course}
