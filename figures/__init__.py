"""Figures, from saved arrays only.

Nothing is imported before it is used, and JAX never.

Examples
--------
>>> import figures
>>> figures.draw("xor_mixture")                                   # doctest: +SKIP
[PosixPath('results/xor_mixture/figures/accuracy.png'), ...]
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from figures.parts.drawing import draw

__all__ = ["draw"]


def __getattr__(name: str) -> Any:
    if name == "draw":
        return importlib.import_module("figures.parts.drawing").draw
    raise AttributeError(f"module 'figures' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
