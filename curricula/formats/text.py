"""Readers of JSON: training dynamics of dataset cartography, depths; and per-epoch logs in a folder."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from curricula.formats import torch_files
from curricula.formats.content import Content, Found, Options, indexed
from teacher_student.checks import known

_MAPS = "Swayamdipta et al., EMNLP 2020, arXiv 2009.10795"

#: Column of a cartography table -> what a high number means.
COLUMNS = {
    "confidence": "easier",
    "variability": "harder",
    "correctness": "easier",
    "forgetfulness": "harder",
    "threshold_closeness": "harder",
}


def cartography_metrics(content: Content, options: Options) -> Found:
    """`td_metrics.jsonl` or a data map: one object per example; `score` picks the column."""
    rows = content.value
    column = options.score or "confidence"
    known("score", column, [name for name in COLUMNS if name in rows[0]])
    return _keyed(
        [row["guid"] for row in rows],
        [row[column] for row in rows],
        None,
        options.direction(COLUMNS[column]),
        column,
    )


def dynamics_files(content: Content) -> list[Path]:
    """The `dynamics_epoch_<t>.jsonl` files that belong to the content, by t."""
    paths = content.value if content.kind == "folder" else [content.path]
    epochs = {p: re.fullmatch(r"dynamics_epoch_(\d+)\.jsonl", p.name) for p in paths}
    found = sorted((int(match[1]), path) for path, match in epochs.items() if match)
    if found and [t for t, _ in found] != list(range(found[0][0], found[0][0] + len(found))):
        raise ValueError(f"epochs {[t for t, _ in found]} of the training dynamics have a gap")
    return [path for _, path in found]


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
    files = dynamics_files(content) or [content.path]
    for path in files:
        for line in path.read_text().splitlines():
            row = json.loads(line)
            guid, y = row["guid"], int(row["gold"])
            z = np.asarray(next(v for k, v in row.items() if k.startswith("logits_epoch_")), np.float64)
            p = np.exp(z - z.max())
            probability.setdefault(guid, []).append(float(p[y] / p.sum()))
            right.setdefault(guid, []).append(float(z.argmax() == y))
            gold[guid] = y
    if {len(values) for values in right.values()} != {len(files)}:
        raise ValueError("the epochs of the training dynamics do not list the same examples")
    p, a = np.array(list(probability.values())), np.array(list(right.values()))
    forgotten = np.where(a.any(1), ((a[:, :-1] > 0) & (a[:, 1:] == 0)).sum(1), a.shape[1])
    scores = {
        "confidence": p.mean(1),
        "variability": p.std(1),
        "correctness": a.sum(1),
        "forgetfulness": forgotten,
        "threshold_closeness": p.mean(1) * (1 - p.mean(1)),
    }[column]
    return _keyed(list(gold), scores, list(gold.values()), options.direction(COLUMNS[column]), column)


def depth_json(content: Content, options: Options) -> Found:
    """{"0": 1, "1": 4, ...}: prediction depth by index."""
    scores, ids = indexed(content.value)
    source = "AngularGap, Peng et al., arXiv 2207.08525"
    return Found(scores, options.direction("harder"), "prediction depth", source, ids=ids)


def learn_t(content: Content, options: Options) -> Found:
    """A folder of `train-<e>.pt`, each {index: [..., [loss, prediction]]}: first epoch from which on
    the prediction is always the label; never = the number of epochs. Needs labels."""
    labels = options.needed_labels("the logs hold predictions")
    found = sorted((int(m[1]), p) for p in content.value if (m := re.fullmatch(r"train-(\d+)\.pt", p.name)))
    tables = [torch_files.loads(path.read_bytes()) for _, path in found]
    last = {}
    for epoch, table in enumerate(tables):
        for index, log in table.items():
            loss_and_prediction = log[-1] if np.ndim(log[-1]) else log
            if not 0 <= int(index) < len(labels):
                raise ValueError(f"the logs have index {index} but there are {len(labels)} labels")
            right = int(np.asarray(loss_and_prediction[1])) == labels[int(index)]
            last[int(index)] = last.get(int(index), 0) if right else epoch + 1
    scores, ids = indexed(last)
    return Found(
        scores, options.direction("harder"), "first epoch from which on it was always right",
        "Wu, Dyer, Neyshabur, ICLR 2021, arXiv 2012.03107", ids=ids,
        fields={"never_learned": f"never learned counts as {len(tables)}, the number of epochs"},
    )  # fmt: skip


def _keyed(guids: list[Any], scores: Any, gold: list[int] | None, higher: str, column: str) -> Found:
    """Align by guid where guids are 0..P-1, else keep the order of the file and the guids as ids."""
    if len(set(guids)) != len(guids):
        raise ValueError("a guid occurs twice in the file")
    values, ids = indexed(dict(zip(guids, np.asarray(scores, float), strict=True)))
    labels = None if gold is None else indexed(dict(zip(guids, gold, strict=True)))[0].astype(int)
    return Found(values, higher, f"{column}, over the epochs of fine-tuning", _MAPS, labels, ids)
