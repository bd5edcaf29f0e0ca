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

from figures.parts import panels, summary as sums
from figures.parts.rates import TUNED, arms, own_benefit_over
from figures.parts.style import GREY, log_axis, looks, series, words
from figures.parts.write import Drawn, Figures, named
from studies.analysis import usable, with_axes

PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_accuracy", "gate_share")
AXES = ("protocol", "width", "learning_rate", "experts", "active")
#: The replicate that is shown alone, and its orders.
ONE, ORDERS = 0, ("no_curriculum", "rule_curriculum")
CAPTION = (
    "XOR-like Gaussian mixture, N = {n_inputs}, {activation:words} students, {loss} loss, "
    "{parametrisation:words} parametrisation, budget {budget:g}; " + panels.NOISE
)


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
    for (experts, active), part in sums.ran(full, ("experts", "active")):
        there = sums.asked(part)
        part = part.sel(width=there.any([d for d in there.dims if d != "width"]))
        own, kind, gates, counting = arms(part, PAIR[0]), "dense", 0, 1.0
        if experts > 1:
            at = part.sel(rate, drop=True)
            own = sums.merged(own, sums.prefixed("bits", sums.mean(bits(usable(at, "gate_share")))))
            own["share"] = at.gate_share.isel(replicate=ONE, drop=True)
            kind, gates = f"{active or 'all'} of {experts} experts", experts
            counting = (active or experts) / experts
        # rows of N weights, gates included where there is a choice: all, and those that count for an input
        own = own.assign(rows=gates + 1.0 * own.width, counting=gates + counting * own.width)
        parts.append(own.expand_dims(student=[kind]))
    return sums.summary_of(ds, *parts, shared_rate=rate["learning_rate"])


def over(summary: xr.Dataset, control: str) -> Drawn:
    """Benefit over a control against all rows, and against those that count."""
    table = own_benefit_over(summary, control, "rows", "counting")

    def draw(axes: Axes, x: str) -> None:
        panels.curves(axes, table, "benefit", "student", series(table.student.values), x, step=0)
        axes.axhline(0, color=GREY, lw=0.8, zorder=1)
        octaves(axes, table, x)

    parts = {"equal weights": "rows", "equal weights that count": "counting"}
    label = f"benefit over {words(control)}\n(test accuracy)"
    figure = panels.facets(parts, draw, 2.8, ylabel=label, legend=3, sharey=True)
    return Drawn(figure, table, f"{CAPTION} {TUNED}")


def octaves(axes: Axes, table: xr.Dataset, x: str) -> None:
    """A logarithmic axis of `rows` or of those that are `counting`, with a tick at each."""
    known = np.unique(table[x].values[np.isfinite(table[x].values)])
    axes.set_xlabel("rows of N weights" + (" for an input" if x == "counting" else ""))
    log_axis(axes, "x", {place: f"{place:g}" for place in known}, 2)


def accuracy(summary: xr.Dataset) -> Drawn:
    """Accuracy at the best rate of every arm against the rows that count."""
    table = sums.numbers(summary, "accuracy_mean")
    table = table.sel(learning_rate=table.accuracy_mean.fillna(0).idxmax("learning_rate"))
    table = table.assign(counting=summary.counting)

    def draw(axes: Axes, one: xr.Dataset) -> None:
        panels.curves(axes, one, "accuracy_mean", "protocol", looks(one.protocol.values), "counting")
        octaves(axes, one, "counting")

    label, parts = "test accuracy at the best rate", panels.each(table, "student", "{}")
    figure = panels.facets(parts, draw, 2.3, 3, ylabel=label, legend=2, sharey=True)
    return Drawn(figure, table, f"{CAPTION} Rates chosen on the replicates that are shown.")


def mixtures(summary: xr.Dataset) -> list[tuple[str, int]]:
    """The mixtures, each at its largest width."""
    known = summary.bits_mean.notnull().any(["protocol", "time"])
    widest = known.width.where(known).max("width").dropna("student")
    return [(str(name), int(k)) for name, k in zip(widest.student.values, widest.values, strict=True)]


def specialisation(summary: xr.Dataset) -> Drawn:
    """Bits that the expert says about the cluster, over time."""
    sums.need("bits_mean" in summary, "needs a mixture of experts")
    table = sums.numbers(summary, "bits_mean")
    parts = {f"{name}, K = {k}": table.sel(student=name, width=k) for name, k in mixtures(summary)}
    draw = partial(panels.bands, name="bits_mean", along="protocol", styles=looks(table.protocol.values))
    label, time = "cluster and expert:\nbits in common", {"xlabel": panels.TIME}
    figure = panels.facets(parts, draw, 2.6, ylabel=label, legend=5, panel=time, sharey=True)
    return Drawn(figure, table, f"{CAPTION} Learning rate {{shared_rate:g}}.")


def who(summary: xr.Dataset) -> Drawn:
    """The weight of every expert within every cluster over time."""
    sums.need("share" in summary, "needs a mixture of experts")
    orders = [name for name in ORDERS if name in summary.protocol]
    sums.need(bool(orders), f"needs {' or '.join(ORDERS)}")
    name, width = mixtures(summary)[0]
    table = summary[["share"]].sel(student=name, width=width, protocol=orders)
    parts = panels.each(table, ("protocol", "group"), "{:words}, {}")

    def draw(axes: Axes, part: xr.Dataset) -> None:
        for expert, style in series(table.expert.values, "expert {}").items():
            axes.plot(table.time, part.share.sel(expert=expert), **style, markersize=2)

    label, across = "weight of the expert", table.sizes["group"]
    figure = panels.facets(
        parts, draw, 1.5, across, beside=label, below=panels.TIME, sharex=True, sharey=True
    )
    note = f"One replicate, {name}, K = {width}, learning rate {{shared_rate:g}}."
    return Drawn(figure, table, f"{CAPTION} {note}")


OVER = {"benefit": partial(over, control=PAIR[1]), "order": partial(over, control=sums.CONTROLS[1])}
FIGURES: Figures = OVER | named(accuracy, specialisation, who)
