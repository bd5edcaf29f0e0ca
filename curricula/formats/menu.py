"""The file formats, how each is recognised, and what is asked where two readings are possible."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from curricula.formats import arrays, objects, plain, tables, text
from curricula.formats.content import Content, Found, Options


class Format(NamedTuple):
    """A file format: whether a content is of it, and how to read it."""

    matches: Callable[[Content], bool]
    read: Callable[[Content, Options], Found]


def _named(c: Content, pattern: str) -> bool:
    """Whether the file name has this word, not as a part of a longer one."""
    return bool(re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", c.path.name.lower()))


def _flat(c: Content) -> bool:
    return c.kind == "npy" and c.value.ndim == 1 and c.value.dtype.kind == "f"


def _entries(c: Content, kind: str) -> list[Any]:
    """Values under whole-number keys, if the content is a dict of that kind."""
    if c.kind != kind or not isinstance(c.value, dict):
        return []
    return [v for k, v in c.value.items() if isinstance(k, (int, np.integer))]


def _loss_and_std(entry: object) -> bool:
    return isinstance(entry, list) and len(entry) == 2 and all(np.ndim(number) == 0 for number in entry)


def _courses(entry: object) -> bool:
    return isinstance(entry, (list, tuple)) and len(entry) == 3 and np.ndim(entry[1]) == 1


def _depths(c: Content) -> bool:
    return plain.single_numbers(c) and all(float(np.ravel(v)[0]).is_integer() for v in c.value.values())


def _order(c: Content) -> bool:
    values = c.vector()
    if values is None or not plain.named_order(c):
        return False
    return values.dtype.kind in "iu" or plain.is_permutation(values)


def _table(c: Content) -> bool:
    value = c.value
    return (
        c.kind in ("npy", "torch", "pickle") and np.ndim(value) == 2 and np.asarray(value).dtype.kind == "f"
    )


_CSCORE = r"c[-_ ]?scores?"

#: In the order in which they are tried; the first match counts.
FORMATS: dict[str, Format] = {
    "ranking": Format(lambda c: c.kind == "npz" and c.has("scores", "header"), arrays.own),
    "cscore_npz": Format(
        lambda c: c.kind == "npz" and c.has("scores", "labels") and _named(c, _CSCORE), arrays.cscore_npz
    ),
    "influence_pairs": Format(lambda c: c.kind == "npz" and c.has("tr_idx", "infl"), arrays.influence_pairs),
    "feldman_zhang": Format(
        lambda c: c.kind == "npz" and (c.has("tr_mem") or c.has("memorization")), arrays.feldman_zhang
    ),
    "data_diet": Format(
        lambda c: _flat(c) and any(part in arrays.DATA_DIET for part in c.path.parts), arrays.data_diet
    ),
    "cscore_npy": Format(lambda c: _flat(c) and _named(c, _CSCORE), arrays.cscore_npy),
    "vog": Format(lambda c: _flat(c) and _named(c, "vog"), arrays.vog),
    "deepcore": Format(lambda c: c.kind == "torch" and c.has("subset"), objects.deepcore),
    "uc_order": Format(
        lambda c: bool(e := _entries(c, "torch")) and all(map(_loss_and_std, e)), objects.uc_order
    ),
    "toneva": Format(lambda c: c.kind == "pickle" and c.has("indices", "forgetting counts"), objects.toneva),
    "toneva_stats": Format(
        lambda c: bool(e := _entries(c, "pickle")) and all(map(_courses, e)), objects.toneva_stats
    ),
    "class_probabilities": Format(_table, objects.class_probabilities),
    "cartography_metrics": Format(
        lambda c: c.kind == "jsonl" and "guid" in c.value[0] and "confidence" in c.value[0],
        text.cartography_metrics,
    ),
    "cartography_dynamics": Format(
        lambda c: c.kind in ("jsonl", "folder") and bool(text.epoch_files(c, text.DYNAMICS)),
        text.cartography_dynamics,
    ),
    "learn_t": Format(lambda c: c.kind == "folder" and bool(text.epoch_files(c, text.LOGS)), text.learn_t),
    "depth_json": Format(
        lambda c: c.kind == "json" and _named(c, "pd|depths?") and _depths(c), text.depth_json
    ),
    "aucurriculum": Format(tables.is_aucurriculum, tables.aucurriculum),
    "table": Format(lambda c: c.kind in ("table", "jsonl"), tables.table),
    "order": Format(_order, plain.order),
    "scores": Format(
        lambda c: (c.kind == "npz" and c.has("scores")) or plain.single_numbers(c) or c.vector() is not None,
        plain.scores,
    ),
}


#: The formats of which a column of ids can be named.
TABLES = ("aucurriculum", "table")


def identify(content: Content) -> str:
    """Name of the format of a content.

    Raises
    ------
    ValueError
        If it is in none, or if two readings are possible: each of 0..P-1 once, in a file whose name does
        not speak of an order, may list indices or ranks.
    """
    name = next((name for name, entry in FORMATS.items() if entry.matches(content)), None)
    what = content.path.name
    if name is None:
        known = ", ".join(sorted(FORMATS))
        raise ValueError(f"{what} ({content.summary()}) is in no format known here; known: {known}")
    if name == "scores" and plain.is_permutation(content.vector()):
        raise ValueError(
            f'{what} holds each of 0..P-1 once and may be read in two ways; pass format="order" (indices, '
            'easiest first) or format="scores" with higher=... (ranks)'
        )
    return name
