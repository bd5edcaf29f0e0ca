"""Figures of the study lottery_tickets.

accuracy        test accuracy at early stopping against the weights left, a line per arm
early_stopping  step of the lowest validation loss against the weights left, a line per arm
curves          test accuracy against the step, a panel per share of weights left, a line per arm
"""

from functools import partial

import numpy as np
import xarray as xr

from figures.parts import panels, summary as sums
from figures.parts.style import GREY, series
from figures.parts.tickets import left_axis, lenet, percent, shares_left, some_images, steps
from figures.parts.write import Drawn, Figures
from studies.analysis import usable
from studies.analysis.tickets import early_stopping

ARMS = ("ticket", "reinitialised", "random_mask", "magnitude_at_start", "one_shot")
AXES = ()


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means over replicates with intervals; differences from the dense network are paired."""
    ds = ds.isel(protocol=0, width=0, drop=True)
    sums.need("ticket" in ds.arm, "the arm 'ticket' was not run")
    ends = early_stopping(ds)
    dense = ends.sel(round=0, arm="ticket", drop=True)
    runs = {name: ends[name] for name in ("accuracy", "step", "final_accuracy")}
    runs |= {f"{name}_gain": ends[name] - dense[name] for name in runs}
    runs["ahead"] = ends.accuracy.sel(arm="ticket", drop=True) - ends.accuracy.drop_sel(arm="ticket")
    runs["curve"] = usable(ds)
    each = (sums.prefixed(name, sums.mean(values)) for name, values in runs.items() if values.size)
    left = shares_left(ds.weights.isel(arm=0, drop=True))
    return sums.summary_of(ds, *each, left, left_out=sums.left_out(ds).sum())


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    return (
        f"{lenet(summary)}, {{images:words}}, {some_images(summary)} for training, {{optimiser:words}} at "
        "{learning_rate}, batches of {batch_size}, {steps} steps; every round prunes {fraction:percent} % of "
        "a layer's weights (half of that in the last layer) and sets the others back to step {rewind}."
    )


def styles(table: xr.Dataset) -> dict[str, dict]:
    """Arms that were run, each always with the same colour and marker."""
    return {arm: style for arm, style in series(ARMS).items() if arm in table.arm}


def against_left(name: str, label: str, summary: xr.Dataset) -> Drawn:
    """A quantity against the share of weights left, a line per arm."""
    table = sums.numbers(summary, f"{name}_mean").assign(left=summary.left)
    figure, ((axes,),) = panels.grid(1, 1, 3)
    panels.curves(axes, table, f"{name}_mean", "arm", styles(table), "left", 0.05)
    axes.axhline(float(table[f"{name}_mean"].sel(arm="ticket", round=0)), color=GREY, lw=0.8, ls=":")
    left_axis(axes, table.left.values)
    axes.set_ylabel(label)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.3), ncols=2)
    return Drawn(figure, table, f"Dotted: the dense network. {caption(summary)}")


def curves(summary: xr.Dataset) -> Drawn:
    """Test accuracy against the step at four shares of weights left."""
    table = sums.numbers(summary, "curve_mean")
    rounds = np.unique(np.linspace(0, summary.sizes["round"] - 1, 4).astype(int))
    parts = {f"{percent(float(summary.left[n]))} % left": table.isel(round=n) for n in rounds}
    bands = partial(panels.bands, name="curve_mean", along="arm", styles=styles(table), x=steps(summary))
    figure = panels.facets(parts, bands, 2.2, 4, ylabel="test accuracy", below="step", legend=5, sharey=True)
    late = table.curve_mean.isel(time=slice(2, None)) if table.sizes["time"] > 2 else table.curve_mean
    figure.axes[0].set_ylim(max(0, float(late.min()) - 0.02), float(table.curve_mean.max()) + 0.02)
    return Drawn(figure, table, caption(summary))


FIGURES: Figures = {
    "accuracy": partial(against_left, "accuracy", "test accuracy at early stopping"),
    "early_stopping": partial(against_left, "step", "early-stopping step"),
    "curves": curves,
}
