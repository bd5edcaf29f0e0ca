"""load_ranking: a published score file -> Ranking, refused when it cannot be aligned safely."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from curricula.formats import arrays, objects, text
from curricula.formats.content import Content, Found, Options, open_content
from curricula.ranking import DIRECTIONS, Ranking
from teacher_student.checks import known


class Format(NamedTuple):
    """A file format: whether a content is of it, and how to read it."""

    matches: Callable[[Content], bool]
    read: Callable[[Content, Options], Found]


def _flat(c: Content, kind: str, number: str) -> bool:
    return c.kind == kind and c.value.ndim == 1 and c.value.dtype.kind in number


def _entries(c: Content, kind: str) -> list[Any]:
    """Values under whole-number keys, if the content is a dict of that kind."""
    if c.kind != kind or not isinstance(c.value, dict):
        return []
    return [v for k, v in c.value.items() if isinstance(k, (int, np.integer))]


#: In the order in which they are tried; the first match counts.
FORMATS: dict[str, Format] = {
    "ranking": Format(lambda c: c.kind == "npz" and c.has("scores", "header"), arrays.own),
    "cscore_npz": Format(lambda c: c.kind == "npz" and c.has("scores", "labels"), arrays.cscore_npz),
    "influence_pairs": Format(lambda c: c.kind == "npz" and c.has("tr_idx", "infl"), arrays.influence_pairs),
    "feldman_zhang": Format(
        lambda c: c.kind == "npz" and (c.has("tr_mem") or c.has("memorization")), arrays.feldman_zhang
    ),
    "data_diet": Format(
        lambda c: _flat(c, "npy", "f") and any(part in arrays.DATA_DIET for part in c.path.parts),
        arrays.data_diet,
    ),
    "cscore_npy": Format(lambda c: _flat(c, "npy", "f") and "cscore" in c.path.name, arrays.cscore_npy),
    "vog": Format(lambda c: _flat(c, "npy", "f") and "vog" in c.path.name.lower(), arrays.vog),
    "order_npy": Format(lambda c: _flat(c, "npy", "iu"), arrays.order_npy),
    "scores_npy": Format(lambda c: _flat(c, "npy", "f"), arrays.scores_npy),
    "deepcore": Format(lambda c: c.kind == "torch" and c.has("subset"), objects.deepcore),
    "uc_order": Format(
        lambda c: bool(e := _entries(c, "torch")) and all(isinstance(v, list) and len(v) == 2 for v in e),
        objects.uc_order,
    ),
    "torch_scores": Format(
        lambda c: c.kind == "torch" and (bool(_entries(c, "torch")) or np.ndim(c.value) == 1),
        objects.torch_scores,
    ),
    "toneva": Format(lambda c: c.kind == "pickle" and c.has("indices", "forgetting counts"), objects.toneva),
    "toneva_stats": Format(lambda c: bool(_entries(c, "pickle")), objects.toneva_stats),
    "class_probabilities": Format(
        lambda c: c.kind == "pickle" and np.ndim(c.value) == 2, objects.class_probabilities
    ),
    "cartography_metrics": Format(
        lambda c: c.kind == "jsonl" and "guid" in c.value[0] and "confidence" in c.value[0],
        text.cartography_metrics,
    ),
    "cartography_dynamics": Format(
        lambda c: c.kind in ("jsonl", "folder") and bool(text.dynamics_files(c)), text.cartography_dynamics
    ),
    "learn_t": Format(
        lambda c: c.kind == "folder" and any(p.name.startswith("train-") for p in c.value), text.learn_t
    ),
    "depth_json": Format(
        lambda c: c.kind == "json" and isinstance(c.value, dict) and all(k.isdigit() for k in c.value),
        text.depth_json,
    ),
}


def identify(content: Content) -> str:
    """Name of the format of a content, or a ValueError that lists the formats."""
    for name, entry in FORMATS.items():
        if entry.matches(content):
            return name
    raise ValueError(f"{content.path.name} is in no format known here; known: {', '.join(sorted(FORMATS))}")


def load_ranking(
    path: str | Path,
    *,
    format: str = "auto",
    labels: Any = None,
    index_map: Any = None,
    ids: Any = None,
    higher: str | None = None,
    score: str | None = None,
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
        index_map[i] = index in your data set of the example at position i of the file.
    ids : (P,) str
        Names of your examples in your order; a file keyed by name is put in this order.
    higher : {"harder", "easier"}, optional
        What a high number means; needed where the format does not say, and it wins over the format.
    score : str, optional
        Which column, for formats that have several (dataset cartography).
    index_space : str
        Your data set and split, for the record.

    Returns
    -------
    Ranking, higher = harder, with labels (yours if given) and the SHA-256 of a single file in `source`

    Raises
    ------
    ValueError
        If the file cannot be read or asks for code to be run; if lengths or labels differ from
        yours; if the format is known to be in another order and neither `index_map` nor `ids` says how
        to undo it; if the direction is not known.

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
    mine = None if labels is None else np.asarray(labels)
    name, found = read_scores(file, format, Options(mine, score, higher))
    scores = np.asarray(found.scores)
    for what, value in (("labels", mine), ("ids", ids), ("index_map", index_map)):
        if value is not None and len(value) != len(scores):
            raise ValueError(
                f"{file.name} has {len(scores)} scores but {what} has {len(value)}: another data set"
            )
    place = _placement(found, index_map, ids, file.name)
    if place is None and found.reordered:
        raise ValueError(f"{file.name} is in {found.reordered}; pass index_map=... (or ids=...) to align it")
    parts = {"scores": scores, "labels": found.labels, "ids": found.ids, "error": found.fields.get("error")}
    if place is not None:
        parts = {k: None if v is None else np.asarray(v)[np.argsort(place)] for k, v in parts.items()}
    if mine is not None and parts["labels"] is not None and (wrong := int(np.sum(parts["labels"] != mine))):
        raise ValueError(
            f"labels differ from those in {file.name} at {wrong} of {len(mine)} examples: "
            "another order or data set; pass index_map=..."
        )
    digest = f", sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}" if file.is_file() else ""
    source = found.source if name == "ranking" else f"{found.source}; {file.name}{digest}"
    fields = found.fields | {"error": parts["error"], "source": source, "definition": found.definition}
    fields |= {"labels": parts["labels"] if mine is None else mine, "ids": parts["ids"]}
    fields["index_space"] = index_space or found.fields.get("index_space", "")
    return Ranking.from_scores(parts["scores"], higher=found.higher, **fields)


def read_scores(file: Path, format: str = "auto", options: Options | None = None) -> tuple[str, Found]:
    """Name of the format and what the file says, before any check against a data set."""
    content = open_content(file)
    name = identify(content) if format == "auto" else format
    known("format", name, FORMATS)
    try:
        found = FORMATS[name].read(content, options or Options())
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{file.name} is not a file of format {name!r} ({error!r})") from error
    if len(shape := np.shape(found.scores)) != 1:
        raise ValueError(f"{file.name} holds an array of shape {shape}, not one score per example")
    return name, found


def _placement(found: Found, index_map: Any, ids: Any, name: str) -> np.ndarray | None:
    """Index in the user's data set of each position of the file, if anything says so."""
    if index_map is not None:
        place = np.asarray(index_map)
        if place.dtype.kind not in "iu" or not np.array_equal(np.sort(place), np.arange(len(place))):
            raise ValueError("index_map must hold each index 0..P-1 exactly once")
        return place
    if ids is None:
        return None
    if found.ids is None:
        raise ValueError(f"{name} has no ids to match yours with; pass index_map=... or leave ids out")
    where = {str(key): index for index, key in enumerate(ids)}
    missing = [key for key in found.ids if key not in where]
    if len(where) != len(ids) or missing:
        lost = f"no id {str(missing[0])!r} in yours" if missing else "your ids repeat"
        raise ValueError(f"ids do not match those of {name}: {lost}")
    return np.array([where[key] for key in found.ids])
