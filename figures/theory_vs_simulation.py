"""Figures of the study theory_vs_simulation.

overlay   test loss, one overlap and one readout against time: equations as lines, simulation as points
gap       distance of a run, and of the mean of runs, from the equations against N, with fitted slopes
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums
from figures.parts.style import GREY, series
from figures.parts.write import Drawn, Figures, named
from studies.analysis import usable, with_axes
from studies.analysis.theory import distance_to_theory, theory_and_runs

AXES = ("width", "task", "activation", "n_inputs", "method")
#: Recorded quantities whose first entries are drawn over each other.
SHOWN = {"test_loss": "test loss", "M": "overlap $M_{11}$", "v": "readout $v_1$"}
RECORDED = tuple(SHOWN)
FIRST = {"unit": 0, "direction": 0}
CAPTION = (
    "Curriculum: noise {easy[noise]:g}, then {hard[noise]:g} after {easy_fraction:percent} % of the samples; "
    "learning rate {learning_rate:g}; ReLU students for the XOR mixture, erf elsewhere. Equations and runs "
    "start from the same order parameters."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means of runs with intervals beside the equations, and distances with their slopes, by task."""
    ds = with_axes(ds, AXES[1:]).isel(protocol=0, drop=True)
    several = min(ds.sizes["n_inputs"], ds.sizes["replicate"]) > 1
    sums.need(
        "theory" in ds.method and ds.sizes["method"] == 2 and several,
        "needs the equations beside runs at two N or more (--method auto,theory), in two replicates",
    )
    parts = {}
    for (task,), own in sums.ran(ds, ("task",)):
        own = sums.ran_with(own, ("activation",))
        theory, runs = theory_and_runs(own)
        parts[task] = distance_to_theory(own, "M")
        for name in SHOWN:
            seen = usable(runs, name).isel(FIRST, drop=True, missing_dims="ignore")
            solved = theory[name].isel(FIRST, drop=True, missing_dims="ignore")
            both = sums.prefixed(name, sums.mean(seen)).assign({f"{name}_theory": solved})
            parts[task] = parts[task].assign(both.data_vars)
    return sums.summary_of(ds, sums.along("task", parts), left_out=sums.left_out(ds).sum())


def overlay(summary: xr.Dataset) -> Drawn:
    """A row per quantity, a column per task; the smallest and the largest N at one width."""
    width = 4 if 4 in summary.width else int(summary.width[0])
    sizes = summary.n_inputs.values
    part = summary.sel(width=width, n_inputs=list(dict.fromkeys((sizes[0], sizes[-1]))))
    styles = series(part.n_inputs.values, "simulation, N = {}")
    styles = {n: style | {"ls": "none", "ms": 3, "elinewidth": 0.8} for n, style in styles.items()}
    aside = 0.2 * float(summary.time[1] - summary.time[0])

    def draw(axes: Axes, name: str, own: xr.Dataset) -> None:
        axes.plot(own.time, own[f"{name}_theory"], color="#000000", lw=1, label="equations")
        for (n, style), side, face in zip(styles.items(), (-aside, aside), ("white", None), strict=False):
            look = style | {"mfc": face}
            panels.bars(axes, own.time.values + side, own.sel(n_inputs=n), f"{name}_mean", look)

    rows = {label: name for name, label in SHOWN.items()}
    figure = panels.matrix(rows, panels.each(part, "task"), draw, 1.7, below=panels.TIME, sharey=False)
    note = (
        f"K = {width}. Points: mean of the runs; those of the two N are moved apart by 0.4 of a step in time."
    )
    names = [f"{name}_{what}" for name in SHOWN for what in ("theory", "mean", "ci_low", "ci_high")]
    return Drawn(figure, part[names], f"{CAPTION} {note}")


def gap(summary: xr.Dataset) -> Drawn:
    """Distance in M against N: single runs (expected slope -1/2) and their mean."""

    def draw(axes: Axes, own: xr.Dataset) -> None:
        x = own.n_inputs.values
        for width, style in series(summary.width.values, "K = {}").items():
            line = own.sel(width=width)
            slope = f"{line.slope:.2f} [{line.slope_ci_low:.2f}, {line.slope_ci_high:.2f}]"
            panels.bars(axes, x, line, "gap", style | {"label": f"{style['label']}: {slope}"})
            axes.plot(x, line.mean_gap, **style | {"mfc": "none", "ls": ":", "lw": 0.8, "label": None})
        guide = float(own.gap.isel(n_inputs=0).max()) * 1.5 * np.sqrt(x[0] / x)
        axes.plot(x, guide, color=GREY, lw=0.8, ls="--", label="slope -1/2")
        axes.set(xscale="log", yscale="log", xlabel="N")
        panels.legend_below(axes)

    parts, label = panels.each(summary, "task"), "root-mean-square distance in M"
    figure = panels.facets(parts, draw, 3, len(parts), ylabel=label, legend=0, sharey=True)
    note = (
        "Filled, full lines: single runs, and fitted slope with its interval; open, dotted: mean of the runs."
    )
    names = [str(n) for n in summary.data_vars if "gap" in str(n) or "slope" in str(n)]
    return Drawn(figure, summary[names], f"{CAPTION} {note}")


FIGURES: Figures = named(overlay, gap)
