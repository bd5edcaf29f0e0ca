"""Readers of JSON: training dynamics of dataset cartography, depths; and per-epoch logs in a folder."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from curricula.formats import torch_files
from curricula.formats.content import Content, Found, Options, by_key, in_key_order, json_lines
from teacher_student.checks import known

_WU = "Wu, Dyer, Neyshabur, ICLR 2021, arXiv 2012.03107"
_MAPS = "Swayamdipta et al., EMNLP 2020, arXiv 2009.10795"


class Column(NamedTuple):
    """What a high number of a cartography column means, and between which numbers it lies."""

    higher: str
    limits: tuple[float, float]
    whole: bool = False


COLUMNS = {
    "confidence": Column("easier", (0, 1)),
    "variability": Column("harder", (0, 1)),
    "correctness": Column("easier", (0, np.inf), True),
    "forgetfulness": Column("harder", (0, np.inf), True),
    "threshold_closeness": Column("harder", (0, 0.25)),
}


def cartography_metrics(content: Content, options: Options) -> Found:
    """`td_metrics.jsonl` or a data map: one object per example; `score` picks the column."""
    rows = content.value
    column = options.score or "confidence"
    known("score", column, [name for name in COLUMNS if name in rows[0]])
    missing = next((i for i, row in enumerate(rows) if not {"guid", column} <= row.keys()), None)
    if missing is not None:
        raise ValueError(f"row {missing} of {content.path.name} has no guid or no {column}")
    return _by_guid([row["guid"] for row in rows], [row[column] for row in rows], column, options)


def epoch_files(content: Content, pattern: str) -> list[Path]:
    """The files that are named after an epoch as in `pattern`, by epoch; refuses a gap."""
    paths = content.value if content.kind == "folder" else [content.path]
    found = sorted((int(match[1]), path) for path in paths if (match := re.fullmatch(pattern, path.name)))
    if found and [t for t, _ in found] != list(range(found[0][0], found[0][0] + len(found))):
        raise ValueError(f"epochs {[t for t, _ in found]} of {content.path.name} have a gap")
    return [path for _, path in found]


DYNAMICS, LOGS = r"dynamics_epoch_(\d+)\.jsonl", r"train-(\d+)\.pt"


def cartography_dynamics(content: Content, options: Options) -> Found:
    """`dynamics_epoch_<t>.jsonl`, one file per epoch, lines joined by guid: logits and gold label.

    `score`: confidence = mean_t p_y, variability = population std_t, correctness = number of epochs
    right, forgetfulness = times right then wrong (T if never right), threshold_closeness = c (1 - c).
    """
    column = options.score or "confidence"
    known("score", column, COLUMNS)
    probability: dict[Any, list[float]] = {}
    right: dict[Any, list[float]] = {}
    gold: dict[Any, int] = {}
    files = epoch_files(content, DYNAMICS) or [content.path]
    for path in files:
        for row in _rows(path):
            guid, y = row["guid"], int(row["gold"])
            z = np.asarray(next(v for k, v in row.items() if k.startswith("logits_epoch_")), np.float64)
            if not 0 <= y < z.size:
                raise ValueError(f"guid {guid!r} of {path.name} has gold {y}; need 0..{z.size - 1}")
            if gold.setdefault(guid, y) != y:
                raise ValueError(f"guid {guid!r} has gold {gold[guid]} in one epoch and {y} in {path.name}")
            p = np.exp(z - z.max())
            probability.setdefault(guid, []).append(float(p[y] / p.sum()))
            right.setdefault(guid, []).append(float(z.argmax() == y))
    if {len(values) for values in right.values()} != {len(files)}:
        raise ValueError("the epochs of the training dynamics do not list the same examples once each")
    p, a = np.array(list(probability.values())), np.array(list(right.values()))
    forgotten = np.where(a.any(1), ((a[:, :-1] > 0) & (a[:, 1:] == 0)).sum(1), a.shape[1])
    scores = {
        "confidence": p.mean(1),
        "variability": p.std(1),
        "correctness": a.sum(1),
        "forgetfulness": forgotten,
        "threshold_closeness": p.mean(1) * (1 - p.mean(1)),
    }[column]
    return _by_guid(list(gold), scores, column, options, gold)


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        return json_lines(path.read_text())
    except ValueError as error:
        raise ValueError(f"cannot read {path.name}: {error}") from error


def depth_json(content: Content, options: Options) -> Found:
    """{"0": 1, "1": 4, ...}: prediction depth by index."""
    source = "AngularGap, Peng et al., arXiv 2207.08525"
    return Found(
        **by_key(content.value), higher=options.direction("harder"), definition="prediction depth",
        source=source, limits=(0, np.inf), whole=True,
    )  # fmt: skip


def learn_t(content: Content, options: Options) -> Found:
    """A folder of `train-<e>.pt`, each {index: [..., [loss, prediction]]}: first epoch from which on
    the prediction is always the label; never = the number of epochs. Needs labels."""
    labels = options.needed_labels("the logs hold predictions")
    tables = [torch_files.loads(path.read_bytes()) for path in epoch_files(content, LOGS)]
    keys = in_key_order(tables[0])
    if any(table.keys() != tables[0].keys() for table in tables):
        raise ValueError("the epochs of the logs do not list the same examples")
    if len(keys) != len(labels):
        raise ValueError(f"the logs have {len(keys)} examples but there are {len(labels)} labels")
    by_id = None if options.ids is None else dict(zip(options.ids, labels, strict=True))
    if by_id is not None and (missing := [key for key in keys if str(key) not in by_id]):
        raise ValueError(f"ids do not match those of {content.path.name}: no id {str(missing[0])!r} in yours")
    truth = dict(zip(keys, labels, strict=True)) if by_id is None else {k: by_id[str(k)] for k in keys}
    last = dict.fromkeys(keys, 0)
    for epoch, table in enumerate(tables):
        for key, log in table.items():
            loss_and_prediction = log[-1] if np.ndim(log[-1]) else log
            if int(np.asarray(loss_and_prediction[1])) != truth[key]:
                last[key] = epoch + 1
    return Found(
        **by_key(last), higher=options.direction("harder"), source=_WU,
        definition="first epoch from which on it was always right", limits=(0, len(tables)), whole=True,
        fields={"never_learned": f"never learned counts as {len(tables)}, the number of epochs"},
    )  # fmt: skip


def _by_guid(
    guids: list[Any],
    scores: ArrayLike | Sequence[float],
    column: str,
    options: Options,
    gold: dict[Any, int] | None = None,
) -> Found:
    """Align by guid where guids are 0..P-1, else keep the guids as ids."""
    if len(set(guids)) != len(guids):
        raise ValueError("a guid occurs twice in the file")
    higher, limits, whole = COLUMNS[column]
    return Found(
        **by_key(dict(zip(guids, np.asarray(scores, float), strict=True))),
        higher=options.direction(higher), definition=f"{column}, over the epochs of fine-tuning",
        source=_MAPS, labels=None if gold is None else np.array([gold[key] for key in in_key_order(guids)]),
        limits=limits, whole=whole,
    )  # fmt: skip
