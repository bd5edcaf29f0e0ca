"""Orderings: permutations, directions, stable ties, keys that count, classes dealt evenly."""

from inspect import unwrap

import jax
import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from curricula import Ranking, order
from curricula.ordering import ORDERINGS

TIED = arrays(np.float64, st.integers(1, 60), elements=st.sampled_from([0.0, 0.5, 1.0, 2.0]))


@given(TIED, st.sampled_from(sorted(ORDERINGS)), st.booleans(), st.integers(0, 9))
def test_every_ordering_is_a_permutation(scores, name, balanced, key):
    ranking = Ranking(scores, labels=np.arange(len(scores)) % 3)
    path = order(ranking, name, key, balanced=balanced)
    assert path.dtype == np.int64
    assert sorted(path.tolist()) == list(range(len(scores)))


@given(TIED)
def test_direction_and_ties(scores):
    for name, sign in (("curriculum", 1), ("anti_curriculum", -1)):
        path = order(Ranking(scores), name)
        steps = sign * np.diff(scores[path])
        assert (steps >= 0).all()
        assert (np.diff(path)[steps == 0] > 0).all()


@given(arrays(np.float64, 30, elements=st.floats(0, 1)), st.permutations([0] * 12 + [1] * 10 + [2] * 8))
def test_balanced_prefixes_hold_each_class_alike(scores, labels):
    ranking = Ranking(scores, labels=np.array(labels))
    path = order(ranking, "curriculum", balanced=True)
    for rounds in range(1, 9):
        assert np.bincount(np.array(labels)[path[: 3 * rounds]], minlength=3).tolist() == [rounds] * 3
        assert (np.diff(scores[path[3 * rounds - 3 : 3 * rounds]]) >= 0).all()
    for c in range(3):
        assert (np.diff(scores[path[np.array(labels)[path] == c]]) >= 0).all()


def test_random_depends_on_the_key_and_on_nothing_else():
    ranking = Ranking(np.arange(50.0))
    first, again, other = (order(ranking, "random", key) for key in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()
    typed = [order(ranking, "random", jax.random.key(seed)) for seed in (0, 0, 1)]
    assert (typed[0] == typed[1]).all()
    assert (typed[0] != typed[2]).any()
    old = [order(ranking, "random", jax.random.PRNGKey(seed)) for seed in (0, 1)]
    assert (old[0] == typed[0]).all()
    assert (old[1] == typed[2]).all()
    assert order(ranking, "standard").tolist() == list(range(50))


def test_refusals():
    ranking = Ranking(np.arange(3.0))
    with pytest.raises(ValueError, match="known: anti_curriculum, curriculum, random, standard"):
        order(ranking, "anti-curr")
    with pytest.raises(ValueError, match=r"ranking is a ndarray; need a Ranking: .*from_scores"):
        unwrap(order)(np.arange(3.0))
    with pytest.raises(ValueError, match="labels"):
        order(ranking, balanced=True)
    with pytest.raises(ValueError, match=r"jax\.random\.key"):
        order(ranking, "random", -1)
