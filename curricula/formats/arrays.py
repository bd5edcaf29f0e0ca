"""Readers of numpy files: our own, C-scores, memorisation, data_diet, VoG."""

import json
from typing import Any

import numpy as np

from curricula.formats.content import Content, Found, Options, finite
from curricula.ranking import FORMAT, Ranking

_CSCORE = "C-score: probability that a network that has not seen the example gets it right"
_JIANG = "Jiang et al., ICML 2021, arXiv 2002.03206"
_TFDS = "in TFDS order, not the original one"
_SHARE = (0.0, 1.0)


def own(content: Content, options: Options) -> Found:
    """Our own .npz, see `Ranking.save`; refuses one whose checksum does not fit its numbers."""
    values = content.value
    header = json.loads(str(values["header"]))
    if header.get("format") != FORMAT:
        raise ValueError(f"{content.path.name} has format {header.get('format')!r}; this reads {FORMAT!r}")
    arrays = {name: values.get(name) for name in ("labels", "ids")}
    saved = Ranking(values["scores"], **arrays)
    if saved.checksum != header["checksum"]:
        raise ValueError(f"{content.path.name} is damaged: its checksum does not fit its numbers")
    names = ("index_space", "runs", "never_learned")
    fields: dict[str, Any] = {name: header[name] for name in names} | {"error": values.get("error")}
    higher = header["higher_was"]
    if options.higher not in (None, higher):
        raise ValueError(f"{content.path.name} says itself that high is {higher}; leave higher out")
    scores = saved.scores if higher == "harder" else 0.0 - saved.scores
    return Found(scores, higher, header["definition"], header["source"], **arrays, fields=fields)


def cscore_npz(content: Content, options: Options) -> Found:
    """`labels`, `scores` (high = easy), for ImageNet also `filenames` in no particular order."""
    values = content.value
    names = values.get("filenames")
    return Found(
        values["scores"], options.direction("easier"), _CSCORE, _JIANG, values["labels"],
        None if names is None else _text(names), reordered=_keyed(names), limits=_SHARE,
    )  # fmt: skip


def cscore_npy(content: Content, options: Options) -> Found:
    """A bare array of C-scores, as published for MNIST: in TFDS order."""
    higher = options.direction("easier")
    return Found(content.value, higher, _CSCORE, _JIANG, reordered=_TFDS, limits=_SHARE)


DATA_DIET = {
    "error_l2_norm_scores": "EL2N: ||p - onehot(y)||_2",
    "grad_norm_scores": "GraNd: norm of the loss gradient",
    "forget_scores": "forgetting events",
}


def data_diet(content: Content, options: Options) -> Found:
    """`<kind>_scores/ckpt_<step>.npy` of data_diet: sorted by class; +inf = never learned."""
    kind = next((part for part in content.path.parts if part in DATA_DIET), "")
    scores, policy = finite(content.value)
    return Found(
        scores, options.direction("harder"), DATA_DIET.get(kind, "a score of data_diet"),
        "Paul et al., NeurIPS 2021, arXiv 2107.07075",
        reordered="in class-sorted TFDS order, not the original one", by_class=True, limits=(0, np.inf),
        fields={"never_learned": policy},
    )  # fmt: skip


def vog(content: Content, options: Options) -> Found:
    """A bare array of VoG values, high = hard."""
    source = "Agarwal et al., CVPR 2022, arXiv 2008.11600"
    higher = options.direction("harder")
    return Found(content.value, higher, "variance of gradients (VoG)", source, limits=(0, np.inf))


def feldman_zhang(content: Content, options: Options) -> Found:
    """Memorisation: `tr_mem` with `tr_labels` or `tr_filenames`, or `memorization` of an own run."""
    values = content.value
    definition = "memorisation: Pr[right | in the training set] - Pr[right | not in it]"
    source = "Feldman & Zhang, NeurIPS 2020, arXiv 2008.03703"
    names = values.get("tr_filenames")
    return Found(
        values["tr_mem"] if "tr_mem" in values else values["memorization"],
        options.direction("harder"), definition, source, values.get("tr_labels"),
        None if names is None else _text(names), reordered=_keyed(names), limits=(-1, 1),
    )  # fmt: skip


def influence_pairs(content: Content, options: Options) -> Found:
    """The list of high-influence pairs: refused, since most examples are not in it."""
    raise ValueError(
        f"{content.path.name} lists {len(content.value['tr_idx'])} pairs of train and test examples, "
        "not a score of every example; pass the file with tr_mem"
    )


def _keyed(names: np.ndarray | None) -> str:
    return "" if names is None else "in arbitrary order, keyed by file name"


def _text(names: np.ndarray) -> np.ndarray:
    return np.array([n.decode() if isinstance(n, bytes) else str(n) for n in names])
