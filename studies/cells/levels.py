"""Difficulty levels of cells that know one number for it."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any


def noise(level: Mapping[str, float]) -> float:
    """The number in {"noise": number}; ValueError for anything else.

    Examples
    --------
    >>> noise({"noise": 0.5})
    0.5
    """
    if set(level) != {"noise"}:
        raise ValueError(f"a level is {dict(level)}; need noise and nothing else")
    return level["noise"]


def level_field(number: float) -> Any:
    """A field {"noise": number}, written down as the number; cells that differ in it have the same hash."""
    return field(default_factory=lambda: {"noise": number}, hash=False, metadata={"only": "noise"})
