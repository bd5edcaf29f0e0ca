"""Readers of bare numbers, in any container: scores whose direction must be said, and orders."""

import re

import numpy as np

from curricula.formats.content import Content, Found, Options, by_key
from curricula.ranking import Ranking


def is_permutation(values: np.ndarray | None) -> bool:
    """Whether the values are 0..P-1, each once: an order and ranks look like that alike."""
    return values is not None and bool(np.array_equal(np.sort(values), np.arange(values.size)))


def named_order(content: Content) -> bool:
    """Whether the name says that the file lists an order ("orig-order" speaks of the data set)."""
    return bool(re.search(r"order", re.sub(r"orig(inal)?[-_ ]?order", "", content.path.name.lower())))


def single_numbers(content: Content) -> bool:
    """Whether it is {key: number} or {key: [number]}."""
    value = content.value
    if content.kind not in ("torch", "pickle", "json") or not isinstance(value, dict) or not value:
        return False
    return all(_number(entry) is not None for entry in value.values())


def order(content: Content, options: Options) -> Found:
    """A permutation that lists indices easiest first (Carlini et al. 1910.13427, AngularGap).

    Pass higher="easier" for a file that lists the hardest first. The score is the position.
    """
    position = Ranking.from_order(content.vector()).scores
    return Found(position, options.direction("harder"), "position in a published order", content.path.name)


def scores(content: Content, options: Options) -> Found:
    """One number per example: an array, {key: number}, or an .npz with `scores` and perhaps `labels`.

    The direction must be said; AngularGap's classification_margin, p_y - max of the other p_c, is the
    one that is known.
    """
    name, value = content.path.name, content.value
    margin = "classification_margin" in name
    higher = options.direction(
        "easier" if margin else None, f"{name} holds bare scores, and nothing says whether high is hard"
    )
    definition, limits = ("classification margin", (-1.0, 1.0)) if margin else ("bare scores", _ANY)
    if content.kind == "npz":
        names = value.get("ids", value.get("filenames"))
        ids = None if names is None else np.array([n.decode() if isinstance(n, bytes) else n for n in names])
        why = "" if ids is None else "keyed by name"
        return Found(value["scores"], higher, definition, name, value.get("labels"), ids, reordered=why)
    if isinstance(value, dict):
        pairs = {key: number for key, entry in value.items() if (number := _number(entry)) is not None}
        return Found(**by_key(pairs), higher=higher, definition=definition, source=name, limits=limits)
    return Found(content.vector(), higher, definition, name, limits=limits)


_ANY = (-np.inf, np.inf)


def _number(entry: object) -> float | None:
    """The only number of an entry."""
    try:
        array = np.asarray(entry)
    except ValueError:
        return None
    return float(array.ravel()[0]) if array.size == 1 and array.dtype.kind in "iufb" else None
