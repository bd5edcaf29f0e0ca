"""Figures of the study xor_mixture.

accuracy          accuracy against time, a panel per width, a line per protocol
benefit           benefit against width at the end of each budget, with the width at which it is gone
map               benefit over width and time, with the curve where its interval covers 0
lottery           replicates with every cluster covered against width, beside the coupon collector
parametrisations  benefit against width for each parametrisation
tuned             benefit against width with one rate for all, and with each arm at its own best rate
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
from figures.parts.style import PROTOCOLS, SERIES, save, width_axis, words
from figures.parts.summary import counts, left_out, summary_of
from studies.analysis import (
    benefit,
    benefit_at_own_rate,
    lottery,
    over_replicates,
    usable,
    with_axes,
)

TREATMENTS = ("curriculum", "anti_curriculum", "target_only", "rule_curriculum")
#: The protocols that are compared.
PAIR = ("curriculum", "no_curriculum")
#: Parametrisation and budget of the headline.
HEADLINE = {"parametrisation": "standard", "budget": 600.0}


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, replicates reduced to means and bootstrap intervals.

    Axes parametrisation and budget are there even where a study has a single value of them.
    """
    cell = json.loads(ds.attrs["description"])["cell"]
    ds = with_axes(ds, HEADLINE)
    rates = None
    if "learning_rate" in ds.dims:
        rates, ds = ds, ds.sel(learning_rate=cell["learning_rate"], drop=True)
    accuracy = over_replicates(usable(ds))
    out = accuracy.rename({name: f"accuracy_{name}" for name in accuracy.data_vars})
    present = [p for p in TREATMENTS if p in ds.protocol]
    gains = [benefit(ds, p).drop_attrs() for p in present]
    out = out.merge(xr.concat(gains, xr.DataArray(present, dims="treatment", name="treatment")))
    if "covered" in ds:
        out = out.merge(lottery(ds))
    if rates is not None:
        out = out.merge(benefit_at_own_rate(rates.sel(HEADLINE, drop=True)))
    out["left_out"] = left_out(ds).sum("replicate")
    return summary_of(ds, out)


def headline(summary: xr.Dataset) -> xr.Dataset:
    """The standard parametrisation at the headline budget, or at the last budget there is."""
    budgets = summary.budget.values
    budget = HEADLINE["budget"] if HEADLINE["budget"] in budgets else budgets[-1]
    part = summary.sel(parametrisation=HEADLINE["parametrisation"], budget=budget).sel(time=slice(0, budget))
    return part.sel(width=part.accuracy_n.sum("protocol") > 0)


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    yield accuracy_figure(summary, out / "accuracy", fmt)
    yield benefit_figure(summary, out / "benefit", fmt)
    yield map_figure(summary, out / "map", fmt)
    if "all_covered" in summary:
        yield lottery_figure(summary, out / "lottery", fmt)
    if summary.sizes["parametrisation"] > 1:
        yield parametrisation_figure(summary, out / "parametrisations", fmt)
    if "tuned_benefit" in summary:
        yield tuned_figure(summary, out / "tuned", fmt)


def caption(summary: xr.Dataset, part: xr.Dataset) -> str:
    """Settings, number of replicates and of runs left out."""
    cell = json.loads(summary.attrs["description"])["cell"]
    return (
        f"XOR-like Gaussian mixture, N = {cell['n_inputs']}, {cell['activation']}, {cell['loss']} loss, "
        f"learning rate {cell['learning_rate']:g}, noise {cell['easy']['noise']:g} then "
        f"{cell['hard']['noise']:g}, easy fraction {cell['easy_fraction']:g}, tested at noise "
        f"{cell['hard']['noise']:g}. {counts(summary, part)}"
    )


def accuracy_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Accuracy against time per width and protocol."""
    part = headline(summary)
    names = {f"accuracy_{name}": name for name in ("mean", "ci_low", "ci_high")}
    figure = time_panels(part[list(names)].rename(names), "protocol", PROTOCOLS, "test accuracy")
    table = part[["accuracy_mean", "accuracy_ci_low", "accuracy_ci_high", "accuracy_n"]]
    return save(figure, table, caption(summary, part), path, fmt)


def at_end(summary: xr.Dataset, treatment: str = "curriculum") -> xr.Dataset:
    """Benefit at the end of every budget: dims (parametrisation, budget, width)."""
    part = summary[["benefit", "ci_low", "ci_high", "n", "critical_width", "fading_width"]].sel(
        treatment=treatment
    )
    ends = [part.sel(budget=b, time=b).drop_vars("time") for b in summary.budget.values]
    return xr.concat(ends, summary.budget)


def benefit_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Benefit against width, by budget (left) and by kind of curriculum (right)."""
    ends = at_end(summary).sel(parametrisation=HEADLINE["parametrisation"])
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3), layout="constrained", sharey=False)
    benefit_by_budget(left, ends)
    left.set_title("curriculum")
    part = headline(summary)
    for i, name in enumerate(summary.treatment.values):
        line = at_end(summary, name).sel(
            parametrisation=HEADLINE["parametrisation"], budget=part.budget.item()
        )
        colour, marker, _ = PROTOCOLS[name]
        plot_benefit(right, line, colour, marker, words(name), 0.08 * (i - 1.5))
    right.set_title(f"all orders, budget {part.budget.item():g}")
    left.margins(y=0.35)
    for axes, corner in ((left, "upper right"), (right, "center right")):
        zero_and_widths(axes, summary.width.values)
        axes.set_ylabel("benefit over no curriculum\n(test accuracy)")
        axes.legend(loc=corner, fontsize=7, bbox_to_anchor=None if axes is left else (1, 0.4))
    return save(figure, ends, caption(summary, ends.assign(left_out=summary.left_out)), path, fmt)


def map_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Benefit over width and time within a run, and over width and budget at the end of runs."""
    part = headline(summary).sel(treatment="curriculum")
    ends = at_end(summary).sel(parametrisation=HEADLINE["parametrisation"])
    panels = [("within a run", part, "time", "time, samples / N")]
    if summary.sizes["budget"] > 2:
        panels.append(("at the end of a run", ends, "budget", "budget, samples / N"))
    figure = maps(panels, "benefit (test accuracy)")
    table = part[["benefit", "ci_low", "ci_high", "n", "critical_width", "fading_width"]]
    return save(figure, table, caption(summary, part), path, fmt)


def lottery_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Share of replicates whose units cover all clusters, start and end, beside the coupon collector."""
    part = headline(summary)
    figure, grid = plt.subplots(1, 2, figsize=(7.6, 3), layout="constrained", sharey=True)
    kinds = (("covered", "a unit points at every cluster"), ("aligned", "... with the right sign"))
    for axes, (kind, title) in zip(grid, kinds, strict=True):
        axes.plot(part.width, part[f"expected_{kind}"], color="#888888", lw=3, label="K random units")
        for name, moment in (("no_curriculum", "start"), ("no_curriculum", "end"), ("curriculum", "end")):
            line = part.sel(protocol=name, moment=moment)
            colour, marker, dash = PROTOCOLS[name]
            mean = line[f"all_{kind}"]
            error = [mean - line[f"ci_low_{kind}"], line[f"ci_high_{kind}"] - mean]
            axes.errorbar(
                line.width, mean, error, color=colour if moment == "end" else "#E69F00", marker=marker,
                ls=dash if moment == "end" else "none", capsize=2,
                label="at the start" if moment == "start" else f"at the end, {words(name)}",
            )  # fmt: skip
        width_axis(axes, part.width.values)
        axes.set_title(title)
    grid[0].set_ylabel("share of replicates")
    grid[1].legend()
    names = [n for n in part.data_vars if "covered" in str(n) or "aligned" in str(n)]
    return save(figure, part[names], caption(summary, part), path, fmt)


def parametrisation_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """The benefit curve in each parametrisation, at the headline budget."""
    budget = headline(summary).budget.item()
    ends = at_end(summary).sel(budget=budget)
    ends = ends.sel(width=(ends.benefit.notnull().sum("parametrisation") > 1))
    figure, axes = plt.subplots(figsize=(4.4, 3), layout="constrained")
    for i, name in enumerate(summary.parametrisation.values):
        colour, marker = SERIES[i]
        plot_benefit(axes, ends.sel(parametrisation=name), colour, marker, words(name), 0.08 * (i - 1))
    zero_and_widths(axes, ends.width.values)
    axes.set_ylabel("benefit of the curriculum\n(test accuracy)")
    axes.set_title(f"budget {budget:g}")
    axes.legend()
    lost = summary.sel(budget=budget)
    return save(figure, ends, caption(summary, lost), path, fmt)


def tuned_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Benefit at a rate shared by both arms, and with each arm at its own best rate; the rates chosen."""
    part = headline(summary)
    shared = at_end(summary).sel(parametrisation=HEADLINE["parametrisation"], budget=part.budget.item())
    own = part[[n for n in part.data_vars if str(n).startswith("tuned_")]].dropna("width", how="all")
    curve = own.rename({f"tuned_{name}": name for name in ("benefit", "ci_low", "ci_high")})
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3), layout="constrained")
    plot_benefit(left, shared.sel(width=own.width), "#0072B2", "o", "one rate for both arms", -0.06)
    plot_benefit(left, curve, "#D55E00", "s", "each arm at its best rate", 0.06)
    zero_and_widths(left, own.width.values)
    left.set_ylabel("benefit of the curriculum\n(test accuracy)")
    left.legend()
    rate_panel(right, own.tuned_rate, PROTOCOLS)
    note = " Rates chosen on the replicates of even number, benefit shown for the odd ones."
    return save(figure, own, caption(summary, part) + note, path, fmt)
