"""Addresses: a result is found by what was asked, never by when or where it was computed.

The address is a hash of the canonical text of everything that changes numbers. Floats are written by
repr after casting to the field's type, so 1 and 1.0 agree. What becomes of a field over time leaves old
addresses valid, if its metadata say so:

    {"added": True}     a field added later is left out while it holds its default
    {"was": "steps"}    a renamed field is written down under its first name
    {"only": "noise"}   a mapping of this one entry is written down as the entry's value
    {"place": True}     a field that only says where a file lies is never part of an address
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Names of fields in descriptions that do not say how fields are called today -> their names today.
RENAMED = {
    "images": "data_set",
    "labels": "relabelling",
    "steps": "n_steps",
    "n_train": "n_examples",
    "n_valid": "n_validation",
    "test_examples": "n_test",
    "easy": "easy.noise",
    "hard": "hard.noise",
}


def canonical(description: Mapping[str, Any]) -> str:
    """Canonical JSON: sorted keys, no spaces, floats by repr, no NaN."""
    return json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)


def describe(cell: "DataclassInstance") -> dict[str, Any]:
    """The fields of a frozen dataclass that change numbers, as plain JSON values under their first names."""
    plain_types = (str, int, float, bool)
    values = ((f, getattr(cell, f.name)) for f in fields(cell))
    return {
        f.metadata.get("was", f.name) if f.metadata else f.name: value
        if type(value) in plain_types
        else plain(value[f.metadata["only"]] if "only" in f.metadata else value)
        for f, value in values
        if not (f.metadata and _is_noop(cell, f))
    }


def written(cell: "DataclassInstance", axis: str) -> str:
    """The name under which an axis, a field or "easy.noise" and the like, is written down.

    Examples
    --------
    >>> from studies.cells.tickets.online import OnlineTickets
    >>> written(OnlineTickets(), "n_steps"), written(OnlineTickets(), "easy.noise")
    ('steps', 'easy.noise')
    """
    outer, _, inner = axis.partition(".")
    metadata = next(f.metadata for f in fields(cell) if f.name == outer)
    name = metadata.get("was", outer)
    return name if not inner or metadata.get("only") == inner else f"{name}.{inner}"


def renamed(cell: "DataclassInstance") -> dict[str, str]:
    """Name in a description -> name today, of the fields for which they differ.

    Examples
    --------
    >>> from studies.cells.images.online import OnlineImages
    >>> renamed(OnlineImages())
    {'test_examples': 'n_test', 'easy': 'easy.noise', 'hard': 'hard.noise'}
    """
    names = (f"{f.name}.{f.metadata['only']}" if "only" in f.metadata else f.name for f in fields(cell))
    return {old: name for name in names if (old := written(cell, name)) != name}


def plain(value: object) -> Any:
    """Tuples to lists, mappings to dicts, NumPy scalars to Python numbers."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    item = getattr(value, "item", None)
    return value if item is None else item()


def address(description: Mapping[str, Any]) -> str:
    """20 hexadecimal digits of the SHA-256 of the canonical text.

    Examples
    --------
    >>> address({"width": 4, "learning_rate": 0.3})
    'ee7c03eccbfdfe2d6de0'
    """
    return hashlib.sha256(canonical(description).encode()).hexdigest()[:20]


def digest(path: str) -> str:
    """SHA-256 of a file of the user's; ValueError in one line where there is none."""
    if not Path(path).is_file():
        raise ValueError(f"no such file: {path}")
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _is_noop(cell: "DataclassInstance", f: Field) -> bool:
    if f.metadata.get("place"):
        return True
    return bool(f.metadata.get("added")) and getattr(cell, f.name) == f.default
