"""What the studies of tickets drawn at steps share: their summary and their figures."""

from functools import partial
from typing import Any

import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.style import GREY, looks, words
from figures.parts.write import Drawn
from studies.analysis import usable, with_axes
from studies.analysis.early import accuracy_lacking, found_from, total_flops
from studies.analysis.tickets import single

PAIR = ("curriculum", "no_curriculum")
#: Who found the mask, who trained the ticket -> said in the legend.
KINDS = {(a, b): f"mask: {words(a)}; ticket: {words(b)}" for a in PAIR for b in PAIR}


def summarise(ds: xr.Dataset, axes: tuple[str, ...]) -> xr.Dataset:
    """Distances, accuracies and costs with intervals; `axes` stay, of `rounds` each has its own."""
    ds = single(with_axes(ds, (*axes, "rounds"))).isel(width=0, drop=True)
    sums.need("trained_with" in ds.dims, "needs the swap of protocols")
    end = usable(ds).isel(time=-1, drop=True)
    alone = ds.assign(random=usable(ds, "random_accuracy"), dense=usable(ds, "dense_accuracy"))
    found = found_from(ds)
    one, other = (found.sel(protocol=protocol, drop=True) for protocol in PAIR)
    flops = total_flops(ds)
    parts = {
        "distance": sums.mean(usable(ds, "distance")),
        "accuracy": sums.mean(end),
        "lacks": sums.mean(accuracy_lacking(ds)),
        "random": sums.mean(alone.random.isel(time=-1, drop=True)),
        "dense": sums.mean(alone.dense),
        "found": sums.mean(found),
        "earlier": sums.mean(other - one),
        "finder": sums.mean(end.sel(protocol=PAIR[0], drop=True) - end.sel(protocol=PAIR[1], drop=True)),
    }
    out = sums.merged(*(sums.prefixed(name, part) for name, part in parts.items()))
    out = out.assign({name: flops[name].max("replicate") for name in flops})
    out["weights"] = ds.weights.where(ds.status == 0).max(["replicate", "protocol"])
    return sums.summary_of(ds, out, left_out=sums.left_out(ds).sum("replicate"))


def kinds(summary: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Title -> place, of every kind of mask at every rate that was run."""
    found = {}
    for scope in summary.scope.values if "scope" in summary.dims else [None]:
        for rate in summary.learning_rate.values:
            at = {"learning_rate": rate} | ({} if scope is None else {"scope": scope})
            if bool(summary.sel(at).accuracy_mean.notnull().any()):
                kind = {"units": "units, ", "layer": "weights, ", "global": "weights, "}.get(str(scope), "")
                found[f"{kind}rate {rate:g}"] = at
    return found


def distance(summary: xr.Dataset, caption: str) -> Drawn:
    """Distance from the last mask against the share of the run that is over."""
    table = sums.numbers(summary, "distance_mean")
    share = summary.time.values / summary.time.values.max()
    draw = partial(panels.bands, name="distance_mean", along="protocol", styles=looks(PAIR), x=share)
    parts = {title: table.sel(at) for title, at in kinds(summary).items()}
    beside = "share of the last mask\nthat the mask then lacks"
    figure = panels.facets(parts, draw, 2.4, beside=beside, sharey=True)
    figure.supxlabel("share of the dense run", fontsize=8)
    return Drawn(figure, table, caption)


def against(summary: xr.Dataset, x: str, label: str, caption: str) -> Drawn:
    """Accuracy of tickets against `x` (..., step), a line for each finder and trainer."""
    styles = {
        (finder, trainer): look | {"ls": dash, "label": KINDS[finder, trainer], "mfc": face}
        for finder, look in looks(PAIR).items()
        for trainer, dash, face in zip(PAIR, ("-", ":"), (look["color"], "white"), strict=True)
    }
    level = {"color": GREY, "lw": 0.8, "ls": (0, (1, 2)), "zorder": 1}

    def draw(axes: Axes, part: xr.Dataset) -> None:
        for (finder, trainer), style in styles.items():
            line = part.sel(protocol=finder, trained_with=trainer)
            places = line[x].values if x != "step" else line.step.values / line.step.values.max()
            panels.bars(axes, places, line, "accuracy_mean", style)
        for protocol in PAIR:
            axes.axhline(float(part.random_mean.sel(protocol=protocol)), **level)

    parts = {title: summary.sel(at) for title, at in kinds(summary).items()}
    columns = min(2, len(parts))
    figure = panels.facets(
        parts, draw, 2.6, beside="test accuracy of the ticket", legend=columns, sharey=True
    )
    figure.supxlabel(label, fontsize=8)
    table = sums.numbers(summary, "accuracy_mean", "random_mean")
    order = "Mask and ticket: trained in which order."
    note = f"{order} Grey: random masks of as many weights, with and without a curriculum."
    return Drawn(figure, table.assign(total=summary.total, search=summary.search), f"{caption} {note}")


#: Every figure by the name of its file; each needs the caption, too.
FIGURES = {
    "distance": distance,
    "accuracy": partial(against, x="step", label="step at which the mask was drawn, share of the run"),
    "cost": partial(against, x="total", label="training operations, mask and ticket"),
}
