"""Figure of the study parities.

growing  share of runs that learn the parity, and in how many epochs, against width
"""

import numpy as np
import xarray as xr

from figures.parts import finite, summary as sums
from figures.parts.write import Drawn, Figures, named
from studies.analysis import last, share, with_axes

#: The protocols that are compared.
PAIR = ("growing_inputs", "standard")
RECORDED = ("solved",)
AXES = ("protocol", "width")


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Share of runs that learnt it, with its exact interval, and the epochs of those that did."""
    ds = with_axes(ds, ())
    solved = last(ds.solved.where(ds.status == 0))
    known = xr.where(solved.notnull(), np.isfinite(solved).astype(float), np.nan)
    epochs = sums.means({"epochs": solved.where(np.isfinite(solved))})
    return sums.summary_of(ds, sums.prefixed("share", share(known)), epochs)


def growing(summary: xr.Dataset) -> Drawn:
    """Two panels."""
    names = {"share of runs that learn it": "share_mean", "epochs, of those that do": "epochs_mean"}
    text = (
        "Parity of the bits {bits:list} of {n_inputs}, {n_examples} examples, {student:words} of K relu "
        "units, {loss} loss, at most {epochs} epochs of batches of {batch_size}; inputs of {stages:list} "
        "bits in turn, or all from the start, until {stop:percent} % of the test set are right."
    )
    return finite.against_width(summary, names, "", text)


FIGURES: Figures = named(growing)
