"""Figures of the study images_depth.

benefit   what the ramp gains over its shuffled control against width, a column per depth, beside the paper
recency   the same against other controls: those that end on the target level, and the target all along
accuracy  accuracy and loss at the end against width, a line per protocol
rates     the learning rate chosen for each arm
"""

import numpy as np
import xarray as xr

from figures.parts import fading
from figures.parts import summary as sums
from figures.parts.write import Figures

#: The protocols that are compared.
PAIR = ("ramp", "shuffled_ramp")
RECORDED = fading.QUANTITIES
AXES = ("protocol", "width", *fading.AXES)
#: Hidden layers -> difference in accuracy between curriculum and shuffled, and half its bar, in points.
#: Source: arXiv 2406.01589, panel (a) "Curricula in MLP" of its cover figure, Fashion-MNIST; read to about
#: 0.03 points.
PAPER_WIDTHS = (25, 50, 100, 200, 400, 800)
PAPER = {
    1: ((3.90, 4.37, 4.97, 4.80, 4.79, 4.68), (0.18, 0.18, 0.16, 0.25, 0.19, 0.13)),
    2: ((4.18, 5.41, 5.77, 5.22, 4.26, 3.79), (0.26, 0.17, 0.21, 0.20, 0.27, 0.42)),
    3: ((3.46, 4.15, 5.29, 4.23, 2.49, 2.68), (0.35, 0.18, 0.22, 0.31, 0.18, 0.26)),
    4: ((3.52, 5.05, 4.58, 3.76, 2.17, 1.91), (0.36, 0.30, 0.24, 0.37, 0.28, 0.25)),
}

summarise = fading.summarise


def paper(summary: xr.Dataset) -> dict[int, xr.Dataset]:
    """The paper's points, depth -> Dataset; none for other images than its own."""
    if sums.cell_of(summary)["data_set"] != "fashion_mnist":
        return {}
    found = {}
    for depth, numbers in PAPER.items():
        middle, half = (np.array(values) / 100 for values in numbers)
        known = {"paper": middle, "paper_ci_low": middle - half, "paper_ci_high": middle + half}
        found[depth] = xr.Dataset(
            {name: ("width", v) for name, v in known.items()}, {"width": [*PAPER_WIDTHS]}
        )
    return found


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    pixels = "normalised pixels" if sums.cell_of(summary)["normalised"] else "pixels from 0 to 1"
    return (
        f"{{data_set:words}}, ten classes, {pixels}, noise on the image clipped to their range: standard "
        "deviation from {easy:g} to {hard:g} of that range in one pass of {n_steps} steps of {batch_size}, "
        "tested at {hard:g}. Plain {optimiser:words}, {parametrisation:words} parametrisation; own rates are "
        "the best of {n_rates} (a factor of 2 apart) on a validation split over {tuning_replicates} others."
    )


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    titles = {depth: f"{depth} hidden layer{'s' * (depth > 1)}" for depth in summary.depth.values.tolist()}
    return fading.figures(titles, caption(summary), paper, {})
