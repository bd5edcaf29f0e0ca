"""SparseTeacher and Committee: the simulators agree, and evaluations agree with samples."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from compiled import sample, single
from gram_samples import one_chunk
from scipy.special import erf
from theory_tools import skewed_start

from teacher_student.interfaces import OrderParameters
from teacher_student.order_parameters import Overlaps, factor
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory.integrate import equations
from teacher_student.training.program import METHODS, choose_method

pytestmark = pytest.mark.usefixtures("quick_module")

N = 120
SPARSE = SparseTeacher(N, relevant=0.4)
PAIR = Committee(N, 2, readout=(1.0, -0.6), overlap=((1.0, 0.4), (0.4, 0.9)), relevant=0.5)
LEVELS = {SPARSE: [SPARSE.level(0.3), SPARSE.level(2.0)], PAIR: [PAIR.level(0.05), PAIR.level(0.2, 2.0)]}


@pytest.mark.slow
def test_full_vectors_and_gram_space_agree_with_their_definition(float64):
    """Of two directions and two blocks; the noise of labels and second block changes from step to step."""
    level = jax.tree.map(lambda *x: np.stack(x * 8), *LEVELS[PAIR])
    before, truth, *found = one_chunk(PAIR, TwoLayer(3, "erf"), level, rate=2.0)
    for a, b, *ours in zip(*map(jax.tree.leaves, (before, truth, *found)), strict=True):
        assert np.abs(a - b).max() > 0.01
        for end in ours:
            np.testing.assert_allclose(end, b, rtol=1e-11, atol=1e-12)


def test_directions_are_orthonormal_and_lie_in_the_relevant_block():
    directions = np.asarray(jax.jit(PAIR.directions)(jax.random.key(3)))
    np.testing.assert_allclose(directions @ directions.T, np.eye(2), atol=1e-5)
    assert not np.any(directions[:, PAIR.blocks[0].size :])


@partial(jax.jit, static_argnums=(0, 1))
def measured(task, student, start, level, normals):
    """What the task and the equations say of a student, and the roots of its Gram matrices."""
    order = OrderParameters(start.along, tuple(factor(gram) for gram in start.gram), start.readout)
    equation = equations(task, student)
    theory = equation.observe(start, level, 1.0, equation.nodes(0))
    return task.evaluate(student, order, level, normals), theory, order.factors


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "width", "activation"),
    [(SPARSE, 1, "erf"), (SPARSE, 3, "erf"), (SPARSE, 3, "relu"), (PAIR, 3, "erf"), (PAIR, 1, "relu")],
)
def test_evaluation_agrees_with_samples(task, width, activation):
    """Weights with known overlaps, on drawn inputs; the readout of a single unit is negative."""
    student, level, n = TwoLayer(width, activation), LEVELS[task][1], 20000
    start = Overlaps(*(single(x) for x in skewed_start(task, width, seed=11)))
    columns = sum(block.directions + width for block in task.blocks)
    normals = np.random.default_rng(1).normal(size=(100_000, columns)).astype("float32")
    values, theory, factors = measured(task, student, start, level, normals)
    assert theory.keys() == values.keys()
    for name, value in theory.items():
        closed = activation == "erf" and (width == 1 or name == "test_loss")
        off = 1e-4 if closed else 1e-2  # of two samples, one of 8192 points
        np.testing.assert_allclose(value, values[name], rtol=1e-4, atol=off, err_msg=name)
    noise = level["noise"] if task is SPARSE else 0.0
    inputs, labels = map(np.asarray, sample(task, jax.random.key(1), n, {**level, "noise": noise}))
    weights = np.pad(start.along, ((0, 0), (0, N - start.along.shape[1])))
    begin = 0
    for block, root in zip(task.blocks, factors, strict=True):
        at = begin + block.directions
        weights[:, at : at + width] = root
        begin += block.size
    lam = inputs @ weights.T
    output = (erf(lam / 2**0.5) if activation == "erf" else np.maximum(lam, 0)) @ start.readout
    losses, right = 0.5 * (output - labels) ** 2, 0.5 * (1 + np.sign(output) * labels)
    assert abs(values["test_loss"] - losses.mean()) < 5 * losses.std() / n**0.5
    if task is SPARSE:
        assert abs(values["test_accuracy"] - right.mean()) < 5 * 0.5 / n**0.5


def test_levels_with_an_axis_and_scalars_sample_alike():
    @jax.jit
    def drawn(key):
        return SPARSE.sample(key, 5, 2.0), SPARSE.sample(key, 5, jnp.full(5, 2.0))

    (one, labels), (many, _) = drawn(jax.random.key(0))
    np.testing.assert_allclose(one, many, rtol=1e-6)
    assert set(np.unique(labels)) <= {-1.0, 1.0}


def test_activations_that_cannot_learn_are_refused():
    for task in LEVELS:
        with pytest.raises(ValueError, match="even"):
            task.check_student(TwoLayer(2, "quadratic"))


def test_losses_that_need_other_labels_are_refused_by_every_simulator():
    SPARSE.check_student(TwoLayer(2, "relu", "logistic"))
    for method in METHODS:
        with pytest.raises(ValueError, match="'logistic' needs labels"):
            choose_method(PAIR, TwoLayer(2, "erf", "logistic"), method)
