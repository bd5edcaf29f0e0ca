"""Blocks of a store as one labelled xarray Dataset."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from studies.address import RENAMED
from studies.store.blocks import STATUS, Store


def load(name: str, out: str | Path = "results", address: str | None = None) -> xr.Dataset:
    """Load a study as one Dataset, whatever part of it is finished.

    Parameters
    ----------
    name : name of the study
    out : folder that `python -m studies run` wrote to
    address : which one, if several (other presets, other fields); by default the one run last

    Returns
    -------
    Dataset with dims (swept axes..., protocol, width, replicate, time), `time` = samples / N. An axis
    with a single value is a scalar coordinate, except protocol, width, replicate and time. `status`
    (same dims without time) is 0 ok, 1 diverged, 2 pending, 3 not asked, 4 out of steps (equations only,
    NaN from where they ran out); values of pending and not-asked cells are NaN. Axes have the names that
    fields have today, whenever they were written down; the values of a field that is a tuple are labels as
    "1, 5, 8". attrs hold the study, its address, the full
    description as JSON (see `settings`), and the versions, devices and dates of the blocks.

    Raises
    ------
    FileNotFoundError : nothing of that study in `out`
    """
    store = Store(out, name)
    asked = _under_todays_names(store.asked(address))
    there = store.finished()
    done = {
        entry["address"]: store.read(entry["address"], there[entry["address"]])
        if entry["address"] in there
        else None
        for entry in asked["blocks"]
    }
    found = [block for block in done.values() if block is not None]
    if not found:
        raise FileNotFoundError(f"no finished block in {store.folder}; {store.hint()}")
    ds = _frame(asked, found)
    where = {dim: {v: i for i, v in enumerate(ds[dim].values.tolist())} for dim in ds.dims}
    arrays = {name: ds[name].values for name in ds.data_vars}

    def places(dims, at: dict[str, Any]) -> tuple:
        """Positions along `dims` of a block's labels; one label is a list of one."""
        labels = (at[dim] if isinstance(at[dim], list) else [at[dim]] for dim in dims)
        return np.ix_(*([where[dim][v] for v in own] for dim, own in zip(dims, labels, strict=True)))

    for entry in asked["blocks"]:
        block = done[entry["address"]]
        rows = [i for i, r in enumerate(entry["replicates"]) if r < asked["replicates"]]
        at = entry["at"] | {
            "protocol": entry["protocols"],
            "replicate": [entry["replicates"][i] for i in rows],
        }
        cells = places(ds.status.dims, at)
        if block is None:
            now = arrays["status"][cells]
            arrays["status"][cells] = np.where(now == STATUS["not_asked"], STATUS["pending"], now)
            continue
        block = block.isel(replicate=rows)
        for variable, values in block.data_vars.items():
            name = str(variable)
            extra = [dim for dim in values.dims if dim not in ("protocol", "replicate")]
            rest = {dim: values[dim].values.tolist() for dim in extra}
            target = places(ds[name].dims, at | rest)
            laid = values.transpose("protocol", "replicate", *extra).values
            # the axes of a study hold protocol before replicate, and all else of a block is one label
            arrays[name][target] = laid.reshape([own.size for own in target])
    single = [d for d in asked["axes"] if ds.sizes[d] == 1 and d not in ("protocol", "width")]
    return ds.squeeze(single)


def settings(ds: xr.Dataset) -> dict[str, Any]:
    """The settings that all cells of a Dataset share, swept or not, under the names that fields have today.

    Parameters
    ----------
    ds : of `load`, or anything with its attribute `description`, of whatever age

    Examples
    --------
    >>> old = json.dumps({"cell": {"steps": 40, "hard": 16.0, "easy": {"noise": 0.1}}})
    >>> settings(xr.Dataset(attrs={"description": old}))
    {'n_steps': 40, 'hard': {'noise': 16.0}, 'easy': {'noise': 0.1}}
    """
    description = json.loads(ds.attrs["description"])
    names, found = description.get("names", RENAMED), {}
    for name, value in description["cell"].items():
        outer, _, inner = (name if isinstance(value, Mapping) else names.get(name, name)).partition(".")
        found[outer] = {inner: value} if inner else value
    return found


def _under_todays_names(asked: dict[str, Any]) -> dict[str, Any]:
    """The description of a study, with its axes named as fields are today."""
    names = asked.get("names", RENAMED)

    def renamed(axes: dict[str, Any]) -> dict[str, Any]:
        return {names.get(axis, axis): value for axis, value in axes.items()}

    axes = {axis: [as_label(v) for v in values] for axis, values in asked["axes"].items()}
    at = ({axis: as_label(value) for axis, value in entry["at"].items()} for entry in asked["blocks"])
    blocks = [entry | {"at": renamed(own)} for entry, own in zip(asked["blocks"], at, strict=True)]
    return asked | {"axes": renamed(axes), "blocks": blocks}


def as_label(value: object) -> Any:
    """A value on its axis: a field that is a tuple is said in words, as lists are no labels."""
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _frame(asked: dict[str, Any], found: list[xr.Dataset]) -> xr.Dataset:
    """The Dataset of a study before anything is filled in."""
    coords: dict[str, Any] = dict(asked["axes"])
    coords["replicate"] = np.arange(asked["replicates"])
    frame = xr.Dataset(coords=coords)
    lead = {axis: frame.sizes[axis] for axis in coords}
    frame["status"] = (list(lead), np.full(list(lead.values()), STATUS["not_asked"], np.int8))
    frame.status.attrs = {"flag_values": list(STATUS.values()), "flag_meanings": " ".join(STATUS)}
    for variable in dict.fromkeys(str(v) for block in found for v in block.data_vars if v != "status"):
        parts = [block[variable] for block in found]
        dims = [d for d in parts[0].dims if d not in ("protocol", "replicate")]
        extra = {d: list(dict.fromkeys(x for part in parts for x in part[d].values)) for d in dims}
        extra |= {d: sorted(values) for d, values in extra.items() if not isinstance(values[0], str)}
        frame = frame.assign_coords(extra)
        shape = [*lead.values(), *map(len, extra.values())]
        frame[variable] = ([*lead, *extra], np.full(shape, np.nan, parts[0].dtype))
    keys = ("versions", "code", "device", "machine", "method")  # absent where an older version wrote
    seen = {key: sorted({str(block.attrs.get(key, "not recorded")) for block in found}) for key in keys}
    dates = [str(block.attrs.get("date", "not recorded")) for block in found]
    frame.attrs = {
        "study": asked["name"],
        "address": asked["address"],
        "description": json.dumps(asked),
        "date": f"{min(dates)} to {max(dates)}",
        **{key: "; ".join(values) for key, values in seen.items()},
    }
    frame.time.attrs = {"units": "samples / N"}
    return frame
