"""What all summaries share: settings, single values of axes, means with intervals, runs left out."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import xarray as xr

from studies.analysis import benefit, benefit_at_own_rate, last, over_replicates, usable
from studies.store import STATUS

#: A benefit with what belongs to it.
BENEFIT = ["benefit", "ci_low", "ci_high", "n", "critical_width", "fading_width"]

#: What a curriculum is ahead of: its samples shuffled; shuffled but for an end at the hard level, as its own,
#: so that the order alone differs; hard samples only.
CONTROLS = ("no_curriculum", "no_curriculum_then_target", "target_only")


#: What the status of runs is that were computed and count in no average.
LOST = (STATUS["diverged"], STATUS["max_steps"])


class Missing(Exception):
    """Something cannot be drawn because it was not run; the message says what, in a few words."""


def need(there: bool, lacking: str) -> None:
    """Raise `Missing` unless what a figure needs is there."""
    if not there:
        raise Missing(lacking)


def description(ds: xr.Dataset) -> dict[str, Any]:
    """The full description of the study."""
    return json.loads(ds.attrs["description"])


def cell_of(ds: xr.Dataset) -> dict[str, Any]:
    """The settings common to all cells."""
    return description(ds)["cell"]


def asked(ds: xr.Dataset) -> xr.DataArray:
    """Which runs have been computed, whether they succeeded or not."""
    return ~ds.status.isin([STATUS["pending"], STATUS["not_asked"]])


def left_out(ds: xr.Dataset) -> xr.DataArray:
    """Which runs were computed and count in no average, since they diverged or ran out of steps."""
    return ds.status.isin(LOST).drop_attrs()


def choose(ds: xr.Dataset, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """A value there is for each axis: the one wanted, else that of the study's own cell, else the last."""
    cell, found = cell_of(ds), {}
    for axis, value in wanted.items():
        there = ds[axis].values.tolist()
        found[axis] = next((v for v in (value, cell.get(axis)) if v in there), there[-1])
    return found


def facets(ds: xr.Dataset, known: tuple[str, ...]) -> Iterator[tuple[str, xr.Dataset]]:
    """The results at every value of the swept axes that are not among those `known` to a study's figures.

    Yields ("axis=value,...", results there), or ("", ds) without such axes. The description says the values.
    """
    extra = [axis for axis in description(ds)["axes"] if axis not in known and ds.sizes.get(axis, 1) > 1]
    for values in product(*(ds[axis].values.tolist() for axis in extra)):
        at = dict(zip(extra, values, strict=True))
        part = ds.sel({axis: [value] for axis, value in at.items()})
        if bool(asked(part).any()) or not extra:
            kept = [axis for axis in extra if axis in ("protocol", "width")]
            label = ",".join(f"{axis}={str(value).replace('/', '_')}" for axis, value in at.items())
            yield label, _described(part.squeeze([a for a in extra if a not in kept]), at)


def _described(ds: xr.Dataset, at: Mapping[str, Any]) -> xr.Dataset:
    """The Dataset with `at` as settings of its cell."""
    text = description(ds)
    for axis, value in at.items():
        outer, _, inner = axis.partition(".")
        text["axes"][axis] = [value]
        place = text["cell"][outer] if inner else text["cell"]
        place[inner or axis] = value
    return ds.assign_attrs(description=json.dumps(text))


def ran(ds: xr.Dataset, axes: Sequence[str]) -> Iterator[tuple[tuple[Any, ...], xr.Dataset]]:
    """Values of these axes and the results there, wherever anything was run."""
    for at in product(*(ds[axis].values.tolist() for axis in axes)):
        part = ds.sel(dict(zip(axes, at, strict=True)), drop=True)
        if bool(asked(part).any()):
            yield at, part


def ran_with(ds: xr.Dataset, axes: Iterable[str]) -> xr.Dataset:
    """The results at the first value of each of these axes with which anything was run."""
    there = asked(ds)
    at = {axis: int(there.any([d for d in there.dims if d != axis]).values.argmax()) for axis in axes}
    return ds.isel(at, drop=True)


def merged(*parts: xr.Dataset) -> xr.Dataset:
    """One Dataset of all; what is not known in a part is NaN there."""
    return xr.merge(parts, join="outer", compat="no_conflicts", combine_attrs="drop")


def along(axis: str, parts: Mapping[Any, xr.Dataset]) -> xr.Dataset:
    """All parts along a new axis; what is not known in a part is NaN there."""
    return xr.concat(parts.values(), xr.DataArray([*parts], dims=axis, name=axis), join="outer")


def prefixed(prefix: str, found: xr.Dataset) -> xr.Dataset:
    """Every variable with `prefix_` before its name."""
    return found.rename({name: f"{prefix}_{name}" for name in found.data_vars})


def columns(name: str) -> list[str]:
    """A variable and its interval: x_mean and x_benefit have x_ci_low, benefit ci_low, other x x_ci_low."""
    stem = next((name.removesuffix(end) for end in ("mean", "benefit") if name.endswith(end)), f"{name}_")
    return [name, f"{stem}ci_low", f"{stem}ci_high"]


def numbers(summary: xr.Dataset, *names: str) -> xr.Dataset:
    """These variables with their intervals."""
    return summary[[column for name in names for column in columns(name)]]


def starting(summary: xr.Dataset, *prefixes: str) -> xr.Dataset:
    """The variables whose names start so, at the widths where any of them is known."""
    found = summary[[name for name in map(str, summary.data_vars) if name.startswith(prefixes)]]
    return known(found, *({"width"} & set(found.dims)))


def known(table: xr.Dataset, *axes: str) -> xr.Dataset:
    """A table at the places on each of these axes where anything is known."""
    for axis in axes:
        table = table.dropna(axis, how="all")
    return table


def mean(data: xr.DataArray) -> xr.Dataset:
    """`mean`, `ci_low`, `ci_high`, `n` over replicates; a single replicate has a mean and no interval."""
    found = over_replicates(data)
    return found.assign(mean=found["mean"].fillna(data.mean("replicate")).where(found.n == 1, found["mean"]))


def means(runs: xr.Dataset | Mapping[str, xr.DataArray]) -> xr.Dataset:
    """The same of every variable: name_mean, name_ci_low, name_ci_high, name_n."""
    known = {str(name): values.astype(float).dropna("replicate", how="all") for name, values in runs.items()}
    return merged(*(prefixed(name, mean(values)) for name, values in known.items()))


def gain(ds: xr.Dataset, treatment: str, control: str, variable: str = "test_accuracy") -> xr.Dataset:
    """`studies.analysis.benefit` without its attributes; a single replicate has a benefit and no interval."""
    found = benefit(ds, treatment, control, variable).drop_attrs()
    values = ds[variable].where(ds.status == 0)
    single = (values.sel(protocol=treatment) - values.sel(protocol=control)).mean("replicate")
    single = single.drop_vars("protocol", errors="ignore")
    return found.assign(benefit=found.benefit.fillna(single).where(found.n == 1, found.benefit))


def gains(ds: xr.Dataset, control: str, variable: str = "test_accuracy") -> xr.Dataset:
    """The gain of every protocol over `control`, along an axis `treatment`."""
    names = [name for name in ds.protocol.values if name != control]
    return along("treatment", {name: gain(ds, name, control, variable) for name in names})


def gains_over(ends: xr.Dataset, controls: Iterable[str], variable: str = "test_accuracy") -> xr.Dataset:
    """The gain at the end, see `at_end`, of all over each of these that was run, along an axis `control`."""
    each = {name: gains(ends, name, variable) for name in controls if name in ends.protocol}
    return prefixed("gain", along("control", each).isel(time=0, drop=True))


def gains_over_controls(ds: xr.Dataset, treatment: str, variable: str = "test_accuracy") -> xr.Dataset:
    """The gain of a treatment at the end over each of `CONTROLS` that was run, along an axis `control`."""
    ends = at_end(ds, variable)
    there = [name for name in CONTROLS if name in ds.protocol]
    each = {name: gain(ends, treatment, name, variable) for name in there}
    return along("control", each).isel(time=0, drop=True)


def at_end(ds: xr.Dataset, variable: str) -> xr.Dataset:
    """`variable` at the end of each run, with the status, as results of a single time."""
    return xr.Dataset(
        {variable: last(usable(ds, variable)).expand_dims(time=[0.0], axis=-1), "status": ds.status}
    )


def order_or_end(ds: xr.Dataset, treatment: str, variable: str = "test_accuracy") -> xr.Dataset:
    """The gain of a treatment at the end over each of `CONTROLS` that was run, along an axis `control`.

    Nothing without the control that ends as the treatment does.
    """
    if CONTROLS[1] not in ds.protocol:
        return xr.Dataset()
    return prefixed("order", gains_over_controls(ds, treatment, variable))


def order(summary: xr.Dataset) -> xr.Dataset:
    """What `order_or_end` found."""
    need("order_benefit" in summary, f"needs --protocol {','.join(('curriculum', *CONTROLS))}")
    return starting(summary, "order_")


def own_rates(ds: xr.Dataset, pair: tuple[str, str], variable: str = "test_accuracy") -> xr.Dataset:
    """`studies.analysis.benefit_at_own_rate`, or nothing where there is no choice to make."""
    swept = asked(ds.sel(protocol=list(pair)))
    swept = swept.all([d for d in swept.dims if d not in ("learning_rate", "width")]).sum("learning_rate")
    if ds.sizes["replicate"] < 4 or not bool((swept > 1).any()):
        return xr.Dataset()
    return benefit_at_own_rate(ds, *pair, variable)


def own_over_controls(ds: xr.Dataset, treatment: str) -> xr.Dataset:
    """`own_rates` of a treatment over each of `CONTROLS` that was run, along an axis `control`; its rates.

    Nothing where there is no choice.
    """
    over = {name: own_rates(ds, (treatment, name)) for name in CONTROLS if name in ds.protocol}
    if not all(over.values()):
        return xr.Dataset()
    found = along("control", over)
    best = found.tuned_rate.max("control")
    return found.drop_vars(["tuned_rate", "tuned_halves"]).assign(tuned_rate=best)


def at_ends(summary: xr.Dataset) -> xr.Dataset:
    """The values at the end of the run of each budget, along the axis budget."""
    ends = [
        summary.sel(budget=budget).sel(time=budget, method="nearest").drop_vars("time")
        for budget in summary.budget.values
    ]
    return xr.concat(ends, summary.budget)


def within_run(part: xr.Dataset) -> xr.Dataset:
    """A part at one budget, up to the end of its run."""
    return part.sel(time=part.time <= part.budget.item() * (1 + 1e-9))


def run_at(summary: xr.Dataset, wanted: Mapping[str, Any]) -> xr.Dataset:
    """The run at the settings that are wanted, or at those that there are, see `choose`."""
    return within_run(summary.sel(choose(summary, wanted)))


def summary_of(
    ds: xr.Dataset, *parts: xr.Dataset, left_out: xr.DataArray | None = None, **attrs: object
) -> xr.Dataset:
    """All parts as one Dataset in single precision, with the attributes of the Dataset `ds` they sum up.

    The description lists no blocks, which may take more room than the numbers.

    Parameters
    ----------
    left_out : how many runs were left out, which captions count; if no part says so, and by default, those
        of `ds`, over replicates
    attrs : further attributes, which captions may name
    """
    out = merged(*parts)
    if left_out is not None or "left_out" not in out:
        out["left_out"] = ds.status.isin(LOST).drop_attrs().sum("replicate") if left_out is None else left_out
    floats = {name: v.astype(np.float32) for name, v in out.data_vars.items() if v.dtype == float}
    text = json.dumps({key: value for key, value in description(ds).items() if key != "blocks"})
    own = ds.attrs | {"description": text, "replicates": ds.sizes["replicate"]}
    return out.assign(floats).assign_attrs(own | attrs)
