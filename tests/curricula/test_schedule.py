"""Protocols differ in order alone: same length, same counts, the promised order."""

import numpy as np
import pytest

from curricula.schedule import (
    EASY,
    EASY_FIRST,
    HARD,
    HARD_FIRST,
    PROTOCOLS,
    draw_steps,
    level_table,
    phases,
    realise,
)
from teacher_student.schedules import tabulate
from teacher_student.tasks.xor_mixture import XorMixture

T = 1001


def steps(protocol, f=0.3, seed=0):
    return realise(phases(protocol, f), T, np.random.default_rng(seed))


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("f", [0.0, 0.3, 0.37, 0.85, 1.0])
def test_every_protocol_spends_the_whole_budget_and_the_same_easy_share(protocol, f):
    if protocol == "no_curriculum_then_target" and f > 0.85:
        with pytest.raises(ValueError, match="easy_fraction must be at most 0.85; it is 1$"):
            phases(protocol, f)
        return
    task = XorMixture(10)
    _, table, (plan,) = tabulate(task, protocol, 0.1, 1.0, f)
    found = realise(plan, T, np.random.default_rng(0))
    assert found.shape == (T,)
    easy = np.mean([table[i]["noise"] < 1 for i in found])
    share = {"target_only": 0, "ramp_then_target": 0.85, "shuffled_ramp_then_target": 0.85}.get(protocol, 1)
    assert abs(easy - share * f) <= 3 / T


def test_orders_are_as_named():
    assert (np.diff(steps("curriculum").astype(int)) >= 0).all()
    assert (np.diff(steps("anti_curriculum").astype(int)) <= 0).all()
    assert (steps("target_only") == HARD).all()
    shuffled = steps("no_curriculum")
    assert abs(np.mean(shuffled[: T // 2] == EASY) - 0.3) < 0.1
    staged = steps("rule_curriculum")
    assert set(staged[:150]) == {EASY_FIRST, HARD_FIRST}
    assert set(staged[-700:]) == {EASY, HARD}


def test_shuffles_belong_to_the_replicate_and_to_nothing_else():
    both = draw_steps(("curriculum", "no_curriculum"), 0.3, T, 0, np.arange(4))
    alone = draw_steps(("no_curriculum",), 0.3, T, 0, np.array([2]))
    np.testing.assert_array_equal(both[2, 1], alone[0, 0])
    assert (both[0, 1] != both[1, 1]).any()
    assert (draw_steps(("no_curriculum",), 0.3, T, 1, np.array([2])) != alone).any()


def test_clusters_appear_equally_often_under_the_rule_curriculum():
    task = XorMixture(10)
    table = level_table(task, task.level(noise=0.1), task.level(noise=1.0))
    share = np.mean([table[i]["prior"] for i in steps("rule_curriculum")], 0)
    np.testing.assert_allclose(share, 0.25, atol=2 / T)
    noise = np.mean([table[i]["noise"] == 0.1 for i in steps("rule_curriculum")])
    assert noise == pytest.approx(0.3, abs=3 / T)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="unknown protocol 'anti-curr'; known: anti_curriculum, curriculum"):
        phases("anti-curr", 0.3)
    with pytest.raises(ValueError, match="easy_fraction is 1.2"):
        phases("curriculum", 1.2)
