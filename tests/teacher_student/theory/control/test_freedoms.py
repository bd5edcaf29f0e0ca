"""A free share, three levels and a controlled learning rate, where the answer is known beforehand."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory.control.chosen import Optimum
from teacher_student.theory.control.optimum import optimal_schedule

pytestmark = pytest.mark.usefixtures("quick_module")

TASK = SparseTeacher(100)
STUDENT = TwoLayer(1, "erf", train_readout=False)
START = Overlaps(jnp.full((1, 1), 0.1), jnp.full((2, 1, 1), 0.5), jnp.ones(1))
BUDGET, RATE, SHARES = 1.5, 0.4, (0.25, 0.25, 0.5)


def best(levels: tuple[float, ...] = (0.0, 1.0, 2.0), **changes: Any) -> Optimum:
    settings: dict[str, Any] = {
        "budget": BUDGET, "share": SHARES, "learning_rate": RATE, "n_pieces": 8, "restarts": 4,
        "iterations": 12,
    }  # fmt: skip
    return optimal_schedule(TASK, STUDENT, START, levels, **settings | changes)


@pytest.fixture(scope="module")
def three() -> Optimum:
    return best()


@pytest.mark.slow
def test_a_free_share_is_all_easy_where_the_test_is_easy(three):
    """Tested without irrelevant inputs, samples that have them only disturb: none of them is best."""
    own = best(share=None, target=0.0)
    assert own.shares == pytest.approx([1.0, 0.0, 0.0], abs=1e-4)
    assert three.shares == pytest.approx(SHARES, abs=1e-4)


@pytest.mark.slow
def test_the_best_of_three_levels_loses_to_no_order(three):
    assert min(three.regret.values()) >= 0
    assert three.regret["anti_curriculum"] > 1e-3


@pytest.mark.slow
def test_how_a_level_that_is_named_twice_is_split_changes_nothing():
    one, other = (best((0.0, 2.0, 2.0), share=(0.5, part, 0.5 - part)) for part in (0.125, 0.375))
    assert one.loss == pytest.approx(other.loss, rel=1e-4)
    for name, loss in one.orders.items():
        assert name == "ramp" or loss == pytest.approx(other.orders[name], rel=1e-4)


@pytest.mark.slow
def test_the_rate_goes_to_its_bound_where_the_loss_falls_with_it(three):
    """Rates this small leave no noise behind, so the largest factor is best at every moment."""
    own = best(rate_range=(0.5, 2.0))
    np.testing.assert_allclose(own.controls.rate, 2.0)
    twice = best(learning_rate=2 * RATE)
    assert own.loss == pytest.approx(twice.loss, rel=1e-4)
    assert own.loss < three.loss - 1e-3
    with pytest.raises(ValueError, match="this one moves the learning rate, too"):
        own.saved()
