"""Scores from networks that did not train on the example: C-score, its loss-based kin, memorisation.

    c_score       mean over subset ratios n of Pr[f_S(x) = y | |S| = n P, x not in S]         easier
                  Jiang et al., ICML 2021, arXiv 2002.03206, eq. (1) and (2)
    loss_c_score  mean over shuffles of the cross-entropy of the fold's held-out network          harder
                  Wu, Dyer, Neyshabur, ICLR 2021, arXiv 2012.03107, sec. 3
    memorisation  Pr[f_S(x) = y | x in S] - Pr[f_S(x) = y | x not in S]                        harder
                  Feldman & Zhang, NeurIPS 2020, arXiv 2008.03703, eq. (1)

Probabilities are frequencies over runs. Each subset is uniform among those of its size, and subsets are drawn
in groups that leave every example out at least once, so few runs suffice for an estimate. Here
`Runs.seeds` counts subsets per ratio (c_score, memorisation) or shuffles (loss_c_score). `reduce_*` are the
plain formulas on tables of runs x examples.
"""

from collections.abc import Sequence
from functools import partial

import jax
import numpy as np
from numpy.typing import ArrayLike

from curricula.difficulty import over_time, pointwise
from curricula.difficulty.networks import Model, Network
from curricula.difficulty.score import Score
from curricula.difficulty.trained import as_key, check_examples, network_for
from curricula.difficulty.training import Runs, train_scores
from curricula.ranking import Ranking
from teacher_student.checks import within
from teacher_student.fixed_settings import fixed_settings

RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
RIGHT = Score(lambda v: pointwise.correct(v.logits, v.labels), over_time.LAST, "easier", "right", "")
LOSS = Score(lambda v: pointwise.cross_entropy(v.logits, v.labels), over_time.LAST, "harder", "loss", "")


def reduce_consistency(right: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Share of runs that are right among those that did not train on the example (P,).

    right, inside : (R, P); refuses examples that every run trained on.
    """
    out = ~inside
    _require(out, "held out")
    return (right * out).sum(0) / out.sum(0)


def reduce_memorisation(right: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Share right among the runs that trained on the example, minus share right among the others (P,)."""
    _require(inside, "trained on")
    return (right * inside).sum(0) / inside.sum(0) - reduce_consistency(right, inside)


def _require(chosen: np.ndarray, what: str) -> None:
    if empty := int((chosen.sum(0) == 0).sum()):
        raise ValueError(f"{empty} examples are {what} in none of the {len(chosen)} runs; use more seeds")


@fixed_settings()
def c_score(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    model: Model | None = None,
    runs: Runs | None = None,
    key: int | jax.Array = 0,
    ratios: Sequence[float] = RATIOS,
    index_space: str = "",
) -> Ranking:
    """C-score: how often networks that did not train on an example get it right; higher = easier there.

    Parameters
    ----------
    inputs, labels, model, key, index_space : as for `curricula.difficulty.trained.rank_all`
    runs : `Runs`; seeds = subsets per ratio, default 10 (the paper: 200)
    ratios : subset sizes as fractions of P, in (0, 1); default 0.1, 0.2, ..., 0.9

    Returns
    -------
    Ranking; its error is the standard error over ratios

    Raises
    ------
    ValueError
        For a ratio outside (0, 1), or examples that are never held out because there are too few seeds.

    Examples
    --------
    >>> x = np.r_[np.linspace(-2, -1, 20), np.linspace(1, 2, 20), -1.5][:, None]
    >>> y = np.repeat([0, 1], [20, 21])                      # the last label is wrong
    >>> ranking = c_score(x, y, ratios=(0.7,), runs=Runs(seeds=8, epochs=10, batch_size=4))
    >>> int(ranking.ranks().argmax())
    40
    """
    settings, x, y, network = _setup(inputs, labels, model, runs)
    keys = jax.random.split(as_key(key), len(ratios))
    scores = [
        reduce_consistency(*subset_runs(network, settings, x, y, k, ratio, warn=ratio == max(ratios)))
        for k, ratio in zip(keys, ratios, strict=True)
    ]
    error = np.std(scores, 0, ddof=1) / len(scores) ** 0.5 if len(scores) > 1 else None
    return Ranking.from_scores(
        np.mean(scores, 0), higher="easier", definition=f"C-score over ratios {', '.join(map(str, ratios))}",
        source="Jiang et al., ICML 2021, arXiv 2002.03206", labels=np.asarray(y), error=error,
        runs=settings.seeds * len(ratios), index_space=index_space,
    )  # fmt: skip


@fixed_settings()
def memorisation(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    model: Model | None = None,
    runs: Runs | None = None,
    key: int | jax.Array = 0,
    ratio: float = 0.7,
    index_space: str = "",
) -> Ranking:
    """Memorisation: how much more often an example is right when trained on; higher = harder.

    Parameters
    ----------
    inputs, labels, model, key, index_space : as for `curricula.difficulty.trained.rank_all`
    runs : `Runs`; seeds = subsets, default 10 (the paper: 2000 for MNIST)
    ratio : subset size as a fraction of P, in (0, 1); default 0.7, as in the paper

    Returns
    -------
    Ranking, scores in [-1, 1]

    Raises
    ------
    ValueError
        For a ratio outside (0, 1), or examples that are always or never trained on.
    """
    settings, x, y, network = _setup(inputs, labels, model, runs)
    scores = reduce_memorisation(*subset_runs(network, settings, x, y, as_key(key), ratio, warn=True))
    return Ranking.from_scores(
        scores, higher="harder", definition=f"memorisation, subset ratio {ratio}",
        source="Feldman & Zhang, NeurIPS 2020, arXiv 2008.03703", labels=np.asarray(y), runs=settings.seeds,
        index_space=index_space,
    )  # fmt: skip


@fixed_settings()
def loss_c_score(
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    model: Model | None = None,
    runs: Runs | None = None,
    key: int | jax.Array = 0,
    folds: int = 4,
    index_space: str = "",
) -> Ranking:
    """Loss-based C-score: mean cross-entropy of the networks that did not train on the example; harder.

    Parameters
    ----------
    inputs, labels, model, key, index_space : as for `curricula.difficulty.trained.rank_all`
    runs : `Runs`; seeds = shuffles, each split into folds, default 10 as in the paper
    folds : >= 2, default 4 as in the paper

    Returns
    -------
    Ranking; its error is the standard error over shuffles

    Raises
    ------
    ValueError
        For fewer than two folds or more than examples.
    """
    settings, x, y, network = _setup(inputs, labels, model, runs)
    within("folds", folds, low=2, high=len(y))
    split_key, train_key = jax.random.split(as_key(key))
    count = len(y)
    size = count - -(-count // folds)
    shuffles = _shuffled(jax.random.split(split_key, settings.seeds), count)
    outside = [[path[fold::folds] for fold in range(folds)] for path in shuffles]
    members = [
        np.setdiff1d(path, out)[:size] for path, outs in zip(shuffles, outside, strict=True) for out in outs
    ]
    keys = jax.random.split(train_key, len(members))
    (table,) = train_scores(network, (LOSS,), settings, x, y, keys, np.stack(members), warn=True)
    losses = np.asarray(table, np.float64).reshape(settings.seeds, folds, count)
    heldout = np.empty((settings.seeds, count))
    for seed, outs in enumerate(outside):
        for fold, out in enumerate(outs):
            heldout[seed, out] = losses[seed, fold, out]
    error = heldout.std(0, ddof=1) / settings.seeds**0.5 if settings.seeds > 1 else None
    return Ranking.from_scores(
        heldout.mean(0), higher="harder", definition=f"held-out cross-entropy, {folds}-fold",
        source="Wu, Dyer, Neyshabur, ICLR 2021, arXiv 2012.03107", labels=np.asarray(y), error=error,
        runs=settings.seeds, index_space=index_space,
    )  # fmt: skip


def _setup(
    inputs: ArrayLike, labels: ArrayLike, model: Model | None, runs: Runs | None
) -> tuple[Runs, jax.Array, jax.Array, Network]:
    x, y = check_examples(inputs, labels)
    return runs or Runs(), x, y, network_for(model, y)


def subset_runs(
    network: Network,
    runs: Runs,
    x: jax.Array,
    y: jax.Array,
    key: jax.Array,
    ratio: float,
    history: bool = False,
    warn: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Train on random subsets of size ratio P.

    Returns whether each run is right on each example, (R, P) or with history (R, T, P), and whether it
    has trained on it, (R, P).
    """
    if not 0 < ratio < 1:
        raise ValueError(f"ratio is {ratio!r}; need 0 < ratio < 1, so that some examples are held out")
    count, size = len(y), round(ratio * len(y))
    subset_key, train_key = jax.random.split(key)
    turns = -(-count // (count - size))
    shuffles = _shuffled(jax.random.split(subset_key, -(-runs.seeds // turns)), count)
    paths = np.repeat(shuffles, turns, 0)[: runs.seeds]
    starts = (1 + np.arange(runs.seeds) % turns) * (count - size)
    members = np.stack([np.roll(path, -start)[:size] for path, start in zip(paths, starts, strict=True)])
    keys = jax.random.split(train_key, runs.seeds)
    (right,) = train_scores(network, (RIGHT,), runs, x, y, keys, members, history=history, warn=warn)
    inside = np.zeros((runs.seeds, count), bool)
    np.put_along_axis(inside, members, True, axis=1)
    return np.asarray(right) > 0, inside


def _shuffled(keys: jax.Array, count: int) -> np.ndarray:
    """0 .. count - 1 in an order of its own for every key, (R, count)."""
    return np.asarray(_permutations(keys, count))


@partial(jax.jit, static_argnames="count")
def _permutations(keys: jax.Array, count: int) -> jax.Array:
    return jax.vmap(lambda key: jax.random.permutation(key, count))(keys)
