"""Figures of the study experts.

benefit         benefit of the curriculum against the rows of weights, all and those that count
order           the same over the control that ends on hard samples too
accuracy        accuracy of every arm at its own best rate, a panel per kind of student
specialisation  what the expert says about the cluster over time, in bits, with and without orders
who             the weight of every expert within every cluster over time, of one replicate
"""

import numpy as np
import xarray as xr

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.style import GREY, looks, series, words
from figures.parts.summary import BENEFIT
from figures.parts.write import Drawn, Figures
from studies.analysis import last, usable, with_axes

PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_accuracy", "gate_share")
AXES = ("protocol", "width", "learning_rate", "experts", "active")
#: The replicate that is shown alone, and its orders.
ONE, ORDERS = 0, ("no_curriculum", "rule_curriculum")
CAPTION = (
    "XOR-like Gaussian mixture, N = {n_inputs}, {activation:words} students, {loss} loss, "
    "{parametrisation:words} parametrisation, budget {budget:g}; noise {easy[noise]:g} then {hard[noise]:g}, "
    "easy fraction {easy_fraction:g}, tested at noise {hard[noise]:g}."
)
TUNED = (
    "Rates chosen on one half of the replicates and judged on the other, both ways; intervals include that."
)


def kind(experts: int, active: int) -> str:
    """A student in words."""
    return "dense" if experts == 1 else f"{active or 'all'} of {experts} experts"


def rows(experts: int, active: int, width: np.ndarray, *, counting: bool) -> np.ndarray:
    """Rows of N weights, gates included where there is a choice; all, or those that count for an input."""
    gates = experts if experts > 1 else 0
    return gates + width * ((active or experts) / experts if counting else 1)


def bits(share: xr.DataArray) -> xr.DataArray:
    """Mutual information of the cluster and an expert drawn by its weight, clusters alike likely, in bits.

    `share` (..., group, expert), NaN where there is no such expert.

    Examples
    --------
    >>> one_each = xr.DataArray(np.eye(2), dims=("group", "expert"))
    >>> float(bits(one_each)), float(bits(0 * one_each + 0.5))
    (1.0, 0.0)
    """
    ratio = np.log2((share / share.mean("group")).where(share > 0, 1))
    return (share * ratio).sum("expert", min_count=1).mean("group")


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, replicates reduced to means and intervals, one of them shown alone."""
    full = with_axes(ds, AXES[2:])
    rate = sums.choose(full, {"learning_rate": None})
    parts = []
    for experts, active in [(int(e), int(a)) for e in full.experts.values for a in full.active.values]:
        part = full.sel(experts=experts, active=active, drop=True)
        there = sums.asked(part)
        if not bool(there.any()):
            continue
        part = part.sel(width=there.any([d for d in there.dims if d != "width"]))
        own = sums.prefixed("accuracy", sums.mean(last(usable(part))))
        own = sums.merged(own, sums.own_over_controls(part, PAIR[0]))
        own["left_out"] = sums.left_out(part).sum("replicate")
        if experts > 1:
            at = part.sel(rate, drop=True)
            own = sums.merged(own, sums.prefixed("bits", sums.mean(bits(usable(at, "gate_share")))))
            own["share"] = at.gate_share.isel(replicate=ONE, drop=True)
        for label, counting in (("rows", False), ("counting", True)):
            count = rows(experts, active, part.width.values, counting=counting)
            own[label] = ("width", count.astype(float))
        parts.append(own.expand_dims(student=[kind(experts, active)]))
    return sums.summary_of(ds, sums.merged(*parts), shared_rate=rate["learning_rate"])


def over(summary: xr.Dataset, control: str) -> Drawn:
    """Benefit over a control against all rows, and against those that count."""
    sums.need("tuned_benefit" in summary, "needs two learning rates and four replicates")
    sums.need(control in summary.control, f"needs {control}")
    names = {f"tuned_{name}": name for name in BENEFIT}
    table = summary[[*names, "rows", "counting"]].rename(names).sel(control=control)
    figure, pair = panels.wrapped(2, 2.8, sharey=True)
    titles = {"rows": "equal weights", "counting": "equal weights that count"}
    for axes, (x, title) in zip(pair, titles.items(), strict=True):
        for name, style in series(table.student.values).items():
            one = table.sel(student=name).dropna("width", subset=["benefit"])
            panels.bars(axes, one[x].values, one, "benefit", style)
        axes.axhline(0, color=GREY, lw=0.8, zorder=1)
        octaves(axes, table[x].values)
        axes.set(title=title, xlabel="rows of N weights" + (" for an input" if x == "counting" else ""))
    pair[0].set_ylabel(f"benefit over {words(control)}\n(test accuracy)")
    panels.legend_above(figure, 3)
    return Drawn(figure, table, f"{CAPTION} {TUNED}")


def octaves(axes, places: np.ndarray) -> None:
    """A logarithmic axis with a tick at each place."""
    known = np.unique(places[np.isfinite(places)])
    axes.set_xscale("log", base=2)
    axes.set_xticks(known, [f"{place:g}" for place in known])
    axes.minorticks_off()


def benefit(summary: xr.Dataset) -> Drawn:
    """Benefit over the same samples shuffled."""
    return over(summary, PAIR[1])


def order(summary: xr.Dataset) -> Drawn:
    """Benefit over samples that are shuffled and end as the curriculum does."""
    return over(summary, sums.CONTROLS[1])


def accuracy(summary: xr.Dataset) -> Drawn:
    """Accuracy at the best rate of every arm against the rows that count."""
    table = sums.numbers(summary, "accuracy_mean")
    table = table.sel(learning_rate=table.accuracy_mean.fillna(0).idxmax("learning_rate"))
    table = table.assign(counting=summary.counting)
    figure, places = panels.wrapped(len(table.student), 2.3, 3, sharey=True)
    for axes, name in zip(places, table.student.values, strict=True):
        one = table.sel(student=name).dropna("width", subset=["counting"])
        panels.curves(axes, one, "accuracy_mean", "protocol", looks(one.protocol.values), one.counting.values)
        octaves(axes, one.counting.values)
        axes.set(title=name, xlabel="rows of N weights for an input")
    places[0].set_ylabel("test accuracy at the best rate")
    panels.legend_above(figure, 2)
    return Drawn(figure, table, f"{CAPTION} Rates chosen on the replicates that are shown.")


def mixtures(summary: xr.Dataset) -> list[tuple[str, int]]:
    """The mixtures, each at its largest width."""
    known = summary.bits_mean.notnull().any(["protocol", "time"])
    return [
        (str(name), int(known.width[known.sel(student=name)].max()))
        for name in known.student.values
        if bool(known.sel(student=name).any())
    ]


def specialisation(summary: xr.Dataset) -> Drawn:
    """Bits that the expert says about the cluster, over time."""
    sums.need("bits_mean" in summary, "needs a mixture of experts")
    table = sums.numbers(summary, "bits_mean")
    each = {f"{name}, K = {width}": {"student": name, "width": width} for name, width in mixtures(summary)}
    styles = looks(table.protocol.values)
    figure, places = panels.band_panels(table, "bits_mean", each, "protocol", styles, height=2.6, sharey=True)
    for axes in places:
        axes.set_xlabel("time, samples / N")
    places[0].set_ylabel("cluster and expert:\nbits in common")
    return Drawn(figure, table, f"{CAPTION} Learning rate {summary.attrs['shared_rate']:g}.")


def who(summary: xr.Dataset) -> Drawn:
    """The weight of every expert within every cluster over time."""
    sums.need("share" in summary, "needs a mixture of experts")
    orders = [name for name in ORDERS if name in summary.protocol]
    sums.need(bool(orders), f"needs {' or '.join(ORDERS)}")
    name, width = mixtures(summary)[0]
    table = summary[["share"]].sel(student=name, width=width, protocol=orders)
    figure, grid = panels.grid(len(orders), len(table.group), 1.5, sharex=True, sharey=True)
    for row, protocol in zip(grid, orders, strict=True):
        for axes, cluster in zip(row, table.group.values, strict=True):
            lines = table.share.sel(protocol=protocol, group=cluster)
            for expert, style in series(table.expert.values, "expert {}").items():
                axes.plot(table.time, lines.sel(expert=expert), **style | {"markersize": 2})
            axes.set_title(f"{words(protocol)}, {cluster}", fontsize=7)
    figure.supxlabel("time, samples / N", fontsize=8)
    figure.supylabel("weight of the expert", fontsize=8)
    panels.legend_above(figure)
    note = f"One replicate, {name}, K = {width}, learning rate {summary.attrs['shared_rate']:g}."
    return Drawn(figure, table, f"{CAPTION} {note}")


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    each = {"benefit": benefit, "order": order, "accuracy": accuracy}
    return each | {"specialisation": specialisation, "who": who}
