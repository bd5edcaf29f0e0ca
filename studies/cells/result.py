"""The result of a block, whatever was run: one Dataset, with the same axes first and the same provenance."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from studies.store.provenance import provenance

if TYPE_CHECKING:
    from studies.cell import Block

#: Name -> (dims after protocol and replicate, array with axes protocol, replicate, dims).
Values = dict[str, tuple[tuple[str, ...], np.ndarray]]


def result(
    block: "Block",
    values: Values,
    status: np.ndarray,
    *,
    coords: Mapping[str, Any],
    method: str,
    run_steps: int,
    started: float,
    **attrs: object,
) -> xr.Dataset:
    """The Dataset of a block.

    Parameters
    ----------
    values : what was measured, see `Values`
    status : (protocols, rows) of the runs, see `studies.store.STATUS`
    coords : of the dims, `time` = samples / N among them
    method : how it was computed, in a word
    run_steps : steps of all its runs together, for the pace
    started : time.perf_counter() when the computation began
    attrs : more attributes
    """
    lead = ("protocol", "replicate")
    return xr.Dataset(
        {name: ((*lead, *dims), x) for name, (dims, x) in values.items()}
        | {"status": (lead, status.astype(np.int8))},
        coords={"protocol": list(block.protocols), "replicate": block.replicates, **coords},
        attrs={"method": method, "run_steps": run_steps, **attrs} | provenance(started),
    )
