"""Figures of the study carried_tickets.

pairs      accuracy of tickets whose mask is of the same pair of digits, of another, of the start, or random
data_sets  the same of MNIST and Fashion-MNIST
"""

from functools import partial

import xarray as xr

from figures.parts import carried, summary as sums
from figures.parts.style import words
from figures.parts.tickets import left_after, lenet
from figures.parts.write import Drawn, Figures
from studies.analysis import with_axes

RECORDED = carried.RECORDED
#: What is learned -> where masks are from.
KINDS = {"pair": "found_pair", "data_set": "found_on"}
#: What differs between the two kinds of data, and has one value for each.
ALONG = (
    "relabelling", "corruption", "copies", "easy.noise", "hard.noise", "n_examples", "n_test", "n_validation",
)  # fmt: skip
AXES = ("protocol", "width", "learning_rate", "rounds", *KINDS, *KINDS.values(), *ALONG)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracies and gains, a place for each pair or data set, share of the weights left, and rate."""
    ds = with_axes(ds, AXES[2:8])
    places: dict[str, carried.Place] = {}
    for axis, found in KINDS.items():
        for (here, rounds, rate), part in sums.ran(ds, (axis, "rounds", "learning_rate")):
            origins = {origin: runs for (origin,), runs in sums.ran(part, (found,)) if origin}
            if here in origins and len(origins) == 2:
                both = (origins.pop(here), *origins.values())
                rest = [axis for axis in AXES if axis in part.dims and axis != found]
                name = f"{words(here)}, {left_after(ds, rounds)} left, rate {rate:g}"
                places[name] = carried.Place(*(sums.ran_with(runs, rest) for runs in both))
    return carried.summarise(ds, places)


def masks(summary: xr.Dataset, pairs: bool) -> Drawn:
    """Accuracy and gains by where the mask is from, of pairs of digits or of data sets."""
    # a pair is called by its two numbers, a data set by its name
    there = [place for place in summary.place.values if place[0].isdigit() == pairs]
    sums.need(bool(there), f"needs masks of two {'pairs of classes' if pairs else 'data sets'}")
    said = "other pair of digits" if pairs else "other data set"
    text = (
        f"{lenet(summary)}, {{steps}} steps of Adam; named are what is learned, the share of the weights "
        "left and the learning rate. Masks are drawn in one step, tickets have the same start. Other data: "
        f"the {said}."
    )
    return carried.figure(summary.sel(place=there), text)


FIGURES: Figures = {"pairs": partial(masks, pairs=True), "data_sets": partial(masks, pairs=False)}
