"""A study small enough to run in a test, and a fake computation that costs nothing."""

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from studies.cell import Block
from studies.cells.online import OnlineCell
from studies.store import Store, load
from studies.study import Study

CELL = OnlineCell(n_inputs=40, width=4, budget=10.0, record_every=5.0, n_test=32, record=("test_accuracy",))


#: What every stored block has.
ATTRS = {"method": "fake", "seconds": 1.0, "run_steps": 1, "device": "none", "versions": "0", "date": "x"}


def study(widths=(2, 4), replicates=3, rows=2, protocols=("curriculum", "no_curriculum"), **fields):
    cell = replace(CELL, **fields)
    return Study(cell, ({"protocol": protocols, "width": widths},), replicates, rows, name="small")


def fake(block: Block) -> xr.Dataset:
    """Accuracy = width + protocol number / 10 + replicate / 1000 + time / 1e6."""
    cell: Any = block.cell
    time = np.arange(cell.n_records + 1) * cell.record_every
    values = (
        block.cell.width
        + np.arange(len(block.protocols))[:, None, None] / 10
        + block.replicates[:, None] / 1000
        + time / 1e6
    )
    return xr.Dataset(
        {
            "test_accuracy": (("protocol", "replicate", "time"), values),
            "status": (("protocol", "replicate"), np.zeros(values.shape[:2], np.int8)),
        },
        coords={"protocol": list(block.protocols), "replicate": block.replicates, "time": time},
        attrs=ATTRS,
    )


def with_record(cell: OnlineCell, **fields) -> OnlineCell:
    return replace(cell, n_inputs=40, **fields)


def made_up(block: Block) -> xr.Dataset:
    """A plausible block of xor_mixture without simulating it; replicate 0 of one cell has diverged."""
    ds = fake(block)
    rng = np.random.default_rng(block.tile)
    late = ds.time / 100
    gain = xr.DataArray(np.linspace(0.1, 0, len(block.protocols)), {"protocol": ds.protocol})
    noise = xr.DataArray(rng.normal(size=ds.sizes["replicate"]).round(2), {"replicate": ds.replicate})
    ds["test_accuracy"] = (0.5 + gain * late / block.cell.width + 0.01 * noise).transpose(
        *ds.test_accuracy.dims
    )
    for name in ("covered", "covered_aligned"):
        covered = (noise.round() + block.cell.width).clip(max=4)
        ds[name] = covered.broadcast_like(ds.test_accuracy).transpose(*ds.test_accuracy.dims)
    cell: Any = block.cell
    if cell.width == 2 and cell.budget == 60.0:
        ds.status[0, 0] = 1
    return ds


def at_random(block: Block) -> xr.Dataset:
    """A block of any online study with every recorded quantity drawn at random."""
    from teacher_student.training.recording import QUANTITIES

    ds = fake(block).drop_vars("test_accuracy")
    cell: Any = block.cell
    rng = np.random.default_rng(int(block.address, 16))
    sizes = {**ds.sizes, "unit": cell.width, "unit_": cell.width, "direction": 2}
    sizes |= {"group": 4, "expert": cell.experts}
    for name in cell.record:
        dims = ("protocol", "replicate", "time", *QUANTITIES[name])
        ds[name] = (dims, rng.uniform(0.1, 1, [sizes[dim] for dim in dims]))
    return ds


def stored(study: Study, out, compute=at_random) -> xr.Dataset:
    """The results of a study without running it."""
    store = Store(out, study.name)
    store.prepare()
    store.describe(study.entry())
    for block in study.blocks():
        store.write(block.address, compute(block))
    return load(study.name, out)
