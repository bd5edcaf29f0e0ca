"""Results of a study that nobody ran, and all its figures, for tests of what figures show."""

from collections.abc import Callable
from typing import Any

import xarray as xr

from studies.cell import Block
from studies.store import Store, load
from studies.study import Study


def stored(study: Study, out: Any, compute: Callable[[Block], xr.Dataset]) -> xr.Dataset:
    """The results of a study whose blocks are what `compute` makes up."""
    store = Store(out, study.name)
    store.prepare()
    store.describe(study.entry())
    for block in study.blocks():
        store.write(block.address, compute(block))
    return load(study.name, out)


def drawn(module: Any, summary: xr.Dataset) -> dict[str, Any]:
    """The tables of all figures by name, each laid out once."""
    found = {name: figure(summary) for name, figure in module.FIGURES.items()}
    for one in found.values():
        one.figure.draw_without_rendering()
    return {name: one.table for name, one in found.items()}
