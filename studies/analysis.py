"""Answers from saved arrays: paired benefit, critical width, time to threshold, the lottery.

Everything here takes the Dataset of `studies.load` and returns a Dataset. Cells that diverged, are
pending or were not asked for are left out in pairs, and the number of replicates left is returned
as `n`, never hidden in an average.
"""

import json
from collections.abc import Callable, Iterable
from math import comb

import numpy as np
import xarray as xr
from scipy.stats import bootstrap

from studies.store import STATUS

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


def benefit(
    ds: xr.Dataset,
    treatment: str = "curriculum",
    control: str = "no_curriculum",
    variable: str = "test_accuracy",
    confidence: float = 0.95,
) -> xr.Dataset:
    """Paired difference treatment - control, replicate by replicate, with bootstrap intervals.

    Returns
    -------
    benefit, ci_low, ci_high (..., width, time), n (..., width), and (..., time)
    critical_width : smallest width from which the interval covers 0 at every larger width swept
    fading_width : smallest width from which no interval lies above 0; smaller than the critical width
        where the treatment ends up behind

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> rng = np.random.default_rng(0)
    >>> accuracy = 0.6 + 0.01 * rng.normal(size=(2, 2, 20, 1))
    >>> accuracy[0, 0] += 0.1                     # the first arm is better at the first width
    >>> ds = xr.Dataset(
    ...     {"test_accuracy": (("protocol", "width", "replicate", "time"), accuracy),
    ...      "status": (("protocol", "width", "replicate"), np.zeros((2, 2, 20), int))},
    ...     coords={"protocol": ["curriculum", "no_curriculum"], "width": [4, 64], "time": [500.0]})
    >>> found = benefit(ds)
    >>> bool(found.ci_low.sel(width=4, time=500) > 0.08), float(found.critical_width.sel(time=500))
    (True, 64.0)
    """
    for protocol in (treatment, control):
        if protocol not in ds.protocol:
            raise ValueError(
                f"unknown protocol {protocol!r}; this study has: {', '.join(ds.protocol.values)}"
            )
    data = usable(ds, variable)
    difference = data.sel(protocol=treatment, drop=True) - data.sel(protocol=control, drop=True)
    out = over_replicates(difference, confidence).rename(mean="benefit")
    asked = out.benefit.notnull()
    out["critical_width"] = smallest_from((out.ci_low <= 0).where(asked) * (out.ci_high >= 0))
    out["fading_width"] = smallest_from((out.ci_low <= 0).where(asked))
    out.attrs = {"treatment": treatment, "control": control, "variable": variable, "confidence": confidence}
    return out


def smallest_from(holds: xr.DataArray) -> xr.DataArray:
    """Smallest width from which something holds at every larger width swept.

    Parameters
    ----------
    holds : (..., width) 1 where it holds, 0 where not, NaN where unknown (ignored)

    Returns
    -------
    (...) width; infinity where it does not hold at the largest width, NaN where nothing is known
    """
    ordered = holds.sortby("width", ascending=False)
    still = ordered.fillna(1).cumprod("width").astype(bool) & ordered.notnull()
    smallest = ordered.width.where(still).min("width")
    return smallest.fillna(np.inf).where(holds.notnull().any("width"))


def half_width(curve: xr.DataArray) -> xr.DataArray:
    """Width at which a benefit that shrinks has fallen to half of its largest value.

    Between two widths swept the benefit is taken to be linear in log K; widths below that of the largest
    value play no part.

    Parameters
    ----------
    curve : (..., width) benefit, NaN where unknown

    Returns
    -------
    (...) width; infinity where it never falls to half, NaN where no benefit is above 0

    Examples
    --------
    >>> curve = xr.DataArray([0.04, 0.1, 0.06, 0.02], {"width": [2, 4, 8, 16]})
    >>> round(float(half_width(curve)), 3)            # 0.05 lies a quarter of the way from 8 to 16
    9.514
    """

    def one(values: np.ndarray, widths: np.ndarray) -> float:
        known = np.flatnonzero(~np.isnan(values))
        if known.size == 0 or not values[known].max() > 0:
            return np.nan
        top = known[values[known].argmax()]
        after = known[known >= top]
        half = values[top] / 2
        below = after[values[after] <= half]
        if below.size == 0:
            return np.inf
        end = below[0]
        start = after[np.searchsorted(after, end) - 1]
        share = (values[start] - half) / (values[start] - values[end])
        return float(widths[start] * (widths[end] / widths[start]) ** share)

    ordered = curve.sortby("width")
    core = [["width"], ["width"]]
    return xr.apply_ufunc(
        one, ordered, ordered.width.astype(float), input_core_dims=core, vectorize=True, output_dtypes=[float]
    )


def tuned(ds: xr.Dataset, variable: str = "test_accuracy", axis: str = "learning_rate") -> xr.Dataset:
    """Every protocol at its own best learning rate, chosen on half of the replicates, kept for the other.

    A curriculum can win merely because its arm has the better rate. For each protocol (and width, ...)
    the rate with the highest mean of `variable` at the end is chosen on the replicates of even number;
    the values returned are those of the odd ones, so the choice cannot flatter them. A rate at which any
    run failed is not eligible.

    Returns
    -------
    Dataset without `axis`, with `variable`, `status` and the chosen rate `best` (protocol, width, ...)
    """
    data = usable(ds, variable)
    trial = last(data.isel(replicate=slice(0, None, 2))).mean("replicate", skipna=False)
    eligible = trial.notnull().any(axis)
    index = trial.fillna(-np.inf).argmax(axis)
    kept = ds[[variable, "status"]].isel(replicate=slice(1, None, 2))
    return (
        kept.isel({axis: index}).drop_vars(axis).assign(best=ds[axis][index].drop_vars(axis).where(eligible))
    )


def benefit_at_own_rate(
    ds: xr.Dataset,
    treatment: str = "curriculum",
    control: str = "no_curriculum",
    variable: str = "test_accuracy",
) -> xr.Dataset:
    """The benefit at the end of the run with every arm at its own best learning rate (see `tuned`).

    Widths at which fewer than two rates were run are left out.

    Returns
    -------
    tuned_benefit, tuned_ci_low, tuned_ci_high, tuned_n, tuned_critical_width, tuned_fading_width
    tuned_rate (protocol, width) : the rates chosen
    """
    rates = ds.sel(protocol=[treatment, control])
    swept = (rates.status != STATUS["pending"]) & (rates.status != STATUS["not_asked"])
    swept = swept.all([d for d in rates.status.dims if d not in ("learning_rate", "width")])
    rates = rates.sel(width=swept.sum("learning_rate") > 1)
    best = tuned(rates.sel(learning_rate=swept.any("width")), variable)
    ends = best[["status"]].assign({variable: last(best[variable]).expand_dims(time=[1.0], axis=-1)})
    found = benefit(ends, treatment, control, variable).isel(time=0, drop=True).drop_attrs()
    return found.rename({name: f"tuned_{name}" for name in found.data_vars}).assign(tuned_rate=best.best)


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


def time_to_threshold(ds: xr.Dataset, threshold: float, variable: str = "test_accuracy") -> xr.Dataset:
    """First recorded time at which `variable` reaches `threshold` and stays there, per run.

    Returns
    -------
    reached (...) : time, NaN where the run is censored (never reached, or left it again by the end)
    censored (...) : True there; runs that are not ok are neither reached nor censored
    """
    data = usable(ds, variable)
    holds = (data >= threshold).where(data.notnull(), True)
    stays = holds.isel(time=slice(None, None, -1)).cumprod("time").astype(bool)
    valid = data.notnull().any("time")
    last = stays.isel(time=slice(None, None, -1)) & data.notnull()
    reached = ds.time.where(last).min("time")
    return xr.Dataset({"reached": reached, "censored": reached.isnull() & valid})


def speed_up(
    ds: xr.Dataset, threshold: float, treatment: str = "curriculum", control: str = "no_curriculum"
) -> xr.Dataset:
    """Ratio of times to threshold control / treatment in the pairs where both arrive (> 1: treatment faster).

    Returns
    -------
    ratio (..., width) : median over the pairs, NaN without any
    n_pairs, n_treatment_only, n_control_only, n_neither (..., width) : how the pairs fall out
    """
    found = time_to_threshold(ds, threshold)
    t, c = (found.sel(protocol=p, drop=True) for p in (treatment, control))
    both = t.reached.notnull() & c.reached.notnull()
    known = (t.reached.notnull() | t.censored) & (c.reached.notnull() | c.censored)
    return xr.Dataset(
        {
            "ratio": (c.reached / t.reached).where(both).median("replicate"),
            "n_pairs": both.sum("replicate"),
            "n_treatment_only": (known & t.reached.notnull() & c.censored).sum("replicate"),
            "n_control_only": (known & c.reached.notnull() & t.censored).sum("replicate"),
            "n_neither": (known & t.censored & c.censored).sum("replicate"),
        }
    )


def coverage_probability(width: np.ndarray, targets: int = 4, share: float = 0.25) -> np.ndarray:
    """Probability that K random units cover all targets, each unit hitting a given one with `share`.

    The coupon collector, sum_j (-1)^j C(targets, j) (1 - j share)^K. share = 1/4: a unit points at one
    of four clusters; share = 1/8: and its readout has the right sign too.

    Examples
    --------
    >>> coverage_probability(np.array([3, 4, 64])).round(4).tolist()
    [0.0, 0.0938, 1.0]
    """
    width = np.asarray(width, float)
    terms = [(-1) ** j * comb(targets, j) * (1 - j * share) ** width for j in range(targets + 1)]
    return np.clip(np.sum(terms, 0), 0, 1)


def lottery(ds: xr.Dataset, confidence: float = 0.95, clusters: int = 4) -> xr.Dataset:
    """Share of replicates in which every cluster has a unit, at the start and at the end.

    Returns
    -------
    all_covered, all_aligned : mean, with ci_low_..., ci_high_... (moment, protocol, width, ...)
    expected_covered, expected_aligned (width,) : coverage probability of K random units
    """
    out = xr.Dataset(coords={"moment": ["start", "end"]})
    for name, short, share in (("covered", "covered", 0.25), ("covered_aligned", "aligned", 0.125)):
        data = usable(ds, name)
        data = (data == clusters).astype(float).where(data.notnull())
        ends = [data.isel(time=0, drop=True), last(data)]
        found = over_replicates(xr.concat(ends, out.moment), confidence)
        out[f"all_{short}"] = found["mean"]
        out[f"ci_low_{short}"], out[f"ci_high_{short}"] = found.ci_low, found.ci_high
        out[f"expected_{short}"] = ("width", coverage_probability(ds.width.values, clusters, share))
    return out
