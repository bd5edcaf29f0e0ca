"""The command that asks for a stored study again."""

import json
import shlex

import xarray as xr

from studies.address import RENAMED
from studies.catalogue import get, names
from studies.store import settings
from studies.study import Study


def command(ds: xr.Dataset) -> str | None:
    """The command line whose study has the address of a Dataset; None if it was asked in another way.

    Each preset of the study is changed as far as it differs from what was asked, and taken if its address
    is then the right one.
    """
    name = ds.attrs["study"]
    if name not in names():
        return None
    for preset in ("quick", "full"):
        study = get(name, preset)
        changes = differences(study, ds)
        try:
            found = study.changed(changes) if changes else study
        except (ValueError, TypeError):
            continue
        if found.address == ds.attrs["address"]:
            fields = "".join(f" --{field} {shlex.quote(value)}" for field, value in changes.items())
            return f"python -m studies run {name} --preset {preset}{fields}"
    return None


def differences(study: Study, ds: xr.Dataset) -> dict[str, str]:
    """What to give on the command line so that a study asks for what a Dataset holds."""
    mine, theirs = study.entry(), json.loads(ds.attrs["description"])
    today = theirs.get("names", RENAMED)
    axes, own = (
        {today.get(axis, axis): values for axis, values in entry["axes"].items()} for entry in (theirs, mine)
    )
    changes = {
        axis: ",".join(map(str, values)) for axis, values in axes.items() if list(own.get(axis, ())) != values
    }
    given, base = settings(ds), settings(xr.Dataset(attrs={"description": json.dumps(mine)}))
    for field, value in given.items():
        was = base.get(field)
        if isinstance(value, dict) and isinstance(was, dict):
            inner = {f"{field}.{key}": x for key, x in value.items() if was.get(key) != x}
            changes |= {name: str(x) for name, x in inner.items() if name not in axes}
        elif value != was and field not in axes and not isinstance(value, dict | list):
            changes[field] = str(value)
    if mine["replicates"] != theirs["replicates"]:
        changes["replicates"] = str(theirs["replicates"])
    return changes
