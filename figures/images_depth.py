"""Figures of the study images_depth.

benefit   what the ramp gains over its shuffled control against width, a column per depth, beside the paper
fall      how far it rises to its largest value, and falls from there to the widest, against depth
recency   the same against other controls: those that end on the target level, and the target all along
accuracy  accuracy and loss at the end against width, a line per protocol
rates     each arm's own best learning rate
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import fading, fading_summary, panels, summary as sums
from figures.parts.style import GREY
from figures.parts.write import Drawn, Figures

#: The protocols that are compared.
PAIR = ("ramp", "shuffled_ramp")
RECORDED = fading_summary.QUANTITIES
AXES = ("protocol", "width", *fading_summary.AXES)
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

#: What is shown of the benefit as a curve over width, and its title.
SHAPE = {
    "rise": "largest - narrowest",
    "fall": "largest - widest",
    "steeper": "(b) - that of one layer",
}
SHAPE_ENDS = ("narrowest", "widest")
summarise = fading_summary.summarise


def paper(summary: xr.Dataset) -> xr.Dataset:
    """The paper's points with their bars (depth, width); nothing for other images than its own."""
    if sums.cell_of(summary)["data_set"] != "fashion_mnist":
        return xr.Dataset()
    middle, half = np.array([*PAPER.values()]).swapaxes(0, 1) / 100
    known = {"paper": middle, "paper_ci_low": middle - half, "paper_ci_high": middle + half}
    axes = {"depth": [*PAPER], "width": [*PAPER_WIDTHS]}
    return xr.Dataset({name: ((*axes,), values) for name, values in known.items()}, axes)


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    pixels = "normalised pixels" if sums.cell_of(summary)["normalised"] else "pixels from 0 to 1"
    return (
        f"{{data_set:words}}, ten classes, {pixels}, noise on the image clipped to their range: standard "
        "deviation from {easy:g} to {hard:g} of that range in one pass of {n_steps} steps of {batch_size}, "
        "tested at {hard:g}. Plain {optimiser:words}, {parametrisation:words} parametrisation."
    )


def fall(summary: xr.Dataset) -> Drawn:
    """Rise and fall of the benefit over width as differences of their own, and the paper's, against depth."""
    names = {f"accuracy_{name}": title for name, title in SHAPE.items()}
    part = sums.numbers(summary, *names).assign(
        {name: summary[f"accuracy_{name}"] for name in ("peak_width", *SHAPE_ENDS)}
    )
    sums.need(bool(part.accuracy_fall.notnull().any()), "needs two widths and four replicates")
    styles, theirs = fading.line_styles(summary), paper(summary)
    if theirs:
        curve = theirs.paper
        rise, down = (curve.max("width") - curve.isel(width=end, drop=True) for end in (0, -1))
        shape = {"rise": rise, "fall": down, "steeper": down - down.isel(depth=0, drop=True)}
        theirs = xr.Dataset({f"accuracy_{name}": values for name, values in shape.items()})

    def draw(axes: Axes, name: str) -> None:
        panels.curves(axes, part, name, "rates", {r: s | {"ls": "none"} for r, s in styles.items()}, "depth")
        if name in theirs:
            axes.plot(theirs.depth, theirs[name], **fading.OPEN)
        axes.axhline(0, color=GREY, lw=0.8, zorder=1)
        axes.set(xticks=summary.depth.values, xlabel="hidden layers")

    each, label = {title: name for name, title in names.items()}, "difference of benefits\n(test accuracy)"
    figure = panels.facets(each, draw, 2.4, 3, ylabel=label, sharey=True)
    ends = [(s["label"], *(float(part[n].sel(rates=r)) for n in SHAPE_ENDS)) for r, s in styles.items()]
    known = "; ".join(f"{label}: K = {low:.0f} to {high:.0f}" for label, low, high in ends if high > low)
    text = (
        f"Narrowest and widest, {known}. The width of the largest benefit is chosen on one half of the "
        f"replicates and judged on the other, both ways; intervals include the choice. {caption(summary)}"
    )
    return Drawn(figure, {"ours": part} | ({"paper": theirs} if theirs else {}), text)


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    titles = {depth: f"{depth} hidden layer{'s' * (depth > 1)}" for depth in summary.depth.values.tolist()}
    theirs = paper(summary)
    gains = {depth: theirs.sel(depth=depth, drop=True) for depth in PAPER if theirs}
    return {**fading.Shown(titles, caption(summary), gains, {}).figures(), "fall": fall}
