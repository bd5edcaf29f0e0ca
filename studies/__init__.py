"""What was asked, and where the answer is.

>>> from studies import load, analysis                       # no JAX is imported by either

Nothing else is imported before it is used, so that the command line starts at once.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studies import analysis
    from studies.store import load

__all__ = ["analysis", "load"]


def __getattr__(name: str) -> Any:
    if name == "analysis":
        return importlib.import_module("studies.analysis")
    if name == "load":
        return importlib.import_module("studies.store").load
    raise AttributeError(f"module 'studies' has no attribute {name!r}; it has {', '.join(__all__)}")
