"""Answers about tickets from saved arrays: early stopping, who wins, smallest sizes, cost of an accuracy.

Everything takes the Dataset of `studies.load`; runs that are not ok are left out and counted.
"""

import numpy as np
import xarray as xr

from studies.analysis.own_rate import tuned
from studies.analysis.replicates import RESAMPLES, last, usable
from studies.store import settings


def single(ds: xr.Dataset, axis: str = "rounds") -> xr.Dataset:
    """The Dataset without `axis`, of which every cell keeps the largest value that was asked for."""
    if axis not in ds.dims:
        return ds.drop_vars(axis, errors="ignore")
    ordered = ds.sortby(axis)
    asked = ordered.status != 3
    order = xr.DataArray(np.arange(ds.sizes[axis]), dims=axis)
    index = order.where(asked, -1).argmax(axis)
    return ordered.isel({axis: index}).drop_vars(axis)


def early_stopping(ds: xr.Dataset) -> xr.Dataset:
    """Where the validation loss is lowest, run by run: the step, and the test accuracy there.

    Returns
    -------
    step, accuracy, final_accuracy (arm, round, replicate, ...)
    """
    given = settings(ds)
    loss, accuracy = usable(ds, "valid_loss"), usable(ds)
    best = loss.fillna(np.inf).argmin("time")
    known = loss.notnull().any("time")
    step = (best * (given["n_steps"] // given["n_records"])).where(known)
    return xr.Dataset(
        {
            "step": step,
            "accuracy": accuracy.isel(time=best).drop_vars("time").where(known),
            "final_accuracy": accuracy.isel(time=-1, drop=True),
        }
    )


def same_winner(first: xr.DataArray, second: xr.DataArray) -> xr.DataArray:
    """Share of clusters won by the same unit in two trainings from one start, (..., replicate).

    Chance is 1 / (number of units): units are exchangeable before training.
    """
    both = first.notnull() & second.notnull()
    return (first == second).where(both).mean("cluster")


def effects(end: xr.DataArray) -> dict[str, xr.DataArray]:
    """What a curriculum and the choice of the mask are worth, paired by replicate.

    Parameters
    ----------
    end : accuracy after training (protocol = who found the mask, trained_with, arm, ...)

    Returns
    -------
    trainer_gain : trained with a curriculum minus without, the same mask
    finder_gain : mask found with a curriculum minus without, trained alike
    chosen_gain : mask chosen by pruning minus a random one
    """

    def difference(axis: str, one: str, other: str) -> xr.DataArray:
        return end.sel({axis: one}, drop=True) - end.sel({axis: other}, drop=True)

    return {
        "trainer_gain": difference("trained_with", "curriculum", "no_curriculum"),
        "finder_gain": difference("protocol", "curriculum", "no_curriculum"),
        "chosen_gain": difference("arm", "ticket", "random_mask"),
    }


def at_own_rate(ds: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Accuracy after training with everything at its own best rate, and these rates.

    The rate is one for finding and training a mask. It is chosen for every finder, trainer, arm and round by
    the replicates of even number; the values are those of the odd ones (`studies.analysis.tuned`).
    """
    best = tuned(ds[["test_accuracy", "status"]])
    return usable(best).isel(time=-1, drop=True), best.best


def smallest(values: xr.DataArray, target: float, sizes: str, confidence: float = 0.95) -> xr.Dataset:
    """Smallest size whose mean over replicates reaches `target`, with a percentile bootstrap interval.

    Parameters
    ----------
    values : (..., sizes, replicate), NaN where a size was not run
    sizes : the axis of sizes; its coordinate is what is returned

    Returns
    -------
    smallest, ci_low, ci_high (...) : infinity where no size reaches the target

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> values = xr.DataArray(
    ...     [[0.5], [0.6], [0.7]] + 0.001 * rng.normal(size=(3, 20)),
    ...     {"width": [2, 4, 8]}, ["width", "replicate"])
    >>> [float(x) for x in smallest(values, 0.65, "width").data_vars.values()]
    [8.0, 8.0, 8.0]
    """
    axis = values[sizes].values.astype(float)

    def found(means):
        return np.where(means >= target, axis, np.inf).min(-1)

    def reduce(rows):  # (sizes, replicate)
        rng = np.random.default_rng(0)
        chosen = rng.integers(0, rows.shape[1], (RESAMPLES, rows.shape[1]))
        again = found(rows[:, chosen].mean(-1).T)
        return found(rows.mean(-1)), *quantiles(again, confidence)

    out = xr.apply_ufunc(
        reduce, values.dropna("replicate", how="all"), input_core_dims=[[sizes, "replicate"]],
        output_core_dims=[[]] * 3, vectorize=True,
    )  # fmt: skip
    return xr.Dataset(dict(zip(("smallest", "ci_low", "ci_high"), out, strict=True)))


def costs(ds: xr.Dataset, target: float, variable: str = "test_accuracy") -> xr.Dataset:
    """Training FLOPs of every run that ends at `target` or above, with axis `n_steps` = the budget of a run.

    A run counts as a whole: its budget was fixed before and the curriculum scaled to it, so what ends early
    has seen the whole order too.

    Returns
    -------
    weights : weights left
    flops : of training that network alone; infinity where the target is not reached, NaN where not run
    flops_with_search : and of the whole trainings of the rounds before, which found it
    """
    end = last(usable(ds, variable))
    whole = ds.flops_per_step.where(ds.status == 0) * ds.n_steps
    flops = whole.where(end >= target, np.inf).where(end.notnull())
    return xr.Dataset(
        {
            "weights": ds.weights.where(ds.status == 0),
            "flops": flops,
            "flops_with_search": flops + (whole.cumsum("round") - whole),
        }
    )


def savings(cost: xr.Dataset, kind: str = "flops", confidence: float = 0.95) -> xr.Dataset:
    """The smallest and the cheapest network that reaches the target in most replicates, by protocol.

    A setting (width, round, rate, ...) counts as reaching it if more than half of its replicates do; its cost
    is their median, those that do not reach it counting as infinite. Every protocol takes its own best
    setting. Intervals: percentile bootstrap over replicates, shared by the protocols, with the best
    setting chosen anew in every resample; ratios are no_curriculum / curriculum, above 1 where the
    curriculum saves.

    Parameters
    ----------
    cost : of `costs`, with axes protocol, replicate and any others
    kind : "flops" or "flops_with_search"

    Returns
    -------
    weights, flops (protocol) and weights_ratio, flops_ratio (), each with ..._low and ..._high
    """
    others = [d for d in cost[kind].dims if d not in ("protocol", "replicate")]
    order = ["curriculum", "no_curriculum"]
    price = (
        cost[kind]
        .sel(protocol=order)
        .stack(setting=others)
        .transpose("protocol", "setting", "replicate")
        .values
    )
    size = (
        cost.weights.sel(protocol=order).stack(setting=others).transpose("protocol", "setting", "replicate")
    )
    size = size.max("replicate").values
    n = price.shape[-1]

    def best(chosen):
        middle = _median(price[:, :, chosen])
        fits = np.isfinite(middle)
        smallest_size = np.where(fits, size, np.inf).min(-1)
        return np.stack([smallest_size, np.where(fits, middle, np.inf).min(-1)])

    rng = np.random.default_rng(0)
    again = np.stack([best(rng.integers(0, n, n)) for _ in range(RESAMPLES // 4)])
    found, out = best(np.arange(n)), {}
    for i, name in enumerate(("weights", "flops")):
        out[name] = ("protocol", found[i])
        low, high = zip(*(quantiles(again[:, i, p], confidence) for p in range(2)), strict=True)
        out[f"{name}_low"], out[f"{name}_high"] = ("protocol", list(low)), ("protocol", list(high))
        with np.errstate(invalid="ignore"):
            out[f"{name}_ratio"] = found[i][1] / found[i][0]
            ratio = again[:, i, 1] / again[:, i, 0]
        out[f"{name}_ratio_low"], out[f"{name}_ratio_high"] = quantiles(ratio, confidence)
    return xr.Dataset(out, {"protocol": order})


def frontier(cost: xr.Dataset, kind: str = "flops") -> xr.Dataset:
    """Every setting's weights, median cost and share of replicates that reach the target, and which are best.

    Returns
    -------
    weights, flops, reached (protocol, ...) : medians; infinite where half of the replicates or more do not
        reach the target
    best (protocol, ...) : True where no other setting of the protocol is both smaller and cheaper
    """
    flops: xr.DataArray = xr.apply_ufunc(_median, cost[kind], input_core_dims=[["replicate"]])
    weights = cost.weights.max("replicate")
    known = cost[kind].notnull()
    reached = (cost[kind] < np.inf).where(known).mean("replicate")
    best = []
    for protocol in flops.protocol.values:
        f, w = (x.sel(protocol=protocol).values for x in (flops, weights.transpose(*flops.dims)))
        beaten = [
            ((w <= a) & (f <= b) & ((w < a) | (f < b))).any()
            for a, b in zip(w.ravel(), f.ravel(), strict=True)
        ]
        best.append(np.isfinite(f) & ~np.reshape(beaten, f.shape))
    found = xr.Dataset({"weights": weights, "flops": flops, "reached": reached})
    return found.assign(best=flops.copy(data=np.stack(best, flops.dims.index("protocol"))))


def _median(values: np.ndarray) -> np.ndarray:
    """Median over the last axis, NaN left out, infinity where half or more are infinite."""
    ordered = np.sort(values, -1)  # NaN last
    n = (~np.isnan(values)).sum(-1)
    middle = np.clip(n // 2, 0, values.shape[-1] - 1)
    found = np.take_along_axis(ordered, middle[..., None], -1)[..., 0]
    return np.where(n > 0, found, np.nan)


def quantiles(values: np.ndarray, confidence: float) -> tuple[float, float]:
    """Percentile interval that may hold infinities; NaN (infinity / infinity) is left out."""
    kept = np.sort(values[~np.isnan(values)])
    if kept.size == 0:
        return np.nan, np.nan
    tail = (1 - confidence) / 2
    last = kept.size - 1
    return float(kept[round(tail * last)]), float(kept[round((1 - tail) * last)])
