"""Grade the scores: how well does each one find the difficulty that a synthetic task really has?

On a synthetic task the difficulty of every example is known exactly. Networks are trained on a sample of
the task, every empirical score is computed as of several moments of training, and its rank correlation
with each oracle is returned: 1 = the score orders the examples as the oracle does, 0 = not at all,
negative = the wrong way round.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import rankdata

from curricula.difficulty import heldout, known, teacher
from curricula.difficulty.networks import Model
from curricula.difficulty.trained import SCORES, as_key, check_examples, network_for, resolve
from curricula.difficulty.training import Runs, train_scores
from curricula.ranking import Ranking
from teacher_student.checks import known as check_known, within
from teacher_student.fixed_settings import fixed_settings
from teacher_student.interfaces import Task
from teacher_student.students.flax_nets import MLP

Oracle = Callable[[np.ndarray, np.ndarray, np.ndarray], Ranking]

HELDOUT = ("c_score", "memorisation")
STATIC = {"transfer": teacher.transfer, "prototype_distance": teacher.prototype_distance}


def graded() -> tuple[str, ...]:
    """Names of all scores that can be graded, those that were registered just now among them."""
    return (*SCORES, *HELDOUT, *STATIC)


@dataclass(frozen=True, eq=False)
class Grades:
    """Rank correlations of scores with oracles.

    correlation : (replicate, oracle, score, time), Spearman, in [-1, 1]; NaN where a score is constant
    oracles, scores : names along the second and third axis
    samples : (time,) training examples seen by a network that trains on all
    """

    correlation: np.ndarray
    oracles: tuple[str, ...]
    scores: tuple[str, ...]
    samples: np.ndarray

    def mean(self) -> np.ndarray:
        """Mean over replicates (oracle, score, time); NaN where any replicate is."""
        return self.correlation.mean(0)


def oracles_of(task: Task) -> dict[str, Oracle]:
    """The oracles of a task: noise_level for all, and two more where the exact posterior is known.

    An oracle takes inputs (P, N), classes (P,) in {0, 1} and difficulties (P,), and returns a Ranking.
    """
    found: dict[str, Oracle] = {"noise_level": lambda x, y, d: known.noise_level(d)}
    if posterior := task.posterior:
        found["bayes_error"] = lambda x, y, d: known.bayes_error(posterior(x, d))
        found["label_surprise"] = lambda x, y, d: known.label_surprise(posterior(x, d), y)
    return found


@fixed_settings()
def grade_scores(
    task: Any,
    levels: Sequence[float],
    *,
    scores: Sequence[str] | None = None,
    width: int = 64,
    model: Model | None = None,
    n: int = 1000,
    runs: Runs | None = None,
    replicates: int = 4,
    oracles: Mapping[str, Oracle] | None = None,
    ratio: float = 0.7,
    k: int = 30,
    key: int | jax.Array = 0,
) -> Grades:
    """Train students on a synthetic task and correlate every score with its true difficulty.

    Parameters
    ----------
    task : a `Task` with labels -1 and +1; with `oracles`, anything that has its `sample`
    levels : difficulties; each example draws one uniformly
    scores : names from `graded()`, by default all of them
    width : hidden units K of the student, a relu MLP; or give any `model`
    n : examples in a replicate's data set
    runs : `Runs`; moments of training are its evaluations. Default 10 seeds, 10 epochs
    replicates : data sets, each with new students; the unit for intervals
    oracles : name -> (inputs, classes, difficulties) -> Ranking; default `oracles_of(task)`
    ratio : subset size of c_score and memorisation, whose number of runs is `runs.seeds`
    k : neighbours of prediction_depth
    key : int, 0 <= key < 2^32, or jax.random.key

    Returns
    -------
    Grades

    Raises
    ------
    ValueError
        For unknown scores, fewer than two levels, or numbers out of range.

    Examples
    --------
    >>> from teacher_student.tasks.xor_mixture import XorMixture
    >>> grades = grade_scores(XorMixture(10), [0.05, 1.0], scores=["el2n"], n=200, replicates=1,
    ...                       runs=Runs(seeds=4, epochs=2, batch_size=20))
    >>> grades.correlation.shape, grades.oracles
    ((1, 3, 1, 2), ('noise_level', 'bayes_error', 'label_surprise'))
    """
    chosen = graded() if scores is None else tuple(scores)
    for name in chosen:
        check_known("score", name, graded())
    if not chosen or len(set(levels)) < 2:
        raise ValueError("need at least one score and two different levels of difficulty")
    within("replicates", replicates, low=1)
    settings = runs or Runs(epochs=10)
    judges = oracles_of(task) if oracles is None else oracles
    student = MLP((width,), 2) if model is None else model
    correlation = [
        _one_data_set(task, np.asarray(levels, float), chosen, student, n, settings, judges, ratio, k, sub)
        for sub in jax.random.split(as_key(key), replicates)
    ]
    records = settings.epochs * settings.evaluations
    per_record = settings.steps_per_epoch(n) // settings.evaluations * settings.batch_size
    samples = per_record * np.arange(settings.skip + 1, records + 1)
    return Grades(np.stack(correlation), tuple(judges), chosen, samples)


def _one_data_set(
    task: Any,
    levels: np.ndarray,
    scores: tuple[str, ...],
    model: Model,
    n: int,
    runs: Runs,
    oracles: Mapping[str, Oracle],
    ratio: float,
    k: int,
    key: jax.Array,
) -> np.ndarray:
    """Correlations (oracle, score, time) on one sample of the task."""
    level_key, data_key, train_key, subset_key = jax.random.split(key, 4)
    difficulty = levels[np.asarray(jax.random.randint(level_key, (n,), 0, len(levels)))]
    inputs, signs = (np.asarray(a) for a in task.sample(data_key, n, jnp.asarray(difficulty, jnp.float32)))
    x, y = check_examples(inputs, (signs > 0).astype(np.int64))
    network = network_for(model, y)
    times = runs.epochs * runs.evaluations - runs.skip
    values: dict[str, np.ndarray] = {}
    if trained := [name for name in scores if name in SCORES]:
        chosen = tuple(resolve(name, k) for name in trained)
        keys = jax.random.split(train_key, runs.seeds)
        tables = train_scores(network, chosen, runs, x, y, keys, history=True)
        for name, score, table in zip(trained, chosen, tables, strict=True):
            sign = 1 if score.higher == "harder" else -1
            values[name] = sign * np.asarray(table, np.float64).mean(0)
    if set(HELDOUT) & set(scores):
        right, inside = heldout.subset_runs(network, runs, x, y, subset_key, ratio, history=True)
        by_time = [right[:, t] for t in range(times)]
        values["c_score"] = -np.stack([heldout.reduce_consistency(r, inside) for r in by_time])
        values["memorisation"] = np.stack([heldout.reduce_memorisation(r, inside) for r in by_time])
    for name in set(STATIC) & set(scores):
        values[name] = np.tile(STATIC[name](inputs, np.asarray(y)).scores, (times, 1))
    truth = np.stack([oracle(inputs, np.asarray(y), difficulty).scores for oracle in oracles.values()])
    return spearman(truth[:, None, None], np.stack([values[name] for name in scores]))


def spearman(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Rank correlation over the last axis, ties averaged, other axes broadcast; NaN if one is constant.

    Examples
    --------
    >>> spearman(np.array([1.0, 2, 3, 4]), np.array([[10.0, 20, 40, 30], [1.0, 1, 1, 1]])).tolist()
    [0.8, nan]
    """
    p, q = (rankdata(v, axis=-1) - (v.shape[-1] + 1) / 2 for v in (a, b))
    scale = np.sqrt((p**2).sum(-1) * (q**2).sum(-1))
    return np.where(scale > 0, (p * q).sum(-1) / np.where(scale > 0, scale, 1), np.nan)
