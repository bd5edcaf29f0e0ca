"""Addresses: a result is found by what was asked, never by when or where it was computed.

The address is a hash of the canonical text of everything that changes numbers. Floats are written by
repr after casting to the field's type, so 1 and 1.0 agree; a field added later is left out while it
holds its default (mark it with `metadata={"added": True}`), so old addresses stay valid. A field
that only says where a file lies is never part of it (`metadata={"place": True}`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any


def canonical(description: Mapping[str, Any]) -> str:
    """Canonical JSON: sorted keys, no spaces, floats by repr, no NaN."""
    return json.dumps(description, sort_keys=True, separators=(",", ":"), allow_nan=False)


def describe(cell: Any) -> dict[str, Any]:
    """The fields of a frozen dataclass that change numbers, as plain JSON values."""
    plain_types = (str, int, float, bool)
    values = ((f, getattr(cell, f.name)) for f in fields(cell))
    return {
        f.name: value if type(value) in plain_types else plain(value)
        for f, value in values
        if not (f.metadata and _is_noop(cell, f))
    }


def plain(value: Any) -> Any:
    """Tuples to lists, mappings to dicts, NumPy scalars to Python numbers."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    return value.item() if hasattr(value, "item") else value


def address(description: Mapping[str, Any]) -> str:
    """20 hexadecimal digits of the SHA-256 of the canonical text.

    Examples
    --------
    >>> address({"width": 4, "learning_rate": 0.3})
    'ee7c03eccbfdfe2d6de0'
    """
    return hashlib.sha256(canonical(description).encode()).hexdigest()[:20]


def _is_noop(cell: Any, f: Field) -> bool:
    if f.metadata.get("place"):
        return True
    return bool(f.metadata.get("added")) and getattr(cell, f.name) == f.default
