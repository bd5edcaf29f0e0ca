"""What images_depth and images_filters draw: benefit, over other controls, too; accuracy; rates."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.fading_summary import HEADLINE, OWN, SHARED
from figures.parts.rates import TUNED, rate_lines
from figures.parts.style import looks, series, words
from figures.parts.write import Drawn, Figures

#: Look of the paper's points.
OPEN = {"color": "#000000", "marker": "o", "ls": "none", "mfc": "white", "label": "the paper", "zorder": 4}
PAPER = "Sarao Mannelli et al., arXiv 2406.01589, read from its figure"
#: How own rates were chosen, see `fading_summary.summarise`.
CHOSEN = {
    "halves": TUNED,
    "sweep": "Own rates: the best of {n_rates} (a factor of 2 apart) on a validation split over "
    "{tuning_replicates} other runs.",
}


def rate_label(summary: xr.Dataset) -> str:
    """What the learning rate of the lines at one rate is called."""
    rate = summary.attrs["shared_rate"]
    return f"one rate, {rate:g}" if rate else "each arm at the best rate of its sweep"


def labels(summary: xr.Dataset) -> dict[str, str]:
    """Which rates the arms of a line have, in words."""
    found = {SHARED: rate_label(summary), OWN: "each arm at its own best rate"}
    return {name: found[name] for name in summary.rates.values.tolist()}


def line_styles(summary: xr.Dataset) -> dict[str, dict[str, Any]]:
    """The look of each of these lines."""
    found = labels(summary)
    return {name: style | {"label": found[name]} for name, style in series(found).items()}


def noted(summary: xr.Dataset, caption: str) -> str:
    """The caption, with how rates were chosen where they were."""
    return f"{caption} {CHOSEN[summary.attrs['chosen']]}" if OWN in summary.rates else caption


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
    styles = line_styles(part)
    rows = {"benefit (test accuracy)": "accuracy_benefit", "benefit (loss avoided)": "loss_benefit"}

    def draw(axes: Axes, name: str, own: xr.Dataset) -> None:
        panels.lines(axes, own, name, "rates", styles)
        if name == "accuracy_benefit" and (points := paper.get(own.depth.item())):
            panels.bars(axes, points.width.values, points, "paper", OPEN)
            panels.zero_and_widths(axes, np.union1d(own.width, points.width))

    figure = panels.matrix(rows, of_depth(part, titles), draw, 2.0)
    panels.label_last_row(figure, len(titles))
    tables = {"ours": sums.numbers(part, *rows.values())}
    tables |= {f"paper, {titles[depth]}": own for depth, own in paper.items() if depth in titles}
    return Drawn(figure, tables, f"{distances(part, paper)}{noted(part, caption)}")


def distances(part: xr.Dataset, paper: Mapping[int, xr.Dataset]) -> str:
    """How far each line is from the paper: root mean square over the points that both have, in words."""
    said = []
    for rates, label in labels(part).items():
        ours = part.accuracy_benefit.sel(rates=rates)
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
    part = summary.sel(rates=SHARED, depth=list(titles))
    styles = series(part.comparison.values)
    lines = partial(panels.lines, name="accuracy_benefit", along="comparison", styles=styles)
    label = "benefit (test accuracy)"
    figure = panels.facets(of_depth(part, titles), lines, 2.6, 4, ylabel=label, legend=2, sharey=True)
    text = f"Learning rate: {rate_label(summary)}. {caption}"
    return Drawn(figure, sums.numbers(part, "accuracy_benefit", "loss_benefit"), text)


def accuracy(
    summary: xr.Dataset, paper: Mapping[str, xr.Dataset], titles: Mapping[int, str], caption: str
) -> Drawn:
    """Accuracy and loss at the end at one rate against width, a line per protocol.

    Parameters
    ----------
    paper : protocol -> `paper` (width), drawn as open markers; may be empty
    """
    part = summary.sel(shared_rate=summary.attrs["shared_rate"], depth=list(titles))
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
    return Drawn(figure, tables, f"Learning rate: {rate_label(summary)}. {caption}")


def rates(summary: xr.Dataset, titles: Mapping[int, str], caption: str) -> Drawn:
    """Each arm's own best learning rate, open where it is the smallest or largest that was tried."""
    sums.need("edge" in summary, "needs two learning rates and four replicates")
    own = summary[["learning_rate", "edge"]].sel(depth=list(titles))
    own = own.dropna("width", how="all").dropna("protocol", how="all")

    def draw(axes: Axes, part: xr.Dataset) -> None:
        rate_lines(axes, part.learning_rate, part.edge, own.learning_rate.values, 0.14)

    label = "best learning rate"
    figure = panels.facets(of_depth(own, titles), draw, 2.2, 4, ylabel=label, sharey=True)
    return Drawn(figure, own, f"Open markers: the smallest or largest rate tried. {noted(summary, caption)}")
