"""Figures of the study sparse_teacher.

accuracy    accuracy against time, a panel per width, a line per protocol
benefit     benefit against width at the end of each budget, and with each arm at its own best rate
map         benefit over width and time, with the curves where its interval covers 0
perceptron  the perceptron of arXiv 2106.08068: simulation beside the equations, every protocol
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
from figures.parts.style import PROTOCOLS, SERIES, save, words
from figures.parts.summary import counts, left_out, summary_of
from studies.analysis import benefit, benefit_at_own_rate, over_replicates, usable, with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "no_curriculum")
#: The axes of the study and the values at which its curves are shown.
HEADLINE = {"parametrisation": "standard", "budget": 20.0, "learning_rate": 0.5}
SIMULATED = {"method": "auto", "train_readout": True, "readout_start": "gaussian"}
PERCEPTRON = {"train_readout": False, "readout_start": "sign", "width": 1}


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, replicates reduced to means and bootstrap intervals."""
    ds = with_axes(ds, (*HEADLINE, *SIMULATED))
    rate = {"learning_rate": HEADLINE["learning_rate"]}
    plain = ds.sel(SIMULATED, drop=True)
    out = _prefixed("accuracy", over_replicates(usable(plain.sel(rate, drop=True))))
    out = out.merge(benefit(plain.sel(rate, drop=True)).drop_attrs())
    perceptron = ds.sel(PERCEPTRON | HEADLINE, drop=True)
    out = out.merge(_prefixed("perceptron", over_replicates(usable(perceptron))))
    if ds.sizes["learning_rate"] > 1:
        end = {name: HEADLINE[name] for name in ("parametrisation", "budget")}
        out = out.merge(benefit_at_own_rate(plain.sel(end, drop=True)), join="outer")
    out["left_out"] = left_out(plain.sel(rate, drop=True)).sum("replicate")
    return summary_of(ds, out)


def _prefixed(prefix: str, found: xr.Dataset) -> xr.Dataset:
    return found.rename({name: f"{prefix}_{name}" for name in found.data_vars})


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    yield accuracy_figure(summary, out / "accuracy", fmt)
    yield benefit_figure(summary, out / "benefit", fmt)
    yield map_figure(summary, out / "map", fmt)
    yield perceptron_figure(summary, out / "perceptron", fmt)


def caption(summary: xr.Dataset) -> str:
    """Settings, number of replicates and of runs left out."""
    cell = json.loads(summary.attrs["description"])["cell"]
    return (
        f"Sign teacher on {cell['options']['relevant']:.0%} of N = {cell['n_inputs']} inputs, "
        f"{cell['activation']} student, {cell['loss']} loss, learning rate {cell['learning_rate']:g}; "
        f"variance of the irrelevant inputs {cell['easy']['noise']:g} then {cell['hard']['noise']:g}, "
        f"easy fraction {cell['easy_fraction']:g}, tested at {cell['hard']['noise']:g}. "
        f"{counts(summary)}"
    )


def headline(summary: xr.Dataset) -> xr.Dataset:
    """The standard parametrisation at the headline budget."""
    budget = HEADLINE["budget"] if HEADLINE["budget"] in summary.budget else summary.budget.values[-1]
    part = summary.sel(parametrisation=HEADLINE["parametrisation"], budget=budget)
    return part.sel(time=slice(0, budget))


def accuracy_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Accuracy against time per width and protocol."""
    names = {f"accuracy_{name}": name for name in ("mean", "ci_low", "ci_high")}
    table = headline(summary)[[*names]]
    figure = time_panels(table.rename(names), "protocol", PROTOCOLS, "test accuracy")
    return save(figure, table, caption(summary), path, fmt)


def benefit_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Benefit against width: by budget, by parametrisation, at each arm's own rate; the rates."""
    part = summary.sel(parametrisation=HEADLINE["parametrisation"])
    ends = xr.concat([part.sel(budget=b, time=b).drop_vars("time") for b in part.budget.values], part.budget)
    tuned, kinds = "tuned_benefit" in summary, summary.sizes["parametrisation"] > 1
    count = 1 + 2 * tuned + kinds
    figure, grid = plt.subplots(
        -(-count // 2), min(count, 2), figsize=(3.8 * min(count, 2), 2.9 * -(-count // 2)),
        layout="constrained", squeeze=False,
    )  # fmt: skip
    first, *rest = grid.flat
    benefit_by_budget(first, ends)
    first.set_ylabel("benefit over no curriculum\n(test accuracy)")
    first.margins(y=0.35)
    first.legend(loc="upper right", fontsize=7)
    end = headline(summary).isel(time=-1)
    if kinds:
        axes, *rest = rest
        budget = end.budget.item()
        for i, name in enumerate(summary.parametrisation.values):
            line = summary.sel(parametrisation=name, budget=budget, time=budget)
            plot_benefit(axes, line, *SERIES[i], words(name), 0.08 * (i - 1))
        zero_and_widths(axes, summary.width.values)
        axes.set_title(f"budget {budget:g}, one rate")
        axes.legend()
    if tuned:
        left, right, *rest = rest
        own = summary[["tuned_benefit", "tuned_ci_low", "tuned_ci_high"]]
        plot_benefit(left, end, "#0072B2", "o", "one rate for both arms", -0.06)
        names = {f"tuned_{name}": name for name in ("benefit", "ci_low", "ci_high")}
        plot_benefit(left, own.rename(names), "#D55E00", "s", "each arm at its best rate", 0.06)
        zero_and_widths(left, summary.width.values)
        left.set_ylabel("benefit over no curriculum\n(test accuracy)")
        left.set_title(f"budget {end.budget.item():g}")
        left.legend()
        rate_panel(right, summary.tuned_rate, PROTOCOLS)
    names = ["benefit", "ci_low", "ci_high", "n", "critical_width", "fading_width"]
    return save(figure, ends[names], caption(summary), path, fmt)


def map_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Benefit over width and time within a run of each budget."""
    part = summary.sel(parametrisation=HEADLINE["parametrisation"])
    panels = [
        (f"budget {b:g}", part.sel(budget=b).sel(time=slice(0, b)), "time", "time, samples / N")
        for b in part.budget.values[:3]
    ]
    names = ["benefit", "ci_low", "ci_high", "n"]
    return save(maps(panels, "benefit (test accuracy)"), part[names], caption(summary), path, fmt)


def perceptron_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """The perceptron: simulated means and intervals over the solution of the equations."""
    names = {f"perceptron_{name}": name for name in ("mean", "ci_low", "ci_high")}
    table = summary[[*names]].sel(time=slice(0, HEADLINE["budget"]))
    figure, axes = plt.subplots(figsize=(4.4, 3), layout="constrained")
    for name, (colour, marker, dash) in PROTOCOLS.items():
        if name not in table.protocol:
            continue
        curves = table.sel(protocol=name).rename(names)
        seen, known = curves.sel({"method": "auto"}), curves.sel({"method": "theory"})
        error = [seen["mean"] - seen.ci_low, seen.ci_high - seen["mean"]]
        axes.errorbar(
            seen.time, seen["mean"], error, color=colour, marker=marker, ls="none", label=words(name)
        )
        axes.plot(known.time, known["mean"], color=colour, ls=dash, lw=1)
    axes.set(xlabel="time, samples / N", ylabel="test accuracy", title="K = 1, readout fixed at 1 or -1")
    axes.legend(loc="lower right")
    note = " Points: simulation; lines: equations from the same starts."
    return save(figure, table, caption(summary) + note, path, fmt)
