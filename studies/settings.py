"""The fields of a cell by name: read, set, read from text, explained.

A name is that of a field, or with a dot that of an entry of a field that is a mapping: "easy.noise".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from difflib import get_close_matches
from inspect import cleandoc
from typing import Any, get_args, get_origin

import numpy as np

from studies.address import RENAMED
from studies.cell import AnyCell, Cell

WORDS = {"true": True, "false": False}

#: What a value of a type is called.
NEED = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def check_name(cell: Cell, name: str) -> str:
    """The name, if it is that of a field; else ValueError, with what was probably meant."""
    known = {f.name for f in fields(cell)}
    if name in known:
        return name
    if RENAMED.get(name) in known:
        raise ValueError(f"{name} is renamed to {RENAMED[name]}")
    near = get_close_matches(name.replace("-", "_"), known, 1)
    meant = f"did you mean {near[0]}? known" if near else "known"
    raise ValueError(f"unknown field {name!r}; {meant}: {', '.join(sorted(known))}")


def parse(cell: Cell, name: str, text: str) -> list[Any]:
    """Text as values of a field: one, or several separated by commas.

    A field that is a tuple of names is one value, however many there are. Numbers joined by colons, as
    0.4:0.1:0.4:0.1, are an entry that is a vector.

    Raises
    ------
    ValueError : the field is unknown, or the text cannot be read; in one line
    """
    outer, _, inner = name.partition(".")
    old = getattr(cell, check_name(cell, outer))
    if isinstance(old, Mapping) != bool(inner):
        if inner:
            raise ValueError(f"{outer} has no entries; set it as --{outer} VALUE")
        raise ValueError(f"{name} has entries; set one, as --{name}.{next(iter(old), 'NAME')} VALUE")
    if isinstance(old, tuple):
        kind: Any = next(map(type, old), str)
        return [tuple(_read(name, kind, part) for part in text.split(","))]
    return [_entry(name, part) if inner else _read(name, type(old), part) for part in text.split(",")]


def _entry(name: str, text: str) -> float | tuple[float, ...]:
    if ":" not in text:
        return _read(name, float, text)
    return tuple(_read(name, float, part) for part in text.split(":"))


def _read(name: str, kind: type, text: str) -> Any:
    try:
        return WORDS[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError):
        need = NEED.get(kind, kind.__name__)
        raise ValueError(f"{name} is {text!r}; need {need}, or several separated by commas") from None


def with_fields(cell: AnyCell, changes: Mapping[str, Any]) -> AnyCell:
    """The cell with fields replaced, cast to their type; unknown names are refused with the known ones."""
    return replaced(cell, {name: cast(cell, name, value) for name, value in changes.items()})


def replaced(cell: AnyCell, changes: Mapping[str, Any]) -> AnyCell:
    """The cell with fields replaced by what `cast` gave for them."""
    new: dict[str, Any] = {}
    for name, value in changes.items():
        outer, _, inner = name.partition(".")
        new[outer] = {**new.get(outer, getattr(cell, outer)), inner: value} if inner else value
    return replace(cell, **new)


def as_declared(cell: AnyCell) -> AnyCell:
    """The cell with every field cast to its type, so that 1 and 1.0 ask the same.

    Examples
    --------
    >>> from studies.cells.online import OnlineCell
    >>> as_declared(OnlineCell(learning_rate=1, hard={"noise": 2})).hard
    {'noise': 2.0}
    """
    return with_fields(cell, {f.name: getattr(cell, f.name) for f in fields(cell)})


def cast(cell: Cell, name: str, value: object) -> Any:
    """The value as a field is declared: numbers as int or float, entries of mappings as floats.

    Raises
    ------
    ValueError : the field is unknown, or the value is none of its type; in one line
    """
    outer, _, inner = name.partition(".")
    old = getattr(cell, check_name(cell, outer))
    if inner and not isinstance(old, Mapping):
        raise ValueError(f"{outer} has no entries, and so no {inner!r}")
    if inner:
        return _numbers(name, value)
    if isinstance(old, Mapping) and isinstance(value, Mapping):
        return {key: _numbers(f"{name}.{key}", entry) for key, entry in value.items()}
    declared = next(f.type for f in fields(cell) if f.name == outer)
    if get_origin(declared) is tuple and isinstance(value, tuple):
        return tuple(_cast(name, get_args(declared)[0], part) for part in value)
    return _cast(outer, declared if declared in (bool, int, float, str) else type(old), value)


def _numbers(name: str, value: Any) -> float | tuple[float, ...]:
    """An entry of a mapping: a number or a vector."""
    try:
        return tuple(map(float, value)) if isinstance(value, Sequence | np.ndarray) else float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {value!r}; need a number, or several") from None


def _cast(name: str, kind: Any, value: Any) -> Any:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if kind is int and number and float(value).is_integer():
        return int(value)
    if kind is float and number:
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise ValueError(f"{name} is {value!r}; need {NEED.get(kind, kind.__name__)}")


def field_help(cell: Cell | type[Cell]) -> dict[str, str]:
    """Field -> what it is, in a line: from the section Parameters of the docstrings of its classes.

    Examples
    --------
    >>> from studies.cells.tickets.online import OnlineTickets
    >>> field_help(OnlineTickets)["n_inputs"]
    'int, input dimension N; a step is one sample, so the budget is n_steps / N'
    """
    kind = cell if isinstance(cell, type) else type(cell)
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        found |= _described(cleandoc(base.__doc__ or ""))
    return {f.name: found.get(f.name, "") for f in fields(kind)}


def _described(doc: str) -> dict[str, str]:
    """Name -> first line of its text, for all names of the section Parameters."""
    section = re.search(r"^Parameters.*\n-+\n((?:.+\n?)*)", doc, re.MULTILINE)
    found: dict[str, str] = {}
    for line in section[1].splitlines() if section else ():
        names, colon, text = line.partition(" : ")
        if colon and not line.startswith(" "):
            found |= dict.fromkeys(names.split(", "), text.strip())
    return found
