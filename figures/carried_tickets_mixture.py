"""Figure of the study carried_tickets_mixture.

masks  accuracy of tickets whose mask is of the task, of other directions, of the start, or random; gains
"""

from functools import partial

import xarray as xr

from figures.parts import carried, summary as sums
from figures.parts.write import Figures
from studies.analysis import with_axes
from studies.analysis.tickets import single

RECORDED = carried.RECORDED
AXES = ("protocol", "width", "learning_rate", "scope", "rounds", "found_on", "counts_only")
FOUND = ("own", "other")
KINDS = {"units": "units", "layer": "weights", "global": "weights, all layers"}
CAPTION = (
    "XOR-like mixture, N = {n_inputs}, students of {width} units, tested at noise {hard[noise]:g}; other "
    "data: other directions, the same students. Units: four are left, weights: an eighth. Shuffled: a unit "
    "keeps as many inputs, drawn at random."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracies and gains, a place for each kind of mask and rate."""
    ds = single(with_axes(ds, AXES[2:6])).isel(width=0, protocol=0, drop=True)
    sums.need(set(FOUND) <= set(ds.found_on.values), "needs masks of the same and of other directions")
    places = {}
    for (scope, rate), at in sums.ran(ds, ("scope", "learning_rate")):
        kinds = [part for _, part in sums.ran(at, ("counts_only",))] if "counts_only" in at.dims else [at]
        there = (kind.sel(found_on=name, drop=True) for kind in kinds for name in FOUND)
        places[f"{KINDS[scope]}, rate {rate:g}"] = carried.Place(*there)
    return carried.summarise(ds, places)


FIGURES: Figures = {"masks": partial(carried.figure, caption=CAPTION)}
