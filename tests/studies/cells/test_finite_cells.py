"""Cells on finite data: exact curves, orders that cannot matter and orders that do, data, refusals."""

from dataclasses import replace
from typing import Any

import jax
import numpy as np
import pytest

from curricula import Ranking
from studies.cell import Block
from studies.cells import finite_data
from studies.cells.finite import FiniteCell
from studies.cells.finite_plans import plans, trained_scores
from studies.study import Study
from teacher_student.theory.least_squares import error_against_time, error_against_width
from teacher_student.training.finite import compiled

pytestmark = pytest.mark.usefixtures("quick_module")

LINEAR = FiniteCell(
    source="linear", student="linear", n_inputs=12, width=9, n_examples=5, label_noise=0.3, batch_size=5,
    epochs=400, record_every=100, learning_rate=4.0, protocol="standard", n_test=50,
)  # fmt: skip
NARROW = FiniteCell(
    n_inputs=6, width=3, n_examples=12, batch_size=3, epochs=6, record_every=2, learning_rate=0.8, n_test=20
)


def run(cell, protocols, rows=3):
    cell.check()
    return cell.compute(Block(cell, protocols, 0, rows, cell.n_records))


@pytest.mark.parametrize(
    ("p", "error"),
    [(10, 1.547), (20, 2.155), (30, 4.117), (50, 4.183), (60, 2.218), (80, 1.312), (100, 1.020)],
)
def test_least_squares_errs_by_its_exact_curve_in_width(p, error):
    exact = error_against_width(p, 40, 100, 0.25)
    assert abs(exact - error) < 1e-3
    rng = np.random.default_rng(p)
    x = rng.normal(size=(300, 40, 100))
    b = np.ones(100) / 10
    y = x @ b + 0.5 * rng.normal(size=(300, 40))
    found = (np.linalg.pinv(x[..., :p]) @ y[..., None])[..., 0]
    errors = 0.25 + np.sum((found - b[:p]) ** 2, 1) + np.sum(b[p:] ** 2)
    assert abs(errors.mean() - exact) < 4 * errors.std() / 300**0.5


def test_a_linear_student_ends_at_the_solution_of_least_norm_whatever_the_order():
    """A convex loss run to convergence: the order of the examples has no effect, which early on it has."""
    cell = replace(LINEAR, batch_size=1, learning_rate=1.0, record_every=4)
    protocols = ("standard", "sorted", "random")
    ds = run(cell, protocols)
    data = finite_data.draw(cell, np.arange(3))
    least = [
        np.linalg.lstsq(x[:, :9].astype(float), y, rcond=None)[0]
        for x, y in zip(data.inputs, data.labels, strict=True)
    ]
    x, y = data.tests[0][0], data.tests[1][0]
    limit = np.array([0.5 * np.mean((x[:, :9] @ w - y) ** 2) for w in least])
    assert np.allclose(ds.test_loss[..., -1], limit, rtol=2e-3)
    assert float(ds.exact_loss[0, 0]) == (error_against_width(9, 5, 12, 0.3) - 0.3) / 2
    early = ds.test_loss[..., 1]
    assert float((early.max("protocol") - early.min("protocol")).min()) > 1e-3 * float(early.mean())


@pytest.mark.slow
def test_full_batch_descent_has_no_order_and_small_batches_have():
    protocols = ("standard", "sorted")
    full = run(replace(NARROW, batch_size=12, protocol="standard"), protocols)
    assert np.allclose(full.train_loss[0], full.train_loss[1], rtol=1e-5)
    assert float(full.train_loss[0, :, -1].mean()) < 0.9 * float(full.train_loss[0, :, 0].mean())
    small = run(replace(NARROW, protocol="standard"), protocols)
    assert float(abs(small.train_loss[0] - small.train_loss[1])[:, 1:].min()) > 1e-4


def test_full_batch_descent_of_a_linear_student_follows_the_exact_curve_in_time():
    """At a small rate it is gradient flow; what the three inputs that are not seen say is noise."""
    cell = replace(LINEAR, width=9, learning_rate=0.3, epochs=200, record_every=50, n_test=20_000)
    ds = run(cell, ("standard",), 60)
    away = (ds.test_loss - ds.flow_loss).values[0]
    exact = ds.flow_loss.values[0].mean(0)
    assert (np.abs(away.mean(0)) < 4 * away.std(0, ddof=1) / 60**0.5 + 0.01 * exact).all()
    assert np.ptp(exact) > 0.05
    # of a direction that was never moved all is left, of one that was moved for ever the noise of its data
    one = error_against_time(np.array([0.0, 2.0]), np.array([0.0, 0.5, 99.0]), 0.6, teacher=3.0, start=1.0)
    middle = 0.6 + (4 + 4 * np.exp(-2) + 0.3 * (1 - np.exp(-1)) ** 2) / 2
    assert np.allclose(one, [0.6 + 4, middle, 0.6 + (4 + 0.3) / 2])


def test_all_runs_of_a_width_are_one_program():
    """Rates, noise, pacings and what the protocols are: all are arguments."""
    run(NARROW, ("curriculum", "standard"))
    programs: Any = compiled
    before = programs._cache_size()
    for changes in ({"learning_rate": 0.2}, {"label_noise": 0.25}, {"pacing": "root", "a": 0.9}, {"seed": 5}):
        run(replace(NARROW, **changes), ("random", "noise_last"))
    assert programs._cache_size() == before


def test_replicates_have_their_own_examples_and_exactly_the_noise_asked_for():
    cell = replace(NARROW, n_examples=20, batch_size=5, label_noise=0.3, easy_fraction=0.25)
    data = finite_data.draw(cell, np.array([0, 4]))
    alone, clean = (
        finite_data.draw(cell, np.array([4])),
        finite_data.draw(replace(cell, label_noise=0), np.array([4])),
    )
    assert np.array_equal(data.inputs[1], alone.inputs[0])
    assert not np.allclose(data.inputs[0], data.inputs[1])
    assert data.wrong.sum(1).tolist() == [6, 6]
    assert (data.difficulty == 0).sum(1).tolist() == [5, 5]
    assert np.array_equal(alone.labels[0] != clean.labels[0], alone.wrong[0][:, None])
    assert np.array_equal(data.tests[1], clean.tests[1])
    # easy examples lie near their cluster: the noise beside the two directions of the clusters
    spread = data.inputs[..., 2:].std(-1)
    assert spread[data.difficulty == 0].mean() < 0.5 * spread[data.difficulty == 1].mean()


def test_pools_grow_from_the_end_that_the_protocol_says():
    cell = replace(NARROW, label_noise=0.25, easy_fraction=0.5, a=0.5, b=0.25)
    replicates = np.array([2])
    data = finite_data.draw(cell, replicates)
    names = ("curriculum", "anti_curriculum", "noise_last", "standard", "sorted")
    plan = plans(cell, data, names, replicates)
    for row, (first, last) in {0: (0, 1), 1: (1, 0)}.items():
        hard = data.difficulty[0][plan.path[row]]
        assert (hard[:6] == first).all()
        assert (hard[6:] == last).all()
    assert data.wrong[0][plan.path[2]].tolist() == [False] * 9 + [True] * 3
    assert plan.windows[0, :, 1].tolist() == [3, 6, 9, 12, 12, 12]
    assert (plan.windows[3, :, 1] == 12).all()
    assert plan.shuffle.tolist() == [True] * 4 + [False]
    assert all(sorted(path) == list(range(12)) for path in plan.path.tolist())


def test_growing_inputs_end_at_the_whole_parity():
    cell = FiniteCell(
        source="parity", n_inputs=5, bits=(1, 3), stages=(3, 5), stop=0.9, student="mlp", loss="hinge",
        easy={"flip": 0.5}, hard={"flip": 0.5}, label_noise=0.25, width=4, n_examples=8, batch_size=4,
        epochs=2, record_every=1, n_test=16, record=("solved",), protocol="growing_inputs",
    )  # fmt: skip
    data = finite_data.draw(cell, np.arange(2))
    x, y = data.inputs, data.labels[..., 0]
    assert (x[:, :8, 3:] == 0).all()
    assert (x[:, :8, :3] == x[:, 8:, :3]).all()
    assert (x[:, 8:] != 0).all()
    assert np.array_equal(data.wrong[:, :8], data.wrong[:, 8:])
    assert data.wrong.sum() == 8
    assert np.array_equal(x[..., 0] * x[..., 2] != y, data.wrong)
    plan = plans(cell, data, ("standard", "growing_inputs"), np.arange(2))
    assert plan.windows[0].tolist() == [[8, 16, 1], [8, 16, 1]]
    assert plan.windows[2].tolist() == [[0, 8, 0], [8, 16, 1]]
    cell.check()


DIGITS = FiniteCell(
    source="images", data_set="digits", student="mlp", loss="cross_entropy", n_examples=60, batch_size=20,
    epochs=2, record_every=1, width=3, ranking="loss", ranking_epochs=1, label_noise=0.2, n_test=50,
)  # fmt: skip


def test_images_are_ordered_by_a_score_of_their_noisy_labels(monkeypatch):
    data, seen = finite_data.draw(DIGITS, np.arange(2)), []

    def rank(name, inputs, labels, runs, key):
        seen.append((name, labels, tuple(jax.random.key_data(key).tolist())))
        return Ranking(np.arange(60)[::-1], name)

    monkeypatch.setattr("curricula.rank", rank)
    trained_scores.cache_clear()
    ds = run(DIGITS, ("curriculum", "standard"), 2)
    assert [name for name, *_ in seen] == ["loss", "loss"]
    assert np.array_equal(seen[1][1], data.labels[1].argmax(1))
    assert data.wrong.sum(1).tolist() == [12, 12]
    # blocks that differ in what the score does not know share it
    plan = plans(replace(DIGITS, width=5), data, ("anti_curriculum",), np.arange(2))
    assert len(seen) == 2
    assert plan.path[1].tolist() == list(range(60, 120))
    assert ds.attrs["n_inputs"] == 64
    assert float(ds.time[-1]) == 2 * 60 / 64
    assert np.isfinite(ds.test_loss).all()
    # every replicate of every seed has networks of its own to score by, the largest seed too
    trained_scores(replace(DIGITS, seed=2**32 - 1), (0, 1))
    trained_scores(replace(DIGITS, seed=1), (0,))
    assert len({key for *_, key in seen}) == len(seen) == 5
    # a wrong label is another class, and none is more than that
    clean = finite_data.draw(replace(DIGITS, label_noise=0.0), np.arange(2))
    assert np.array_equal((data.labels != clean.labels).any(-1), data.wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_noise": 1.5}, "label_noise is 1.5; need 0 <= label_noise <= 1"),
        ({"epochs": 0}, "epochs is 0; need 1 <= epochs"),
        ({"batch_size": 5}, "batch_size 5 does not divide n_examples = 12"),
        ({"source": "parity", "bits": (1, 2, 3, 4, 5, 6, 7), "easy": {"flip": 0.1}, "hard": {"flip": 0.5}},
         "a parity of k = 7 bits needs as many inputs; n is 6"),
        ({"source": "parity"}, "a parity needs flip"),
        ({"source": "xor"}, "unknown source 'xor'; known: committee, images, linear"),
        ({"stop": 0.9}, "stop is 0.9 with 0 stages"),
        ({"protocol": "growing_inputs"}, "needs stages"),
        ({"stages": (3, 6)}, "stages are of a parity's inputs"),
        ({"source": "images"}, "images have no known difficulty"),
        ({"source": "images", "ranking": "el2n", "n_examples": 3000}, "3000, but digits has 1438"),
        ({"source": "linear", "ranking": "el2n"}, "labels of linear are real"),
        ({"easy": {"noise": 2.0}}, "easy"),
        ({"record": ("speed",)}, "unknown quantity to record 'speed'"),
        ({"weight_decay": -1.0}, "weight_decay is -1.0"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as caught:
        Study(replace(NARROW, **changes), ({"width": (3,)},), 2)
    assert "\n" not in str(caught.value)
