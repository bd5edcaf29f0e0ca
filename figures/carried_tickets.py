"""Figures of the study carried_tickets.

pairs      accuracy of tickets whose mask is of the same pair of digits, of another, of the start, or random
data_sets  the same of MNIST and Fashion-MNIST
in_noise   the same of both in noise
"""

from functools import partial

import xarray as xr

from figures.parts import carried, summary as sums
from figures.parts.style import words
from figures.parts.tickets import left_after, lenet
from figures.parts.write import Drawn, Figures
from studies.analysis import with_axes

RECORDED = carried.RECORDED
#: Kinds of data, as they are called.
PAIRS, SETS, SETS_IN_NOISE = "pairs of classes", "data sets", "data sets in noise"
NOISY = "in noise"
#: What is learned -> where masks are from.
KINDS = {"pair": "found_pair", "data_set": "found_on"}
#: What differs between the two kinds of data, and has one value for each.
ALONG = (
    "relabelling", "corruption", "copies", "easy.noise", "hard.noise", "n_examples", "n_test", "n_validation",
)  # fmt: skip
AXES = ("protocol", "width", "learning_rate", "rounds", *KINDS, *KINDS.values(), *ALONG)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracies and gains, a place for each pair or data set, share of the weights left, and rate."""
    ds = with_axes(ds, (*AXES[2:8], "hard.noise"))
    places: dict[str, carried.Place] = {}
    for axis, found in KINDS.items():
        for (here, noise, rounds, rate), part in sums.ran(
            ds, (axis, "hard.noise", "rounds", "learning_rate")
        ):
            origins = {origin: runs for (origin,), runs in sums.ran(part, (found,)) if origin}
            if here in origins and len(origins) == 2:
                both = (origins.pop(here), *origins.values())
                rest = [axis for axis in AXES if axis in part.dims and axis != found]
                said = f" {NOISY}" if noise and axis == "data_set" else ""
                name = f"{words(here)}{said}, {left_after(ds, rounds)} left, rate {rate:g}"
                places[name] = carried.Place(*(sums.ran_with(runs, rest) for runs in both))
    return carried.summarise(ds, places)


def masks(summary: xr.Dataset, kind: str) -> Drawn:
    """Accuracy and gains by where the mask is from, of data of one kind."""
    there = [place for place in summary.place.values if kind_of(place) == kind]
    sums.need(bool(there), f"needs masks of two {kind}")
    text = (
        f"{lenet(summary)}, {{steps}} steps of Adam; named are what is learned, the share of the weights "
        "left and the learning rate. Masks are drawn in one step, tickets have the same start. Other data: "
        f"the other {'pair of digits' if kind == PAIRS else 'data set'}."
    )
    return carried.figure(summary.sel(place=there), text)


def kind_of(place: str) -> str:
    """A pair of classes is called by its two numbers, a data set by its name."""
    return PAIRS if place[0].isdigit() else SETS_IN_NOISE if NOISY in place else SETS


FIGURES: Figures = {
    "pairs": partial(masks, kind=PAIRS),
    "data_sets": partial(masks, kind=SETS),
    "in_noise": partial(masks, kind=SETS_IN_NOISE),
}
