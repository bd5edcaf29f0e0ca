"""Figures of the study lottery_tickets.

accuracy        test accuracy at early stopping against the weights left, a line per arm
early_stopping  step of the lowest validation loss against the weights left, a line per arm
curves          test accuracy against the step, a panel per share of weights left, a line per arm
"""

from functools import partial

import numpy as np
import xarray as xr

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.style import GREY, series, words
from figures.parts.tickets import left_axis, percent
from figures.parts.write import Drawn, Figures
from studies.analysis import usable
from studies.analysis.tickets import early_stopping

ARMS = ("ticket", "reinitialised", "random_mask", "magnitude_at_start", "one_shot")
AXES = ()


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means over replicates with intervals; differences from the dense network are paired."""
    ds = ds.isel(protocol=0, width=0, drop=True)
    if "ticket" not in ds.arm:
        raise sums.Missing("the arm 'ticket' was not run")
    ends = early_stopping(ds)
    dense = ends.sel(round=0, arm="ticket", drop=True)
    runs = {name: ends[name] for name in ("accuracy", "step", "final_accuracy")}
    runs |= {f"{name}_gain": ends[name] - dense[name] for name in runs}
    runs["ahead"] = ends.accuracy.sel(arm="ticket", drop=True) - ends.accuracy.drop_sel(arm="ticket")
    runs["curve"] = usable(ds)
    out = sums.merged(
        *(sums.prefixed(name, sums.mean(values)) for name, values in runs.items() if values.size)
    )
    weights = ds.weights.isel(replicate=0, arm=0, drop=True)
    return sums.summary_of(
        ds, out.assign(left=weights / weights.sel(round=0), left_out=sums.left_out(ds).sum())
    )


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    cell = sums.cell_of(summary)
    some = f"{cell['n_train']} images" if cell["n_train"] else "all images"
    return (
        f"LeNet of {3 * cell['width']} and {cell['width']} units, {words(cell['images'])}, {some} for "
        f"training, {words(cell['optimiser'])} at {cell['learning_rate']}, batches of {cell['batch_size']}, "
        f"{cell['steps']} steps; every round prunes {100 * cell['fraction']:g} % of a layer's weights (half "
        f"of that in the last layer) and sets the others back to step {cell['rewind']}."
    )


def styles(table: xr.Dataset) -> dict[str, dict]:
    """Arms that were run, each always with the same colour and marker."""
    return {arm: style for arm, style in series(ARMS).items() if arm in table.arm}


def against_left(name: str, label: str, summary: xr.Dataset) -> Drawn:
    """A quantity against the share of weights left, a line per arm."""
    table = summary[[*sums.columns(f"{name}_mean"), "left"]]
    figure, ((axes,),) = panels.grid(1, 1, 3)
    drawn = styles(table)
    for (arm, style), shift in zip(drawn.items(), panels.spread(len(drawn), 0.05), strict=True):
        panels.bars(axes, table.left.values, table.sel(arm=arm), f"{name}_mean", style, shift)
    axes.axhline(float(table[f"{name}_mean"].sel(arm="ticket", round=0)), color=GREY, lw=0.8, ls=":")
    left_axis(axes, table.left.values)
    axes.set_ylabel(label)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=2)
    return Drawn(figure, table, f"Dotted: the dense network. {caption(summary)}")


def curves(summary: xr.Dataset) -> Drawn:
    """Test accuracy against the step at four shares of weights left."""
    cell = sums.cell_of(summary)
    table = summary[sums.columns("curve_mean")]
    rounds = np.unique(np.linspace(0, summary.sizes["round"] - 1, 4).astype(int))
    steps = np.arange(summary.sizes["time"]) * (cell["steps"] // cell["n_records"])
    figure, (row,) = panels.grid(1, len(rounds), 2.2, sharey=True)
    for axes, n in zip(row, rounds, strict=True):
        for arm, style in styles(table).items():
            panels.band(axes, steps, table.sel(arm=arm).isel(round=n), "curve_mean", style)
        axes.set_title(f"{percent(float(summary.left[n]))} % left")
    late = table.curve_mean.isel(time=slice(2, None)) if len(steps) > 2 else table.curve_mean
    row[0].set_ylim(max(0, float(late.min()) - 0.02), float(table.curve_mean.max()) + 0.02)
    row[0].set_ylabel("test accuracy")
    figure.supxlabel("step", fontsize=8)
    panels.legend_above(figure, 5)
    return Drawn(figure, table, caption(summary))


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    return {
        "accuracy": partial(against_left, "accuracy", "test accuracy at early stopping"),
        "early_stopping": partial(against_left, "step", "early-stopping step"),
        "curves": curves,
    }
