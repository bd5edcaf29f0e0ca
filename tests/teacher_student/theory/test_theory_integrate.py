"""Schedules, batches, statuses, gradients and refusals of `trajectory`."""

from functools import lru_cache
from inspect import unwrap
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from theory_tools import skewed_start

from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.theory.accuracy import error_estimate, nodes_for
from teacher_student.theory.integrate import equations, trajectory
from teacher_student.theory.sampled import check_nodes
from teacher_student.theory.solve import STATUSES, Settings

pytestmark = pytest.mark.usefixtures("float64", "quick_module")

TASK = SparseTeacher(1000, relevant=0.4)
ERF = TwoLayer(2, "erf")
TABLE = [TASK.level(0.1), TASK.level(2.0)]
PRECISE = Settings(rtol=1e-10, atol=1e-12)
# every trajectory alone has this many pieces, levels that a piece mixes and times: one program
PHASES = [(3.0, (1, 0)), (4.0, (0.3, 0.7))]
TIMES = np.array([0.0, 2.0, 3.0, 7.0])
ALTERNATING = [(0.3 * 7 / 40, (1, 0)), (0.7 * 7 / 40, (0, 1))] * 40
PROTOCOLS = [PHASES, ALTERNATING, [(7.0, (0.3, 0.7))]]


def run(initial=None, phases: Any = PHASES, times=TIMES, student=ERF, **more):
    start = skewed_start(TASK, student.width) if initial is None else initial
    arguments = {"target": TABLE[-1], "learning_rate": 0.5} | more
    return trajectory(TASK, student, start, TABLE, phases, times, **arguments)


@lru_cache
def batch(wild: bool):
    """Three starts, the second one beyond all bounds if `wild`, through all protocols."""
    starts = [skewed_start(TASK, 2, seed) for seed in range(3)]
    if wild:
        starts[1] = starts[1]._replace(readout=1e4 * starts[1].readout)
    stacked = jax.tree.map(lambda *x: np.stack(x), *starts)
    return run(stacked, PROTOCOLS, settings=PRECISE)


@pytest.mark.slow
def test_a_jump_equals_a_restart():
    whole = run(settings=PRECISE).values
    # what comes after the jump is another level in the first run, and the start of the second
    first = run(phases=[(3.0, (1, 0)), (4.0, (0.5, 0.5))], settings=PRECISE).values
    gram = np.array(first["Q_blocks"][2])
    gram[0] -= first["M"][2] @ first["M"][2].T
    middle = Overlaps(*map(jnp.asarray, (first["M"][2], gram, first["v"][2])))
    rest = [(1.5, (0.3, 0.7)), (2.5, (0.3, 0.7))]
    second = run(middle, phases=rest, times=np.array([0.0, 1.0, 2.0, 4.0]), settings=PRECISE).values
    for name in ("M", "Q", "v", "test_loss"):
        np.testing.assert_allclose(whole[name][-1], second[name][-1], rtol=1e-8)


@pytest.mark.slow
def test_fine_alternation_tends_to_the_mixture():
    found = batch(False).values["M"]
    np.testing.assert_allclose(found[:, 1, -1], found[:, 2, -1], rtol=0, atol=5e-3)
    assert np.abs(found[:, 0, -1] - found[:, 2, -1]).max() > 0.05


@pytest.mark.slow
def test_batches_of_starts_and_protocols_equal_single_trajectories():
    together = batch(False)
    assert together.status.shape == (3, 3)
    assert together.values["Q"].shape == (3, 3, 4, 2, 2)
    halves = [(3.5, (0.3, 0.7))] * 2
    for s, p, phases in ((0, 0, PHASES), (2, 0, PHASES), (1, 2, halves)):
        alone = run(skewed_start(TASK, 2, s), phases, settings=PRECISE).values["M"]
        np.testing.assert_allclose(together.values["M"][s, p], alone, rtol=1e-7, atol=1e-9)


@pytest.mark.slow
def test_phases_may_be_lists():
    as_lists = run(phases=[list(phase) for phase in PHASES], settings=PRECISE)
    np.testing.assert_array_equal(as_lists.values["M"], run(settings=PRECISE).values["M"])


@pytest.mark.slow
def test_divergence_is_a_status_and_stays_alone():
    mixed, undisturbed = batch(True), batch(False)
    assert [[STATUSES[i] for i in row] for row in mixed.status] == [["ok"] * 3, ["diverged"] * 3, ["ok"] * 3]
    assert np.isnan(mixed.values["test_loss"][1, :, -1]).all()
    for neighbour in (0, 2):
        ours, theirs = mixed.values["M"][neighbour], undisturbed.values["M"][neighbour]
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.slow
def test_the_error_estimate_is_right_and_falls_with_nodes():
    task, student = SparseTeacher(100), TwoLayer(2)
    at = (task, student, skewed_start(task, 2), task.level())
    coarse, fine = (error_estimate(*at, learning_rate=0.5, n_nodes=n) for n in (256, 4096))
    assert 0 < fine.relative < 0.4 * coarse.relative
    tolerance = 0.7 * coarse.relative
    n_nodes = nodes_for(tolerance, *at, learning_rate=0.5)
    assert 256 < n_nodes <= 4096
    other = error_estimate(*at, learning_rate=0.5, n_nodes=n_nodes, seed=100)
    assert other.relative < 2 * tolerance
    with pytest.raises(ValueError, match="nodes reach a relative error of"):
        nodes_for(1e-12, *at, learning_rate=0.5, largest=256)


def test_terms_in_closed_form_have_no_error():
    task = XorMixture(100)
    found = error_estimate(
        task, TwoLayer(2), skewed_start(task, 2), task.level(), learning_rate=0.5, n_nodes=256
    )
    assert found.slope.along.max() < 1e-12  # of first order
    assert found.slope.gram.max() > 1e-6


GOOD = skewed_start(TASK, 2)
REFUSED = {
    "rho": (lambda: SparseTeacher(100, relevant=1.0), "relevant is 1.0"),
    "noise": (lambda: TASK.level(-0.1), "noise is -0.1"),
    "label noise": (lambda: Committee(100).level(-1.0), "noise is -1.0"),
    "idle knob": (lambda: Committee(100).level(irrelevant=2.0), "no irrelevant inputs"),
    "rho not a number": (lambda: SparseTeacher(100, relevant=float("nan")), "relevant is nan"),
    "endless noise": (lambda: TASK.level(float("inf")), "noise is inf; need 0 <= noise < inf"),
    "endless rate": (lambda: run(learning_rate=float("inf")), "learning_rate is inf"),
    "K": (lambda: TwoLayer(0), "width is 0"),
    "M": (lambda: Committee(100, 0), "teacher_units is 0"),
    "M too large": (lambda: Committee(4, 4), "n_inputs is 4"),
    "T": (lambda: Committee(100, 2, overlap=((1.0, 2.0), (2.0, 1.0))), "positive definite"),
    "A": (lambda: Committee(100, 2, readout=(1.0,)), "one per teacher unit"),
    "even student": (lambda: equations(TASK, TwoLayer(2, "quadratic")), "even"),
    "odd student": (lambda: equations(XorMixture(100), ERF), "odd"),
    "real labels": (lambda: equations(Committee(100), TwoLayer(2, "erf", "logistic")), "needs labels"),
    "n_nodes": (lambda: equations(TASK, TwoLayer(2), n_nodes=1000), "power of two"),
    "solver": (lambda: run(settings=Settings("euler")), "unknown solver"),
    "rtol": (lambda: run(settings=Settings(rtol=0.0)), "rtol is 0.0"),
    "rate": (lambda: run(learning_rate=-1.0), "learning_rate"),
    "decay": (lambda: run(weight_decay=-1.0), "weight_decay"),
    "readout rate": (
        lambda: run(student=TwoLayer(2, "erf", train_readout=False), readout_rate=0.1),
        "not trained",
    ),
    "times fall": (lambda: run(times=np.array([1.0, 0.5])), "increasing"),
    "times beyond": (lambda: run(times=np.array([8.0])), "schedule's end"),
    "shape": (lambda: run(GOOD._replace(readout=jnp.ones(3))), "initial"),
    "not finite": (lambda: run(GOOD._replace(along=jnp.full((2, 1), jnp.nan))), "not finite"),
    "not symmetric": (lambda: run(GOOD._replace(gram=GOOD.gram.at[0, 0, 1].add(0.1))), "not symmetric"),
    "not semi-definite": (lambda: run(GOOD._replace(gram=-GOOD.gram)), "not positive semi-definite"),
    "weights": (lambda: run(phases=[(1.0, (0.5, 0.6))]), "sum to 1"),
    "no phases": (lambda: run(phases=[]), "need .duration, weights. pairs"),
    "an empty protocol": (lambda: run(phases=[PHASES, []]), "need .duration, weights. pairs"),
    "no weights": (lambda: run(phases=[(1.0,)]), "phase 0 is .1.0,.; need a duration and the weights"),
    "no target": (lambda: run(target={}), "the target has the entries .*; need .'noise'."),
    "duration": (lambda: run(phases=[(-1.0, (1, 0))]), "duration of phase 0"),
    "empty": (lambda: run(phases=[(0.0, (1, 0))]), "positive total"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_bad_input_is_refused_in_one_line(what):
    call, message = REFUSED[what]
    with pytest.raises(ValueError, match=message) as refusal:
        call()
    assert "\n" not in str(refusal.value)


def unchecked(kind: type, *arguments: object) -> None:
    """Make one as without the type checks of the tests, which would come first."""
    unwrap(kind.__init__)(object.__new__(kind), *arguments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: unchecked(TwoLayer, 2.5), "width is 2.5; need an integer >= 1"),
        (lambda: unchecked(Committee, 100, 2.5), "teacher_units is 2.5; need an integer >= 1"),
        (lambda: unchecked(Committee, 100.5, 2), "n_inputs is 100.5; need an integer >= 3"),
        (lambda: unwrap(check_nodes)(1024.0), "n_nodes is 1024.0; need an integer >= 2"),
    ],
)
def test_fractions_of_units_are_refused_in_one_line(call, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        call()
