"""Answers from saved arrays: paired benefit, critical width, time to threshold, the lottery.

Everything here takes the Dataset of `studies.load` and returns a Dataset. Cells that diverged, are
pending or were not asked for are left out in pairs, and the number of replicates left is returned
as `n`, never hidden in an average.
"""

import json
from collections.abc import Callable, Iterable

import numpy as np
import xarray as xr
from scipy.stats import bootstrap

RESAMPLES = 2000


def usable(ds: xr.Dataset, variable: str = "test_accuracy") -> xr.DataArray:
    """`variable` with the cells whose status is not ok set to NaN."""
    if variable not in ds:
        raise ValueError(f"{variable!r} was not recorded; recorded: {', '.join(map(str, ds.data_vars))}")
    return ds[variable].where(ds.status == 0)


def interval(
    values: np.ndarray, confidence: float = 0.95, statistic: Callable = np.mean
) -> tuple[np.ndarray, ...]:
    """Mean, bootstrap interval (BCa, 2000 resamples) and count over the first axis, NaN rows left out.

    Parameters
    ----------
    values : (R, ...) one row per replicate; a replicate that is NaN in all its entries is left out
    confidence : level of the interval in (0, 1)
    statistic : a NumPy reduction with an `axis` argument

    Returns
    -------
    estimate, low, high : (...), NaN where fewer than two replicates are left
    n : () number of replicates used
    """
    flat = values.reshape(len(values), -1)
    flat = flat[~np.isnan(flat).all(1)]
    n = np.array(len(flat))
    estimate, low, high = np.full((3, flat.shape[1]), np.nan)
    if n >= 2:
        estimate = statistic(flat, axis=0)
        low, high = estimate.copy(), estimate.copy()
        (vary,) = np.nonzero(np.ptp(flat, axis=0) > 0)
        low[np.isnan(estimate)] = high[np.isnan(estimate)] = np.nan
        if len(vary):
            found = bootstrap(
                (flat[:, vary],), statistic, axis=0, vectorized=True, n_resamples=RESAMPLES, batch=200,
                confidence_level=confidence, method="BCa", rng=np.random.default_rng(0),
            ).confidence_interval  # fmt: skip
            low[vary], high[vary] = found.low, found.high
    shape = values.shape[1:]
    return estimate.reshape(shape), low.reshape(shape), high.reshape(shape), n


def last(data: xr.DataArray) -> xr.DataArray:
    """The value at the last time that is not NaN (runs of different budgets end at different times)."""
    index = (data.notnull() * np.arange(data.sizes["time"])).argmax("time")
    return data.isel(time=index).drop_vars("time", errors="ignore")


def over_replicates(data: xr.DataArray, confidence: float = 0.95) -> xr.Dataset:
    """Mean over replicates with its interval: variables mean, ci_low, ci_high and n."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; need a level between 0 and 1, such as 0.95")
    core = [d for d in data.dims if d in ("replicate", "time")]
    rest = core[1:]
    out = xr.apply_ufunc(
        lambda x: interval(np.moveaxis(x, -1, 0) if len(core) == 1 else x, confidence),
        data.transpose(..., *core),
        input_core_dims=[core],
        output_core_dims=[rest, rest, rest, []],
        vectorize=True,
    )
    return xr.Dataset(dict(zip(("mean", "ci_low", "ci_high", "n"), out, strict=True)))


def with_axes(ds: xr.Dataset, axes: Iterable[str]) -> xr.Dataset:
    """The Dataset with all of `axes` as dimensions: one that was not swept has its single value.

    `axes` are fields of the study's cell, "hard.noise" and the like included.
    """
    cell = json.loads(ds.attrs["description"])["cell"]
    for axis in axes:
        if axis not in ds.dims:
            outer, _, inner = axis.partition(".")
            value = ds[axis].item() if axis in ds.coords else cell[outer][inner] if inner else cell.get(outer)
            ds = ds.drop_vars(axis, errors="ignore").expand_dims({axis: [value]})
    return ds
