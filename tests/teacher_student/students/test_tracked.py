"""The path that a tracked student counts, in Gram space, is that of SGD step by step."""

import jax
import numpy as np
import pytest
from compiled import single

import teacher_student as ts
from teacher_student.students.tracked import Tracked

pytestmark = pytest.mark.usefixtures("quick_module")


def test_counters_add_up_the_steps_of_the_first_bias():
    student, rng = Tracked(3), np.random.default_rng(0)
    scaling = student.scaling(0.6, 20)
    theta = jax.tree.map(np.asarray, jax.jit(student.start)(jax.random.key(0), scaling))
    step, recorded, start, taken = jax.jit(student.step), jax.jit(student.recorded), theta, []
    for lam, y in zip(rng.normal(size=(7, 3)), rng.choice([-1.0, 1.0], 7), strict=True):
        readout = np.asarray(theta["readout"], float)
        on = len(taken) != 4
        h, change = step(single(lam), theta, single(y), on, scaling)
        error = np.maximum(lam, 0) @ readout - y
        taken.append(on * 0.6 / 20 * error * readout * (lam > 0))
        assert np.allclose(h, taken[-1], atol=1e-6)
        theta = jax.tree.map(np.subtract, theta, change)
    found, steps = recorded(theta), np.delete(taken, 4, 0)
    assert np.isclose(found["path_length"], np.linalg.norm(steps, axis=1).sum(), rtol=1e-5)
    variance = np.mean(np.sum((steps - steps.mean(0)) ** 2, 1))
    assert np.isclose(found["path_variance"], variance, rtol=1e-4)
    assert float(recorded(start)["path_length"]) == 0


@pytest.mark.slow
def test_the_path_of_an_online_run_grows_in_gram_space():
    task = ts.XorMixture(40)
    ends = {"protocol": "no_curriculum", "easy": 0.1, "hard": 1.0, "budget": 60, "learning_rate": 0.3}
    record = ("path_length", "path_variance")
    ours = ts.simulate(task, Tracked(3), replicates=2, n_records=2, record=record, n_test=64, **ends)
    assert not ours.diverged.any(), "2400 steps were counted; they are no weights"
    lengths = ours.values["path_length"]
    assert (np.diff(lengths, axis=-1) > 0).all()
    assert (lengths[..., 0] == 0).all()
    assert (ours.values["path_variance"][..., 1:] > 0).all()
