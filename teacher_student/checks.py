"""One-line refusals: every message names the argument, its value and what would be accepted."""

from collections.abc import Collection
from math import inf, isfinite
from numbers import Integral


def known(what: str, name: object, names: Collection[str]) -> None:
    """Raise ValueError, listing the known names, unless `name` is one of them."""
    if name not in names:
        raise ValueError(f"unknown {what} {name!r}; known: {', '.join(sorted(names))}")


def within(
    what: str,
    value: float,
    low: float = -inf,
    high: float = inf,
    *,
    open_low: bool = False,
) -> None:
    """Raise ValueError unless low <= value <= high (low < value with `open_low`), finite."""
    finite = isinstance(value, Integral) or isfinite(value)
    if not finite or not (low < value if open_low else low <= value) or not value <= high:
        left = f"{low} <" if open_low or low == -inf else f"{low} <="
        right = f" <= {high}" if high != inf else " < inf" if value == inf else ""
        raise ValueError(f"{what} is {value!r}; need {left} {what}{right}")


def whole(what: str, value: object, low: int, high: float = inf) -> None:
    """Raise ValueError unless the value is an integer, low <= value <= high."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise ValueError(f"{what} is {value!r}; need an integer >= {low}")
    within(what, int(value), low, high)


def seed_fits(value: object, what: str = "seed") -> None:
    """Raise ValueError unless the value is an integer of 32 bits: a key holds no more of a seed."""
    whole(what, value, 0, 2**32 - 1)
