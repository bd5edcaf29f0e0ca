"""Figures of the study tickets_and_curricula_images.

swap     test accuracy against the weights left: who found the mask, who trained it, tickets and random masks
rates    what a curriculum is worth to the dense network, and through the mask, by learning rate
course   test accuracy of the dense network against the step, with and without a curriculum, by learning rate
"""

import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from figures.lottery_tickets import left_axis
from figures.parts.style import PROTOCOLS, save, words
from figures.parts.summary import counts, left_out, summary_of
from figures.tickets_and_curricula import OWN, PAIR, line, means
from studies.analysis import usable, with_axes
from studies.analysis.tickets import at_own_rate, effects

#: Round whose masks are compared in `rates`.
ROUND = 2
ENDS = ("mean", "ci_low", "ci_high")


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means over replicates with bootstrap intervals; differences are paired."""
    ds = with_axes(ds.isel(width=0, drop=True), ("learning_rate",))
    accuracy = usable(ds)
    end = accuracy.isel(time=-1, drop=True)
    course = accuracy.sel(protocol=PAIR[1], arm="ticket", round=0, drop=True)
    own, best = at_own_rate(ds)
    runs = {"end": end, "course": course} | effects(end)
    runs |= {f"own_{name}": values for name, values in ({"end": own} | effects(own)).items()}
    out = means(xr.Dataset(runs)).assign(own_rate=best)
    weights = ds.weights.isel(replicate=0, arm=0, protocol=0, trained_with=0, learning_rate=0, drop=True)
    out["left"] = weights / weights.sel(round=0)
    out["left_out"] = left_out(ds).sum()
    return summary_of(ds, out)


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    cell = json.loads(summary.attrs["description"])["cell"]
    some = f"{cell['n_train']} images" if cell["n_train"] else "all images"
    return (
        f"{cell['images']}, classes 0 and 4 shown with a random sign beside noise of variance "
        f"{cell['hard']['noise']:g} (hard, tested) or {cell['easy']['noise']:g} (easy, "
        f"{100 * cell['easy_fraction']:g} % of the steps); LeNet of {3 * cell['width']} and "
        f"{cell['width']} units, {cell['optimiser']}, {cell['steps']} steps of "
        f"{cell['batch_size']}, {some}, {cell['copies']} draws of the noise each. "
        f"{counts(summary)}"
    )


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    yield swap_figure(summary, out / "swap", fmt)
    yield rates_figure(summary, out / "rates", fmt)
    yield course_figure(summary, out / "course", fmt)


def swap_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """A row at the first rate and one at everybody's best, a column per protocol of training."""
    rate = float(summary.learning_rate[0])
    rows = {
        f"rate {rate:g}": summary.sel(learning_rate=rate)[[*(f"end_{k}" for k in ENDS), "left"]],
        "each at its best rate": summary[[*(f"own_end_{k}" for k in ENDS), "left"]],
    }
    figure, grid = plt.subplots(2, 2, figsize=(7, 5.4), sharey=True, sharex=True, layout="constrained")
    for row, (title, table) in zip(grid, rows.items(), strict=True):
        prefix = str(next(iter(table))).removesuffix("_mean")
        for axes, trainer in zip(row, PAIR, strict=True):
            for finder in PAIR:
                own = table.sel(trained_with=trainer, protocol=finder, arm="ticket")
                line(axes, own.left, own, prefix, PROTOCOLS[finder], f"ticket found with {words(finder)}")
            own = table.sel(trained_with=trainer, protocol=PAIR[1], arm="random_mask")
            line(axes, own.left, own, prefix, ("#888888", "x", ":"), "random mask")
            left_axis(axes, table.left.values)
            axes.set_title(f"trained with {words(trainer)}, {title}")
        row[0].set_ylabel("test accuracy")
    grid[0, 0].set_xlabel("")
    grid[0, 1].set_xlabel("")
    grid[0, 0].legend()
    table = xr.merge([table.drop_vars("learning_rate", errors="ignore") for table in rows.values()])
    return save(figure, table, OWN + caption(summary), path, fmt)


def rates_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """The gain of the dense network, and of masks found with a curriculum, by learning rate."""
    rates = summary.learning_rate.values
    own_at = rates.max() * max(1.6, (rates.max() / rates.min()) ** 0.25)
    names = [f"{own}{gain}_gain_{k}" for own in ("", "own_") for gain in ("trainer", "finder") for k in ENDS]
    table = summary[names].sel(arm="ticket", drop=True)
    figure, grid = plt.subplots(1, 2, figsize=(7.6, 3.2), layout="constrained")
    dense = table.sel(round=0, protocol=PAIR[1])
    line(grid[0], rates, dense, "trainer_gain", PROTOCOLS["curriculum"], "")
    line(grid[0], own_at, dense, "own_trainer_gain", (PROTOCOLS["curriculum"][0], "o", ""), "")
    grid[0].set(title="dense network", ylabel="trained with minus without curriculum")
    for trainer in PAIR:
        masks = table.sel(round=ROUND, trained_with=trainer)
        colour, marker, dash = PROTOCOLS[trainer]
        line(grid[1], rates, masks, "finder_gain", (colour, marker, dash), f"trained with {words(trainer)}")
        line(grid[1], own_at, masks, "own_finder_gain", (colour, marker, ""), "")
    left = float(summary.left.sel(round=ROUND))
    grid[1].set(title=f"ticket, {100 * left:.0f} % left", ylabel="found with minus without curriculum")
    grid[1].legend()
    for axes in grid:
        axes.axhline(0, color="#888888", lw=0.8)
        axes.set_xscale("log")
        axes.set_xticks([*rates, own_at], [*(f"{rate:g}" for rate in rates), "own best"])
        axes.minorticks_off()
        axes.set_xlabel("learning rate")
    return save(figure, table.sel(round=[0, ROUND]), OWN + caption(summary), path, fmt)


def course_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """The dense network over the run, a panel per rate."""
    cell = json.loads(summary.attrs["description"])["cell"]
    table = summary[[f"course_{k}" for k in ENDS]]
    steps = np.arange(summary.sizes["time"]) * (cell["steps"] // cell["n_records"])
    rates = summary.learning_rate.values
    figure, grid = plt.subplots(
        1, len(rates), figsize=(1 + 2.4 * len(rates), 3), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, rate in zip(grid[0], rates, strict=True):
        for name in PAIR:
            own = table.sel(trained_with=name, learning_rate=rate)
            line(axes, steps, own, "course", PROTOCOLS[name], words(name))
        axes.axvline(cell["easy_fraction"] * cell["steps"], color="#888888", lw=0.8, ls=":")
        axes.set(xlabel="step", title=f"rate {rate:g}")
    grid[0, 0].set_ylabel("test accuracy, dense network")
    grid[0, 0].legend()
    text = "Dotted: the curriculum turns from easy to hard. "
    return save(figure, table, text + caption(summary), path, fmt)
