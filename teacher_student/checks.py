"""One-line refusals: every message names the argument, its value and what would be accepted."""

from collections.abc import Collection
from typing import Any


def known(what: str, name: Any, names: Collection[str]) -> None:
    """Raise ValueError, listing the known names, unless `name` is one of them."""
    if name not in names:
        raise ValueError(f"unknown {what} {name!r}; known: {', '.join(sorted(names))}")


def within(
    what: str,
    value: float,
    low: float = float("-inf"),
    high: float = float("inf"),
    *,
    open_low: bool = False,
) -> None:
    """Raise ValueError unless low <= value <= high (low < value with `open_low`); NaN is refused."""
    if not (low < value if open_low else low <= value) or not value <= high:
        left = f"{low} <" if open_low else f"{low} <="
        right = f" <= {high}" if high != float("inf") else ""
        raise ValueError(f"{what} is {value!r}; need {left} {what}{right}")
