"""Readers of pickles and torch files: held-out losses, forgetting counts, checkpoints, probabilities."""

import numpy as np

from curricula.classes import check_probabilities
from curricula.formats.content import Content, Found, Options, by_key, finite

_WU = "Wu, Dyer, Neyshabur, ICLR 2021, arXiv 2012.03107"
_TONEVA = "Toneva et al., ICLR 2019, arXiv 1812.05159"


def uc_order(content: Content, options: Options) -> Found:
    """`<name>.order.pth`: {index: [mean loss, std]}, inserted easiest first.

    The losses are the score; should they contradict the order of insertion, the order counts, since
    it is all that the code around these files reads.
    """
    keys = list(content.value)
    means = np.array([float(np.asarray(pair).ravel()[0]) for pair in content.value.values()])
    agrees = np.isfinite(means).all() and (np.diff(means) >= -1e-6 * np.abs(means[1:])).all()
    pairs = dict(zip(keys, means if agrees else np.arange(1.0 * len(keys)), strict=True))
    definition = (
        "held-out cross-entropy, mean over folds and runs" if agrees else "position in the order of the file"
    )
    return Found(
        **by_key(pairs), higher=options.direction("harder"), definition=definition, source=_WU,
        limits=(0, np.inf),
    )  # fmt: skip


def toneva(content: Content, options: Options) -> Found:
    """{'indices', 'forgetting counts'}: counts belong to the examples in `indices`, not to 0..P-1."""
    indices, counts = (np.asarray(content.value[k]).ravel() for k in ("indices", "forgetting counts"))
    values, policy = finite(counts)
    if len(indices) != len(values) or len(np.unique(indices)) != len(indices):
        raise ValueError("indices and forgetting counts do not fit: need as many counts as distinct indices")
    pairs = dict(zip(indices.tolist(), values, strict=True))
    return Found(
        **by_key(pairs), higher=options.direction("harder"), definition="forgetting events", source=_TONEVA,
        limits=(0, np.inf), whole=True, fields={"never_learned": policy},
    )  # fmt: skip


def toneva_stats(content: Content, options: Options) -> Found:
    """{index: [losses, accuracies, margins]} over presentations: forgetting events are counted here."""
    counts = {}
    for index, record in content.value.items():
        if isinstance(index, (int, np.integer)):
            right = np.asarray(record[1], np.float64)
            counts[index] = float(np.sum((right[:-1] > 0) & (right[1:] <= 0)) if right.any() else len(right))
    return Found(
        **by_key(counts), higher=options.direction("harder"), definition="forgetting events", source=_TONEVA,
        fields={"never_learned": "never learned counts as T, the number of presentations"},
    )  # fmt: skip


def deepcore(content: Content, options: Options) -> Found:
    """A checkpoint with `subset`: {'indices', 'scores'}; scores of all examples, or per class.

    The file does not name its method but its file name does: GraNd and Forgetting are higher =
    harder, Uncertainty is higher = easier; otherwise the direction must be said.
    """
    subset = content.value["subset"]
    if "scores" not in subset:
        raise ValueError(f"{content.path.name} holds a subset without scores; it cannot rank the examples")
    name = content.path.name.lower()
    usual = (
        "harder" if "grand" in name or "forgetting" in name else "easier" if "uncertainty" in name else None
    )
    higher = options.direction(usual, "the file name does not tell which method made the scores")
    raw = subset["scores"]
    if isinstance(raw, (list, tuple)):
        labels = options.needed_labels("the scores are given class by class")
        classes = np.unique(labels)
        if [len(part) for part in raw] != [int(np.sum(labels == c)) for c in classes]:
            raise ValueError(
                "the scores per class do not have the class sizes of the labels: another data set"
            )
        flat = np.empty(len(labels))
        for c, part in zip(classes, raw, strict=True):
            flat[labels == c] = part
        raw = flat
    scores, policy = finite(raw)
    source = "DeepCore, Guo et al., DEXA 2022, arXiv 2204.08499"
    return Found(scores, higher, "selection score of DeepCore", source, fields={"never_learned": policy})


def class_probabilities(content: Content, options: Options) -> Found:
    """An array (P, C) of class probabilities, as of an SVM on pretrained features: the score is p_y.

    Refused where the labels fit it hardly better than chance, see `check_probabilities`.
    """
    table = np.asarray(content.value)
    if table.ndim != 2 or table.shape[1] < 2:
        raise ValueError(
            f"{content.path.name} holds an array of shape {table.shape}; need scores (P,), "
            "or class probabilities (P, C)"
        )
    labels = options.needed_labels("the file holds class probabilities, and the score is that of the label")
    check_probabilities(table, labels, content.path.name)
    source = "Hacohen & Weinshall, ICML 2019, arXiv 1904.03626"
    return Found(
        table[np.arange(len(labels)), labels],
        options.direction("easier"),
        "teacher probability of the label",
        source,
    )
