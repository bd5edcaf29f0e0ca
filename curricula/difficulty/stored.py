"""load_ranking: a published score file -> Ranking, refused when it cannot be aligned safely."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from curricula.classes import whole_labels
from curricula.formats.content import Found, Options, open_content
from curricula.formats.menu import FORMATS, TABLES, identify
from curricula.ranking import DIRECTIONS, Ranking
from teacher_student.checks import known


def load_ranking(
    path: str | Path,
    *,
    format: str = "auto",
    labels: ArrayLike | None = None,
    index_map: ArrayLike | None = None,
    ids: Sequence[object] | np.ndarray | None = None,
    higher: str | None = None,
    score: str | None = None,
    id_column: str | None = None,
    index_space: str = "",
) -> Ranking:
    """Read a file of difficulty scores; nothing in it is executed, and torch is not needed.

    Parameters
    ----------
    path : file, or folder for formats of one file per epoch
    format : "auto" or a name from `FORMATS`
    labels : (P,) int, class of each example of your data set, in your order
        Checked against the labels in the file; some formats cannot be read without.
    index_map : (P,) int permutation
        index_map[i] = index in your data set of the example at position i of the file (of a file keyed by
        whole numbers: the one with the i-th smallest key).
    ids : (P,) str or int
        Names of your examples in your order; a file keyed by name or number is put in this order.
    higher : {"harder", "easier"}, optional
        What a high number means; needed where the format does not say, and it wins over the format.
    score : str, optional
        Which column, for formats that have several (tables, dataset cartography).
    id_column : str, optional
        Which column of a table (CSV, TSV, JSON lines, Parquet) names the examples. Its entries are 0..P-1, or
        are matched with `ids`. A table of several columns needs it, or `index_map=range(P)` to say that row
        i is your example i.
    index_space : str
        Your data set and split, for the record.

    Returns
    -------
    Ranking, higher = harder, with labels (yours if given) and the SHA-256 of a single file in `source`

    Raises
    ------
    ValueError
        If the file cannot be read or asks for code to be run; if lengths or labels differ from
        yours, or class probabilities fit them hardly better than chance; if the format is known to be in
        another order, or keyed by anything but 0..P-1, and neither `index_map` nor `ids` says how to undo
        it; if the direction is not known; if the numbers contradict the format.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "toy-cscores.npz"
    >>> np.savez(file, scores=[0.9, 0.2, 0.5], labels=[0, 1, 1])
    >>> ranking = load_ranking(file, labels=[0, 1, 1])
    >>> ranking.ranks().tolist(), ranking.higher_was
    ([0, 2, 1], 'easier')
    >>> load_ranking(file, labels=[1, 1, 0])
    Traceback (most recent call last):
    ...
    ValueError: labels differ from those in toy-cscores.npz at 2 of 3 examples: ...
    """
    file = Path(path)
    if higher is not None:
        known("direction", higher, DIRECTIONS)
    options, place = settings(labels, index_map, ids, score, higher, id_column)
    name, found = read_scores(file, format, options)
    scores = np.asarray(found.scores)
    mine = None if labels is None else whole_labels(labels)
    for what, value in (("labels", mine), ("ids", options.ids), ("index_map", place)):
        if value is not None and len(value) != len(scores):
            raise ValueError(
                f"{file.name} has {len(scores)} scores but {what} has {len(value)}: another data set"
            )
    if place is None and options.ids is not None:
        place = _matched(found, options.ids, file.name)
    if place is None and found.reordered:
        raise ValueError(f"{file.name} is {found.reordered}; pass index_map=... (or ids=...) to align it")
    if found.by_class:
        _check_runs(options.labels, file.name)
    names = found.ids if options.ids is None or found.ids is not None else found.keys
    parts = {"labels": found.labels, "ids": names, "error": found.fields.get("error")}
    if place is not None:
        scores = scores[np.argsort(place)]
        parts = {k: None if v is None else np.asarray(v)[np.argsort(place)] for k, v in parts.items()}
    if mine is not None and parts["labels"] is not None:
        theirs = whole_labels(parts["labels"], f"labels of {file.name}")
        if len(theirs) == len(mine) and (wrong := int(np.sum(theirs != mine))):
            raise ValueError(
                f"labels differ from those in {file.name} at {wrong} of {len(mine)} examples: "
                "another order or data set; pass index_map=..."
            )
    digest = f", sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}" if file.is_file() else ""
    source = found.source if name == "ranking" else f"{found.source}; {file.name}{digest}"
    fields = found.fields | {"error": parts["error"], "source": source, "definition": found.definition}
    fields |= {"labels": parts["labels"] if mine is None else mine, "ids": parts["ids"]}
    fields["index_space"] = index_space or found.fields.get("index_space", "")
    return Ranking.from_scores(scores, higher=found.higher, **fields)


def settings(
    labels: ArrayLike | None,
    index_map: ArrayLike | None,
    ids: Sequence[object] | np.ndarray | None,
    score: str | None,
    higher: str | None,
    id_column: str | None = None,
) -> tuple[Options, np.ndarray | None]:
    """What a reader is told, with labels and ids in the order of the file, and the checked index map."""
    mine = None if labels is None else whole_labels(labels)
    names = None if ids is None else tuple(str(key) for key in ids)
    if names is not None and len(set(names)) != len(names):
        raise ValueError(f"ids must be unique, but {len(names) - len(set(names))} of yours repeat another")
    for what, value in (("ids", names), ("index_map", index_map)):
        if mine is not None and value is not None and np.shape(value)[:1] != mine.shape:
            raise ValueError(f"labels has {len(mine)} entries but {what} has shape {np.shape(value)}")
    if index_map is None:
        return Options(mine, names, score, higher, id_column), None
    place = np.asarray(index_map)
    if place.dtype.kind not in "iu" or not np.array_equal(np.sort(place.ravel()), np.arange(len(place))):
        raise ValueError("index_map must hold each index 0..P-1 exactly once")
    if names is not None:
        raise ValueError("pass index_map or ids, not both")
    return Options(None if mine is None else mine[place], None, score, higher, id_column), place


def read_scores(file: Path, format: str = "auto", options: Options | None = None) -> tuple[str, Found]:
    """Name of the format and what the file says, before any check against a data set."""
    content = open_content(file)
    name = identify(content) if format == "auto" else format
    known("format", name, FORMATS)
    told = options or Options()
    if told.id_column is not None and name not in TABLES:
        raise ValueError(f"{file.name} is a file of format {name!r}; only tables have an id_column")
    try:
        found = FORMATS[name].read(content, told)
        shape, contradiction = np.shape(found.scores), found.misfit()
    except (KeyError, TypeError, IndexError, AttributeError, StopIteration) as error:
        raise ValueError(
            f"{file.name} ({content.summary()}) is not a file of format {name!r} ({error!r})"
        ) from error
    if len(shape) != 1:
        raise ValueError(f"{file.name} holds an array of shape {shape}, not one score per example")
    if contradiction:
        raise ValueError(
            f"{file.name} is no {name}: such scores {contradiction}; "
            'pass format="scores" and higher=... if it holds other ones'
        )
    return name, found


def _matched(found: Found, ids: tuple[str, ...], name: str) -> np.ndarray:
    """Index in the user's data set of each position of the file, by what the file is keyed by."""
    names = found.keys if found.ids is None else found.ids
    if names is None:
        raise ValueError(f"{name} has no ids to match yours with; pass index_map=... or leave ids out")
    where = {key: index for index, key in enumerate(ids)}
    if missing := [key for key in names if str(key) not in where]:
        raise ValueError(f"ids do not match those of {name}: no id {str(missing[0])!r} in yours")
    return np.array([where[str(key)] for key in names])


def _check_runs(labels: np.ndarray | None, name: str) -> None:
    """Refuse a map to a file sorted by class under which the classes do not come one after the other."""
    if labels is None:
        raise ValueError(f"{name} is sorted by class; pass labels=... too, which show whether the map fits")
    runs, classes = 1 + int(np.sum(np.diff(labels) != 0)), np.unique(labels).size
    if runs != classes:
        raise ValueError(
            f"{name} is sorted by class, but under index_map the {classes} classes come in {runs} runs: "
            "another map or other labels"
        )
