"""Figures of the study images_filters.

benefit   what the ramp gains over its shuffled control against the number of filters, beside the paper
recency   the same against other controls: those that end on the target level, and the target all along
accuracy  accuracy and loss at the end against the number of filters, a line per protocol, beside the paper
rates     each arm's own best learning rate
"""

import numpy as np
import xarray as xr

from figures.parts import fading, fading_summary, summary as sums
from figures.parts.write import Figures

#: The protocols that are compared.
PAIR = ("ramp", "shuffled_ramp")
RECORDED = fading_summary.QUANTITIES
AXES = ("protocol", "width", *fading_summary.AXES)
#: Accuracy in % at 8, 16, 32 and 64 filters, curriculum and shuffled; no bars are drawn. Source: arXiv
#: 2406.01589, panel (b) "Curricula in CNN" of its cover figure, CIFAR-10; read to about 0.1 points.
PAPER_WIDTHS = (8, 16, 32, 64)
PAPER = {"ramp": (36.0, 38.4, 39.6, 40.8), "shuffled_ramp": (34.0, 35.0, 39.0, 40.7)}
CAPTION = (
    "{data_set:words}, ten classes, at most {side} pixels a side; images shrunk by {easy:percent} to "
    "{hard:percent} % of their sides and pasted centred on another image, in one pass of {n_steps} steps of "
    "{batch_size}, tested at {hard:percent} %. Two convolutions of K and 2 K filters, plain "
    "{optimiser:words}, {parametrisation:words} parametrisation."
)

summarise = fading_summary.summarise


def paper(summary: xr.Dataset) -> dict[str, xr.Dataset]:
    """The paper's accuracies, protocol -> Dataset; none for other images than its own."""
    if not str(sums.cell_of(summary)["data_set"]).startswith("cifar10"):
        return {}
    return {
        protocol: xr.Dataset({"paper": ("width", np.array(values) / 100)}, {"width": [*PAPER_WIDTHS]})
        for protocol, values in PAPER.items()
    }


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    titles = dict.fromkeys(summary.depth.values.tolist(), "two convolutions of K and 2 K filters")
    gains, found = {}, paper(summary)
    if found:  # the network is of depth 1 and the paper's points have no bars
        gain = found[PAIR[0]] - found[PAIR[1]]
        gains[1] = gain.assign(dict.fromkeys(("paper_ci_low", "paper_ci_high"), gain.paper * np.nan))
    return fading.Shown(titles, CAPTION, gains, found).figures()
