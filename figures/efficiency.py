"""Figures of the study efficiency.

frontier  training FLOPs to the target accuracy against weights, with the frontier of each protocol
savings   fewest weights and FLOPs with and without a curriculum, with intervals, for several targets
ways      the same of every way: small and wide networks, tickets and, of the studies efficiency_early and
          efficiency_distilled where they were run, early tickets and students of a teacher
"""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from figures.parts import panels, summary as sums, ways
from figures.parts.style import looks
from figures.parts.write import Drawn, Figures
from studies.analysis import with_axes
from studies.analysis.tickets import costs, frontier, savings, single

#: Accuracies asked for; the ceiling is about 0.63. The frontier is drawn for the second.
TARGETS = (0.58, 0.6, 0.61)
SHOWN = 0.6
PAIR = ("curriculum", "no_curriculum")
AXES = ("protocol", "width", "rounds", "learning_rate", "n_steps")
#: Studies whose results are read, too.
BESIDE = tuple(ways.BESIDE)
KINDS = {"flops": "training that network alone", "flops_with_search": "with the rounds that found it"}


def summarise(ds: xr.Dataset, beside: Mapping[str, xr.Dataset]) -> xr.Dataset:
    """Medians, frontiers, savings and ways for every target; replicates are gone.

    Parameters
    ----------
    beside : results of those studies of `BESIDE` that were run
    """
    every = ways.summarise(ds, beside, TARGETS)
    ds = single(with_axes(ds, AXES[2:])).isel(arm=0, drop=True)
    parts: dict[float, xr.Dataset] = {}
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
        parts[target] = part
    out = sums.along("target", parts).rename(n_steps="steps")  # as in the summaries that are stored
    return sums.summary_of(ds, out, every, left_out=sums.left_out(ds).sum(), **every.attrs)


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    budgets = ", ".join(f"{steps:d}" for steps in summary.steps.values)
    rates = ", ".join(f"{rate:g}" for rate in summary.learning_rate.values)
    return (
        "XOR-like mixture, N = {n_inputs}, easy noise {easy[noise]:g}, tested at {hard[noise]:g}; learning "
        f"rates {rates}; budgets of {budgets} samples, {{easy_fraction:percent}} % of each easy. A setting "
        "counts where more than half of its replicates are at the target at the end of the budget."
    )


def frontier_figure(summary: xr.Dataset) -> Drawn:
    """Every setting as a point, the frontier of each protocol as a staircase; a panel per way to count."""
    names = ["weights", "reached", *(f"{kind}_{what}" for kind in KINDS for what in ("median", "best"))]
    table = summary[names].sel(target=SHOWN, drop=True)
    others = [d for d in table.weights.dims if d != "protocol"]
    shown = np.concatenate([table[f"{kind}_median"].values.ravel() for kind in KINDS])
    top = 1.5 * shown[np.isfinite(shown)].max(initial=1)
    figure, grid = panels.grid(1, 2, 3, sharey=True, sharex=True)
    for axes, (kind, title) in zip(grid[0], KINDS.items(), strict=True):
        for (name, style), side in zip(looks(PAIR).items(), (1 / 1.05, 1.05), strict=True):
            own = table.sel(protocol=name).stack(setting=others)
            own = own.isel(setting=np.isfinite(own[f"{kind}_median"].values))
            pruned = own["round"].values > 0
            for some, face, kept in ((~pruned, "full", "dense"), (pruned, "none", "pruned")):
                look = style | {"ls": "", "ms": 2.8, "fillstyle": face, "alpha": 0.6, "mew": 0.7}
                x = own.weights.values[some] * (side if face == "full" else side**2)
                axes.plot(x, own[f"{kind}_median"][some], **look | {"label": f"{style['label']}, {kept}"})
            best = own.isel(setting=own[f"{kind}_best"].values.astype(bool)).sortby("weights")
            if best.sizes["setting"]:
                x = [best.weights[0], *best.weights.values, table.weights.max()]
                y = [top, *best[f"{kind}_median"].values, best[f"{kind}_median"][-1]]
                axes.step(x, y, where="post", color=style["color"])
        axes.set(xscale="log", yscale="log", xlabel="weights", title=title)
        sizes = np.unique(table.weights.values[np.isfinite(table.weights.values)]).astype(int)
        axes.set_xticks(sizes, [f"{size}" for size in sizes])
        axes.xaxis.minorticks_off()
    grid[0, 0].set_ylabel(f"training FLOPs to accuracy {SHOWN:g}")
    panels.legend_above(figure)
    note = (
        "Lines: no setting is both smaller and cheaper. Points are moved to the left (with a curriculum) or "
        "right of their number of weights, those of pruned networks further."
    )
    return Drawn(figure, table, f"{note} {caption(summary)}")


def in_words(one: xr.Dataset, what: str) -> str:
    """The answer for one target and one quantity, in a few lines."""
    ratio, low, high = (float(one[f"{what}_ratio{end}"]) for end in ("", "_low", "_high"))
    if not np.isfinite(ratio):
        return "only one\nreaches it" if np.isinf(ratio) else "none\nreaches it"
    if ratio == 0:
        return "only one\nreaches it"
    if low == high == 1:
        return "the same"
    verdict = "saves" if low > 1 else "costs more" if high < 1 else "unclear"
    return f"{verdict}\nx {ratio:.3g}\n[{low:.3g}, {high:.3g}]"


def savings_figure(summary: xr.Dataset) -> Drawn:
    """Fewest weights and FLOPs against the target, by protocol, with the ratio in words."""
    quantities = {
        "least_weights": "fewest weights",
        "flops_least": "fewest FLOPs, network alone",
        "flops_with_search_least": "fewest FLOPs, with search",
    }
    table = summary[[str(v) for v in summary.data_vars if str(v).startswith(tuple(quantities))]]
    figure, (row,) = panels.grid(1, 3, 3)
    targets = summary.target.values
    opened = False
    for axes, (what, title) in zip(row, quantities.items(), strict=True):
        for (name, style), shift in zip(looks(PAIR).items(), (-0.06, 0.06), strict=True):
            own = table.sel(protocol=name)
            middle, low, high = (own[f"{what}{end}"].values for end in ("", "_low", "_high"))
            there = np.isfinite(middle)
            opened |= bool(np.isinf(high[there]).any())
            top = np.where(np.isfinite(high), high, middle * 4)
            error = np.abs([middle - low, top - middle])[:, there]
            axes.errorbar(
                (np.arange(len(targets)) + shift)[there], middle[there], error, **style | {"ls": ""}
            )
        said = [f"{t:g}\n{in_words(summary.sel(target=t), what)}" for t in targets]
        axes.set_xticks(np.arange(len(targets)), said)
        axes.set(title=title, xlim=(-0.5, len(targets) - 0.5))
        if what == "least_weights":
            axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
        else:
            axes.set_yscale("log")
    panels.legend_above(figure)
    figure.supxlabel("target accuracy; without / with curriculum", fontsize=8)
    text = "Every protocol takes its own best width, pruning and rate. "
    note = " An interval without upper end is drawn to 4 times the point." * opened
    return Drawn(figure, table, text + caption(summary) + note)


def ways_figure(summary: xr.Dataset) -> Drawn:
    """FLOPs and weights to every target, a row for each way."""
    text = (
        "XOR-like mixture, N = {n_inputs}, easy noise {easy[noise]:g}, tested at {hard[noise]:g}. Every way "
        "at its own best size, learning rate (of {ways_rates}) and budget (of {ways_budgets} samples, "
        "{easy_fraction:percent} % of each easy), chosen anew in every resample of the "
        "replicates, which all ways share. A way reaches a target where more than half of them do at the end "
        "of the budget. Given: what the mask, or the teacher and its answers, cost is not counted."
    )
    return ways.figure(summary, text)


FIGURES: Figures = {"frontier": frontier_figure, "savings": savings_figure, "ways": ways_figure}
