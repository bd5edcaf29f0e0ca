"""Which examples the epochs of cells on finite data show, under each protocol."""

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from studies.cells.finite_data import Data, draw
from studies.cells.finite_settings import KNOWN, FiniteSettings

#: The protocols. Those of a growing pool share its pacing and end with epochs over all examples.
POOLS = ("curriculum", "anti_curriculum", "random", "noise_last")
STANDARD, SORTED, GROWING = "standard", "sorted", "growing_inputs"
PROTOCOLS = (*POOLS, STANDARD, SORTED, GROWING)


def plans(cell: FiniteSettings, data: Data, protocols: tuple[str, ...], replicates: np.ndarray) -> Any:
    """`teacher_student.training.finite.Plan` of all runs, those of a protocol after each other."""
    from teacher_student.training.finite import Plan

    scores = difficulties(cell, data, protocols, replicates)
    each = [
        one(cell, data, protocol, scores, i, int(r))
        for protocol in protocols
        for i, r in enumerate(replicates)
    ]
    longest = max(len(windows) for _, windows, _ in each)
    filled = [np.concatenate([w, np.repeat(w[-1:], longest - len(w), 0)]) for _, w, _ in each]
    paths, shuffles = [path for path, _, _ in each], [shuffle for *_, shuffle in each]
    return Plan(np.stack(paths).astype(np.int32), np.stack(filled).astype(np.int32), np.array(shuffles))


def one(
    cell: FiniteSettings, data: Data, protocol: str, scores: np.ndarray, row: int, replicate: int
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Path, windows and whether it shuffles, of one run; `row` is that of the replicate in the data."""
    from curricula import Ranking, order
    from teacher_student.roles import ORDER

    size, count = data.labels.shape[1], cell.n_examples
    begin, last = row * size, data.tests[0].shape[0] - 1
    if protocol in (STANDARD, GROWING):
        stages = range(last + 1) if protocol == GROWING else [last]
        return begin + np.arange(size), np.array([(s * count, (s + 1) * count, s) for s in stages]), True
    # pools are of the examples of the last stage
    rng = np.random.default_rng([cell.seed, ORDER, replicate])
    start, chance = begin + size - count, int(rng.integers(2**31))
    wrong = data.wrong[row, -count:]
    if protocol == "noise_last":
        mixed = rng.permutation(count)
        path = mixed[np.argsort(wrong[mixed], kind="stable")]
    else:
        name = "curriculum" if protocol == SORTED else protocol
        path = order(Ranking(scores[row], cell.ranking), name, chance)
    whole = np.concatenate([begin + np.arange(size - count), start + path])
    sizes = np.array([count]) if protocol == SORTED else pool_sizes(cell)
    windows = np.stack(
        [np.full(len(sizes), size - count), size - count + sizes, np.full(len(sizes), last)], 1
    )
    return whole, windows, protocol != SORTED


def pool_sizes(cell: FiniteSettings) -> np.ndarray:
    """Examples available in each epoch, (epochs,)."""
    from curricula import pace

    pacing = pace(cell.pacing, total=cell.epochs, a=cell.a, b=cell.b)
    return pacing.count(np.arange(cell.epochs), cell.n_examples)


def difficulties(
    cell: FiniteSettings, data: Data, protocols: tuple[str, ...], replicates: np.ndarray
) -> np.ndarray:
    """Scores (R, P), higher = harder: what the source knows, or trained on the noisy labels."""
    asked = {"curriculum", "anti_curriculum", SORTED} & set(protocols)
    if cell.ranking == KNOWN or not asked:
        return data.difficulty[:, -cell.n_examples :]
    # what the scores do not depend on, so that all blocks share them
    same = {"width": 1, "learning_rate": 1.0, "epochs": 1, "record_every": 1, "protocol": STANDARD}
    shared = replace(cell, **same, pacing="linear", a=1.0, b=1.0, record=())
    return trained_scores(shared, tuple(replicates.tolist()))


@lru_cache(maxsize=8)
def trained_scores(cell: FiniteSettings, replicates: tuple[int, ...]) -> np.ndarray:
    """Scores (R, P) of ten networks trained on the examples of each replicate."""
    from jax.random import fold_in

    from curricula import rank
    from curricula.difficulty.training import Runs
    from teacher_student.roles import SCORING
    from teacher_student.training.streams import root_key

    root = fold_in(root_key(cell.seed), SCORING)
    count, data = cell.n_examples, draw(cell, np.array(replicates))
    labels = data.labels[:, -count:]
    classes = (labels[..., 0] > 0).astype(int) if labels.shape[-1] == 1 else labels.argmax(-1)
    runs = Runs(epochs=cell.ranking_epochs, batch_size=min(128, count))
    return np.stack(
        [
            rank(cell.ranking, x, y, runs=runs, key=fold_in(root, r)).scores
            for x, y, r in zip(data.inputs[:, -count:], classes, replicates, strict=True)
        ]
    )
