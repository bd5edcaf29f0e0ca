"""Whether a benefit is largest at a width in between, and how far it falls from there to the widest."""

import numpy as np
import xarray as xr

from studies.analysis.own_rate import both_halves
from studies.analysis.replicates import last, usable

#: What `peak` gives for every curve.
DIFFERENCES = ("rise", "fall", "steeper")


def peak(
    ds: xr.Dataset,
    treatment: str = "curriculum",
    control: str = "no_curriculum",
    variable: str = "test_accuracy",
    along: str = "depth",
    confidence: float = 0.95,
) -> xr.Dataset:
    """Rise and fall of the benefit treatment - control over width, each as a difference with its interval.

    With b(K) the benefit at the end of the run, K* the width at which it is largest, K_1 the narrowest and
    K_n the widest,

        rise = b(K*) - b(K_1),    fall = b(K*) - b(K_n),    steeper = fall - fall of the first of `along`

    and with several learning rates each arm has its own best one at each width. The largest of several means
    is above its own truth, so a fall read off a curve is never below 0, flat as the truth may be. Hence K*
    and the rates are chosen on the replicates of even number and all three judged on those of odd number,
    then the other way round, and the two are averaged: where b is flat, rise and fall are 0 in the mean.

    The intervals include the choices. The whole procedure is repeated on 2000 resamples of the replicates, of
    each half on its own and the same for all curves and widths, since a replicate has the same examples at
    all of them; the quantiles are moved by the mean distance of what it gives from the estimate. With 20
    replicates and six widths they held the truth in 93 to 97 % of 300 studies of each of four curves, and lay
    above it in at most 1.3 %: where several widths are nearly as good, rise and fall come out too small.

    A rate at which any run of an arm failed is not eligible for it. Only widths are looked at at which both
    arms of every curve have a rate.

    Parameters
    ----------
    ds : runs with the axes (along, learning_rate, protocol, width, replicate, time), in any order
    along : axis with a curve for each of its values

    Returns
    -------
    rise, fall, steeper, each with _ci_low and _ci_high : (along)
    peak_width : (along), the width with the largest mean over all replicates
    narrowest, widest : those two widths

    All are NaN where there are fewer than two such widths, or fewer than four replicates.

    Examples
    --------
    >>> gain = np.array([[0.1, 0.3, 0.25], [0.2, 0.3, 0.05]])                             # depth, width
    >>> accuracy = np.zeros((2, 1, 2, 3, 8, 1))  # depth, rate, protocol, width, replicate, time
    >>> accuracy[:, 0, 0, :, :, 0] = gain[..., None]
    >>> dims = ("depth", "learning_rate", "protocol", "width", "replicate", "time")
    >>> ds = xr.Dataset(
    ...     {"test_accuracy": (dims, accuracy), "status": (dims[:-1], np.zeros(accuracy.shape[:-1], int))},
    ...     {"protocol": ["curriculum", "no_curriculum"], "width": [8, 32, 128], "depth": [1, 3]})
    >>> found = peak(ds)
    >>> found.rise.values.round(2).tolist(), found.fall.values.round(2).tolist()
    ([0.2, 0.1], [0.05, 0.25])
    >>> found.steeper.values.round(2).tolist(), found.peak_width.values.tolist()
    ([0.0, 0.2], [32, 32])
    """
    end = last(usable(ds, variable)).sortby("width")
    end = end.sel(protocol=[treatment, control]).transpose(
        "protocol", along, "learning_rate", "width", "replicate"
    )
    known = end.notnull().all("replicate").any("learning_rate").all(["protocol", along])
    end = end.sel(width=known)
    curves, widths, count = (end.sizes[axis] for axis in (along, "width", "replicate"))
    enough = widths >= 2 and count >= 4
    estimate, low, high = _intervals(end.values, confidence) if enough else np.full((3, 3, curves), np.nan)
    out = {
        f"{name}{ending}": (along, values[i])
        for i, name in enumerate(DIFFERENCES)
        for ending, values in (("", estimate), ("_ci_low", low), ("_ci_high", high))
    }
    best = end.mean("replicate", skipna=False).max("learning_rate").values
    top = end.width.values[(best[0] - best[1]).argmax(-1)] if enough else np.full(curves, np.nan)
    ends = end.width.values[[0, -1]] if enough else np.full(2, np.nan)
    out |= {"peak_width": (along, top), "narrowest": ((), ends[0]), "widest": ((), ends[1])}
    return xr.Dataset(out, {along: end[along]})


def _intervals(values: np.ndarray, confidence: float) -> tuple[np.ndarray, ...]:
    """The differences of all replicates, and both ends of their intervals, (3, curve) each."""
    halves, again = both_halves(values.shape[-1])
    estimate = _differences(values, [half[None] for half in halves])[..., 0]
    found = _differences(values, again)
    tail = (1 - confidence) / 2
    low, high = np.quantile(found, [tail, 1 - tail], axis=-1) + (estimate - found.mean(-1))
    return estimate, low, high


def _differences(values: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Rise, fall and steeper (3, curve, resample) of values (arm, curve, rate, width, replicate), NaN failed.

    weights : those of the replicates in the two halves, each (resample, replicate)
    """
    failed = np.isnan(values).any(-1, keepdims=True)
    means = [np.where(failed, -np.inf, np.nan_to_num(values) @ half.T) for half in weights]
    ways = []
    for chosen_on, judged_on in (means, means[::-1]):
        rates = chosen_on.argmax(2)[:, :, None]
        seen, judged = (
            ours - theirs
            for ours, theirs in (np.take_along_axis(m, rates, 2).squeeze(2) for m in (chosen_on, judged_on))
        )
        best = np.take_along_axis(judged, seen.argmax(1)[:, None], 1)[:, 0]
        fall = best - judged[:, -1]
        ways.append([best - judged[:, 0], fall, fall - fall[:1]])
    return np.mean(ways, 0)
