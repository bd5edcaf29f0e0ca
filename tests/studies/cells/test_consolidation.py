"""Fits one after the other: the convex case against a prototype's table, limits of the pull, refusals."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from studies.cell import Block
from studies.cells.consolidation import PROTOCOLS, ConsolidationCell
from studies.study import Study
from teacher_student.students.plain import PlainNet
from teacher_student.training.elastic import descend, newton

pytestmark = pytest.mark.usefixtures("quick_module")

CELL = ConsolidationCell()
#: Accuracy of a prototype, mean of 10 seeds, with ridge and coupling.
TABLE = {
    "all_at_once": (0.8292, 0.01, 0.3),
    "hard_only": (0.7460, 0.01, 0.3),
    "easy_only": (0.8247, 0.003, 0.3),
    "easy_to_hard": (0.8452, 0.1, 0.3),
    "hard_to_easy": (0.8336, 0.1, 0.01),
}


def accuracy(cell, protocols, rows=10):
    cell.check()
    return cell.compute(Block(cell, protocols, 0, rows, 0)).test_accuracy.values[..., 0]


@pytest.mark.slow
@pytest.mark.parametrize(("ridge", "coupling"), [(0.01, 0.3), (0.003, 0.3), (0.1, 0.3), (0.1, 0.01)])
def test_the_convex_case_gives_the_table_of_the_prototype(ridge, coupling):
    names = tuple(name for name, (_, *at) in TABLE.items() if at == [ridge, coupling])
    found = accuracy(replace(CELL, ridge=ridge, coupling=coupling), names)
    for name, values in zip(names, found, strict=True):
        # both are means of ten
        assert abs(values.mean() - TABLE[name][0]) < 3 * 2**0.5 * values.std(ddof=1) / 10**0.5, name


def test_too_weak_a_coupling_is_worse_than_all_at_once():
    weak = accuracy(replace(CELL, coupling=0.01), ("easy_to_hard", "all_at_once"))
    assert (weak[1] - weak[0]).mean() > 0.02


def test_a_stiff_second_fit_keeps_the_first_and_one_pulled_to_nothing_is_a_ridge():
    narrow = replace(CELL, student="two_layer", width=3, n_inputs=20, n_steps=60, n_test=200)
    stiff = accuracy(replace(narrow, coupling=1e3, learning_rate=1e-4, n_steps=5), tuple(PROTOCOLS), 3)
    order = list(PROTOCOLS)
    assert np.allclose(stiff[order.index("easy_to_hard")], stiff[order.index("easy_only")], atol=0.02)
    # a first fit that is held at 0 leaves a ridge to the second
    linear = replace(CELL, n_inputs=20)
    held = accuracy(replace(linear, ridge=1e7, coupling=0.3), ("easy_to_hard",), 3)
    alone = accuracy(replace(linear, ridge=0.3), ("hard_only", "easy_to_hard"), 3)
    assert np.allclose(held[0], alone[0], atol=1e-4)
    assert not np.allclose(held[0], alone[1], atol=1e-3)


def test_descent_of_a_convex_fit_ends_where_newton_does():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(12, 5)), np.sign(rng.normal(size=12))
    shown, centre = np.arange(12) < 9, rng.normal(size=5) / 3
    exact = newton(x[shown], y[shown], 0.7, centre)
    arrays = (jnp.asarray(a, jnp.float32) for a in (x[None], y[None], shown, 0.7))
    zero, middle = [{"w": jnp.zeros((1, 1, 5))}], [{"w": jnp.asarray(centre[None, None], jnp.float32)}]
    found = descend(PlainNet("linear", 5), *arrays, zero, middle, jnp.float32(0.3), 3000)
    assert np.allclose(found[0]["w"][0, 0], exact, atol=1e-4)
    assert np.linalg.norm(exact - centre) > 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"coupling": -0.1}, "coupling is -0.1; need 0 <= coupling"),
        ({"ridge": 0.0}, "ridge is 0.0; need 0 < ridge"),
        ({"coupling": 0.0}, "needs coupling > 0"),
        ({"width": 2}, "student 'linear' has 1"),
        ({"task": "committee"}, "labels of committee are real"),
        ({"protocol": "curriculum"}, "unknown protocol 'curriculum'; known: all_at_once"),
        ({"alpha_easy": 0.001}, "alpha_easy x n_inputs"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        Study(replace(CELL, **changes), ({"protocol": (changes.get("protocol", "easy_to_hard"),)},), 2)
    assert "\n" not in str(caught.value)
