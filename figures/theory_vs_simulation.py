"""Figures of the study theory_vs_simulation.

overlay   test loss, one overlap and one readout against time: equations as lines, simulation as points
gap       distance of a run, and of the mean of runs, from the equations against N, with fitted slopes
"""

import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from figures.parts.style import SERIES, save, words
from figures.parts.summary import summary_of
from studies.analysis import over_replicates, usable, with_axes
from studies.analysis.theory import distance_to_theory, theory_and_runs

#: Recorded quantities whose first entries are drawn over each other.
SHOWN = {"test_loss": "test loss", "M": "overlap M_11", "v": "readout v_1"}
FIRST = {"unit": 0, "direction": 0}


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means of runs with intervals beside the equations, and distances with their slopes, by task."""
    ds = with_axes(ds, ("task", "activation")).isel(protocol=0, drop=True)
    parts = []
    for task in ds.task.values:
        own = ds.sel(task=task)
        asked = (own.status != 3).any([d for d in own.status.dims if d != "activation"])
        (activation,) = own.activation.values[asked]
        parts.append(_summarise(own.sel(activation=activation, drop=True)))
    out = xr.concat(parts, ds.task, join="outer")
    return summary_of(ds, out)


def _summarise(ds: xr.Dataset) -> xr.Dataset:
    """One task."""
    theory, runs = theory_and_runs(ds)
    out = distance_to_theory(ds, "M")
    for name in SHOWN:
        first = {axis: index for axis, index in FIRST.items() if axis in ds[name].dims}
        seen = over_replicates(usable(runs, name).isel(first, drop=True))
        out = out.assign({f"{name}_{v}": seen[v] for v in seen.data_vars})
        out[f"{name}_theory"] = theory[name].isel(first, drop=True)
    return out


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    yield overlay_figure(summary, out / "overlay", fmt)
    yield gap_figure(summary, out / "gap", fmt)


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    cell = json.loads(summary.attrs["description"])["cell"]
    return (
        f"Curriculum: noise {cell['easy']['noise']:g}, then {cell['hard']['noise']:g} after "
        f"{cell['easy_fraction']:.0%} of the samples; learning rate {cell['learning_rate']:g}; relu students "
        f"for xor mixture, erf elsewhere. Equations and all {summary.attrs['replicates']} runs at each N "
        "start from the same order parameters."
    )


def overlay_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """A row per quantity, a column per task; the narrowest and widest N at one width."""
    width = 4 if 4 in summary.width else int(summary.width[0])
    sizes = summary.n_inputs.values
    part = summary.sel(width=width, n_inputs=list(dict.fromkeys((sizes[0], sizes[-1]))))
    tasks = summary.task.values
    figure, grid = plt.subplots(
        len(SHOWN), len(tasks), figsize=(2.6 * len(tasks), 1.9 * len(SHOWN)), sharex=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for row, (name, label) in zip(grid, SHOWN.items(), strict=True):
        for axes, task in zip(row, tasks, strict=True):
            own = part.sel(task=task)
            axes.plot(own.time, own[f"{name}_theory"], color="#000000", lw=1.2, label="equations")
            for n, (colour, marker) in zip(part.n_inputs.values, SERIES, strict=False):
                seen = own.sel(n_inputs=n)
                mean = seen[f"{name}_mean"]
                error = [mean - seen[f"{name}_ci_low"], seen[f"{name}_ci_high"] - mean]
                axes.errorbar(
                    own.time, mean, error, color=colour, marker=marker, ls="none", ms=3, lw=0.8,
                    label=f"N = {n}",
                )  # fmt: skip
        row[0].set_ylabel(label)
    for axes, task in zip(grid[0], tasks, strict=True):
        axes.set_title(words(str(task)))
    figure.supxlabel("time, samples / N", fontsize=9)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    note = f" K = {width}. Points: mean of the runs with 95 % bootstrap intervals."
    names = [f"{name}_{what}" for name in SHOWN for what in ("theory", "mean", "ci_low", "ci_high")]
    return save(figure, part[names], caption(summary) + note, path, fmt)


def gap_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Distance in M against N: single runs (expected slope -1/2) and their mean."""
    tasks = summary.task.values
    figure, grid = plt.subplots(
        1, len(tasks), figsize=(2.6 * len(tasks), 2.9), sharey=True, squeeze=False, layout="constrained"
    )
    for axes, task in zip(grid[0], tasks, strict=True):
        own = summary.sel(task=task)
        x = own.n_inputs
        for width, (colour, marker) in zip(summary.width.values, SERIES, strict=False):
            line = own.sel(width=width)
            error = [line.gap - line.gap_ci_low, line.gap_ci_high - line.gap]
            slope = f"{line.slope:.2f} [{line.slope_ci_low:.2f}, {line.slope_ci_high:.2f}]"
            axes.errorbar(
                x, line.gap, error, color=colour, marker=marker, capsize=2, label=f"K = {width}: {slope}"
            )
            axes.plot(x, line.mean_gap, color=colour, marker=marker, mfc="none", ls=":", lw=0.8)
        guide = float(own.gap.isel(n_inputs=0).max()) * 1.5 * np.sqrt(float(x[0]) / x)
        axes.plot(x, guide, color="#888888", lw=0.8, ls="--", label="slope -1/2")
        axes.set(xscale="log", yscale="log", xlabel="N", title=words(str(task)))
        axes.legend(fontsize=6.5, loc="lower left")
    grid[0, 0].set_ylabel("root-mean-square distance in M")
    note = (
        " Filled, full lines: single runs, with 95 % bootstrap intervals, and fitted slope with its "
        "interval; open, dotted: mean of the runs."
    )
    names = [n for n in summary.data_vars if "gap" in str(n) or "slope" in str(n)]
    return save(figure, summary[names], caption(summary) + note, path, fmt)
