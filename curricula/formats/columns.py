"""Columns of a table by name, from text with separators or from Parquet."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_MARKS = ("\t", ",", ";")


class ParquetColumns(Mapping[str, Sequence[Any]]):
    """The columns of a Parquet file, each read when it is asked for."""

    def __init__(self, path: Path) -> None:
        try:
            from pyarrow import parquet  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise ValueError(
                "it is a Parquet file, which needs pyarrow (the extra `parquet`): pip install pyarrow"
            ) from error
        self._file = parquet.ParquetFile(path)

    def __getitem__(self, name: str) -> Sequence[Any]:
        if name not in self._file.schema_arrow.names:
            raise KeyError(name)
        return self._file.read(columns=[name]).column(name).to_pylist()

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.schema_arrow.names)

    def __len__(self) -> int:
        return len(self._file.schema_arrow.names)


def looks_like_text(data: bytes, path: Path) -> bool:
    """Whether the bytes may be a table of text: a first line with separators, or a name that says so."""
    try:
        first = data[:65536].decode("utf-8-sig", "ignore").splitlines()[0]
    except IndexError:
        return False
    if "\0" in first or first.lstrip()[:1] == "<" or first.startswith("version https://git-lfs"):
        return False
    return path.suffix.lower() in (".csv", ".tsv") or any(mark in first for mark in _MARKS)


def text_columns(data: bytes, path: Path) -> dict[str, list[str]]:
    """Columns by name of a table whose first line holds the names; a nameless first one is `index`.

    The separator is a tab in files named .tsv, else the one of tab, comma and semicolon that the first line
    has most of.
    """
    text = data.decode("utf-8-sig")
    first = text.splitlines()[0]
    mark = "\t" if path.suffix.lower() == ".tsv" else max(_MARKS[1:] + _MARKS[:1], key=first.count)
    rows = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    names = [name.strip() for name in next(rows)]
    names[0] = names[0] or "index"
    if all(is_number(name) for name in names):
        raise ValueError("the first line has no names of columns, only numbers; put names above them")
    if (extra := len(names) - len(set(names))) or "" in names:
        raise ValueError(f"{extra} names of columns repeat another" if extra else "a column has no name")
    columns: dict[str, list[str]] = {name: [] for name in names}
    for row in rows:
        if row and len(row) != len(names):
            raise ValueError(
                f"line {rows.line_num} has {len(row)} entries, but there are {len(names)} columns"
            )
        for name, entry in zip(names, row, strict=bool(row)):
            columns[name].append(entry.strip())
    if not columns[names[0]]:
        raise ValueError("the table has no rows")
    return columns


def is_number(text: str) -> bool:
    """Whether Python reads it as a float."""
    try:
        float(text)
    except ValueError:
        return False
    return True
