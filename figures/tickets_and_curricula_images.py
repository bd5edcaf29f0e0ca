"""Figures of the study tickets_and_curricula_images.

swap     test accuracy against the weights left: who found the mask, who trained it, tickets and random masks
course   test accuracy of the dense network against the step, with and without a curriculum
"""

import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from figures.lottery_tickets import left_axis
from figures.style import PROTOCOLS, save, words
from figures.tickets_and_curricula import PAIR, line
from studies.analysis import over_replicates, usable


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means over replicates with bootstrap intervals; differences are paired."""
    ds = ds.isel(width=0, drop=True)
    accuracy = usable(ds)
    end = accuracy.isel(time=-1, drop=True)
    trainer = end.sel(trained_with=PAIR[0], drop=True) - end.sel(trained_with=PAIR[1], drop=True)
    finder = end.sel(protocol=PAIR[0], drop=True) - end.sel(protocol=PAIR[1], drop=True)
    chosen = end.sel(arm="ticket", drop=True) - end.sel(arm="random_mask", drop=True)
    course = accuracy.sel(protocol=PAIR[1], arm="ticket", round=0, drop=True)
    out = xr.Dataset()
    for prefix, data in (
        ("end", end), ("trainer_gain", trainer), ("finder_gain", finder), ("chosen_gain", chosen),
        ("course", course),
    ):  # fmt: skip
        found = over_replicates(data)
        out = out.merge(found.rename({name: f"{prefix}_{name}" for name in found.data_vars}), join="outer")
    weights = ds.weights.isel(replicate=0, arm=0, protocol=0, trained_with=0, drop=True)
    out["left"] = weights / weights.sel(round=0)
    out["diverged"] = (ds.status == 1).sum()
    floats = {name: v.astype(np.float32) for name, v in out.data_vars.items() if v.dtype == float}
    return out.assign(floats).assign_attrs(ds.attrs, replicates=ds.sizes["replicate"])


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    cell = json.loads(summary.attrs["description"])["cell"]
    some = f"{cell['n_train']} images" if cell["n_train"] else "all images"
    return (
        f"{cell['images']}, classes 0 and 4 shown with a random sign beside noise of variance "
        f"{cell['hard']['noise']:g} (hard, tested) or {cell['easy']['noise']:g} (easy, "
        f"{100 * cell['easy_fraction']:g} % of the steps); LeNet of {3 * cell['width']} and "
        f"{cell['width']} units, {cell['optimiser']} at {cell['learning_rate']}, {cell['steps']} steps of "
        f"{cell['batch_size']}, {some}, {cell['copies']} draws of the noise each. "
        f"{summary.attrs['replicates']} replicates, bars: 95 % bootstrap intervals. "
        f"Diverged runs left out: {int(summary.diverged)}."
    )


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    yield swap_figure(summary, out / "swap", fmt)
    yield course_figure(summary, out / "course", fmt)


def swap_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """A panel per protocol of training."""
    table = summary[["end_mean", "end_ci_low", "end_ci_high", "left"]]
    figure, grid = plt.subplots(1, 2, figsize=(7, 3), sharey=True, layout="constrained")
    for axes, trainer in zip(grid, PAIR, strict=True):
        for finder in PAIR:
            own = table.sel(trained_with=trainer, protocol=finder)
            line(
                axes,
                own.left,
                own.sel(arm="ticket"),
                "end",
                PROTOCOLS[finder],
                f"ticket found with {words(finder)}",
            )
        own = table.sel(trained_with=trainer, protocol=PAIR[1], arm="random_mask")
        line(axes, own.left, own, "end", ("#888888", "x", ":"), "random mask")
        left_axis(axes, table.left.values)
        axes.set_title(f"trained with {words(trainer)}")
    grid[0].set_ylabel("test accuracy")
    grid[0].legend()
    return save(figure, table, caption(summary), path, fmt)


def course_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """The dense network over the run."""
    cell = json.loads(summary.attrs["description"])["cell"]
    table = summary[["course_mean", "course_ci_low", "course_ci_high"]]
    steps = np.arange(summary.sizes["time"]) * (cell["steps"] // cell["n_records"])
    figure, axes = plt.subplots(figsize=(4.6, 3), layout="constrained")
    for name in PAIR:
        line(axes, steps, table.sel(trained_with=name), "course", PROTOCOLS[name], words(name))
    axes.axvline(cell["easy_fraction"] * cell["steps"], color="#888888", lw=0.8, ls=":")
    axes.set(xlabel="step", ylabel="test accuracy, dense network")
    axes.legend()
    text = "Dotted: the curriculum turns from easy to hard. "
    return save(figure, table, text + caption(summary), path, fmt)
