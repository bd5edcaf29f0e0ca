"""Figures of the study efficiency.

frontier  training FLOPs to the target accuracy against weights, with the frontier of each protocol
savings   fewest weights and FLOPs with and without a curriculum, with intervals, for several targets
"""

import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from figures.parts.style import PROTOCOLS, save, words
from figures.parts.summary import left_out, lost, summary_of
from studies.analysis import with_axes
from studies.analysis.tickets import costs, frontier, savings, single

#: Accuracies asked for; the ceiling is about 0.63. The frontier is drawn for the second.
TARGETS = (0.58, 0.6, 0.61)
SHOWN = 0.6
PAIR = ("curriculum", "no_curriculum")
KINDS = {"flops": "training that network alone", "flops_with_search": "with the rounds that found it"}


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Medians, frontiers and savings for every target; replicates are gone."""
    ds = with_axes(ds, ("rounds", "learning_rate", "n_steps"))
    ds = single(ds).isel(arm=0, drop=True)
    parts: list[xr.Dataset] = []
    for target in TARGETS:
        cost = costs(ds, target)
        part = xr.Dataset()
        for kind in KINDS:
            found = frontier(cost, kind)
            part[f"{kind}_median"], part[f"{kind}_best"] = found.flops, found.best
            part["weights"], part["reached"] = found.weights, found.reached
            saved = savings(cost, kind)
            names = {n: f"least_{n}".replace("least_flops", f"{kind}_least") for n in map(str, saved)}
            part = part.merge(saved.rename(names), compat="override", join="outer")
        parts.append(part)
    out = xr.concat(parts, xr.DataArray(list(TARGETS), dims="target", name="target"))
    out["left_out"] = left_out(ds).sum()
    return summary_of(ds, out.rename(n_steps="steps"))  # as in the summaries that are stored


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    cell = json.loads(summary.attrs["description"])["cell"]
    budgets = ", ".join(f"{steps:d}" for steps in summary.steps.values)
    rates = ", ".join(f"{rate:g}" for rate in summary.learning_rate.values)
    return (
        f"XOR-like mixture, N = {cell['n_inputs']}, easy noise {cell['easy']['noise']:g}, tested at "
        f"{cell['hard']['noise']:g}; learning rates {rates}; budgets of {budgets} samples, "
        f"{100 * cell['easy_fraction']:g} % of each easy. A setting counts where more than half of its "
        f"{summary.attrs['replicates']} replicates are at the target at the end of the budget. "
        f"{lost(summary)}"
    )


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    yield frontier_figure(summary, out / "frontier", fmt)
    yield savings_figure(summary, out / "savings", fmt)


def frontier_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Every setting as a point, the frontier of each protocol as a staircase; a panel per way to count."""
    names = ["weights", "reached", *(f"{kind}_{what}" for kind in KINDS for what in ("median", "best"))]
    table = summary[names].sel(target=SHOWN, drop=True)
    others = [d for d in table.weights.dims if d != "protocol"]
    costs_shown = np.concatenate([table[f"{kind}_median"].values.ravel() for kind in KINDS])
    top = 1.5 * costs_shown[np.isfinite(costs_shown)].max(initial=1)
    figure, grid = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, sharex=True, layout="constrained")
    for axes, (kind, title) in zip(grid, KINDS.items(), strict=True):
        for name in PAIR:
            colour, marker, dash = PROTOCOLS[name]
            own = table.sel(protocol=name).stack(setting=others)
            own = own.isel(setting=np.isfinite(own[f"{kind}_median"].values))
            pruned = own["round"].values > 0
            for some, face, kept in ((~pruned, "full", "dense"), (pruned, "none", "pruned")):
                axes.plot(
                    own.weights[some], own[f"{kind}_median"][some], color=colour, marker=marker, ls="",
                    fillstyle=face, alpha=0.7, label=f"{words(name)}, {kept}",
                )  # fmt: skip
            best = own.isel(setting=own[f"{kind}_best"].values.astype(bool)).sortby("weights")
            if best.sizes["setting"]:
                x = [best.weights[0], *best.weights.values, table.weights.max()]
                y = [top, *best[f"{kind}_median"].values, best[f"{kind}_median"][-1]]
                axes.step(x, y, where="post", color=colour, ls=dash)
        axes.set(xscale="log", yscale="log", xlabel="weights", title=title)
        sizes = np.unique(table.weights.values[np.isfinite(table.weights.values)]).astype(int)
        axes.set_xticks(sizes, [f"{size}" for size in sizes])
        axes.minorticks_off()
    grid[0].set_ylabel(f"training FLOPs to accuracy {SHOWN:g}")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    return save(
        figure, table, f"Lines: no setting is both smaller and cheaper. {caption(summary)}", path, fmt
    )


def in_words(summary: xr.Dataset, target: float, what: str) -> str:
    """The answer for one target and one quantity, in a few lines."""
    one = summary.sel(target=target)
    ratio, low, high = (float(one[f"{what}_ratio{end}"]) for end in ("", "_low", "_high"))
    if not np.isfinite(ratio):
        return "only one\nreaches it" if np.isinf(ratio) or ratio == 0 else "none\nreaches it"
    if low == high == 1:
        return "the same"
    verdict = "saves" if low > 1 else "costs more" if high < 1 else "unclear"
    return f"{verdict}\nx {ratio:.3g}\n[{low:.3g}, {high:.3g}]"


def savings_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Fewest weights and FLOPs against the target, by protocol, with the ratio in words."""
    panels = {
        "least_weights": "fewest weights",
        "flops_least": "fewest FLOPs, network alone",
        "flops_with_search_least": "fewest FLOPs, search included",
    }
    shown = [str(v) for v in summary.data_vars if any(str(v).startswith(p) for p in panels)]
    table = summary[shown]
    figure, grid = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
    targets = summary.target.values
    for axes, (what, title) in zip(grid, panels.items(), strict=True):
        for name, shift in zip(PAIR, (-0.06, 0.06), strict=True):
            colour, marker, _ = PROTOCOLS[name]
            own = table.sel(protocol=name)
            middle, low, high = (own[f"{what}{end}"].values for end in ("", "_low", "_high"))
            x, there = np.arange(len(targets)) + shift, np.isfinite(middle)
            top = np.where(np.isfinite(high), high, middle * 4)
            error = np.abs([middle - low, top - middle])[:, there]
            axes.errorbar(
                x[there],
                middle[there],
                error,
                color=colour,
                marker=marker,
                ls="",
                capsize=3,
                label=words(name),
            )
        said = [
            f"{t:g}\n{in_words(summary, t, what).replace(': ', chr(10)).replace(' [', chr(10) + '[')}"
            for t in targets
        ]
        axes.set_xticks(np.arange(len(targets)), said, fontsize=6.5)
        axes.set_xlim(-0.5, len(targets) - 0.5)
        axes.set(title=title)
        if what == "least_weights":
            axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
        else:
            axes.set_yscale("log")
    grid[0].legend(loc="lower right")
    figure.supxlabel("target accuracy; without / with curriculum", fontsize=9)
    text = (
        "Bars: 95 % bootstrap intervals, open where 4 times as high as the point. Every protocol takes its "
        f"own best width, pruning and rate. {caption(summary)}"
    )
    return save(figure, table, text, path, fmt)
