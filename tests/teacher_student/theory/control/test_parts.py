"""Gradients against differences, projections against their conditions, and what is refused."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from theory_tools import Polynomial, skewed_start

from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.theory.committee import CommitteeEquations
from teacher_student.theory.control.descent import evaluate
from teacher_student.theory.control.flow import Controls
from teacher_student.theory.control.optimum import optimal_schedule
from teacher_student.theory.control.phases import lay_out
from teacher_student.theory.control.polytope import extreme, project, rounded
from teacher_student.theory.control.pontryagin import adjoint
from teacher_student.theory.control.problem import Problem, pose
from teacher_student.theory.control.starts import ORDERS, guesses, ordered
from teacher_student.theory.xor_mixture import XorMixtureEquations

pytestmark = pytest.mark.usefixtures("quick_module")


def asked(task, student, start, levels, **changes) -> Problem:
    settings = {
        "budget": 3.0, "share": None, "target": None, "learning_rate": 0.7, "rate_range": None,
        "objective": "test_loss", "n_pieces": 3, "n_nodes": 64, "seed": 0,
    }  # fmt: skip
    return pose(task, student, start, levels, **settings | changes)


def skewed_controls(problem: Problem, seed: int = 0) -> Controls:
    """One schedule with unequal pieces, interior mixtures and different rates."""
    rng = np.random.default_rng(seed)
    mix = rng.dirichlet(np.ones(len(problem.levels)), 3)
    dtype = np.asarray(problem.world.initial.readout).dtype
    return Controls(
        *(x[None].astype(dtype) for x in (rng.uniform(0.4, 1.4, 3), mix, rng.uniform(0.5, 1.5, 3)))
    )


def differences(problem: Problem, at: Controls, names: tuple[str, ...], step: float) -> dict[str, np.ndarray]:
    """Central differences of the loss by every entry."""
    found = {}
    for name in names:
        x = getattr(at, name)[0]
        moved = np.stack([x + sign * step * np.eye(x.size)[i].reshape(x.shape)
                          for sign in (1, -1) for i in range(x.size)])  # fmt: skip
        rows = Controls(*(np.repeat(y, len(moved), 0) for y in at))._replace(**{name: moved})
        losses, _ = evaluate(problem.setting, problem.world, rows)
        found[name] = ((losses[: x.size] - losses[x.size :]) / (2 * step)).reshape(x.shape)
    return found


@pytest.mark.slow
def test_gradients_are_differences_and_those_of_the_costate(float64, quick_compilation):
    task, student = SparseTeacher(60, relevant=0.4), TwoLayer(2, "erf")
    problem = asked(task, student, skewed_start(task, 2), (0.1, 0.3, 0.6))
    setting = problem.setting._replace(equation=Polynomial(task, student), steps=24, chunk=4)
    problem = problem._replace(setting=setting)
    at = skewed_controls(problem)
    _, gradient = evaluate(problem.setting, problem.world, at)
    for name, expected in differences(problem, at, ("duration", "mix", "rate"), 1e-5).items():
        np.testing.assert_allclose(getattr(gradient, name)[0], expected, rtol=1e-6, atol=1e-9)
    # the costate's own equation gives p . f_c, and so the gradient by the mixture
    found = adjoint(problem.setting, problem.world, jax.tree.map(lambda x: x[0], at))
    np.testing.assert_allclose(found.change, gradient.mix[0] / at.duration[0][:, None], rtol=1e-5, atol=1e-8)
    # and H at the end of a piece, the gradient by its duration where all that follows is shifted
    shift = np.append(found.energy[0], 0)
    np.testing.assert_allclose(gradient.duration[0], shift[[0, 1, 2]], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("shares", [(0.3, 0.7), (0.2, 0.5, 0.3), (0.0, 0.6, 0.4)])
def test_the_projection_is_the_nearest_mixture_of_these_shares(shares):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(12, len(shares))).astype(np.float32)
    u = np.asarray(project(jnp.asarray(z), jnp.asarray(shares, jnp.float32)))
    assert u.min() >= 0
    np.testing.assert_allclose(u.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(u.mean(0), shares, atol=2e-4)
    # the nearest: (z - u) . (w - u) <= 0 for every other mixture w of these shares
    others = [ordered(name, np.array(shares), 12) for name in ORDERS]
    others += [extreme(rng.normal(size=z.shape), np.array(shares)) for _ in range(20)]
    assert max(float(np.sum((z - u) * (w - u))) for w in others) < 5e-3
    assert max(float(np.sum((z - u) * (w - u))) for w in others[-20:]) < 5e-3


def test_extreme_points_and_rounding_by_hand():
    score = np.array([[0.0, 5.0, 1.0], [3.0, 0.0, 1.0], [2.5, 0.0, 2.4], [0.0, 0.1, 0.0]])
    # the level of share 1/4 goes where it gains most over the others: 3 + 2.4 > 2.5 + 1
    best = extreme(score, np.array([0.25, 0.5, 0.25])).round(6)
    assert best.argmax(1).tolist() == [1, 0, 2, 1]
    assert best.max(1).min() == 1
    assert extreme(score, None).argmax(1).tolist() == [1, 0, 0, 1]
    assert rounded(np.full((6, 2), 0.5)).tolist() == [0, 1, 0, 1, 0, 1]


def test_named_orders_keep_their_shares_and_go_the_way_they_say():
    shares = np.array([0.26, 0.4, 0.34])
    place = np.arange(3)
    for name in ORDERS:
        mix = ordered(name, shares, 10)
        np.testing.assert_allclose(mix.mean(0), shares, atol=1e-4)
        np.testing.assert_allclose(mix.sum(1), 1, atol=1e-6)
        climb = np.diff(mix @ place)
        sign = {"curriculum": 1, "ramp": 1, "anti_curriculum": -1, "no_curriculum": 0}[name]
        assert (sign * climb >= -1e-6).all()
        assert bool(climb.any()) or sign == 0
    assert ordered("curriculum", np.array([0.25, 0.75]), 2)[:, 0].tolist() == [0.5, 0.0]


def test_guesses_are_fixed_by_the_seed_and_differ_without_end():
    first, again, other = (guesses(np.array([0.3, 0.7]), 2, 10, 9, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first[6:], other[6:])
    assert len({own.tobytes() for own in first}) == 9


def test_phases_are_dealt_out_to_all_pieces():
    layout, duration = lay_out(np.array([0, 1, 0]), np.array([0.1, 5.0, 0.9]), np.array([1.0, 5.0]), 12)
    assert np.bincount(layout.owner).sum() == 12
    assert layout.pieces[:3].min() >= 1
    np.testing.assert_allclose(np.bincount(layout.owner, duration), [0.1, 5.0, 0.9])
    assert layout.level.tolist() == [0, 1, 0] + [-1] * 9


class Smooth:
    """In place of what is observed an objective that compiles quickly; theirs has no edges, either."""

    def observe(self, state, level, output_scale, nodes):
        u = output_scale * state.readout
        return {"test_loss": jnp.sum((state.along - 0.7) ** 2) + u @ jnp.sum(state.gram, 0) @ u}


class SmoothMixture(Smooth, XorMixtureEquations):
    """The equations of the mixture themselves."""


class SmoothCommittee(Smooth, CommitteeEquations):
    """Those of the committee, with terms of first order that would have edges if they were sampled."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "kind", "rate", "most"),
    [(XorMixture(100), SmoothMixture, 1.0, 3e-3), (Committee(100), SmoothCommittee, 0.05, 1e-2)],
)
def test_moving_edges_of_what_is_sampled_are_a_small_part_of_the_gradient(
    float64, quick_compilation, task, kind, rate, most
):
    """Relu students, where the second-order term is large; differences over a step that many edges cross."""
    student = TwoLayer(3)
    problem = asked(
        task, student, skewed_start(task, 3), (0.2, 1.5), learning_rate=rate, n_nodes=512, budget=1.5
    )
    setting = problem.setting._replace(equation=kind(task, student, 512), steps=3, chunk=1)
    problem = problem._replace(setting=setting)
    at = skewed_controls(problem)
    expected = differences(problem, at, ("mix",), 0.02)["mix"]
    _, own = evaluate(problem.setting, problem.world, at)
    assert np.abs(own.mix[0] - expected).max() < most * np.abs(expected).max()


PERCEPTRON = TwoLayer(1, "erf", train_readout=False)
START = Overlaps(jnp.zeros((1, 1)), jnp.full((2, 1, 1), 0.5), jnp.ones(1))
GOOD: dict[str, Any] = {"budget": 6.0, "share": 0.5, "learning_rate": 1.0}
BAD = [
    ({"share": 1.5}, "share is 1.5; need 0 <= share <= 1"),
    ({"share": -0.1}, "share is -0.1; need 0 <= share <= 1"),
    ({"share": (0.5, 0.6)}, "need 2 shares within"),
    ({"share": 0.01}, "need n_pieces >= 100"),
    ({"levels": (0.5,)}, "1 level is given; need two at least"),
    ({"levels": (0.0, 1.0, 2.0)}, "need 3 shares, one for each level"),
    ({"levels": (0.0, -1.0)}, "noise is -1.0; need 0 <= noise"),
    ({"budget": 0.0}, "budget is 0.0"),
    ({"learning_rate": -1.0}, "learning_rate is -1.0"),
    ({"objective": "accuracy"}, "unknown objective 'accuracy'; known: test_error, test_loss"),
    ({"method": "newton"}, "unknown method 'newton'; known: gradient, pontryagin"),
    ({"n_pieces": 1}, "n_pieces is 1"),
    ({"restarts": 0}, "restarts is 0"),
    ({"tolerance": 0.0}, "tolerance is 0.0"),
    ({"rate_range": (2.0, 1.0)}, "rate_range is"),
    ({"rate_range": (0.5, 2.0), "method": "pontryagin"}, "controls difficulty alone"),
    ({"n_nodes": 100}, "n_nodes is 100; need a power of two"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_bad_input_is_refused_in_one_line(changes, message):
    settings = GOOD | changes
    levels = settings.pop("levels", (0.0, 2.0))
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        optimal_schedule(SparseTeacher(100), PERCEPTRON, START, levels, **settings)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_an_accuracy_that_is_counted_is_no_objective(quick_compilation):
    task = SparseTeacher(100)
    with pytest.raises(ValueError, match="take the objective test_loss"):
        optimal_schedule(
            task,
            TwoLayer(2, "erf"),
            skewed_start(task, 2),
            (0.0, 2.0),
            objective="test_error",
            n_nodes=8,
            **GOOD,
        )


def test_a_task_without_equations_is_refused():
    class Silent(SparseTeacher):
        equations = None

    with pytest.raises(ValueError, match="has no equations; tasks with equations: committee"):
        optimal_schedule(Silent(100), PERCEPTRON, START, (0.0, 2.0), **GOOD)
