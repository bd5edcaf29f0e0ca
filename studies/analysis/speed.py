"""Time to a threshold, and how much sooner one protocol reaches it than another."""

import xarray as xr

from studies.analysis.replicates import usable


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
