"""Answers from saved arrays: paired benefit, critical width, time to threshold, the lottery.

Everything here takes the Dataset of `studies.load` and returns a Dataset. Cells that diverged, are
pending or were not asked for are left out in pairs, and the number of replicates left is returned
as `n`, never hidden in an average.
"""

import warnings
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import xarray as xr
from scipy.special import betaincinv

from studies.store import as_label, settings

RESAMPLES = 2000


def usable(ds: xr.Dataset, variable: str = "test_accuracy") -> xr.DataArray:
    """`variable` with the cells whose status is not ok set to NaN."""
    if variable not in ds:
        raise ValueError(f"{variable!r} was not recorded; recorded: {', '.join(map(str, ds.data_vars))}")
    return ds[variable].where(ds.status == 0)


def interval(
    values: np.ndarray, confidence: float = 0.95, statistic: Callable = np.mean
) -> tuple[np.ndarray, ...]:
    """Mean, bootstrap interval (see `resampled`) and count over the first axis, NaN rows left out.

    For values that are 0 or 1, one per replicate, use `share`: the bootstrap covers far too little there.

    Parameters
    ----------
    values : (R, ...) one row per replicate; a replicate that is NaN in all its entries is left out
    confidence : level of the interval in (0, 1)
    statistic : a NumPy reduction with an `axis` argument

    Returns
    -------
    estimate, low, high : (...), NaN where fewer than two replicates are left; low = high = estimate where
        all replicates are equal or one is infinite
    n : () number of replicates used
    """
    flat = values.reshape(len(values), -1)
    flat = flat[~np.isnan(flat).all(1)]
    n = np.array(len(flat))
    estimate, low, high = np.full((3, flat.shape[1]), np.nan)
    if n >= 2:
        estimate = statistic(flat, axis=0)
        low, high = estimate.copy(), estimate.copy()
        (vary,) = np.nonzero(np.isfinite(flat).all(0) & (flat != flat[0]).any(0))
        if len(vary):
            low[vary], high[vary] = resampled((flat[:, vary],), statistic, confidence, batch=200)
    shape = values.shape[1:]
    return estimate.reshape(shape), low.reshape(shape), high.reshape(shape), n


def resampled(
    samples: Sequence[np.ndarray], statistic: Callable, confidence: float, batch: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Bootstrap interval (BCa, 2000 resamples of the first axis) of a statistic of one or several samples.

    BCa (Efron 1987) corrects the percentile interval for bias and skewness. Its corrections are 0 / 0 where
    leaving out a replicate does not move the statistic by more than rounding, as where replicates differ in
    their last bit only, and infinite where no resample lies below the estimate. The percentile interval of
    the same resamples is taken there, widened to hold the estimate.

    Parameters
    ----------
    samples : arrays (R, ...), resampled independently of each other
    statistic : of as many arrays, with an `axis` argument
    confidence : level of the interval in (0, 1)
    batch : resamples held in memory at once, all by default

    Returns
    -------
    low, high : (...)
    """
    # half a second that drawing a summary need not take
    from scipy.stats import DegenerateDataWarning, bootstrap

    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        warnings.simplefilter("ignore", DegenerateDataWarning)
        found = bootstrap(
            samples, statistic, axis=0, vectorized=True, n_resamples=RESAMPLES, batch=batch,
            confidence_level=confidence, method="BCa", rng=np.random.default_rng(0),
        )  # fmt: skip
    low, high = map(np.array, found.confidence_interval)
    undefined = ~(np.isfinite(low) & np.isfinite(high))
    if undefined.any():
        middle = np.asarray(statistic(*samples, axis=0))[undefined]
        tail = (1 - confidence) / 2
        ends = np.quantile(found.bootstrap_distribution[undefined], [tail, 1 - tail], axis=-1)
        low[undefined], high[undefined] = np.minimum(ends[0], middle), np.maximum(ends[1], middle)
    return low, high


def share(hits: xr.DataArray, confidence: float = 0.95) -> xr.Dataset:
    """Share of replicates in which something holds, with the exact binomial interval (Clopper, Pearson 1934).

    Given k of n, the bounds are the shares at which so many or more, so few or fewer, have probability
    (1 - confidence) / 2,

        low = B^-1((1 - confidence) / 2; k, n - k + 1),    high = B^-1((1 + confidence) / 2; k + 1, n - k)

    with the quantile function B^-1 of the beta distribution; low = 0 at k = 0, high = 1 at k = n. It holds
    the true share at least as often as it says, whatever share and n (docs/intervals.md).

    Parameters
    ----------
    hits : (..., replicate) 1 or True where it holds, 0 or False where not, NaN where unknown (left out)
    confidence : level of the interval in (0, 1)

    Returns
    -------
    Dataset with mean, ci_low, ci_high, n (...); NaN where n = 0

    Raises
    ------
    ValueError
        if a value is neither 0, 1 nor NaN: a mean of anything else takes `over_replicates`

    Examples
    --------
    >>> solved = xr.DataArray([8 * [0], [0, 1, 1, 1, 1, 1, 1, 1]], dims=("width", "replicate"))
    >>> found = share(solved)
    >>> found.ci_low.values.round(3).tolist(), found.ci_high.values.round(3).tolist()
    ([0.0, 0.473], [0.369, 0.997])
    """
    _check_level(confidence)
    hits = hits.astype(float)
    odd = hits.values[~(np.isnan(hits.values) | (hits.values == 0) | (hits.values == 1))]
    if odd.size:
        raise ValueError(f"a share needs 0 or 1 per replicate, got {odd[0]:g}; use over_replicates for means")
    n = hits.notnull().sum("replicate").astype(float)
    k = hits.sum("replicate")
    tail = (1 - confidence) / 2
    low = xr.apply_ufunc(betaincinv, k.clip(min=1), n - k + 1, tail).where(k > 0, 0.0)
    high = xr.apply_ufunc(betaincinv, k + 1, (n - k).clip(min=1), 1 - tail).where(k < n, 1.0)
    found = xr.Dataset({"mean": k / n.where(n > 0), "ci_low": low, "ci_high": high}).where(n > 0)
    return found.assign(n=n.astype(int))


def _check_level(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; need a level between 0 and 1, such as 0.95")


def last(data: xr.DataArray) -> xr.DataArray:
    """The value at the last time that is not NaN (runs of different budgets end at different times)."""
    index = (data.notnull() * np.arange(data.sizes["time"])).argmax("time")
    return data.isel(time=index).drop_vars("time", errors="ignore")


def over_replicates(data: xr.DataArray, confidence: float = 0.95) -> xr.Dataset:
    """Mean over replicates with its interval: variables mean, ci_low, ci_high and n."""
    _check_level(confidence)
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
    given = settings(ds)
    for axis in axes:
        if axis not in ds.dims:
            outer, _, inner = axis.partition(".")
            value = given.get(outer)
            if axis in ds.coords:
                value = ds[axis].item()
            elif inner and value is not None:
                value = value[inner]
            ds = ds.drop_vars(axis, errors="ignore").expand_dims({axis: [as_label(value)]})
    return ds
