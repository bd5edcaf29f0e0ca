"""What images_depth and images_filters share: their summary, benefit beside the paper, recency, accuracy."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.rates import rate_lines
from figures.parts.style import looks, rate_ticks, series, width_axis, words
from figures.parts.write import Drawn, Figures
from studies.analysis import last, usable, with_axes

#: Name of a comparison -> treatment and control; the first is that of the paper.
COMPARED = {
    "over the same images shuffled": ("ramp", "shuffled_ramp"),
    "over shuffled images that end on the target": ("ramp", "shuffled_ramp_then_target"),
    "both end on the target": ("ramp_then_target", "shuffled_ramp_then_target"),
    "over the target all along": ("ramp", "target_only"),
}
HEADLINE = next(iter(COMPARED))
AXES = ("shared_rate", "depth")
QUANTITIES = ("test_accuracy", "test_loss")
#: Look of the paper's points.
OPEN = {"color": "#000000", "marker": "o", "ls": "none", "mfc": "white", "label": "the paper", "zorder": 4}
PAPER = "Sarao Mannelli et al., arXiv 2406.01589, read from its figure"


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracy, loss, and what each comparison gains, at the end of runs: (shared_rate, depth, ..., width).

    A gain in loss is what is avoided of it, so that more is better in both.
    """
    # a depth of 1 is left out of descriptions
    ds = with_axes(ds if "depth" in ds.coords else ds.assign_coords(depth=1), AXES).sortby("width")
    ends = xr.Dataset({name: last(usable(ds, name)) for name in QUANTITIES})
    signed = ends.assign(test_loss=-ends.test_loss).expand_dims(time=[0.0], axis=-1).assign(status=ds.status)
    there = {name: pair for name, pair in COMPARED.items() if set(pair) <= set(ds.protocol.values)}
    gains = [
        sums.merged(
            *(sums.prefixed(name, sums.gain(signed, *pair, f"test_{name}")) for name in ("accuracy", "loss"))
        ).isel(time=0, drop=True)
        for pair in there.values()
    ]
    axis = xr.DataArray(list(there), dims="comparison", name="comparison")
    rates = ds.learning_rate.mean("replicate")
    swept = ds.sweep_accuracy.notnull().any("replicate")
    tried = [ds.rate.where(swept).min("rate"), ds.rate.where(swept).max("rate")]
    at_end = [np.abs(rates / end - 1) < 1e-3 for end in tried]
    out = sums.merged(
        sums.means(ends),
        xr.concat(gains, axis),
        xr.Dataset({"learning_rate": rates, "edge": (at_end[0] | at_end[1]).where(rates.notnull())}),
    )
    return sums.summary_of(ds, out.assign(left_out=sums.left_out(ds).sum("replicate")))


def rate_labels(part: xr.Dataset) -> dict[float, str]:
    """What a learning rate is called: one for all, or 0 where every arm has its own."""
    rates = np.atleast_1d(part.shared_rate.values).tolist()
    return {
        rate: f"one rate, {rate:g}" if rate else "each arm at its own rate" for rate in sorted(rates)[::-1]
    }


def figures(
    titles: Mapping[int, str],
    caption: str,
    gains: Callable[[xr.Dataset], Mapping[int, xr.Dataset]],
    accuracies: Mapping[str, xr.Dataset],
) -> Figures:
    """Every figure by the name of its file.

    Parameters
    ----------
    titles : depth -> title of its column
    gains : what is shown -> the paper's benefit, see `benefit`
    accuracies : those of the paper, see `accuracy`
    """

    def beside_the_paper(shown: xr.Dataset) -> Drawn:
        return benefit(shown, gains(shown), titles, caption)

    return {
        "benefit": beside_the_paper,
        "recency": partial(recency, titles=titles, caption=caption),
        "accuracy": partial(accuracy, paper=accuracies, titles=titles, caption=caption),
        "rates": partial(rates, titles=titles, caption=caption),
    }


def benefit(
    summary: xr.Dataset, paper: Mapping[int, xr.Dataset], titles: Mapping[int, str], caption: str
) -> Drawn:
    """What the ramp gains over its examples shuffled: accuracy above, loss below, a column per depth.

    Parameters
    ----------
    paper : depth -> `paper` and its interval (width), drawn as open markers; may be empty
    titles : depth -> title of its column
    """
    part = summary.sel(comparison=HEADLINE, depth=list(titles))
    figure, places = panels.grid(2, len(titles), 2.0, sharex=True, sharey="row")
    labels = rate_labels(part)
    for (above, below), (depth, title) in zip(places.T, titles.items(), strict=True):
        own = part.sel(depth=depth)
        widths = own.width.values
        for axes, name in ((above, "accuracy_benefit"), (below, "loss_benefit")):
            styles = {rate: style | {"label": labels[rate]} for rate, style in series(labels).items()}
            panels.curves(axes, own, name, "shared_rate", styles)
            panels.zero_and_widths(axes, widths)
        if depth in paper:
            panels.bars(above, paper[depth].width.values, paper[depth], "paper", OPEN)
            widths = np.union1d(widths, paper[depth].width)
            panels.zero_and_widths(above, widths)
        above.set(title=title, xlabel="")
    places[0, 0].set_ylabel("benefit (test accuracy)")
    places[1, 0].set_ylabel("benefit (loss avoided)")
    panels.legend_above(figure)
    tables = {"ours": sums.numbers(part, "accuracy_benefit", "loss_benefit")}
    tables |= {f"paper, {titles[depth]}": own for depth, own in paper.items() if depth in titles}
    return Drawn(figure, tables, f"{distances(part, paper)}{caption}")


def distances(part: xr.Dataset, paper: Mapping[int, xr.Dataset]) -> str:
    """How far each rate is from the paper: root mean square over the points that both have, in words."""
    said = []
    for rate, label in rate_labels(part).items():
        ours = part.accuracy_benefit.sel(shared_rate=rate)
        off = [
            (ours.sel(depth=depth) - own.paper).values for depth, own in paper.items() if depth in part.depth
        ]
        known = np.concatenate([*off, [np.nan]])
        known = known[np.isfinite(known)]
        if known.size:
            said.append(f"{label}: {100 * np.sqrt((known**2).mean()):.1f} points over {known.size}")
    return f"Open markers: {PAPER}; root mean square distance, {'; '.join(said)}. " if said else ""


def recency(summary: xr.Dataset, titles: Mapping[int, str], caption: str) -> Drawn:
    """What the ramp gains over each control, at one rate for all: is it the order, or where the run ends?"""
    rate = max(summary.shared_rate.values.tolist())
    part = summary.sel(shared_rate=rate, depth=list(titles))
    figure, places = panels.wrapped(len(titles), 2.6, 4, sharey=True)
    for axes, (depth, title) in zip(places, titles.items(), strict=True):
        own = part.sel(depth=depth)
        panels.curves(axes, own, "accuracy_benefit", "comparison", series(own.comparison.values))
        panels.zero_and_widths(axes, own.width.values)
        axes.set_title(title)
    places[0].set_ylabel("benefit (test accuracy)")
    panels.legend_above(figure, 2)
    text = f"At {rate_labels(part)[rate] if rate else 'its own rate each'}. {caption}"
    return Drawn(figure, sums.numbers(part, "accuracy_benefit", "loss_benefit"), text)


def accuracy(
    summary: xr.Dataset, paper: Mapping[str, xr.Dataset], titles: Mapping[int, str], caption: str
) -> Drawn:
    """Accuracy and loss at the end at one rate for all against width, a line per protocol.

    Parameters
    ----------
    paper : protocol -> `paper` (width), drawn as open markers; may be empty
    """
    rate = max(summary.shared_rate.values.tolist())
    part = summary.sel(shared_rate=rate, depth=list(titles))
    figure, places = panels.grid(2, len(titles), 2.0, sharex=True, sharey="row")
    styles = looks(part.protocol.values)

    def panel(axes: Axes, own: xr.Dataset, name: str) -> None:
        panels.curves(axes, own, name, "protocol", styles, step=0.06)
        width_axis(axes, own.width.values)

    for (above, below), (depth, title) in zip(places.T, titles.items(), strict=True):
        own = part.sel(depth=depth)
        panel(above, own, "test_accuracy_mean")
        panel(below, own, "test_loss_mean")
        for protocol, points in paper.items():
            open_one = {"ls": "none", "mfc": "white", "label": f"the paper, {words(protocol)}"}
            above.plot(points.width, points.paper, **styles[protocol] | open_one)
        above.set(title=title, xlabel="")
    places[0, 0].set_ylabel("test accuracy")
    places[1, 0].set_ylabel("test loss")
    panels.legend_above(figure, 3)
    tables = {"ours": sums.numbers(part, "test_accuracy_mean", "test_loss_mean")}
    tables |= {f"paper, {protocol}": own for protocol, own in paper.items()}
    return Drawn(figure, tables, caption)


def rates(summary: xr.Dataset, titles: Mapping[int, str], caption: str) -> Drawn:
    """The learning rate that each arm has where it has its own, open where it is an end of the sweep."""
    sums.need(0.0 in summary.shared_rate, "every arm has the shared rate")
    own = summary[["learning_rate", "edge"]].sel(shared_rate=0.0, depth=list(titles))
    own = own.dropna("width", how="all").dropna("protocol", how="all")
    figure, places = panels.wrapped(len(titles), 2.2, 4, sharey=True)
    chosen = own.learning_rate.values
    for axes, (depth, title) in zip(places, titles.items(), strict=True):
        part = own.sel(depth=depth)
        rate_lines(axes, part.learning_rate, part.edge, 0.14)
        width_axis(axes, part.width.values)
        axes.set_title(title)
    rate_ticks(places[0], "y", np.unique(chosen[~np.isnan(chosen)]))
    places[0].set_ylabel("learning rate chosen")
    panels.legend_above(figure)
    return Drawn(figure, own, f"Open markers: an end of the sweep. {caption}")
