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


def check_ends(easy: Mapping[str, float], hard: Mapping[str, float]) -> None:
    """Refuse an easy level with more noise than the hard one; equal levels pass."""
    if noise(easy) > noise(hard):
        raise ValueError(
            f"easy.noise is {noise(easy):g} and hard.noise {noise(hard):g}, but more noise is harder; swap "
            "the two (the protocol anti_curriculum shows hard samples first)"
        )


def level_field(number: float) -> Any:
    """A field {"noise": number}, written down as the number; cells that differ in it have the same hash."""
    return field(default_factory=lambda: {"noise": number}, hash=False, metadata={"only": "noise"})
