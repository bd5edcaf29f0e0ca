"""What the studies of tickets drawn at steps share: their summary and their figures."""

from collections.abc import Sized
from functools import partial
from itertools import product
from typing import Any

import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums
from figures.parts.style import GREY, looks, words
from figures.parts.tickets import OWN, left_after
from figures.parts.write import Drawn
from studies.analysis import usable, with_axes
from studies.analysis.early import accuracy_lacking, at_own_rates, found_from, reaches, total_flops
from studies.analysis.tickets import single

PAIR = ("curriculum", "no_curriculum")
#: Who found the mask, who trained the ticket -> said in the legend.
KINDS = {(a, b): f"mask: {words(a)}; ticket: {words(b)}" for a in PAIR for b in PAIR}


def summarise(ds: xr.Dataset, axes: tuple[str, ...]) -> xr.Dataset:
    """Distances, accuracies and costs with intervals at each place on `axes`.

    Every place has its own number of rounds, unless they are one of the axes.
    """
    ds = with_axes(ds, (*axes, "rounds")).isel(width=0, drop=True)
    ds = ds if "rounds" in axes else single(ds)
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
    return sums.summary_of(ds, out, own_rates(ds), left_out=sums.left_out(ds).sum("replicate"))


def own_rates(ds: xr.Dataset) -> xr.Dataset:
    """Accuracies with every mask and training at its own best rate, and from which step on a mask is as good.

    Nothing where there is no choice. A gain is that of a curriculum for mask and ticket over none for either.
    """
    if ds.sizes["learning_rate"] < 2 or ds.sizes["replicate"] < 4:
        return xr.Dataset()
    best = at_own_rates(ds)
    alone: list[xr.DataArray] = [best.accuracy.sel(protocol=p, trained_with=p, drop=True) for p in PAIR]
    one, other = alone
    both = xr.concat(alone, xr.DataArray([*PAIR], dims="protocol", name="protocol"))
    found = {"own_accuracy": best.accuracy, "own_random": best.random, "own_gain": one - other}
    return sums.merged(sums.means(found), reaches(both)).assign(own_rate=best.rate)


def kinds(summary: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Title -> place, of every kind of mask at every rate that was run."""
    said = {
        "scope": lambda scope: "units" if scope == "units" else "weights",
        "rounds": lambda rounds: f"{left_after(summary, rounds)} left",
        "learning_rate": lambda rate: f"rate {rate:g}",
    }
    axes, found = [axis for axis in said if axis in summary.dims], {}
    for values in product(*(summary[axis].values for axis in axes)):
        at = dict(zip(axes, values, strict=True))
        if bool(summary.sel(at).accuracy_mean.notnull().any()):
            found[", ".join(said[axis](value) for axis, value in at.items())] = at
    return found


def in_a_row(parts: Sized) -> int:
    """So many panels stand in a row."""
    return 2 if len(parts) <= 4 else 3 if len(parts) % 3 == 0 else 4


def distance(summary: xr.Dataset, caption: str) -> Drawn:
    """Distance from the last mask against the share of the run that is over."""
    table = sums.numbers(summary, "distance_mean")
    share = summary.time.values / summary.time.values.max()
    draw = partial(panels.bands, name="distance_mean", along="protocol", styles=looks(PAIR), x=share)
    parts = {title: table.sel(at) for title, at in kinds(summary).items()}
    beside = "share of the last mask\nthat the mask then lacks"
    below = "share of the dense run"
    figure = panels.facets(parts, draw, 2.4, in_a_row(parts), beside=beside, below=below, sharey=True)
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
    beside = "test accuracy of the ticket"
    figure = panels.facets(
        parts, draw, 2.6, in_a_row(parts), beside=beside, below=label, legend=min(2, len(parts)), sharey=True
    )
    table = sums.numbers(summary, "accuracy_mean", "random_mean")
    order = "Mask and ticket: trained in which order."
    note = f"{order} Grey: random masks of as many weights, with and without a curriculum."
    return Drawn(figure, table.assign(total=summary.total, search=summary.search), f"{caption} {note}")


def own(summary: xr.Dataset, caption: str) -> Drawn:
    """Accuracy of tickets against all operations, everything at its own best rate."""
    sums.need("own_accuracy_mean" in summary, "needs two learning rates and four replicates")
    names = sums.columns("accuracy_mean") + sums.columns("random_mean")
    best = summary[[f"own_{name}" for name in names]].rename({f"own_{name}": name for name in names})
    best = best.assign({name: summary[name].max("learning_rate") for name in ("total", "search")})
    return against(best, "total", OPERATIONS, f"{OWN} {caption}")


OPERATIONS = "training operations, mask and ticket"
#: Every figure by the name of its file; each needs the caption, too.
FIGURES = {
    "distance": distance,
    "accuracy": partial(against, x="step", label="step at which the mask was drawn, share of the run"),
    "cost": partial(against, x="total", label=OPERATIONS),
    "own": own,
}
