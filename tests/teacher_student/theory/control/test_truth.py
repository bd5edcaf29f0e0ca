"""The perceptron of arXiv 2507.07907 in our units: every named order, the best one, and both methods.

rho = 0.5, erf, fixed readout 1, rate 3, budget 6, levels 0 and 2 in equal shares, start
Q_r = Q_i = 0.5 and R = 0; the error is averaged over both levels. The numbers come from another program, and
from its SGD at N = 1000.
"""

import jax.numpy as jnp
import numpy as np
import pytest

from teacher_student.order_parameters import Overlaps
from teacher_student.protocols import Protocol, phases
from teacher_student.saved_schedule import save_schedule
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory.control.chosen import Optimum
from teacher_student.theory.control.optimum import METHODS, optimal_schedule
from teacher_student.training.simulate import simulate

pytestmark = [pytest.mark.usefixtures("quick_module"), pytest.mark.slow]

TASK = SparseTeacher(1000)
STUDENT = TwoLayer(1, "erf", train_readout=False)
START = Overlaps(jnp.zeros((1, 1)), jnp.full((2, 1, 1), 0.5), jnp.ones(1))
LEVELS = (0.0, 2.0)
TRUTH = {"curriculum": 0.15586, "anti_curriculum": 0.16281}
BEST, SWITCHES = 0.14684, (1.4, 4.4)


@pytest.fixture(scope="module")
def found() -> dict[str, Optimum]:
    return {
        method: optimal_schedule(
            TASK, STUDENT, START, LEVELS, budget=6.0, share=0.5, learning_rate=3.0, target=list(LEVELS),
            objective="test_error", method=method, n_pieces=30, restarts=4, seed=1,
        )
        for method in METHODS
    }  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_the_named_orders_and_the_best_one_are_those_of_the_table(found, method):
    own = found[method]
    assert {name: own.orders[name] for name in TRUTH} == pytest.approx(TRUTH, abs=2e-4)
    assert 0.1501 < own.orders["no_curriculum"] < 0.1541  # 20 shuffles lie between these
    assert own.loss == pytest.approx(BEST, abs=2e-4)
    assert own.kind == "bang-bang"
    assert [mix[0] > 0.5 for _, mix in own.phases] == [True, False, True]
    assert own.switching_times == pytest.approx(SWITCHES, abs=0.1)
    assert own.shares == pytest.approx([0.5, 0.5], abs=1e-6)
    assert own.error < 2e-5
    assert own.status == "ok"
    assert own.gap < 1e-3
    assert min(own.regret.values()) >= 0


def test_both_methods_find_the_same_loss(found):
    losses = [own.loss for own in found.values()]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_the_costate_gives_the_gradient_and_its_energy_is_kept_while_a_level_lasts(found):
    own = found["pontryagin"]
    assert own.adjoint is not None
    easy = own.relaxed[:, 0]
    pure = (easy < 1e-6) | (easy > 1 - 1e-6)
    kept = pure[1:] & pure[:-1] & (easy[1:] == easy[:-1])
    energy = own.adjoint.energy[0, :-1]
    assert kept.sum() > 15
    np.testing.assert_allclose(np.diff(energy)[kept], 0, atol=2e-5)
    assert np.ptp(energy) > 4e-3  # it jumps where the level changes
    # easy is shown where the switching function of the costate is largest
    switching = own.adjoint.change[:, 1] - own.adjoint.change[:, 0]
    assert switching[easy > 1 - 1e-6].min() > switching[easy < 1e-6].max() - 1e-4


def test_sgd_ends_where_the_equations_say_in_standard_errors(found, tmp_path):
    """The best order goes through a file, as a study would read it."""
    own, file = found["gradient"], tmp_path / "best.json"
    save_schedule(own.saved(), file)
    best = Protocol("optimal", LEVELS, phases("optimal", 0.5, str(file)))
    names = ("curriculum", "anti_curriculum", "no_curriculum")

    def errors_at(noise: float) -> np.ndarray:
        runs = simulate(
            TASK, STUDENT, protocol=(*names, best), easy=0.0, hard=2.0, easy_fraction=0.5, budget=6.0,
            target=noise, learning_rate=3.0, replicates=32, seed=5, initial=START, record="test_accuracy",
            n_records=1, n_test=2,
        )  # fmt: skip
        return 1 - runs.values["test_accuracy"][:, :, -1]

    errors = (errors_at(0.0) + errors_at(2.0)) / 2
    expected = np.array([own.orders[name] for name in names] + [own.loss])
    off = (errors.mean(0) - expected) / (errors.std(0, ddof=1) / np.sqrt(len(errors)))
    assert np.abs(off).max() < 4, off
    assert errors[:, 3].mean() < errors[:, 2].mean() < errors[:, 0].mean() < errors[:, 1].mean()
