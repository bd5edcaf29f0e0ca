"""Figures of the study mixture_fit.

search  distance from the published curves against each thing that was searched, the best of all else
best    the curves of the nearest setting of each reading over the published points
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums
from figures.parts.mixture import READ, readings
from figures.parts.style import GREY, looks, series, words
from figures.parts.write import Drawn, Figures, named
from studies.analysis import last, usable, with_axes
from studies.analysis.mixture import ARMS, READINGS, arms, by_sigma, distance, published

SEARCHED = (
    "width", "readout_scale", "learning_rate", "budget", "easy_fraction", "easy.noise", "n_inputs",
)  # fmt: skip
AXES = ("protocol", "hard.noise", *SEARCHED)
PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_loss", "clusters_right")


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Distances of all settings in each reading, and the mean loss at the nearest."""
    ds = with_axes(ds, SEARCHED)
    found: dict[str, xr.Dataset] = {}
    for reading in readings(ds):
        apart = distance(ds, reading)
        if bool(apart.total.notnull().any()):
            runs = arms(last(usable(by_sigma(ds), "test_loss")), reading).isel(nearest_at(apart.total))
            best = sums.prefixed("best", sums.mean(runs.drop_vars(SEARCHED)))
            found[reading] = sums.merged(apart, best)
    sums.need(bool(found), "no setting has all arms of a reading at every sigma")
    return sums.summary_of(ds, sums.along("reading", found), left_out=sums.left_out(ds).sum())


def nearest_at(total: xr.DataArray) -> dict[str, xr.DataArray]:
    """Where a distance is smallest, as places on the axes that were searched."""
    return {str(axis): place for axis, place in total.argmin(list(SEARCHED)).items()}


def caption(summary: xr.Dataset) -> str:
    """The setting of each reading that is nearest to the published curves, and its distances."""
    said = []
    for reading, part in panels.each(summary[["rms", "total", "histogram"]], "reading", "{}").items():
        at = part.isel(nearest_at(part.total))
        swept = ", ".join(f"{words(name)} {at[name].item():g}" for name in SEARCHED)
        rms = ", ".join(f"{arm} {float(at.rms.sel(arm=arm)):.3f}" for arm in ARMS)
        apart = f"rms {float(at.total):.3f} ({rms}), histograms {float(at.histogram):.2f} in total variation."
        said.append(f"Nearest, {reading}: {swept}; {apart}")
    return " ".join(said)


def search(summary: xr.Dataset) -> Drawn:
    """Root-mean-square distance of the three curves, a panel per thing searched, a line per reading."""
    each = {name: summary.total.min([axis for axis in SEARCHED if axis != name]) for name in SEARCHED}
    swept = [name for name, best in each.items() if bool((best.notnull().sum(name) > 1).any())]
    sums.need(bool(swept), "one setting only")
    figure, places = panels.wrapped(len(swept), 2.1, 3, sharey=True)
    tables = {name: each[name].sortby(name).dropna(name, how="all").to_dataset() for name in swept}
    for axes, (name, best) in zip(places, tables.items(), strict=True):
        x = np.arange(best.sizes[name])
        for reading, style in series(summary.reading.values).items():
            axes.plot(x, best.total.sel(reading=reading), **style)
        axes.set_xticks(x, [f"{value:g}" for value in best[name].values])
        axes.set_xlabel(words(name))
    for axes in places[::3]:
        axes.set_ylabel("rms from the published loss")
    panels.legend_above(figure)
    tables["all settings"] = summary[["total", "histogram"]]
    return Drawn(figure, tables, f"Each point is the best over all else. {caption(summary)}")


def best(summary: xr.Dataset) -> Drawn:
    """The nearest curves of each reading, published points open."""
    known = published().loss

    def draw(axes: Axes, part: xr.Dataset) -> None:
        for arm, style in zip(ARMS, looks(READINGS["two phases"]).values(), strict=True):
            line = part.sel(arm=arm)
            panels.bars(axes, line.sigma.values, line, "best_mean", style | {"label": arm})
            axes.plot(known.sigma, known.sel(arm=arm), **style | READ)
        axes.axhline(np.log(2), color=GREY, lw=0.8, zorder=1)
        axes.set_xlabel("sigma")

    parts = panels.each(summary, "reading", "{}")
    figure = panels.facets(parts, draw, 2.6, len(parts), ylabel="test loss", sharey=True)
    tables = {"ours": summary[sums.columns("best_mean")], "published": known.to_dataset()}
    return Drawn(figure, tables, f"{caption(summary)} Open markers: read off arXiv 2406.01589, error 0.003.")


FIGURES: Figures = named(search, best)
