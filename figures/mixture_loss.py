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

from figures.parts import mixture, panels
from figures.parts import summary as sums
from figures.parts.mixture import CONTROLS, MIDDLE, QUANTITIES, READ, SAME_END
from figures.parts.rates import tuned_note
from figures.parts.style import GREY, looks, series, words
from figures.parts.write import Drawn, Figures
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


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, replicates reduced to means and intervals; one rate but for `tuned`."""
    ds = with_axes(ds, ("learning_rate", "easy_fraction"))
    shown = ds.sel(sums.choose(ds, {"learning_rate": None}), drop=True)
    ends = mixture.at_end(shown)
    runs = {name: sign * ends[variable] for name, (variable, sign) in QUANTITIES.items()}
    parts = [sums.prefixed(name, sums.mean(ends[variable])) for name, (variable, _) in QUANTITIES.items()]
    searched = ends.sel(width=[sums.choose(ds, {"width": None})["width"]])
    parts += [sums.prefixed(name, sums.mean(searched[name])) for name in mixture.counts(ends)]
    parts += [
        sums.prefixed(f"{name}_gain", mixture.gains(values, ends.status)) for name, values in runs.items()
    ]
    parts += [mixture.shares(ends, shown), mixture.distances(shown), mixture.tuned_gains(ds)]
    return sums.summary_of(ds, *parts, left_out=sums.left_out(ends).sum("replicate"))


def caption(summary: xr.Dataset) -> str:
    """Settings."""
    cell = sums.cell_of(summary)
    student = f"{words(cell['activation'])} students, readout {cell['readout_scale']:g} times its usual start"
    return (
        f"XOR-like mixture, noise = sigma^2, N = {cell['n_inputs']}, {student}, {cell['loss']} loss, "
        f"learning rate {cell['learning_rate']:g}, budget {cell['budget']:g} N, easy sigma "
        f"{cell['easy']['noise'] ** 0.5:g}."
    )


SOURCE = (
    "Open markers: read off a published figure of arXiv 2406.01589 (reading error 0.003 in the loss, 0.2 of "
    "20 runs in the histograms); that its c, rand, nf are these protocols is our reading."
)


def at_width(summary: xr.Dataset) -> xr.Dataset:
    """The width of the search, or what there is."""
    return summary.sel(sums.choose(summary, {"width": None}))


def readings(summary: xr.Dataset) -> list[str]:
    """The readings of a curriculum whose arms were all run."""
    there = set(summary.protocol.values.tolist())
    found = [reading for reading, arms in READINGS.items() if set(arms) <= there]
    sums.need(bool(found), "no reading of a curriculum with all of its arms")
    return found


def roles(reading: str) -> dict[str, dict[str, Any]]:
    """Styles of the protocols of a reading, alike in both: curriculum, its control, target only, same end."""
    protocols = (*READINGS[reading], SAME_END[reading][1])
    styles = looks((*READINGS["two phases"], SAME_END["two phases"][1]))
    return {
        protocol: styles[of] | {"label": label}
        for protocol, (of, label) in zip(protocols, ROLES.items(), strict=True)
    }


def disagreeing(gain: xr.Dataset) -> xr.DataArray:
    """Where loss and accuracy disagree on who is better, both intervals leaving 0 out."""
    sign = {
        name: xr.where(gain[f"{name}_gain_ci_low"] > 0, 1, xr.where(gain[f"{name}_gain_ci_high"] < 0, -1, 0))
        for name in QUANTITIES
    }
    return sign["accuracy"] * sign["loss"] < 0


def mark(axes: Axes, x: np.ndarray, holds: np.ndarray) -> None:
    """A grey stripe at every x where something holds."""
    half = np.diff(x).min() / 2 if len(x) > 1 else 0.01
    for number, place in enumerate(x[holds]):
        label = "loss and accuracy disagree on who is better" if number == 0 else None
        axes.axvspan(place - half, place + half, color=GREY, alpha=0.25, lw=0, label=label)


def loss(summary: xr.Dataset) -> Drawn:
    """Loss (above) and accuracy (below) against sigma for each reading, at the width of the search."""
    part, known, found = at_width(summary), published().loss, readings(summary)

    def draw(axes: Axes, name: str, gain: xr.Dataset) -> None:
        reading = gain.reading.item()
        styles = {protocol: style for protocol, style in roles(reading).items() if protocol in part.protocol}
        panels.curves(axes, part, f"{name}_mean", "protocol", styles, "sigma", step=0)
        mark(axes, gain.sigma.values, disagreeing(gain).any("control").values)
        for arm, protocol in zip(ARMS, READINGS[reading], strict=True) if name == "loss" else ():
            axes.plot(known.sigma, known.sel(arm=arm), **styles[protocol] | READ)
        axes.set_xlabel("sigma")

    rms = {reading: part.rms.sel(reading=reading, arm=list(ARMS)).values for reading in found}
    columns = {
        f"{reading}: rms from published {', '.join(f'{x:.3f}' for x in off)}": part.sel(reading=reading)
        for reading, off in rms.items()
    }
    rows = {"test loss (ln 2 = 0.693)": "loss", "test accuracy": "accuracy"}
    figure = panels.matrix(rows, columns, draw, 2.4)
    panels.label_last_row(figure, len(found))
    names = [column for name in QUANTITIES for column in sums.columns(f"{name}_mean")]
    tables = {"ours": part[names], "published": known.to_dataset(), "distance": part[["rms", "total"]]}
    return Drawn(figure, tables, f"K = {int(part.width)}. {caption(summary)} {SOURCE}")


def clusters(summary: xr.Dataset) -> Drawn:
    """Histograms of clusters that runs get right; below, the same against sigma beside units that point."""
    sums.need("share_mean" in summary, "none of the published histograms' sigma was run")
    part, known, found = at_width(summary), published().share, readings(summary)
    at = part["at"].values
    figure, places = panels.grid(1 + len(found), len(at), 1.9)
    for line, reading in zip(places, found, strict=False):
        for axes, sigma in zip(line, at, strict=True):
            for arm, (protocol, style), shift in zip(ARMS, roles(reading).items(), SHIFTS, strict=False):
                ours = part.sel(protocol=protocol, at=sigma)
                x = ours.clusters.values + shift
                panels.bars(axes, x, ours, "share_mean", style | {"ls": "none"})
                axes.plot(x, known.sel(arm=arm, at=sigma), **style | READ | {"ms": 6})
            axes.set(xticks=range(5), ylim=(-0.03, 1.05), title=f"{reading}, sigma {sigma:g}")
    places[0, 0].set_ylabel("share of runs")
    for axes in places[len(found) - 1]:
        axes.set_xlabel("clusters right")
    names = counts_of(part)
    for axes, name in zip(places[-1], names, strict=False):
        for protocol in READINGS[found[0]]:
            line = part.sel(protocol=protocol)
            panels.bars(axes, part.sigma.values, line, f"{name}_mean", roles(found[0])[protocol])
        axes.set(xlabel="sigma", ylim=(0, 4.2), title=NAMED[name])
    for axes in places[-1][len(names) :]:
        axes.set_axis_off()
    places[-1, 0].set_ylabel("clusters of 4")
    panels.legend_above(figure)
    shown = sums.columns("share_mean")
    more = [column for name in names for column in sums.columns(f"{name}_mean")]
    tables = {"shares": part[shown], "published": known.to_dataset(), "against sigma": part[more]}
    note = (
        "Right: accuracy within the cluster above 1/2; a constant network has 2. Shares: binomial intervals."
    )
    return Drawn(figure, tables, f"K = {int(part.width)}. {caption(summary)} {note} {SOURCE}")


#: Places of the three arms beside a number of clusters.
SHIFTS = (-0.25, 0, 0.25)
#: Counts of clusters in words.
NAMED = {
    "clusters_right": "the network gets right",
    "covered": "a unit points at",
    "covered_aligned": "... with the right sign",
}


def counts_of(part: xr.Dataset) -> list[str]:
    """The counts of clusters that there are."""
    return [name for name in NAMED if f"{name}_mean" in part]


#: Rows of panels by their labels.
ROWS = {"benefit in accuracy": "accuracy", "benefit in loss (loss avoided)": "loss"}


def benefits(summary: xr.Dataset, part: xr.Dataset, axis: str, styles: Mapping[Any, Any], text: str) -> Drawn:
    """Benefit against width in both quantities and readings, a line per value of `axis`."""

    def draw(axes: Axes, name: str, line: xr.Dataset) -> None:
        line = line.sel(width=line[f"{name}_gain_benefit"].notnull().any(axis))
        panels.lines(axes, line, f"{name}_gain_benefit", axis, styles)
        axes.set_title(line.reading.item())

    columns = {reading: part.sel(reading=reading) for reading in readings(summary)}
    figure = panels.matrix(ROWS, columns, draw, 2.2)
    names = [c for name in QUANTITIES for c in (*sums.columns(f"{name}_gain_benefit"), f"{name}_gain_n")]
    every = summary.sel(control="shuffled")
    every = every[names].assign(disagree=disagreeing(every).astype(float))
    tables = {"shown": part[names], "over shuffled, every sigma": every}
    return Drawn(figure, tables, f"{caption(summary)} {text} {clashes(every.disagree)}")


def clashes(disagree: xr.DataArray) -> str:
    """Where loss and accuracy disagree on a curriculum and its shuffled control, in words."""
    flat = disagree.stack(at=("reading", "width", "sigma"))
    said = [
        f"{reading}, K = {width}, sigma {sigma:g}"
        for reading, width, sigma in flat[flat > 0]["at"].values.tolist()
    ]
    where = f"at {'; '.join(said)}" if said else "nowhere"
    return (
        "Over all values of sigma, loss and accuracy disagree in sign against the shuffled control, both "
        f"beyond their intervals, {where}."
    )


def width(summary: xr.Dataset) -> Drawn:
    """Benefit of each reading over its shuffled control against width, a line per sigma."""
    sigmas = [sigma for sigma in SHOWN if sigma in summary.sigma] or summary.sigma.values.tolist()[:4]
    part = summary.sel(control="shuffled", sigma=sigmas)
    return benefits(summary, part, "sigma", series(sigmas, "sigma {}"), "Control: the same levels shuffled.")


def ends(summary: xr.Dataset) -> Drawn:
    """Benefit against width at one sigma over each control: what is order, and what is where the run ends."""
    part = summary.sel(sigma=middle(summary))
    names = [name for name in CONTROLS if name in part.control]
    styles = series(names, "over {}")
    return benefits(summary, part, "control", styles, f"Sigma {float(part.sigma):g}.")


def middle(summary: xr.Dataset) -> float:
    """The sigma of `ends`, or the middle one of those that there are."""
    there = summary.sigma.values.tolist()
    return MIDDLE if MIDDLE in there else there[len(there) // 2]


def tuned(summary: xr.Dataset) -> Drawn:
    """Benefit against width at one sigma with one rate for both arms, and with each at its own best rate."""
    rates = f"needs two learning rates and four replicates at sigma {MIDDLE:g}"
    sums.need("tuned_benefit" in summary, rates)
    own = sums.starting(summary, "tuned_")
    part = summary.sel(sigma=MIDDLE, control="shuffled")
    one, best = series(("one rate for both arms", "each arm at its best rate")).values()

    def draw(axes: Axes, name: str, reading: str) -> None:
        line = part.sel(reading=reading)
        panels.bars(axes, line.width.values, line, f"{name}_gain_benefit", one, -0.06)
        line = own.sel(reading=reading, quantity=name)
        panels.bars(axes, line.width.values, line, "tuned_benefit", best, 0.06)
        panels.zero_and_widths(axes, own.width.values)
        axes.set_title(reading)

    columns = {reading: reading for reading in readings(summary) if reading in summary.reading}
    figure = panels.matrix(ROWS, columns, draw, 2.2)
    names = [c for name in QUANTITIES for c in sums.columns(f"{name}_gain_benefit")]
    tables = {"one rate": part[names], "each at its best rate": own}
    return Drawn(figure, tables, f"Sigma {MIDDLE:g}. {caption(summary)} {tuned_note(own)}")


FIGURES: Figures = {"loss": loss, "clusters": clusters, "width": width, "ends": ends, "tuned": tuned}
