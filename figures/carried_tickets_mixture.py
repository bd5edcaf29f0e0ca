"""Figure of the study carried_tickets_mixture.

masks  accuracy of tickets whose mask is of the task, of other directions, of the start, or random; gains
"""

from functools import partial

import xarray as xr

from figures.parts import carried
from figures.parts.write import Figures
from studies.analysis import with_axes
from studies.analysis.tickets import single

RECORDED = carried.RECORDED
AXES = ("protocol", "width", "learning_rate", "scope", "rounds", "found_on")
KINDS = {"units": "units", "layer": "weights", "global": "weights, all layers"}
CAPTION = (
    "XOR-like mixture, N = {n_inputs}, students of {width} units, tested at noise {hard[noise]:g}; other "
    "data: other directions, the same students. Units: four are left, weights: an eighth."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracies and gains, a place for each kind of mask and rate."""
    ds = single(with_axes(ds, AXES[2:])).isel(width=0, protocol=0, drop=True)
    places = {}
    for scope in ds.scope.values if {"own", "other"} <= set(ds.found_on.values) else ():
        for rate in ds.learning_rate.values:
            at = ds.sel(scope=scope, learning_rate=rate, drop=True)
            if bool((at.status == 0).any()):
                pair = (at.sel(found_on=name, drop=True) for name in ("own", "other"))
                places[f"{KINDS[str(scope)]}, rate {rate:g}"] = tuple(pair)
    return carried.summarise(ds, places)


FIGURES: Figures = {"masks": partial(carried.figure, caption=CAPTION)}
