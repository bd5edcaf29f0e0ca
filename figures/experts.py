"""Figures of the study experts.

benefit         benefit of the curriculum against the rows of weights, all and those that count
order           the same over the control that ends on hard samples too
accuracy        accuracy of every arm at its own best rate, a panel per kind of student
specialisation  what the expert says about the cluster over time, in bits, with and without orders
who             the weight of every expert within every cluster over time, of one replicate
"""

from functools import partial

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.rates import TUNED, own_benefit
from figures.parts.style import GREY, looks, series, words
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
    return sums.summary_of(ds, *parts, shared_rate=rate["learning_rate"])


def over(summary: xr.Dataset, control: str) -> Drawn:
    """Benefit over a control against all rows, and against those that count."""
    table = own_benefit(summary, "rows", "counting")
    sums.need(control in table.control, f"needs {control}")
    table = table.sel(control=control)

    def draw(axes: Axes, x: str) -> None:
        panels.curves(axes, table, "benefit", "student", series(table.student.values), x, step=0)
        axes.axhline(0, color=GREY, lw=0.8, zorder=1)
        octaves(axes, table[x].values)
        axes.set_xlabel("rows of N weights" + (" for an input" if x == "counting" else ""))

    parts = {"equal weights": "rows", "equal weights that count": "counting"}
    label = f"benefit over {words(control)}\n(test accuracy)"
    figure = panels.facets(parts, draw, 2.8, ylabel=label, legend=3, sharey=True)
    return Drawn(figure, table, f"{CAPTION} {TUNED}")


def octaves(axes: Axes, places: np.ndarray) -> None:
    """A logarithmic axis with a tick at each place."""
    known = np.unique(places[np.isfinite(places)])
    axes.set_xscale("log", base=2)
    axes.set_xticks(known, [f"{place:g}" for place in known])
    axes.minorticks_off()


def accuracy(summary: xr.Dataset) -> Drawn:
    """Accuracy at the best rate of every arm against the rows that count."""
    table = sums.numbers(summary, "accuracy_mean")
    table = table.sel(learning_rate=table.accuracy_mean.fillna(0).idxmax("learning_rate"))
    table = table.assign(counting=summary.counting)

    def draw(axes: Axes, one: xr.Dataset) -> None:
        panels.curves(axes, one, "accuracy_mean", "protocol", looks(one.protocol.values), "counting")
        octaves(axes, one.counting.values)
        axes.set_xlabel("rows of N weights for an input")

    label, parts = "test accuracy at the best rate", panels.each(table, "student", "{}")
    figure = panels.facets(parts, draw, 2.3, 3, ylabel=label, legend=2, sharey=True)
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
    parts = {f"{name}, K = {k}": table.sel(student=name, width=k) for name, k in mixtures(summary)}
    styles = looks(table.protocol.values)

    def draw(axes: Axes, part: xr.Dataset) -> None:
        panels.bands(axes, part, "bits_mean", "protocol", styles)
        axes.set_xlabel("time, samples / N")

    label = "cluster and expert:\nbits in common"
    figure = panels.facets(parts, draw, 2.6, ylabel=label, legend=5, sharey=True)
    return Drawn(figure, table, f"{CAPTION} Learning rate {{shared_rate:g}}.")


def who(summary: xr.Dataset) -> Drawn:
    """The weight of every expert within every cluster over time."""
    sums.need("share" in summary, "needs a mixture of experts")
    orders = [name for name in ORDERS if name in summary.protocol]
    sums.need(bool(orders), f"needs {' or '.join(ORDERS)}")
    name, width = mixtures(summary)[0]
    table = summary[["share"]].sel(student=name, width=width, protocol=orders)
    parts = {
        f"{words(protocol)}, {cluster}": table.share.sel(protocol=protocol, group=cluster)
        for protocol in orders
        for cluster in table.group.values
    }

    def draw(axes: Axes, share: xr.DataArray) -> None:
        for expert, style in series(table.expert.values, "expert {}").items():
            axes.plot(table.time, share.sel(expert=expert), **style, markersize=2)

    label, across = "weight of the expert", table.sizes["group"]
    figure = panels.facets(parts, draw, 1.5, across, beside=label, sharex=True, sharey=True)
    figure.supxlabel("time, samples / N", fontsize=8)
    note = f"One replicate, {name}, K = {width}, learning rate {{shared_rate:g}}."
    return Drawn(figure, table, f"{CAPTION} {note}")


FIGURES: Figures = {
    "benefit": partial(over, control=PAIR[1]),
    "order": partial(over, control=sums.CONTROLS[1]),
    "accuracy": accuracy,
    "specialisation": specialisation,
    "who": who,
}
