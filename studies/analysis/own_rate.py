"""Every arm at its own best learning rate: chosen on one half of the replicates, judged on the other."""

import numpy as np
import xarray as xr

from studies.analysis.paired import fades
from studies.analysis.replicates import RESAMPLES, last, usable
from studies.store import STATUS


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
    confidence: float = 0.95,
) -> xr.Dataset:
    """The benefit at the end of the run with every arm at its own best learning rate, both halves in turn.

    A curriculum can win merely because its arm has the better rate. The replicates are of even or of odd
    number. For each arm the rate with the highest mean at the end is chosen on one half, and the difference
    treatment - control at the rates chosen is taken on the other; then the other way round, and the two are
    averaged. So no choice flatters the values it is judged by: choosing and judging on the same replicates
    overstates an arm by the expected maximum of the errors of its rates.

    The interval includes the choice. The whole procedure is repeated on 2000 resamples of the replicates,
    drawn within each half so that no replicate chooses and judges, and the quantiles of what it gives are
    moved by its mean distance from the estimate: resamples choose worse than the replicates did.

    Rates at which any run of an arm failed are not eligible for it. Widths at which fewer than two rates were
    run are left out.

    Returns
    -------
    tuned_benefit, tuned_ci_low, tuned_ci_high, tuned_n (replicates, of both halves) : (width)
    tuned_critical_width, tuned_fading_width : as of `benefit`
    tuned_rate (protocol, width) : the best rates over all replicates
    tuned_halves : 2, how many halves the benefit is judged on

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> accuracy = rng.normal(0, 0.01, (2, 3, 1, 40, 1))      # protocol, rate, width, replicate, time
    >>> accuracy[0] += np.reshape([0.5, 0.7, 0.6], (3, 1, 1, 1))          # best at the second rate
    >>> accuracy[1] += np.reshape([0.5, 0.6, 0.65], (3, 1, 1, 1))         # best at the third
    >>> dims = ("protocol", "learning_rate", "width", "replicate", "time")
    >>> ds = xr.Dataset(
    ...     {"test_accuracy": (dims, accuracy), "status": (dims[:-1], np.zeros((2, 3, 1, 40), int))},
    ...     {"protocol": ["curriculum", "no_curriculum"], "learning_rate": [0.1, 0.3, 1.0], "width": [4],
    ...      "time": [600.0]})
    >>> found = benefit_at_own_rate(ds)
    >>> round(float(found.tuned_benefit[0]), 2), found.tuned_rate[:, 0].values.tolist()
    (0.05, [0.3, 1.0])
    """
    rates = ds.sel(protocol=[treatment, control])
    swept = (rates.status != STATUS["pending"]) & (rates.status != STATUS["not_asked"])
    swept = swept.all([d for d in rates.status.dims if d not in ("learning_rate", "width")])
    rates = rates.sel(width=swept.sum("learning_rate") > 1)
    rates = rates.sel(learning_rate=swept.any("width"))
    end = last(usable(rates, variable))
    names = ("benefit", "ci_low", "ci_high", "n", "treated_at", "control_at")
    found = xr.apply_ufunc(
        lambda treated, other: _both_ways(treated, other, confidence),
        end.sel(protocol=treatment, drop=True),
        end.sel(protocol=control, drop=True),
        input_core_dims=[["learning_rate", "replicate"]] * 2,
        output_core_dims=[[]] * len(names),
        vectorize=True,
        output_dtypes=[float] * len(names),
    )
    out = xr.Dataset(dict(zip(names, found, strict=True)))
    out["n"] = out.n.astype(int)
    chosen = xr.concat([out.treated_at, out.control_at], rates.protocol)
    known = rates.learning_rate[chosen.fillna(0).astype(int)].drop_vars("learning_rate")
    out = out.drop_vars(names[-2:]).assign(fades(out)).assign(rate=known.where(chosen.notnull()), halves=2)
    return out.rename({name: f"tuned_{name}" for name in out.data_vars})


def _both_ways(treated: np.ndarray, control: np.ndarray, confidence: float) -> tuple[float, ...]:
    """Benefit, interval, replicates and the rows of the best rates; values (rate, replicate), NaN failed."""
    arms = [np.flatnonzero(~np.isnan(values).any(1)) for values in (treated, control)]
    if min(map(len, arms)) == 0:
        return np.nan, np.nan, np.nan, 0, np.nan, np.nan
    kept = [values[rows] for values, rows in zip((treated, control), arms, strict=True)]
    count = treated.shape[1]
    halves, again = both_halves(count)

    def procedure(weights: list[np.ndarray]) -> np.ndarray:
        """The benefit for each row of weights of the replicates."""
        ours, theirs = (_judged([values @ half.T for half in weights]) for values in kept)
        return ours - theirs

    (estimate,) = procedure([half[None] for half in halves])
    found = procedure(again)
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail]) + (estimate - found.mean())
    best = [float(rows[values.mean(1).argmax()]) for rows, values in zip(arms, kept, strict=True)]
    return estimate, low, high, count, *best


def both_halves(count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Weights of the replicates of even and of odd number, and of 2000 resamples of each half.

    Returns
    -------
    halves : two of (count,), each with the sum 1
    again : two of (2000, count), each row with the sum 1
    """
    even = np.arange(count) % 2 == 0
    halves = [half / half.sum() for half in (even, ~even)]
    rng = np.random.default_rng(0)
    return halves, [rng.multinomial((half > 0).sum(), half, RESAMPLES) / (half > 0).sum() for half in halves]


def _judged(means: list[np.ndarray]) -> np.ndarray:
    """Of the means (rate, resample) of each half: that at the rate best on the other, averaged over both."""
    ways = (np.take_along_axis(means[1 - half], means[half].argmax(0)[None], 0)[0] for half in (0, 1))
    return np.mean([*ways], 0)
