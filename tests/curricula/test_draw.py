"""Draws from finite data: pools follow the pacing, budgets are equal, indices are plain."""

from inspect import unwrap

import jax
import numpy as np
import pytest
from hypothesis import given, strategies as st

from curricula import Ranking, order, pace
from curricula.draw import Draw, batches
from curricula.ordering import ORDERINGS

P = 60
RANKING = Ranking(np.linspace(0, 1, P)[::-1], labels=np.arange(P) % 3)
PACE = pace("linear", total=30, a=0.8, b=0.2)


@given(
    st.sampled_from(sorted(ORDERINGS)),
    st.sampled_from(["linear", "step", "exp", "log"]),
    st.sampled_from(["step", "epoch"]),
    st.integers(1, P),
    st.integers(0, 40),
)
def test_every_arm_has_the_same_budget_and_draws_from_its_pool(name, family, refresh, batch_size, steps):
    path = order(RANKING, name)
    pacing = pace(family, total=30, a=0.8, b=0.2)
    drawn = list(batches(path, pacing, steps=steps, batch_size=batch_size, refresh=refresh))
    assert [len(b) for b in drawn] == [batch_size] * steps
    for step, batch in enumerate(drawn):
        pool = path[: max(pacing.count(step, P), batch_size if refresh == "epoch" else 1)]
        assert np.isin(batch, pool).all()


def test_epoch_refresh_reads_the_pacing_only_when_the_pool_is_exhausted():
    path = order(RANKING)
    drawn = list(batches(path, PACE, steps=12, batch_size=5, refresh="epoch", n_min=10, last="short"))
    sizes, step = [], 0
    while step < 12:
        pool = max(int(PACE.count(step, P)), 10)
        sizes.append(pool)
        walk = drawn[step : step + -(-pool // 5)]
        if step + len(walk) < 12:
            assert sorted(np.concatenate(walk).tolist()) == sorted(path[:pool].tolist())
        step += len(walk)
    assert sizes[:2] == [12, 18]
    assert [len(b) for b in drawn[:4]] == [5, 5, 2, 5]


def test_keys():
    path = order(RANKING)
    for refresh in ("step", "epoch"):
        one, again, other = (
            np.concatenate(list(batches(path, PACE, steps=9, batch_size=4, refresh=refresh, key=k)))
            for k in (1, 1, 2)
        )
        assert (one == again).all()
        assert (one != other).any()


def test_a_path_may_be_a_list():
    for refresh in ("step", "epoch"):
        one, two = (
            [b.tolist() for b in batches(path, PACE, steps=9, batch_size=4, refresh=refresh)]
            for path in (order(RANKING), order(RANKING).tolist())
        )
        assert one == two


def test_compiled_draw_follows_the_same_pools():
    path = order(RANKING)
    draw = Draw(path, PACE, batch_size=500)
    table = jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(0), 40), np.arange(40))
    for step, batch in enumerate(np.asarray(table)):
        pool = path[: PACE.count(step, P)]
        assert set(batch.tolist()) == set(pool.tolist())


def test_refusals():
    path = order(RANKING)
    cases = [
        ({"path": np.array([0, 0, 1])}, "permutation"),
        ({"path": [0, 1, 3]}, "permutation"),
        ({"path": [-1, 0, 1]}, "permutation"),
        ({"path": [0.0, 1.0]}, "permutation"),
        ({"path": RANKING}, "path is a Ranking; pass curricula.order"),
        ({"pacing": lambda step: 1.0}, "pacing is a function; need what curricula.pace returns"),
        ({"batch_size": P + 1}, "batch_size is 61; need 1 <= batch_size <= 60"),
        ({"batch_size": P + 1, "last": "short"}, "batch_size is 61"),
        ({"n_min": P + 1}, "n_min is 61"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"steps": -1}, "steps is -1"),
        ({"refresh": "never"}, "known: epoch, step"),
        ({"last": "keep"}, "known: drop, short"),
    ]
    for change, message in cases:
        arguments = {"path": path, "pacing": PACE, "steps": 3, "batch_size": 4} | change
        with pytest.raises(ValueError, match=message):
            unwrap(batches)(arguments.pop("path"), arguments.pop("pacing"), **arguments)


@pytest.mark.slow
def test_ten_million_scores_are_ordered_and_paced():
    """Size changes nothing: every batch lies in the pool of its step, and the path is the sorted scores."""
    ranking = Ranking(np.random.default_rng(0).random(10_000_000))
    path = order(ranking)
    pacing = pace("root", total=1000, a=0.8, b=0.1)
    sorted_scores = ranking.scores[path]
    assert (np.diff(sorted_scores) >= 0).all()
    for step, batch in enumerate(batches(path, pacing, steps=1000, batch_size=128, refresh="step")):
        assert ranking.scores[batch].max() <= sorted_scores[int(pacing.count(step, len(path))) - 1]
