"""How far simulated runs are from the equations, from saved arrays with both."""

import numpy as np
import xarray as xr

from studies.analysis.replicates import interval, resampled, usable


def theory_and_runs(ds: xr.Dataset) -> tuple[xr.Dataset, xr.Dataset]:
    """The equations' solution, without replicate, and the simulated runs of a study with an axis `method`.

    Parameters
    ----------
    ds : with axes `method`, one of whose values is "theory", and `n_inputs`

    Returns
    -------
    theory (width, time, ...), runs (n_inputs, width, replicate, time, ...)
    """
    if "theory" not in ds.method or ds.sizes["method"] != 2:
        raise ValueError(
            f"need the method 'theory' and one other; this study has {ds.method.values.tolist()}"
        )
    theory = ds.sel({"method": "theory"}, drop=True).isel(replicate=0, drop=True)
    solved = (theory.status == 0).any([d for d in theory.status.dims if d != "n_inputs"])
    runs = ds.sel({"method": next(m for m in ds.method.values if m != "theory")}, drop=True)
    return theory.isel(n_inputs=int(solved.argmax("n_inputs")), drop=True), runs


def distance_to_theory(ds: xr.Dataset, variable: str = "M", confidence: float = 0.95) -> xr.Dataset:
    """Root-mean-square distance of simulated runs from the equations, and its slope against N.

    Runs and equations start alike (`OnlineCell.start_inputs`), so time 0 is left out. With runs x_r(t) and
    the solution x(t), averages over entries and times,

        gap = sqrt(mean_r |x_r - x|^2),    mean_gap = sqrt(|mean_r x_r - x|^2),
        slope = d log gap / d log N by least squares.

    Expected: gap ~ N^-1/2 (fluctuations), so slope -1/2; mean_gap falls as 1/N until the standard error of
    the mean, gap / sqrt(R), hides it.

    Returns
    -------
    gap, gap_ci_low, gap_ci_high, mean_gap, gap_n (n_inputs, width)
    slope, slope_ci_low, slope_ci_high (width) : bootstrap over replicates, at each N on its own
    """
    theory, runs = theory_and_runs(ds)
    late = {"time": slice(1, None)}
    difference = (usable(runs, variable) - theory[variable]).isel(late)
    entries = [d for d in difference.dims if d not in ("n_inputs", "width", "replicate")]
    squares = (difference**2).mean(entries)
    log_n = np.log(ds.n_inputs.values.astype(float))
    weights = (log_n - log_n.mean()) / ((log_n - log_n.mean()) ** 2).sum()

    def root(rows, axis):
        return np.sqrt(np.mean(rows, axis=axis))

    def slope(*columns, axis=-1):
        return sum(w * np.log(root(x, axis)) for w, x in zip(weights, columns, strict=True))

    def reduce(rows):  # (replicate, n_inputs)
        columns = [column[~np.isnan(column)] for column in rows.T]
        each = np.array([np.stack(interval(column, confidence, root)) for column in columns])
        return *each.T, slope(*columns), *resampled(columns, slope, confidence)

    names = ("gap", "gap_ci_low", "gap_ci_high", "gap_n", "slope", "slope_ci_low", "slope_ci_high")
    found = xr.apply_ufunc(
        reduce,
        squares,
        input_core_dims=[["replicate", "n_inputs"]],
        output_core_dims=[["n_inputs"]] * 4 + [[]] * 3,
        vectorize=True,
    )
    out = xr.Dataset(dict(zip(names, found, strict=True)))
    out["mean_gap"] = np.sqrt((difference.mean("replicate") ** 2).mean(entries))
    return out
