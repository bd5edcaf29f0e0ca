"""The arrays of a run as one labelled Dataset, with the names that `studies.analysis` takes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jax import Array
from jaxtyping import Integer, Shaped

if TYPE_CHECKING:
    import xarray as xr

#: Meaning of the `status` array of a Dataset: the numbers of `studies.store.STATUS`.
STATUS = {"ok": 0, "diverged": 1, "max_steps": 4}


class Labels(NamedTuple):
    """What the axes of a run stand for.

    protocols : L names; replicates : (R,) numbers; width : K; groups : names of the groups of samples
    """

    protocols: tuple[str, ...]
    replicates: Integer[np.ndarray, " R"]
    width: int
    groups: tuple[str, ...]


def as_dataset(
    time: Shaped[np.ndarray, " T"],
    values: Mapping[str, Shaped[Array | np.ndarray, "..."]],
    status: Shaped[np.ndarray, "..."],
    labels: Labels,
    method: str,
) -> "xr.Dataset":
    """Arrays with axes (replicate, protocol, time, ...) as a Dataset.

    Returns
    -------
    every quantity (protocol, width, replicate, time, ...), status (protocol, width, replicate) with the
    meaning of STATUS; coords protocol, width, replicate, time = samples / N, and group where there are groups
    """
    import xarray as xr

    from teacher_student.training.recording import QUANTITIES

    lead = ("replicate", "protocol")
    shape = (len(labels.replicates), len(labels.protocols))
    arrays: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for name, x in values.items():
        axes = ("block", "unit", "unit_") if name == "Q_blocks" else QUANTITIES[name]
        arrays[name] = ((*lead, "time", *axes), np.reshape(x, shape + np.shape(x)[-1 - len(axes) :]))
    arrays["status"] = (lead, np.reshape(status, shape).astype(np.int8))
    coords: dict[str, object] = {
        "protocol": list(labels.protocols),
        "replicate": labels.replicates,
        "time": time,
    }
    if labels.groups:  # netCDF has no axis of length 0
        coords["group"] = list(labels.groups)
    found = xr.Dataset(arrays, coords, {"method": method}).expand_dims(width=[labels.width])
    return found.transpose("protocol", "width", "replicate", "time", ...)
