"""Figures of the study early_tickets_images.

distance  share of the last mask that the mask of a time lacks, a panel per share of weights left and rate
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
AXES = ("protocol", "width", "learning_rate", "rounds")
CAPTION = (
    "Classes 0 and 4 of {images:words} with a random sign beside noise of variance {hard[noise]:g} (hard, "
    "tested) or {easy[noise]:g} (easy, {easy_fraction:percent} % of the steps); LeNet, the second layer of "
    "{width} units, {optimiser:words}, {steps} steps of {batch_size}."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Distances, accuracies and costs with intervals, at every share of weights and rate that was run."""
    return parts.summarise(ds, ("rounds", "learning_rate"))


FIGURES: Figures = {name: partial(figure, caption=CAPTION) for name, figure in parts.FIGURES.items()}
