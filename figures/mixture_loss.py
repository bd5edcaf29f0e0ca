"""Figures of the study mixture_loss.

loss      logistic loss and accuracy against sigma, a column per reading, over the published points
clusters  runs that get 0 to 4 clusters right beside the published histograms; clusters that have a unit
width     benefit of the curriculum against width in accuracy and in loss, a line per sigma
ends      the same at one sigma over each control: shuffled, shuffled with the same end, target only
tuned     the same at one sigma with one rate for all and with each arm at its own best rate
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import mixture, panels, summary as sums
from figures.parts.rates import tuned_note
from figures.parts.style import GREY, looks, series
from figures.parts.write import Drawn, Figures, named
from studies.analysis import with_axes
from studies.analysis.mixture import ARMS, READINGS, published

#: The protocols that are compared, what must have been recorded, the axes that the figures know.
PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_accuracy", "test_loss", "clusters_right")
AXES = ("protocol", "width", "hard.noise", "easy_fraction", "learning_rate")
#: Protocols in two phases whose looks the arms of every reading have, and what these arms are called.
ROLES = {
    "curriculum": "curriculum (c)",
    "no_curriculum": "same levels shuffled (rand)",
    "target_only": "target only (nf)",
    "no_curriculum_then_target": "shuffled, ends on the target",
}
#: The values of sigma of `width`.
SHOWN = (0.2, 0.3, 0.4)
#: Counts of clusters in words.
COUNTS = {
    "clusters_right": "the network gets right",
    "covered": "a unit points at",
    "covered_aligned": "... with the right sign",
}
#: Rows of panels by their labels.
ROWS = {"benefit in accuracy": "accuracy", "benefit in loss (loss avoided)": "loss"}
CAPTION = (
    "XOR-like mixture, noise = sigma^2, N = {n_inputs}, {activation:words} students, readout "
    "{readout_scale:g} times its usual start, {loss} loss, learning rate {learning_rate:g}, budget "
    "{budget:g} N, easy sigma {easy[noise]:root}."
)
SOURCE = (
    "Open markers: read off a published figure of arXiv 2406.01589 (reading error 0.003 in the loss, 0.2 of "
    "20 runs in the histograms); that its c, rand, nf are these protocols is our reading."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, replicates reduced to means and intervals; one rate but for `tuned`."""
    ds = with_axes(ds, ("learning_rate", "easy_fraction"))
    shown = ds.sel(sums.choose(ds, {"learning_rate": None}), drop=True)
    ends, searched = mixture.at_end(shown), sums.choose(ds, {"width": None})["width"]
    counts = ends[[name for name in COUNTS if name in ends]].sel(width=[searched])
    parts = [sums.means({name: ends[of] for name, (of, _) in mixture.QUANTITIES.items()}), sums.means(counts)]
    for name, (of, sign) in mixture.QUANTITIES.items():
        parts.append(sums.prefixed(f"{name}_gain", mixture.gains(sign * ends[of], ends.status)))
    parts += [mixture.shares(ends, shown), mixture.distances(shown), mixture.tuned_gains(ds)]
    return sums.summary_of(ds, *parts, left_out=sums.left_out(ends).sum("replicate"))


def readings(summary: xr.Dataset) -> list[str]:
    """The readings of a curriculum whose arms were all run."""
    found = mixture.readings(summary)
    sums.need(bool(found), "no reading of a curriculum with all of its arms")
    return found


def roles(reading: str) -> dict[str, dict[str, Any]]:
    """Styles of the protocols of a reading, alike in both: curriculum, its control, target only, same end."""
    protocols = (*READINGS[reading], mixture.SAME_END[reading][1])
    styles = looks(ROLES)
    return {p: styles[of] | {"label": said} for p, (of, said) in zip(protocols, ROLES.items(), strict=True)}


def disagreeing(gain: xr.Dataset) -> xr.DataArray:
    """Where loss and accuracy disagree on who is better, both intervals leaving 0 out."""
    ends = {name: (gain[f"{name}_gain_ci_low"], gain[f"{name}_gain_ci_high"]) for name in mixture.QUANTITIES}
    sign = {name: xr.where(low > 0, 1, xr.where(high < 0, -1, 0)) for name, (low, high) in ends.items()}
    return sign["accuracy"] * sign["loss"] < 0


def loss(summary: xr.Dataset) -> Drawn:
    """Loss (above) and accuracy (below) against sigma for each reading, at the width of the search."""
    part, known = summary.sel(sums.choose(summary, {"width": None})), published().loss
    found = readings(summary)

    def draw(axes: Axes, name: str, gain: xr.Dataset) -> None:
        reading, x = gain.reading.item(), gain.sigma.values
        styles = {protocol: style for protocol, style in roles(reading).items() if protocol in part.protocol}
        panels.curves(axes, part, f"{name}_mean", "protocol", styles, "sigma", step=0)
        half = np.diff(x).min() / 2 if len(x) > 1 else 0.01
        said = "loss and accuracy disagree on who is better"
        for place in x[disagreeing(gain).any("control").values]:
            axes.axvspan(place - half, place + half, color=GREY, alpha=0.25, lw=0, label=said)
        for arm, protocol in zip(ARMS, READINGS[reading], strict=True) if name == "loss" else ():
            axes.plot(known.sigma, known.sel(arm=arm), **styles[protocol] | mixture.READ)
        axes.set_xlabel("sigma")

    columns = {}
    for reading in found:
        off = ", ".join(f"{x:.3f}" for x in part.rms.sel(reading=reading, arm=list(ARMS)).values)
        columns[f"{reading}: rms from published {off}"] = part.sel(reading=reading)
    rows = {"test loss (ln 2 = 0.693)": "loss", "test accuracy": "accuracy"}
    figure = panels.matrix(rows, columns, draw, 2.4)
    panels.label_last_row(figure, len(found))
    ours = sums.numbers(part, *(f"{name}_mean" for name in mixture.QUANTITIES))
    tables = {"ours": ours, "published": known.to_dataset(), "distance": part[["rms", "total"]]}
    return Drawn(figure, tables, f"K = {int(part.width)}. {CAPTION} {SOURCE}")


def clusters(summary: xr.Dataset) -> Drawn:
    """Histograms of clusters that runs get right; below, the same against sigma beside units that point."""
    sums.need("share_mean" in summary, "none of the published histograms' sigma was run")
    part, known = summary.sel(sums.choose(summary, {"width": None})), published().share
    found, at = readings(summary), part["at"].values
    figure, places = panels.grid(1 + len(found), len(at), 1.9)
    for line, reading in zip(places, found, strict=False):
        for axes, sigma in zip(line, at, strict=True):
            for arm, (name, style), side in zip(ARMS, roles(reading).items(), (-0.25, 0, 0.25), strict=False):
                ours = part.sel(protocol=name, at=sigma)
                x = ours.clusters.values + side
                panels.bars(axes, x, ours, "share_mean", style | {"ls": "none"})
                axes.plot(x, known.sel(arm=arm, at=sigma), **style | mixture.READ | {"ms": 6})
            axes.set(xticks=range(5), ylim=(-0.03, 1.05), title=f"{reading}, sigma {sigma:g}")
    places[0, 0].set_ylabel("share of runs")
    for axes in places[len(found) - 1]:
        axes.set_xlabel("clusters right")
    names = [name for name in COUNTS if f"{name}_mean" in part]
    styles = {p: style for p, style in roles(found[0]).items() if p in READINGS[found[0]]}
    for axes, name in zip(places[-1], names, strict=False):
        panels.curves(axes, part, f"{name}_mean", "protocol", styles, "sigma", step=0)
        axes.set(xlabel="sigma", ylim=(0, 4.2), title=COUNTS[name])
    for axes in places[-1][len(names) :]:
        axes.set_axis_off()
    places[-1, 0].set_ylabel("clusters of 4")
    panels.legend_above(figure)
    counts = sums.numbers(part, *(f"{name}_mean" for name in names))
    tables = {"shares": part[sums.columns("share_mean")], "published": known.to_dataset()}
    note = (
        "Right: accuracy within the cluster above 1/2; a constant network has 2. Shares: binomial intervals."
    )
    text = f"K = {int(part.width)}. {CAPTION} {note} {SOURCE}"
    return Drawn(figure, tables | {"against sigma": counts}, text)


def benefits(summary: xr.Dataset, part: xr.Dataset, axis: str, styles: Mapping[Any, Any], text: str) -> Drawn:
    """Benefit against width in both quantities and readings, a line per value of `axis`."""

    def draw(axes: Axes, name: str, line: xr.Dataset) -> None:
        line = line.sel(width=line[f"{name}_gain_benefit"].notnull().any(axis))
        panels.lines(axes, line, f"{name}_gain_benefit", axis, styles)
        axes.set_title(line.reading.item())

    columns = {reading: part.sel(reading=reading) for reading in readings(summary)}
    figure = panels.matrix(ROWS, columns, draw, 2.2)
    names = [
        c for name in mixture.QUANTITIES for c in (*sums.columns(f"{name}_gain_benefit"), f"{name}_gain_n")
    ]
    every = summary.sel(control="shuffled")
    every = every[names].assign(disagree=disagreeing(every).astype(float))
    tables = {"shown": part[names], "over shuffled, every sigma": every}
    return Drawn(figure, tables, f"{CAPTION} {text} {clashes(every.disagree)}")


def clashes(disagree: xr.DataArray) -> str:
    """Where loss and accuracy disagree on a curriculum and its shuffled control, in words."""
    flat = disagree.stack(at=("reading", "width", "sigma"))
    places = flat[flat > 0]["at"].values.tolist()
    said = "; ".join(f"{reading}, K = {width}, sigma {sigma:g}" for reading, width, sigma in places)
    return (
        "Over all values of sigma, loss and accuracy disagree in sign against the shuffled control, both "
        f"beyond their intervals, {f'at {said}' if said else 'nowhere'}."
    )


def width(summary: xr.Dataset) -> Drawn:
    """Benefit of each reading over its shuffled control against width, a line per sigma."""
    sigmas = [sigma for sigma in SHOWN if sigma in summary.sigma] or summary.sigma.values.tolist()[:4]
    part = summary.sel(control="shuffled", sigma=sigmas)
    return benefits(summary, part, "sigma", series(sigmas, "sigma {}"), "Control: the same levels shuffled.")


def ends(summary: xr.Dataset) -> Drawn:
    """Benefit against width at one sigma over each control: what is order, and what is where the run ends."""
    there = summary.sigma.values.tolist()
    part = summary.sel(sigma=mixture.MIDDLE if mixture.MIDDLE in there else there[len(there) // 2])
    styles = series([name for name in mixture.CONTROLS if name in part.control], "over {}")
    return benefits(summary, part, "control", styles, f"Sigma {float(part.sigma):g}.")


def tuned(summary: xr.Dataset) -> Drawn:
    """Benefit against width at one sigma with one rate for both arms, and with each at its own best rate."""
    needed = f"needs two learning rates and four replicates at sigma {mixture.MIDDLE:g}"
    sums.need("tuned_benefit" in summary, needed)
    own = sums.starting(summary, "tuned_")
    part = summary.sel(sigma=mixture.MIDDLE, control="shuffled")
    one, best = series(("one rate for both arms", "each arm at its best rate")).values()

    def draw(axes: Axes, name: str, reading: str) -> None:
        shared, tuned = part.sel(reading=reading), own.sel(reading=reading, quantity=name)
        panels.bars(axes, shared.width.values, shared, f"{name}_gain_benefit", one, -0.06)
        panels.bars(axes, tuned.width.values, tuned, "tuned_benefit", best, 0.06)
        panels.zero_and_widths(axes, own.width.values)
        axes.set_title(reading)

    columns = {reading: reading for reading in readings(summary) if reading in summary.reading}
    figure = panels.matrix(ROWS, columns, draw, 2.2)
    shared = sums.numbers(part, *(f"{name}_gain_benefit" for name in mixture.QUANTITIES))
    tables = {"one rate": shared, "each at its best rate": own}
    return Drawn(figure, tables, f"Sigma {mixture.MIDDLE:g}. {CAPTION} {tuned_note(own)}")


FIGURES: Figures = named(loss, clusters, width, ends, tuned)
