"""First-order moments of a relu student against a case by hand and against samples of the definition."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from theory_tools import skewed_start

from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory.integrate import equations
from teacher_student.theory.sampled import averages, sobol_normals, split

pytestmark = pytest.mark.usefixtures("float64", "quick_module")

#: Teachers without any symmetry: unequal readouts, overlapping units, some of the inputs irrelevant.
TASKS = [
    (SparseTeacher(100, 0.3), 0.7),
    (Committee(100, 2, (1.0, -0.6), overlap=((1.0, 0.4), (0.4, 1.5)), relevant=0.6), 0.5),
]


def test_one_unit_and_one_sign_by_hand():
    """lambda = r s + noise of variance q: E[H lambda s] = r / 2, E[H |s|] = 1 / sqrt(2 pi)."""
    task, student, r, q, v = SparseTeacher(100, 0.3), TwoLayer(1), 0.4, 0.9, 0.7
    state = Overlaps(jnp.array([[r]]), jnp.array([[[q]], [[0.0]]]), jnp.array([v]))
    equation = equations(task, student, n_nodes=16)
    level = task.level(noise=0.0)
    found = jax.jit(lambda state, nodes: equation.moments(state, level, 1.0, nodes))(state, equation.nodes(0))
    rise = (2 * np.pi) ** -0.5
    np.testing.assert_allclose(found.along, [[v * (v * r / 2 - rise)]], rtol=1e-12)
    np.testing.assert_allclose(found.cross[0], [[v * v * q / 2]], rtol=1e-12)
    np.testing.assert_allclose(found.readout, [v * (r * r + q) / 2 - r * rise], rtol=1e-12)


@pytest.mark.parametrize(("task", "noise"), TASKS, ids=lambda x: getattr(x, "name", ""))
def test_closed_and_sampled_moments_agree_within_the_error_of_the_samples(task, noise):
    """Samples with label noise, of the definition, under eight scramblings; 5 standard errors."""
    student, state, level = TwoLayer(3), skewed_start(task, 3), task.level(noise=noise)
    equation = equations(task, student, n_nodes=2048)
    share = jnp.array([block.size / task.n_inputs for block in task.blocks]) * jnp.stack(
        [jnp.asarray(scale, float) ** 2 for scale in task.scales(level)]
    )
    label_noise = noise if task.name == "committee" else 0.0

    @jax.jit
    def by_definition(nodes):
        along, rest = split(state, nodes, task.scales(level))
        label = task.teacher(along) + label_noise**0.5 * nodes[:, -1]
        return averages(student, state, 0.8, along, rest, label, share)

    dimension = equation.nodes(0).shape[1] + 1
    samples = [by_definition(sobol_normals(dimension, 2048, seed)) for seed in range(8)]
    mean, error = (
        jax.tree.map(lambda *x: f(np.stack(x), 0), *samples)  # noqa: B023
        for f in (np.mean, lambda x, axis: np.std(x, axis, ddof=1) / len(x) ** 0.5)
    )
    found = jax.jit(lambda nodes: equation.moments(state, level, 0.8, nodes))(equation.nodes(9))
    for name in ("along", "cross", "readout"):
        off = np.abs(getattr(found, name) - getattr(mean, name))
        assert (off <= 5 * getattr(error, name) + 1e-12).all(), name
    spread = 5 * error.square * 3  # one scrambling of the noiseless term against the mean of eight
    assert (np.abs(found.square - mean.square) <= spread + 1e-12).all()


def test_numbers_of_the_closed_terms_are_stored_as_new_ones():
    for task in (SparseTeacher(100), Committee(100)):
        assert equations(task, TwoLayer(3)).revision == 1
        assert equations(task, TwoLayer(3, "erf")).revision == 0
    assert equations(SparseTeacher(100), TwoLayer(3, loss="logistic")).revision == 0
