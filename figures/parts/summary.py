"""What all summaries and captions share: numbers in single precision, replicates, runs left out."""

from typing import Any

import numpy as np
import xarray as xr

from studies.store import STATUS


def left_out(ds: xr.Dataset) -> xr.DataArray:
    """Which runs were computed and count in no average, since they diverged or ran out of steps."""
    return ds.status.isin([STATUS["diverged"], STATUS["max_steps"]])


def summary_of(ds: xr.Dataset, out: xr.Dataset, **attrs: Any) -> xr.Dataset:
    """`out` in single precision, with the attributes of the Dataset `ds` that it sums up."""
    floats = {name: v.astype(np.float32) for name, v in out.data_vars.items() if v.dtype == float}
    return out.assign(floats).assign_attrs(ds.attrs | attrs, replicates=ds.sizes["replicate"])


def lost(summary: xr.Dataset) -> str:
    """How many runs a figure leaves out, those in `summary.left_out`."""
    return f"Runs left out (diverged or out of steps): {int(summary.left_out.sum())}."


def counts(summary: xr.Dataset, part: xr.Dataset | None = None) -> str:
    """The end of a caption: replicates, intervals, and the runs left out of `part`, the part shown."""
    return (
        f"{summary.attrs['replicates']} replicates; bands and bars: 95 % bootstrap intervals. "
        f"{lost(summary if part is None else part)}"
    )
