"""What images_depth and images_filters draw: benefit, over other controls, too; accuracy; rates."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums
from figures.parts.fading_summary import HEADLINE, OWN, SHARED
from figures.parts.rates import TUNED, rate_lines
from figures.parts.style import looks, series, words
from figures.parts.write import Drawn, Figures, named

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


def line_styles(summary: xr.Dataset) -> dict[str, dict[str, Any]]:
    """The look of each of the lines that tell which rates arms have, its label in words."""
    said = {SHARED: rate_label(summary), OWN: "each arm at its own best rate"}
    styles = series(summary.rates.values.tolist())
    return {name: style | {"label": said[name]} for name, style in styles.items()}


def distances(part: xr.Dataset, paper: Mapping[int, xr.Dataset]) -> str:
    """How far each line is from the paper: root mean square over the points that both have, in words."""
    said = []
    for rates, style in line_styles(part).items():
        ours = part.accuracy_benefit.sel(rates=rates)
        each = [ours.sel(depth=depth) - own.paper for depth, own in paper.items() if depth in part.depth]
        known = np.concatenate([*(off.values for off in each), [np.nan]])
        known = known[np.isfinite(known)]
        if known.size:
            off = 100 * np.sqrt((known**2).mean())
            said.append(f"{style['label']}: {off:.1f} points over {known.size}")
    return f"Open markers: {PAPER}; root mean square distance, {'; '.join(said)}. " if said else ""


class Shown(NamedTuple):
    """What a study of fading images shows, a column for each depth.

    titles : depth -> title of its column
    caption : settings
    gains : depth -> the paper's benefit `paper` with its interval (width), as open markers; may be empty
    accuracies : protocol -> the paper's accuracy `paper` (width), likewise
    """

    titles: Mapping[int, str]
    caption: str
    gains: Mapping[int, xr.Dataset]
    accuracies: Mapping[str, xr.Dataset]

    def figures(self) -> Figures:
        """Every figure by the name of its file."""
        return named(self.benefit, self.recency, self.accuracy, self.rates)

    def columns(self, part: xr.Dataset) -> dict[str, xr.Dataset]:
        """What is known of each depth, by the title of its column."""
        return {title: part.sel(depth=depth) for depth, title in self.titles.items()}

    def noted(self, summary: xr.Dataset) -> str:
        """The caption, with how rates were chosen where they were."""
        return f"{self.caption} {CHOSEN[summary.attrs['chosen']]}" if OWN in summary.rates else self.caption

    def benefit(self, summary: xr.Dataset) -> Drawn:
        """What the ramp gains over its examples shuffled: accuracy above, loss below."""
        part = summary.sel(comparison=HEADLINE, depth=list(self.titles))
        styles = line_styles(part)
        rows = {"benefit (test accuracy)": "accuracy_benefit", "benefit (loss avoided)": "loss_benefit"}

        def draw(axes: Axes, name: str, own: xr.Dataset) -> None:
            panels.lines(axes, own, name, "rates", styles)
            if name == "accuracy_benefit" and (points := self.gains.get(own.depth.item())):
                panels.bars(axes, points.width.values, points, "paper", OPEN)
                panels.zero_and_widths(axes, np.union1d(own.width, points.width))

        figure = panels.matrix(rows, self.columns(part), draw, 2.0)
        panels.label_last_row(figure, len(self.titles))
        tables = {"ours": sums.numbers(part, *rows.values())}
        tables |= {f"paper, {self.titles[k]}": own for k, own in self.gains.items() if k in self.titles}
        return Drawn(figure, tables, f"{distances(part, self.gains)}{self.noted(part)}")

    def recency(self, summary: xr.Dataset) -> Drawn:
        """What the ramp gains over each control, at one rate for all: the order, or where the run ends?"""
        part = summary.sel(rates=SHARED, depth=list(self.titles))
        styles = series(part.comparison.values)
        lines = partial(panels.lines, name="accuracy_benefit", along="comparison", styles=styles)
        label = "benefit (test accuracy)"
        figure = panels.facets(self.columns(part), lines, 2.6, 4, ylabel=label, legend=2, sharey=True)
        text = f"Learning rate: {rate_label(summary)}. {self.caption}"
        return Drawn(figure, sums.numbers(part, "accuracy_benefit", "loss_benefit"), text)

    def accuracy(self, summary: xr.Dataset) -> Drawn:
        """Accuracy and loss at the end at one rate against width, a line per protocol."""
        part = summary.sel(shared_rate=summary.attrs["shared_rate"], depth=list(self.titles))
        styles = looks(part.protocol.values)
        rows = {"test accuracy": "test_accuracy_mean", "test loss": "test_loss_mean"}

        def draw(axes: Axes, name: str, own: xr.Dataset) -> None:
            panels.lines(axes, own, name, styles=styles, step=0.06)
            for protocol, points in self.accuracies.items() if name == "test_accuracy_mean" else ():
                said = f"the paper, {words(protocol)}"
                theirs: dict[str, Any] = {"ls": "none", "mfc": "white", "label": said}
                axes.plot(points.width, points.paper, **styles[protocol] | theirs)

        figure = panels.matrix(rows, self.columns(part), draw, 2.0, legend=3)
        panels.label_last_row(figure, len(self.titles))
        tables = {"ours": sums.numbers(part, *rows.values())}
        tables |= {f"paper, {protocol}": own for protocol, own in self.accuracies.items()}
        return Drawn(figure, tables, f"Learning rate: {rate_label(summary)}. {self.caption}")

    def rates(self, summary: xr.Dataset) -> Drawn:
        """Each arm's own best learning rate, open where it is the smallest or largest that was tried."""
        sums.need("edge" in summary, "needs two learning rates and four replicates")
        own = summary[["learning_rate", "edge"]].sel(depth=list(self.titles))
        own = sums.known(own, "width", "protocol")
        lines = partial(rate_lines, name="learning_rate", named=own.learning_rate.values, step=0.14)
        label = "best learning rate"
        figure = panels.facets(self.columns(own), lines, 2.2, 4, ylabel=label, sharey=True)
        text = f"Open markers: the smallest or largest rate tried. {self.noted(summary)}"
        return Drawn(figure, own, text)
