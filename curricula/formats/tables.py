"""Readers of tables: a column of CSV, TSV, JSON lines or Parquet, joined by a column of ids."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from curricula.formats.columns import is_number
from curricula.formats.content import Content, Found, Options, by_key
from teacher_student.checks import known


def table(content: Content, options: Options) -> Found:
    """A column of a table; `score` names it, `id_column` the column to join by.

    A table of several columns is not joined by the order of its rows: pass `id_column` (whose entries may be
    0..P-1), or `index_map=range(P)` to say that row i is example i.
    """
    columns, name = _columns(content), content.path.name
    if options.id_column is not None:
        known("id column", options.id_column, columns)
    others = [column for column in columns if column != options.id_column]
    if options.score is None and len(others) != 1:
        raise ValueError(
            f"{name} has columns {', '.join(columns)}; pass score=... to name that of the scores"
        )
    column = options.score or others[0]
    known("score", column, others)
    why = f"nothing in {name} says whether a high {column!r} is hard"
    return _found(content, columns, column, options, options.direction(None, why), f"column {column!r}")


def aucurriculum(content: Content, options: Options) -> Found:
    """The score table of aucurriculum: `ranks` in [0, 1], 0 = easiest, or `mean`, with `encoded` labels.

    That program joins it with the data by the order of rows; here `id_column` or `index_map` is needed.
    """
    columns, column = _columns(content), options.score or "ranks"
    known("score", column, ("ranks", "mean"))
    if options.id_column is not None:
        known("id column", options.id_column, columns)
    why = "the mean score of aucurriculum is hard or easy by its scoring function"
    higher = options.direction("harder" if column == "ranks" else None, why)
    what = "rank over runs, 0 = easiest, 1 = hardest" if column == "ranks" else "mean score over runs"
    return _found(content, columns, column, options, higher, f"{what} (aucurriculum)", labels="encoded")


def is_aucurriculum(content: Content) -> bool:
    """Whether it is a table with the columns that aucurriculum writes."""
    names = {"encoded", "decoded", "mean", "ranks"}
    return content.kind == "table" and names <= set(content.value)


def _columns(content: Content) -> Mapping[str, Sequence[Any]]:
    if content.kind == "table":
        return content.value
    rows = content.value
    short = next((i for i, row in enumerate(rows) if row.keys() != rows[0].keys()), None)
    if short is not None:
        raise ValueError(f"row {short} of {content.path.name} has other fields than row 0")
    return {name: [row[name] for row in rows] for name in rows[0]}


def _found(
    content: Content,
    columns: Mapping[str, Sequence[Any]],
    column: str,
    options: Options,
    higher: str,
    definition: str,
    labels: str | None = None,
) -> Found:
    name = content.path.name
    scores = _numbers(columns[column], column, name)
    classes = None if labels is None else _numbers(columns[labels], labels, name).astype(np.int64)
    if options.id_column is None:
        bare = len(columns) == 1
        why = "" if bare else "a table of which no column was named as ids (id_column=...)"
        return Found(scores, higher, definition, name, classes, reordered=why)
    keys = [str(key) for key in columns[options.id_column]]
    place = {key: row for row, key in enumerate(keys)}
    if len(place) != len(keys):
        twice = next(key for row, key in enumerate(keys) if place[key] != row)
        raise ValueError(f"id {twice!r} occurs more than once in column {options.id_column!r} of {name}")
    joined = by_key(dict(zip(keys, scores, strict=True)))
    rows = [place[str(key)] for key in joined["keys"]]
    return Found(
        **joined, higher=higher, definition=definition, source=name,
        labels=None if classes is None else classes[rows],
    )  # fmt: skip


def _numbers(values: Sequence[Any], column: str, name: str) -> np.ndarray:
    """The entries as float64, or a refusal that names the first row that is no number."""
    try:
        return np.asarray(values, np.float64)
    except (ValueError, TypeError):
        bad = next(row for row, value in enumerate(values) if value is None or not is_number(str(value)))
        raise ValueError(
            f"row {bad} of column {column!r} of {name} is {values[bad]!r}; need a number"
        ) from None
