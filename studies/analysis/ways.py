"""Which of several ways to an accuracy is the cheapest, and which needs the fewest weights.

A way (a small network, a ticket with its search, ...) is tried at settings: size, learning rate, budget and
whatever else it has. A setting has one cost; it reaches the target if more than half of its replicates do at
the end of their budget. A way takes its best setting, which is chosen anew in every resample.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any

import numpy as np
import xarray as xr

from studies.analysis.replicates import RESAMPLES, last
from studies.analysis.tickets import quantiles
from studies.store import STATUS

PAIR = ["curriculum", "no_curriculum"]
#: Accuracy of a run that diverged: it reaches no target, and counts.
LOST = -np.inf
#: What is said of the setting of a way that is the cheapest.
CHOSEN = ("samples", "rate", "size", "taken", "teacher")


def way(ds: xr.Dataset, **of: Any) -> xr.Dataset:
    """The settings of a way along one axis.

    Parameters
    ----------
    ds : with test_accuracy (protocol, learning_rate, ..., replicate, time), status and any other axes
    of : flops, weights and samples of every run, by axes of `ds`; for ways that have them, taken: the samples
        after which a mask was drawn or a teacher stopped, and teacher: its width

    Returns
    -------
    accuracy (protocol, setting, replicate) at the end of the run, NaN where not run, `LOST` where diverged
    flops, weights, samples, rate, taken, teacher (protocol, setting), NaN where there is none
    """
    ran = ds.status == STATUS["ok"]
    lost = ds.status.isin([STATUS["diverged"], STATUS["max_steps"]])
    end = last(ds.test_accuracy).where(ran).where(~lost, LOST)
    found = xr.Dataset({"accuracy": end, "rate": ds.learning_rate, "taken": np.nan, "teacher": np.nan} | of)
    found["accuracy"] = found.accuracy.where(found.flops.notnull())  # rounds, steps that others have
    axes = [axis for axis in end.dims if axis not in ("protocol", "replicate")]
    found = found.stack(setting=axes).reset_index("setting").drop_vars(axes)
    found = found.isel(setting=found.accuracy.notnull().any(["protocol", "replicate"]).values)
    one = found.accuracy.isel(replicate=0, drop=True)
    rest = {name: found[name].broadcast_like(one) for name in found.data_vars if name != "accuracy"}
    found = found.assign(rest).reset_coords(drop=True).reindex(protocol=PAIR)
    return found.transpose("protocol", "setting", "replicate")


def alike(ways: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """The settings of every way at the budgets (samples) and rates that all ways were tried at.

    More settings are more chances to be lucky, so none has rates or budgets for itself. A way without any
    setting at those is left out.
    """
    for name in ("samples", "rate"):
        shared = reduce(np.intersect1d, (found[name] for found in ways.values()))
        kept = {key: found[name].isin(shared).any("protocol").values for key, found in ways.items()}
        ways = {key: found.isel(setting=kept[key]) for key, found in ways.items()}
    return {key: found for key, found in ways.items() if found.sizes["setting"]}


def cheapest(ways: Mapping[str, xr.Dataset], target: float, confidence: float = 0.95) -> xr.Dataset:
    """The least FLOPs, and the fewest weights, with which every way reaches a target.

    Intervals: percentile bootstrap over the replicates that all ways have, one resample for all ways and both
    protocols, so ratios are paired; the best setting is chosen anew in every resample.

    Parameters
    ----------
    ways : name -> its settings, see `way`
    target : accuracy

    Returns
    -------
    flops, weights (way, protocol) : infinity where no setting reaches the target, NaN where none was run
    flops_ratio, weights_ratio (way) : no_curriculum / curriculum, above 1 where the curriculum saves
    flops_over, weights_over (way, protocol) : over the first way, above 1 where that is the better one
        All of these with ..._low and ..._high.
    samples, rate, size, taken, teacher (way, protocol) : of the cheapest setting, `size` its weights
    settings (way) : how many were tried

    Examples
    --------
    >>> runs = {"test_accuracy": (("protocol", "learning_rate", "n_steps", "replicate", "time"),
    ...     [[[[[0.5]], [[0.7]]]], [[[[0.5]], [[0.5]]]]]), "status": 0}
    >>> ds = xr.Dataset(runs, {"protocol": PAIR, "learning_rate": [1.0], "n_steps": [10, 20]})
    >>> found = way(ds, flops=3 * ds.n_steps, weights=5, samples=ds.n_steps)
    >>> cheapest({"small": found}, 0.6).flops.values.tolist()
    [[60.0, inf]]
    """
    common = reduce(np.intersect1d, (found.replicate for found in ways.values()))
    n = common.size
    again = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    counts = np.vstack([np.ones(n), again]).T
    best: dict[str, list[np.ndarray]] = {"flops": [], "weights": []}
    chosen: dict[str, list[np.ndarray]] = {name: [] for name in CHOSEN}
    for found in ways.values():
        accuracy = found.accuracy.sel(replicate=common).values
        run = ~np.isnan(accuracy)
        reached = 2 * ((accuracy >= target).astype(float) @ counts) > run.astype(float) @ counts
        for name, values in best.items():
            price = np.where(reached, found[name].values[..., None], np.inf).min(1)
            values.append(np.where(run.any((1, 2))[:, None], price, np.nan))
        index = np.where(reached[..., 0], found.flops, np.inf).argmin(1)
        there = np.isfinite(best["flops"][-1][:, 0])
        for name, values in chosen.items():
            own = found["weights" if name == "size" else name].values
            values.append(np.where(there, own[[0, 1], index], np.nan))
    dims = ("way", "protocol")
    out: dict[str, Any] = {name: (dims, np.array(values)) for name, values in chosen.items()}
    for name, values in best.items():
        least = np.array(values)  # way, protocol, resample
        with np.errstate(invalid="ignore"):
            ratio, over = least[:, 1] / least[:, 0], least / least[:1]
        for what, (own, x) in {"": (dims, least), "_ratio": (dims[:1], ratio), "_over": (dims, over)}.items():
            low, high = np.moveaxis(np.apply_along_axis(quantiles, -1, x[..., 1:], confidence), -1, 0)
            out |= {
                f"{name}{what}{end}": (own, y) for end, y in (("", x[..., 0]), ("_low", low), ("_high", high))
            }
    out["settings"] = (dims[:1], np.array([found.sizes["setting"] for found in ways.values()]))
    return xr.Dataset(out, {"way": list(ways), "protocol": PAIR})
