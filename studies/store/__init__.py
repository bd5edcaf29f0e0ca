"""The store: results on disk, addressed by what was asked, read back as one xarray Dataset.

`Store` keeps the blocks of a study, `load` reads a study, `settings` are those of its
cells, `STATUS` is the meaning of its `status` array, `as_label` says a value as axes do.
Nothing here knows what a cell computes or how a study is run.
"""

from studies.store.blocks import STATUS, VERSION, Store
from studies.store.dataset import as_label, load, settings

__all__ = ["STATUS", "VERSION", "Store", "as_label", "load", "settings"]
