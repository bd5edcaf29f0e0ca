"""Figures of the study early_tickets.

distance  share of the last mask that the mask of a time lacks, a panel per kind of mask and rate
accuracy  accuracy of tickets against the step at which their mask was drawn, beside random masks
cost      the same against all operations that ticket and mask took
own       the same with every mask and training at its own best rate
"""

from functools import partial

import xarray as xr

from figures.parts import drawn_tickets as parts
from figures.parts.write import Figures

PAIR = parts.PAIR
RECORDED = ("distance",)
AXES = ("protocol", "width", "learning_rate", "scope", "rounds")
CAPTION = (
    "XOR-like mixture, N = {n_inputs}, students of {width} units, easy noise {easy[noise]:g}, tested at "
    "{hard[noise]:g}; a mask of units keeps four, one of weights an eighth."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Distances, accuracies and costs with intervals, at every kind of mask and rate that was run."""
    return parts.summarise(ds, ("scope", "learning_rate"))


FIGURES: Figures = {name: partial(figure, caption=CAPTION) for name, figure in parts.FIGURES.items()}
