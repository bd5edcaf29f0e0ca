"""Scores from training: the table of what there is, and the function that computes any of them.

`rank_all` trains `runs.seeds` networks once and returns every score asked for; `curricula.rank` is
the same for one. A row says what is measured, what is made of it over time, and what high means.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import ArrayLike

from curricula.classes import check_range, whole_labels
from curricula.difficulty import gradients, pointwise
from curricula.difficulty.depth import prediction_depth
from curricula.difficulty.networks import Model, Network, as_network
from curricula.difficulty.over_time import FIRST, FORGOTTEN, LAST, LEARNED, MEAN, NEVER, STD, SUM
from curricula.difficulty.score import Score, View
from curricula.difficulty.training import Runs, train_scores
from curricula.ranking import Ranking
from teacher_student.checks import known
from teacher_student.fixed_settings import fixed_settings
from teacher_student.students.flax_nets import MLP
from teacher_student.training.streams import root_key


def _of(function: Callable[..., Any]) -> Callable[[View], Any]:
    return lambda view: function(view.logits, view.labels)


_right, _p = _of(pointwise.correct), _of(pointwise.probability)
_PAUL = "Paul et al., NeurIPS 2021, arXiv 2107.07075"
_MAPS = "Swayamdipta et al., EMNLP 2020, arXiv 2009.10795"
_TONEVA = "Toneva et al., ICLR 2019, arXiv 1812.05159"
_VOG = "Agarwal et al., CVPR 2022, arXiv 2008.11600"
_WU = "Wu, Dyer, Neyshabur, ICLR 2021, arXiv 2012.03107"
_BALDOCK = "Baldock et al., NeurIPS 2021, arXiv 2106.09647"

#: Name -> score. Time runs over the records of `Runs`; LAST is the end of training.
SCORES: dict[str, Score] = {
    "el2n": Score(_of(pointwise.error_l2), LAST, "harder", "||p - onehot(y)||_2", _PAUL),
    "el1n": Score(_of(pointwise.error_l1), LAST, "harder", "||p - onehot(y)||_1", _PAUL),
    "grand": Score(gradients.grand, LAST, "harder", "norm of the loss gradient, all layers", _PAUL),
    "grand_last": Score(gradients.grand_last, LAST, "harder", "the same, last layer", _PAUL),
    "loss": Score(_of(pointwise.cross_entropy), LAST, "harder", "-ln p_y", "Kumar et al., NeurIPS 2010"),
    "entropy": Score(_of(pointwise.entropy), LAST, "harder", "-sum_c p_c ln p_c", "Shannon"),
    "max_confidence": Score(_of(pointwise.max_probability), LAST, "easier", "max_c p_c", _MAPS),
    "margin": Score(_of(pointwise.margin), LAST, "easier", "p_y - max of the other p_c", _TONEVA),
    "aum": Score(
        _of(pointwise.logit_margin), MEAN, "easier", "mean over time of z_y - max of the other z_c",
        "Pleiss et al., NeurIPS 2020, arXiv 2001.10528",
    ),
    "confidence": Score(_p, MEAN, "easier", "mean over time of p_y", _MAPS),
    "variability": Score(_p, STD, "harder", "std over time of p_y: ambiguous, not always hard", _MAPS),
    "correctness": Score(_right, SUM, "easier", "number of records at which it was right", _MAPS),
    "threshold_closeness": Score(
        _p, MEAN, "harder", "c (1 - c), c = mean over time of p_y: ambiguous, not always hard",
        "Chang et al., NeurIPS 2017, arXiv 1704.07433", finish=lambda c, labels: c * (1 - c),
    ),
    "forgetting": Score(
        _right, FORGOTTEN, "harder", "times it went from right to wrong, looked at in the minibatch",
        _TONEVA, when="batch", never_learned=NEVER,
    ),
    "forgetting_epoch": Score(
        _right, FORGOTTEN, "harder", "times it went from right to wrong, looked at in evaluations",
        _TONEVA, never_learned=NEVER,
    ),
    "first_learned": Score(
        _right, FIRST, "harder", "first record at which it was right", _WU, never_learned=NEVER
    ),
    "learned_iteration": Score(
        _right, LEARNED, "harder", "first record from which on it was always right", _BALDOCK,
        never_learned=NEVER,
    ),
    "prediction_depth": Score(
        prediction_depth(), LAST, "harder", "layer from which its neighbours have its predicted class",
        _BALDOCK, when="whole",
    ),
    "vog": Score(
        gradients.input_gradient, STD, "harder", "mean over pixels of the std over time of d z_y / d x",
        _VOG, finish=gradients.pixel_mean,
    ),
}  # fmt: skip


@fixed_settings()
def rank_all(
    names: Sequence[str],
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    model: Model | None = None,
    runs: Runs | None = None,
    key: int | jax.Array = 0,
    index_space: str = "",
    k: int = 30,
    reference: str = "predicted",
) -> dict[str, Ranking]:
    """Train once, score every example in several ways.

    Parameters
    ----------
    names : names from `SCORES`
    inputs : (P, ...) numbers, used as float32, not augmented
        Whole numbers, such as pixels in 0..255, are divided by their largest magnitude; scale floats
        yourself.
    labels : (P,) whole numbers 0..C-1
    model : flax.linen Module, function rngs -> nnx.Module, or Network; default an MLP of 256 units
    runs : `Runs`, default 10 seeds, one epoch
    key : int, 0 <= key < 2^32, or jax.random.key
    index_space : which data the indices refer to, for the record
    k, reference : of "prediction_depth"

    Returns
    -------
    name -> Ranking: mean over seeds, with its standard error

    Raises
    ------
    ValueError
        For unknown names, inputs and labels that do not fit, or runs that end in NaN.

    Warns
    -----
    UserWarning
        If half of the networks or more are right no more often than naming the largest class is.
    """
    for name in names:
        known("score", name, SCORES)
    chosen = tuple(resolve(name, k, reference) for name in names)
    x, y = check_examples(inputs, labels)
    settings = runs or Runs()
    keys = jax.random.split(as_key(key), settings.seeds)
    tables = train_scores(network_for(model, y), chosen, settings, x, y, keys, warn=True)
    ready = [
        (name, score, np.asarray(table)) for name, score, table in zip(names, chosen, tables, strict=True)
    ]
    return {name: summarise(score, table, y, index_space) for name, score, table in ready}


def resolve(name: str, k: int = 30, reference: str = "predicted") -> Score:
    """The score of that name, with the options of prediction depth applied."""
    score = SCORES[name]
    return _depth(k, reference) if name == "prediction_depth" else score


@functools.lru_cache(maxsize=16)
def _depth(k: int, reference: str) -> Score:
    return replace(SCORES["prediction_depth"], measure=prediction_depth(k, reference))


def summarise(score: Score, table: np.ndarray, labels: ArrayLike, index_space: str) -> Ranking:
    """Mean over runs (R, P) -> Ranking with its standard error; refuses runs that are not finite."""
    broken = int((~np.isfinite(table)).any(1).sum())
    if broken:
        raise ValueError(f"{broken} of {len(table)} runs ended in NaN or infinity; try a lower learning rate")
    values = table.astype(np.float64)
    error = values.std(0, ddof=1) / len(values) ** 0.5 if len(values) > 1 else None
    return Ranking.from_scores(
        values.mean(0),
        higher=score.higher,
        definition=f"{score.definition}; mean over runs",
        source=score.source,
        index_space=index_space,
        labels=np.asarray(labels),
        error=error,
        runs=len(values),
        never_learned=score.never_learned,
    )


def check_examples(inputs: ArrayLike, labels: ArrayLike) -> tuple[jax.Array, jax.Array]:
    """Inputs as float32 (P, ...) and labels as int32 (P,), or a ValueError that says what is wrong.

    Whole numbers, such as pixels in 0..255, are divided by their largest magnitude; floats stay as they are.
    """
    x, y = np.asarray(inputs), whole_labels(labels)
    if x.ndim < 2 or len(x) != len(y) or x.size == 0:
        raise ValueError(
            f"inputs have shape {x.shape} and labels {y.shape}; need (P, ...) and (P,) with P >= 1"
        )
    check_range(y)
    if x.dtype.kind not in "iubf":
        raise ValueError(f"inputs are {x.dtype}; need numbers")
    if not np.isfinite(x).all():
        raise ValueError("inputs hold NaN or infinity")
    if x.dtype.kind in "iu":
        x = x.astype(np.float32) / np.float32(max(1, int(x.max()), -int(x.min())))
    return jax.device_put(x.astype(np.float32)), jax.device_put(y.astype(np.int32))


def network_for(model: Model | None, labels: jax.Array) -> Network:
    """The model as a `Network`; without one, an MLP of 256 relu units."""
    return as_network(MLP((256,), max(2, int(np.max(labels)) + 1)) if model is None else model)


def as_key(key: int | np.integer | jax.Array) -> jax.Array:
    """A typed JAX key from a seed in 0..2^32 - 1, a typed key, or the two numbers of an old-style key."""
    if isinstance(key, (int, np.integer)):
        return root_key(int(key))
    if isinstance(key, jax.Array) and jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.shape == ():
        return key
    if isinstance(key, (jax.Array, np.ndarray)) and key.dtype == np.uint32 and key.shape == (2,):
        return jax.random.wrap_key_data(jnp.asarray(key), impl="threefry2x32")
    raise ValueError(f"key is {key!r}; need a seed in 0..4294967295, or a jax.random.key")
