"""Tickets that are drawn early: from when on a mask is that of the end, and what a ticket costs in all."""

import xarray as xr

from studies.analysis.own_rate import tuned
from studies.analysis.replicates import usable
from studies.analysis.tickets import smallest
from studies.store import settings

#: A mask that lacks no more of the last one is called found, as in You et al., arXiv 1909.11957, sec. 3.
NEAR = 0.1

#: A ticket that lacks no more accuracy of the one that it is compared with is as good.
AS_GOOD = 0.01


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


def at_own_rates(ds: xr.Dataset) -> xr.Dataset:
    """Accuracy at the end with every mask and training at its own best rate, see `studies.analysis.tuned`.

    The rate is one for the dense run, whose mask it is, and for the ticket.

    Returns
    -------
    accuracy, rate (protocol, trained_with, step, ...) of tickets, on the replicates of odd number
    random (protocol, ...) : accuracy of random masks
    """
    best, anywhere = (tuned(ds[[name, "status"]], name) for name in ("test_accuracy", "random_accuracy"))
    return xr.Dataset(
        {
            "accuracy": usable(best).isel(time=-1, drop=True),
            "rate": best.best,
            "random": usable(anywhere, "random_accuracy").isel(time=-1, drop=True),
        }
    )


def reaches(accuracy: xr.DataArray, lacking: float = AS_GOOD) -> xr.Dataset:
    """First step whose mask is as good as the last that is found without a curriculum, paired by replicate.

    Parameters
    ----------
    accuracy : (protocol, ..., step, replicate) of tickets

    Returns
    -------
    reaches, reaches_ci_low, reaches_ci_high (protocol, ...) : steps; infinity where no mask is as good

    Examples
    --------
    >>> values = [[[0.5, 0.6], [0.68, 0.71], [0.8, 0.8]], [[0.5, 0.5], [0.6, 0.6], [0.7, 0.7]]]
    >>> runs = xr.DataArray(values, dims=("protocol", "step", "replicate"),
    ...     coords={"protocol": ["curriculum", "no_curriculum"], "step": [0, 10, 20]})
    >>> reaches(runs).reaches.values.tolist()
    [10.0, 20.0]
    """
    last = accuracy.sel(protocol="no_curriculum", drop=True).isel(step=-1, drop=True)
    names = {"smallest": "reaches", "ci_low": "reaches_ci_low", "ci_high": "reaches_ci_high"}
    return smallest(accuracy - last, -lacking, "step").rename(names)
