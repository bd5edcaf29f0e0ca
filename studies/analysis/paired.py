"""Paired differences between protocols: benefit, and the widths at which it fades."""

import numpy as np
import xarray as xr

from studies.analysis.replicates import over_replicates, usable


def benefit(
    ds: xr.Dataset,
    treatment: str = "curriculum",
    control: str = "no_curriculum",
    variable: str = "test_accuracy",
    confidence: float = 0.95,
) -> xr.Dataset:
    """Paired difference treatment - control, replicate by replicate, with bootstrap intervals (BCa).

    Measured on xor_mixture at K = 2 and 4, the 95 % interval holds the true benefit in 92 to 93 % of cases
    with 8 replicates, 93 to 95 % with 16 and 32, 94 to 95 % with 64. Where nine in ten differences are
    exactly 0 it does in 53, 76, 91 and 95 %, where they are as skewed as an exponential in 85, 90, 92 and
    94 % with 8, 16, 32 and 64 (docs/intervals.md, `python -m benchmarks.coverage`).

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
    out = out.assign(fades(out))
    out.attrs = {"treatment": treatment, "control": control, "variable": variable, "confidence": confidence}
    return out


def fades(found: xr.Dataset) -> dict[str, xr.DataArray]:
    """`critical_width` and `fading_width` (see `benefit`) of a benefit with its interval over width."""
    below = (found.ci_low <= 0).where(found.benefit.notnull())
    return {
        "critical_width": smallest_from(below * (found.ci_high >= 0)),
        "fading_width": smallest_from(below),
    }


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
