"""The numbers of a report: means over replicates on all axes of a study, with intervals and counts."""

import math
from typing import Any

import xarray as xr

from studies.analysis import over_replicates, usable
from studies.store import STATUS

#: Protocols that others are compared with, where a study has them.
CONTROLS = (
    "no_curriculum",
    "no_curriculum_then_target",
    "shuffled_ramp",
    "shuffled_ramp_then_target",
    "target_only",
)

#: Axes whose labels mean something within one replicate only, so that a mean over replicates says nothing.
WITHIN_A_RUN = {"unit", "unit_", "direction"}

#: Numbers of a quantity that a page can hold.
MOST_NUMBERS = 100_000


def gather(ds: xr.Dataset) -> dict[str, Any]:
    """All that the page shows of a study, as plain data.

    Parameters
    ----------
    ds : of `studies.load`; cells may be pending

    Returns
    -------
    axes : name -> values, of every axis but the replicates
    quantities : name -> {"axes": names, "against": {"": table, control: table of paired differences}}
        A table is {"mean", "low", "high", "n"}, each a flat list in the order of the axes; None where nothing
        is known. A difference is protocol minus control, replicate by replicate.
    left_out : names of what was recorded and is not shown, with the reason
    status : axes and the number of runs of each status
    """
    axes: dict[str, list[Any]] = {}
    quantities, left_out = {}, {}
    for variable in map(str, ds.data_vars):
        if variable == "status":
            continue
        dims = [str(dim) for dim in ds[variable].dims if dim != "replicate"]
        numbers = math.prod(ds.sizes[dim] for dim in dims)
        if ds[variable].dtype.kind not in "fiub":
            left_out[variable] = "it is no number"
        elif "replicate" not in ds[variable].dims:
            left_out[variable] = "it has one value for all replicates"
        elif inner := WITHIN_A_RUN & set(dims):
            left_out[variable] = f"a mean over replicates by {', '.join(sorted(inner))} has no meaning"
        elif numbers > MOST_NUMBERS:
            left_out[variable] = f"it has {numbers} values, more than {MOST_NUMBERS}"
        else:
            quantities[variable] = {"axes": dims, "against": tables(usable(ds, variable).astype(float), dims)}
            axes |= {dim: values(ds, dim) for dim in dims}
    return {"axes": axes, "quantities": quantities, "left_out": left_out, "status": statuses(ds)}


def tables(data: xr.DataArray, dims: list[str]) -> dict[str, dict[str, list[float | None]]]:
    """The quantity itself, under "", and its paired difference from each control."""
    found = {"": table(data, dims)}
    if "protocol" in dims and data.sizes["protocol"] > 1:
        for control in CONTROLS:
            if control in data.protocol:
                found[control] = table(data - data.sel(protocol=control, drop=True), dims)
    return found


def table(data: xr.DataArray, dims: list[str]) -> dict[str, list[float | None]]:
    """Mean, interval and count over replicates, flat in the order of `dims`."""
    found = over_replicates(data)
    n = found.n.broadcast_like(found["mean"])
    columns = {"mean": found["mean"], "low": found.ci_low, "high": found.ci_high, "n": n}
    return {name: flat(column.transpose(*dims)) for name, column in columns.items()}


def flat(column: xr.DataArray) -> list[float | None]:
    """As a list, to six digits; None for what is not finite."""
    return [float(f"{x:.6g}") if math.isfinite(x) else None for x in column.values.ravel().tolist()]


def values(ds: xr.Dataset, dim: str) -> list[Any]:
    """The labels of an axis, as JSON can hold them."""
    if dim not in ds.coords:
        return list(range(ds.sizes[dim]))
    return [x if isinstance(x, str | int | float) else str(x) for x in ds[dim].values.tolist()]


def statuses(ds: xr.Dataset) -> dict[str, Any]:
    """Runs of each status: in all, and by protocol and width."""
    meaning = {number: name.replace("_", " ") for name, number in STATUS.items()}
    rows = []
    flags = ds.status.transpose("protocol", "width", ...)
    for protocol in flags.protocol.values:
        for width in flags.width.values:
            own = flags.sel(protocol=protocol, width=width).values
            counts = {meaning[k]: int((own == k).sum()) for k in meaning}
            rows.append({"protocol": str(protocol), "width": int(width), **counts})
    total = {name: sum(row[name] for row in rows) for name in meaning.values()}
    return {"total": total, "rows": rows}
