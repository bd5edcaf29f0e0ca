"""Figures of the study lottery_tickets.

accuracy        test accuracy at early stopping against the weights left, a line per arm
early_stopping  step of the lowest validation loss against the weights left, a line per arm
curves          test accuracy against the step, a panel per share of weights left, a line per arm
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from figures.parts.style import SERIES, save, words
from figures.parts.summary import counts, left_out, summary_of
from studies.analysis import over_replicates, usable
from studies.analysis.tickets import early_stopping

ARMS = ("ticket", "reinitialised", "random_mask", "magnitude_at_start", "one_shot")


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means over replicates with bootstrap intervals; differences from the dense network are paired."""
    ds = ds.isel(protocol=0, width=0, drop=True)
    ends = early_stopping(ds)
    dense = ends.sel(round=0, arm="ticket", drop=True)
    out = xr.Dataset()
    for name in ("accuracy", "step", "final_accuracy"):
        for prefix, data in ((name, ends[name]), (f"{name}_gain", ends[name] - dense[name])):
            found = over_replicates(data)
            out = out.merge(found.rename({key: f"{prefix}_{key}" for key in found.data_vars}), join="outer")
    ahead = ends.accuracy.sel(arm="ticket", drop=True) - ends.accuracy.drop_sel(arm="ticket")
    found = over_replicates(ahead)
    out = out.merge(found.rename({key: f"ahead_{key}" for key in found.data_vars}), join="outer")
    curves = over_replicates(usable(ds))
    out = out.merge(curves.rename({key: f"curve_{key}" for key in curves.data_vars}), join="outer")
    weights = ds.weights.isel(replicate=0, arm=0, drop=True)
    out["left"] = weights / weights.sel(round=0)
    out["left_out"] = left_out(ds).sum()
    return summary_of(ds, out)


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    cell = json.loads(summary.attrs["description"])["cell"]
    some = f"{cell['n_train']} images" if cell["n_train"] else "all images"
    return (
        f"LeNet of {3 * cell['width']} and {cell['width']} units, {cell['images']}, {some} for "
        f"training, {cell['optimiser']} at {cell['learning_rate']}, batches of {cell['batch_size']}, "
        f"{cell['steps']} steps; every round prunes {100 * cell['fraction']:g} % of a layer's weights (half "
        f"of that in the last layer) and sets the others back to step {cell['rewind']}. "
        f"{counts(summary)}"
    )


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    yield line_figure(summary, "accuracy", "test accuracy at early stopping", out / "accuracy", fmt)
    yield line_figure(summary, "step", "early-stopping step", out / "early_stopping", fmt)
    yield curve_figure(summary, out / "curves", fmt)


def looks(table: xr.Dataset) -> list[tuple[str, tuple[str, str]]]:
    """Arms that were run, each always with the same colour and marker."""
    return [(arm, look) for arm, look in zip(ARMS, SERIES, strict=True) if arm in table.arm]


def left_axis(axes: Any, left: np.ndarray) -> None:
    """A logarithmic axis of the share of weights left, dense on the left."""
    axes.set_xscale("log")
    shown = left[:: max(1, len(left) // 6)]
    axes.set_xticks(shown, [f"{100 * x:.3g}" for x in shown])
    axes.minorticks_off()
    axes.invert_xaxis()
    axes.set_xlabel("weights left, %")


def line_figure(summary: xr.Dataset, name: str, label: str, path: Path, fmt: str) -> Path:
    """A quantity against the share of weights left, a line per arm."""
    table = summary[[f"{name}_mean", f"{name}_ci_low", f"{name}_ci_high", "left"]]
    figure, axes = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    for arm, (colour, marker) in looks(table):
        line = table.sel(arm=arm)
        middle = line[f"{name}_mean"]
        error = [middle - line[f"{name}_ci_low"], line[f"{name}_ci_high"] - middle]
        axes.errorbar(line.left, middle, error, color=colour, marker=marker, capsize=2, label=words(arm))
    axes.axhline(float(table[f"{name}_mean"].sel(arm="ticket", round=0)), color="#888888", lw=0.8, ls=":")
    left_axis(axes, table.left.values)
    axes.set_ylabel(label)
    axes.legend()
    return save(figure, table, f"Dotted: the dense network. {caption(summary)}", path, fmt)


def curve_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Test accuracy against the step at four shares of weights left."""
    cell = json.loads(summary.attrs["description"])["cell"]
    table = summary[["curve_mean", "curve_ci_low", "curve_ci_high"]]
    rounds = np.unique(np.linspace(0, summary.sizes["round"] - 1, 4).astype(int))
    steps = np.arange(summary.sizes["time"]) * (cell["steps"] // cell["n_records"])
    figure, grid = plt.subplots(
        1, len(rounds), figsize=(2.2 * len(rounds), 2.7), sharey=True, layout="constrained", squeeze=False
    )
    for axes, n in zip(grid[0], rounds, strict=True):
        for arm, (colour, marker) in looks(table):
            line = table.sel(arm=arm).isel(round=n)
            axes.plot(steps, line.curve_mean, color=colour, marker=marker, markevery=0.25, label=words(arm))
            axes.fill_between(steps, line.curve_ci_low, line.curve_ci_high, color=colour, alpha=0.2, lw=0)
        axes.set_title(f"{100 * float(summary.left[n]):.3g} % left")
    low = float(table.curve_mean.isel(time=slice(2, None)).min())
    grid[0, 0].set_ylim(max(0, low - 0.02), float(table.curve_ci_high.max()) + 0.01)
    grid[0, 0].set_ylabel("test accuracy")
    figure.supxlabel("step", fontsize=9)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return save(figure, table, caption(summary), path, fmt)
