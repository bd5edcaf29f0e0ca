"""What images_depth and images_filters share: their summary, benefit beside the paper, recency, accuracy."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.rates import is_rate, rate_lines
from figures.parts.style import looks, series, words
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
    gains = {
        comparison: sums.merged(
            *(sums.prefixed(name, sums.gain(signed, *pair, f"test_{name}")) for name in ("accuracy", "loss"))
        )
        for comparison, pair in there.items()
    }
    rates = ds.learning_rate.mean("replicate")
    tried = ds.rate.where(ds.sweep_accuracy.notnull().any("replicate"))
    edge = is_rate(rates, tried.min("rate")) | is_rate(rates, tried.max("rate"))
    return sums.summary_of(
        ds,
        sums.means(ends),
        sums.along("comparison", gains).isel(time=0, drop=True),
        xr.Dataset({"learning_rate": rates, "edge": edge.where(rates.notnull())}),
        left_out=sums.left_out(ds).sum("replicate"),
    )


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


def of_depth(part: xr.Dataset, titles: Mapping[int, str]) -> dict[str, xr.Dataset]:
    """What is known of each depth, by the title of its column."""
    return {title: part.sel(depth=depth) for depth, title in titles.items()}


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
    labels = rate_labels(part)
    styles = {rate: style | {"label": labels[rate]} for rate, style in series(labels).items()}
    rows = {"benefit (test accuracy)": "accuracy_benefit", "benefit (loss avoided)": "loss_benefit"}

    def draw(axes: Axes, name: str, own: xr.Dataset) -> None:
        panels.lines(axes, own, name, "shared_rate", styles)
        if name == "accuracy_benefit" and (points := paper.get(own.depth.item())):
            panels.bars(axes, points.width.values, points, "paper", OPEN)
            panels.zero_and_widths(axes, np.union1d(own.width, points.width))

    figure = panels.matrix(rows, of_depth(part, titles), draw, 2.0)
    panels.label_last_row(figure, len(titles))
    tables = {"ours": sums.numbers(part, *rows.values())}
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
    styles = series(part.comparison.values)
    lines = partial(panels.lines, name="accuracy_benefit", along="comparison", styles=styles)
    label = "benefit (test accuracy)"
    figure = panels.facets(of_depth(part, titles), lines, 2.6, 4, ylabel=label, legend=2, sharey=True)
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
    styles = looks(part.protocol.values)
    rows = {"test accuracy": "test_accuracy_mean", "test loss": "test_loss_mean"}

    def draw(axes: Axes, name: str, own: xr.Dataset) -> None:
        panels.lines(axes, own, name, styles=styles, step=0.06)
        for protocol, points in paper.items() if name == "test_accuracy_mean" else ():
            open_one: dict[str, Any] = {
                "ls": "none",
                "mfc": "white",
                "label": f"the paper, {words(protocol)}",
            }
            axes.plot(points.width, points.paper, **styles[protocol] | open_one)

    figure = panels.matrix(rows, of_depth(part, titles), draw, 2.0, legend=3)
    panels.label_last_row(figure, len(titles))
    tables = {"ours": sums.numbers(part, *rows.values())}
    tables |= {f"paper, {protocol}": own for protocol, own in paper.items()}
    return Drawn(figure, tables, caption)


def rates(summary: xr.Dataset, titles: Mapping[int, str], caption: str) -> Drawn:
    """The learning rate that each arm has where it has its own, open where it is an end of the sweep."""
    sums.need(0.0 in summary.shared_rate, "every arm has the shared rate")
    own = summary[["learning_rate", "edge"]].sel(shared_rate=0.0, depth=list(titles))
    own = own.dropna("width", how="all").dropna("protocol", how="all")

    def draw(axes: Axes, part: xr.Dataset) -> None:
        rate_lines(axes, part.learning_rate, part.edge, own.learning_rate.values, 0.14)

    label = "learning rate chosen"
    figure = panels.facets(of_depth(own, titles), draw, 2.2, 4, ylabel=label, sharey=True)
    return Drawn(figure, own, f"Open markers: an end of the sweep. {caption}")
