"""Tickets that are drawn early: from when on a mask is that of the end, and what a ticket costs in all."""

import xarray as xr

from studies.analysis.replicates import usable
from studies.store import settings

#: A mask that lacks no more of the last one is called found, as in You et al., arXiv 1909.11957, sec. 3.
NEAR = 0.1


def found_from(ds: xr.Dataset, near: float = NEAR) -> xr.DataArray:
    """Share of the run after which the mask stays `near` the last one, (protocol, ..., replicate).

    Parameters
    ----------
    ds : with `distance` (..., time), see `studies.cells.tickets.drawn`

    Examples
    --------
    >>> runs = {"distance": ("time", [0.8, 0.05, 0.3, 0.1, 0.0]), "status": 0}
    >>> float(found_from(xr.Dataset(runs, {"time": [0.0, 10, 20, 30, 40]})))
    0.75
    """
    distance = usable(ds, "distance")
    still = (distance <= near).sortby("time", ascending=False).astype(int).cumprod("time")
    return (still.time.where(still == 1).min("time") / float(ds.time.max())).where(
        distance.notnull().all("time")
    )


def total_flops(ds: xr.Dataset) -> xr.Dataset:
    """Training operations of a ticket, of the dense run up to the step that its mask is of, and of both.

    Returns
    -------
    ticket (...), search (..., step), total (..., step)
    """
    steps = ds.coords.get("n_steps", settings(ds)["n_steps"])
    ticket = ds.flops_per_step * steps
    search = ds.dense_flops_per_step * ds.step
    return xr.Dataset({"ticket": ticket, "search": search, "total": ticket + search})


def accuracy_lacking(ds: xr.Dataset) -> xr.DataArray:
    """Accuracy that a ticket drawn at a step lacks of that drawn at the end (..., step, replicate)."""
    end = usable(ds).isel(time=-1, drop=True)
    return end.isel(step=-1, drop=True) - end
