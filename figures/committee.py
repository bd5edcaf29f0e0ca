"""Figures of the study committee.

loss_label_noise, loss_distractors   generalisation error against time, a panel per width
benefit                              error avoided by the curriculum against width, by budget
tuned                                the same with each arm at its own best rate, and those rates
map                                  error avoided over width and time
"""

import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import xarray as xr

from figures.parts.panels import (
    benefit_by_budget,
    maps,
    plot_benefit,
    rate_panel,
    time_panels,
    zero_and_widths,
)
from figures.parts.style import PROTOCOLS, save
from figures.parts.summary import counts, left_out, summary_of
from studies.analysis import benefit, benefit_at_own_rate, over_replicates, usable, with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "no_curriculum")
#: Budget and rate at which the curves are shown.
HEADLINE = {"budget": 100.0, "learning_rate": 0.5}
LABEL = "error avoided by the curriculum"


def kinds(ds: xr.Dataset) -> dict[str, dict[str, float]]:
    """The two difficulties, as the hard level that stands for each."""
    noise, irrelevant = ds["hard.noise"].values, ds["hard.irrelevant"].values
    return {
        "label_noise": {"hard.noise": noise.max(), "hard.irrelevant": irrelevant.min()},
        "distractors": {"hard.noise": noise.min(), "hard.irrelevant": irrelevant.max()},
    }


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, replicates reduced to means and bootstrap intervals, by difficulty."""
    ds = with_axes(ds, HEADLINE)
    each = [_summarise(ds.sel(level, drop=True)) for level in kinds(ds).values()]
    out = xr.concat(each, xr.DataArray(list(kinds(ds)), dims="difficulty", name="difficulty"), join="outer")
    return summary_of(ds, out)


def _summarise(ds: xr.Dataset) -> xr.Dataset:
    """One difficulty; the benefit is minus the difference of the errors."""
    ds = ds.assign(avoided=-ds.test_loss)
    shown = ds.sel(learning_rate=HEADLINE["learning_rate"], drop=True)
    loss = over_replicates(usable(shown, "test_loss"))
    out = loss.rename({name: f"loss_{name}" for name in loss.data_vars})
    out = out.merge(benefit(shown, variable="avoided").drop_attrs())
    if ds.sizes["learning_rate"] > 1:
        end = ds.sel(budget=HEADLINE["budget"], drop=True)
        out = out.merge(benefit_at_own_rate(end, variable="avoided"), join="outer")
    out["left_out"] = left_out(shown).sum("replicate")
    return out


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    for kind in summary.difficulty.values:
        yield loss_figure(summary, kind, out / f"loss_{kind}", fmt)
    yield benefit_figure(summary, out / "benefit", fmt)
    if "tuned_benefit" in summary:
        yield tuned_figure(summary, out / "tuned", fmt)
    yield map_figure(summary, out / "map", fmt)


def caption(summary: xr.Dataset) -> str:
    """Settings, number of replicates and of runs left out."""
    asked = json.loads(summary.attrs["description"])
    cell, axes = asked["cell"], asked["axes"]
    return (
        f"Committee of M = {cell['options']['teacher_units']:g} erf units on "
        f"{cell['options']['relevant']:.0%} of N = {cell['n_inputs']} inputs, erf students, learning rate "
        f"{cell['learning_rate']:g}. Easy: no label noise, irrelevant inputs of variance "
        f"{cell['easy']['irrelevant']:g}; hard: label noise of variance {max(axes['hard.noise']):g}, or "
        f"irrelevant inputs of variance {max(axes['hard.irrelevant']):g}. Easy fraction "
        f"{cell['easy_fraction']:g}; error without label noise at the hard level. "
        f"{counts(summary)}"
    )


def title(kind: str, summary: xr.Dataset) -> str:
    """What makes a sample hard."""
    axes = json.loads(summary.attrs["description"])["axes"]
    name, field = "irrelevant inputs", "hard.irrelevant"
    if kind == "label_noise":
        name, field = "label noise", "hard.noise"
    return f"hard: {name} of variance {max(axes[field]):g}"


def headline(summary: xr.Dataset) -> xr.Dataset:
    """Curves within the run of the headline budget."""
    return summary.sel(budget=HEADLINE["budget"]).sel(time=slice(0, HEADLINE["budget"]))


def loss_figure(summary: xr.Dataset, kind: str, path: Path, fmt: str) -> Path:
    """Generalisation error against time per width and protocol."""
    names = {f"loss_{name}": name for name in ("mean", "ci_low", "ci_high")}
    table = headline(summary).sel(difficulty=kind)[[*names]]
    figure = time_panels(table.rename(names), "protocol", PROTOCOLS, "generalisation error", log=True)
    return save(figure, table, caption(summary), path, fmt)


def _teacher(axes, summary: xr.Dataset) -> None:
    """Mark the width of the teacher."""
    units = json.loads(summary.attrs["description"])["cell"]["options"]["teacher_units"]
    axes.axvline(units, color="#888888", lw=0.8, ls=(0, (1, 2)))
    axes.annotate("K = M", (units, 0.02), xycoords=("data", "axes fraction"), fontsize=7, color="#666666")


def benefit_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Error avoided at the end of the run against width, a panel per difficulty."""
    ends = xr.concat(
        [summary.sel(budget=b, time=b).drop_vars("time") for b in summary.budget.values], summary.budget
    )
    figure, grid = plt.subplots(1, 2, figsize=(7.6, 3), layout="constrained")
    for axes, kind in zip(grid, summary.difficulty.values, strict=True):
        benefit_by_budget(axes, ends.sel(difficulty=kind))
        axes.set_title(title(kind, summary))
        _teacher(axes, summary)
        axes.margins(y=0.3)
        axes.legend(fontsize=7, loc="upper right")
    grid[0].set_ylabel(LABEL)
    names = ["benefit", "ci_low", "ci_high", "n", "critical_width", "fading_width"]
    return save(figure, ends[names], caption(summary), path, fmt)


def tuned_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Error avoided at a rate shared by both arms and with each arm at its own best rate; the rates."""
    end = headline(summary).isel(time=-1)
    own = summary[["tuned_benefit", "tuned_ci_low", "tuned_ci_high", "tuned_n", "tuned_rate"]]
    names = {f"tuned_{name}": name for name in ("benefit", "ci_low", "ci_high")}
    figure, grid = plt.subplots(2, 2, figsize=(7.6, 5.6), layout="constrained")
    for (left, right), kind in zip(grid, summary.difficulty.values, strict=True):
        plot_benefit(left, end.sel(difficulty=kind), "#0072B2", "o", "one rate for both arms", -0.06)
        curve = own[[*names]].sel(difficulty=kind).rename(names)
        plot_benefit(left, curve, "#D55E00", "s", "each arm at its best rate", 0.06)
        zero_and_widths(left, summary.width.values)
        left.set_ylabel(LABEL)
        left.set_title(title(kind, summary))
        left.legend()
        rate_panel(right, own.tuned_rate.sel(difficulty=kind), PROTOCOLS)
    note = " Rates chosen on the replicates of even number, benefit shown for the odd ones."
    return save(figure, own, caption(summary) + note, path, fmt)


def map_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Error avoided over width and time within a run."""
    part = headline(summary).isel(time=slice(1, None))
    panels = [
        (title(kind, summary), part.sel(difficulty=kind), "time", "time, samples / N")
        for kind in summary.difficulty.values
    ]
    return save(maps(panels, LABEL), part[["benefit", "ci_low", "ci_high", "n"]], caption(summary), path, fmt)
