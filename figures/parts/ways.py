"""The cheapest way to an accuracy: every way that was run, in whichever study, in one figure and table."""

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from figures.parts import distilled, panels, summary as sums
from figures.parts.style import GREY, looks
from figures.parts.write import Drawn
from studies.analysis import early, with_axes
from studies.analysis.tickets import single
from studies.analysis.ways import PAIR, alike, cheapest, way
from studies.store import settings

Ways = dict[str, xr.Dataset]
#: What networks of one figure have in common, whichever way they are trained.
COMMON = ("n_inputs", "easy", "hard", "easy_fraction", "parametrisation", "seed")
#: In the order of the figure; all are compared with the first.
TITLES = {
    "small": "small dense",
    "wide": "wide dense",
    "ticket": "ticket, given",
    "ticket_with_search": "ticket and search",
    "early": "early ticket\nand search",
    "distilled": "distilled,\nteacher given",
    "distilled_with_teacher": "distilled\nand teacher",
}
#: Label of the axis by the target, and what its ticks are counted in.
QUANTITIES = {
    "flops": ("FLOPs to accuracy {:g}, $10^6$", 1e6),
    "weights": ("weights to accuracy {:g}", 1),
}
#: Ticks of FLOPs, in 10^6.
TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
#: An interval without an upper end is drawn up to so many times the point.
OPEN = 3


def dense_and_tickets(ds: xr.Dataset) -> Ways:
    """Of the study efficiency: the widest networks, the narrower ones, and what the widest are pruned to."""
    ds = single(with_axes(ds, ("rounds", "learning_rate", "n_steps"))).isel(arm=0, drop=True)
    whole = ds.flops_per_step.max("replicate") * ds.n_steps
    search = whole.cumsum("round") - whole
    of = {"weights": ds.weights.max("replicate"), "samples": ds.n_steps}
    small, pruned = ds.width < ds.width.max(), ds["round"] > 0

    def some(flops: xr.DataArray, which: xr.DataArray) -> xr.Dataset:
        return way(ds, flops=flops.where(which), **of)

    found = {
        "small": some(whole, small & ~pruned),
        "wide": some(whole, ~small & ~pruned),
        "ticket": some(whole, pruned),
        "ticket_with_search": some(whole + search, pruned),
    }
    return {name: one for name, one in found.items() if one.sizes["setting"]}


def early_tickets(ds: xr.Dataset) -> Ways:
    """Of the study efficiency_early: the ticket, and the dense run up to the step of its mask."""
    ds = with_axes(ds, ("n_steps", "drawn", "learning_rate"))
    found: list[xr.Dataset] = []
    for n, drawn in product(ds.n_steps.values, ds.drawn.values):  # every budget has steps of its own
        part = ds.sel(n_steps=[n], drawn=drawn, drop=True)
        if bool(sums.asked(part).any()):
            part = part.sel(step=[int(step) for step in drawn.split(", ")])
            flops = early.total_flops(part).total.max("replicate")
            of = {"weights": part.weights.max("replicate"), "samples": part.n_steps, "taken": part.step}
            found.append(way(part, flops=flops, **of))
    return {"early": xr.concat(found, "setting")}


def taught(ds: xr.Dataset) -> Ways:
    """Of the study efficiency_distilled: the student alone; with its teacher and what that is asked."""
    ds, cell = with_axes(ds, ("budget", "learning_rate", "teacher_width", "checkpoint")), settings(ds)
    stops = ds.checkpoint.where(ds.checkpoint > 0)
    samples, n = ds.budget * cell["n_inputs"], cell["n_inputs"]

    def flops(width: int, teacher: float, stop: float, budget: float) -> float:
        return distilled.total_flops(width, teacher, stop, cell | {"budget": budget})

    total = xr.apply_ufunc(flops, ds.width, ds.teacher_width, stops, ds.budget, vectorize=True)
    of = {"weights": ds.width * (n + 1), "samples": samples, "taken": stops * n, "teacher": ds.teacher_width}
    own = distilled.training_flops(ds.width, n, samples)
    return {"distilled": way(ds, flops=own, **of), "distilled_with_teacher": way(ds, flops=total, **of)}


class Beside(NamedTuple):
    """A study that is read beside efficiency.

    ways : of its results
    axes : that it may have swept
    adds : their names
    """

    ways: Callable[[xr.Dataset], Ways]
    axes: tuple[str, ...]
    adds: str


BESIDE = {
    "efficiency_early": Beside(early_tickets, ("n_steps", "drawn", "step"), "early ticket"),
    "efficiency_distilled": Beside(taught, ("budget", "teacher_width", "checkpoint"), "distilled"),
}


def lacking(ds: xr.Dataset, other: xr.Dataset | None, axes: tuple[str, ...]) -> str:
    """Why results cannot stand beside those of efficiency; nothing where they can."""
    if other is None:
        return "not run"
    known = {"protocol", "width", "learning_rate", "replicate", "time", *axes}
    one, two = settings(ds), settings(other)
    same = all(one[name] == two[name] for name in COMMON)
    return "" if same and set(other.test_accuracy.dims) <= known else "run at other settings"


def summarise(ds: xr.Dataset, beside: Mapping[str, xr.Dataset], targets: Iterable[float]) -> xr.Dataset:
    """Every way at its best settings for every target, names led by `ways_`; attributes for the caption."""
    ways, missing = dense_and_tickets(ds), []
    for study, (find, axes, adds) in BESIDE.items():
        if why := lacking(ds, beside.get(study), axes):
            missing.append(f"{adds} ({why})")
        else:
            ways |= find(beside[study])
    ways = alike({name: ways[name] for name in TITLES if name in ways})
    if not ways:
        return xr.Dataset()
    found = sums.along("target", {target: cheapest(ways, target) for target in targets})
    about = {study: about_study(other) for study, other in beside.items()}
    return sums.prefixed("ways", found).assign_attrs(
        ways_missing=", ".join(missing),
        ways_rates=said(ways, "rate"),
        ways_budgets=said(ways, "samples"),
        ways_replicates=min(found.sizes["replicate"] for found in ways.values()),
        beside=json.dumps(about),
    )


def said(ways: Ways, name: str) -> str:
    """The rates or budgets that all ways have."""
    return ", ".join(f"{value:g}" for value in np.unique(next(iter(ways.values()))[name]))


def about_study(ds: xr.Dataset) -> dict[str, object]:
    """What was run in a study, and with what, without its blocks."""
    asked = {key: value for key, value in sums.description(ds).items() if key != "blocks"}
    kept = {key: ds.attrs[key] for key in ("versions", "code", "device", "date")}
    return kept | {"description": json.dumps(asked), "replicates": ds.sizes["replicate"]}


def shown(axes: Axes, table: xr.Dataset, name: str) -> None:
    """One quantity for one target: a row for each way, the protocols above each other."""
    places = np.arange(table.sizes["way"])
    for (protocol, style), shift in zip(looks(PAIR).items(), (-0.18, 0.18), strict=True):
        own = table.sel(protocol=protocol)
        style["ls"] = ""
        there = np.isfinite(own[name].values)
        middle, low, high = (own[f"{name}{end}"].values[there] for end in ("", "_low", "_high"))
        top = np.where(np.isfinite(high), high, OPEN * middle)
        error = np.clip([middle - low, top - middle], 0, None)
        axes.errorbar(middle, places[there] + shift, xerr=error, **style)
        look = {"color": style["color"], "fontsize": 7, "va": "center"}
        for place in places[np.isinf(own[name].values)]:
            axes.text(0.03, place + shift, "not reached", transform=axes.get_yaxis_transform(), **look)
    for place in places[1:]:
        axes.axhline(place - 0.5, color=GREY, lw=0.3)
    axes.set_yticks(places, [TITLES[str(way)] for way in table.way.values])


def figure(summary: xr.Dataset, caption: str) -> Drawn:
    """FLOPs and weights of every way, a column of panels for each target."""
    sums.need("ways_flops" in summary, "needs learning rates and budgets at which all ways were run")
    names = [name for name in map(str, summary.data_vars) if name.startswith("ways_")]
    table = summary[names].rename({name: name.removeprefix("ways_") for name in names})
    table = table.dropna("way", how="all")
    drawn, grid = panels.grid(2, table.sizes["target"], 2.6, sharex="row", sharey=True)
    sizes = np.unique(table.weights.values[np.isfinite(table.weights.values)])
    for line, (name, (label, unit)) in zip(grid, QUANTITIES.items(), strict=True):
        for axes, target in zip(line, table.target.values, strict=True):
            shown(axes, table.sel(target=target), name)
            axes.set(xscale="log", xlabel=label.format(target))
        ends = line[0].get_xlim()
        ticks = np.array(TICKS) if name == "flops" else sizes
        ticks = ticks[(ticks * unit >= ends[0]) & (ticks * unit <= ends[1])]
        line[0].set_xticks(ticks * unit, [f"{tick:g}" for tick in ticks])
        line[0].xaxis.set_minor_locator(NullLocator())
    grid[0, 0].invert_yaxis()
    panels.legend_above(drawn)
    missing = f" Not shown: {summary.ways_missing}." * bool(summary.ways_missing)
    opened = f" An interval without an upper end is drawn to {OPEN} times the point."
    own = summary.assign_attrs(replicates=summary.ways_replicates)
    return Drawn(drawn, table, f"{caption}{opened}{missing}", own)
