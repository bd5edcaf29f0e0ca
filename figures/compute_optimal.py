"""Figures of the study compute_optimal.

isoflop  loss against width at equal cost, a panel per schedule and arm, minima marked
optimum  best width, and loss there, against cost
ratio    both with a curriculum over those without
"""

from functools import partial

import xarray as xr

from figures.parts import isoflop, summary as sums
from figures.parts.write import Figures
from studies.analysis.isoflop import least_squared_loss

PAIR, RECORDED = isoflop.PAIR, isoflop.RECORDED
AXES = ("protocol", "width", "learning_rate", *isoflop.OWN, "rate_schedule")
PANELS = {"rate_schedule": ""}
CAPTION = (
    "XOR-like Gaussian mixture, N = {n_inputs}, two layers of {activation:words} units, {loss} loss, noise "
    "{easy[noise]:g} then {hard[noise]:g}, easy fraction {easy_fraction:g}, tested at noise {hard[noise]:g}."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show; losses are compared with that of the best possible output."""
    cell = sums.cell_of(ds)
    sums.need(cell["loss"] == "squared", "needs the squared loss, whose smallest value is known")
    return isoflop.summarise(ds, ("rate_schedule",), least_squared_loss(cell["hard"]["noise"]))


DRAWN = {"isoflop": isoflop.curves, "optimum": isoflop.optimum, "ratio": isoflop.ratio}
FIGURES: Figures = {name: partial(figure, axes=PANELS, caption=CAPTION) for name, figure in DRAWN.items()}
