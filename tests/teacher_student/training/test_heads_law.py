"""Heads in Gram space, in chunks of full vectors, and by plain SGD on W: the same numbers, and one law.

On the same samples chunked full vectors and Gram space are, to rounding, SGD whose gradients JAX takes with
respect to W itself. What Gram space draws knows a head by its number of rows, so its law is that of full
vectors for all heads if it is for one: two-sample Kolmogorov-Smirnov tests of every order parameter and
every entry of theta, with the Bonferroni correction over all comparisons of a head. Seeds are fixed.
"""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gram_samples import in_gram_space
from scipy import stats
from theory_tools import skewed_start

from teacher_student.order_parameters import Overlaps
from teacher_student.students.deep import Deep
from teacher_student.students.experts import Experts
from teacher_student.students.heads import Head
from teacher_student.students.pair import Pair
from teacher_student.students.softmax import Softmax
from teacher_student.students.tracked import Tracked
from teacher_student.students.two_layer import PARAMETRISATIONS
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.full import FullVectors, definition
from teacher_student.training.gram import GramSpace
from teacher_student.training.streams import replicate_keys

#: Heads of three rows or so, each on a task; Committee and SparseTeacher have two isotropic blocks.
HEADS = {
    "deep": (XorMixture(32), Deep(3, depth=2)),
    "deeper": (SparseTeacher(60), Deep(3, "erf", depth=4)),
    "deep, bias": (Committee(60, relevant=0.5), Deep(3, depth=2, bias=True)),
    "experts": (XorMixture(32), Experts(4, experts=2)),
    "two of three experts": (XorMixture(32), Experts(3, "erf", experts=3, active=2)),
    "pair": (XorMixture(32), Pair(2, "relu", "logistic", teacher_width=3, guidance=0.7)),
    "softmax": (SparseTeacher(60), Softmax(3)),
    "tracked": (XorMixture(32), Tracked(3)),
}


def start_of(task, head: Head, dtype) -> Overlaps:
    """Overlaps and theta without any symmetry."""
    overlaps = skewed_start(task, head.rows, seed=5)
    rng = np.random.default_rng(1)
    theta = {
        name: rng.normal(size=layer.shape) / layer.shape[-1] ** 0.5 for name, layer in head.arrays.items()
    }
    return jax.tree.map(lambda x: jnp.asarray(x, dtype), overlaps._replace(readout=theta))


def level_of(task, n):
    """The default level at every one of n steps."""
    return {
        name: jnp.broadcast_to(jnp.asarray(x, float), (n, *np.shape(x))) for name, x in task.level().items()
    }


@lru_cache
def drawn(task):
    """Key, directions, orthonormal in double precision, and 22 samples of full vectors for all heads."""
    runner = FullVectors(task, Deep(3, depth=2), 22, "float64")

    @jax.jit
    def draw():
        key = replicate_keys(3, [0])[0]
        teacher = jnp.linalg.qr(runner.teacher(key).T)[0].T
        return key, teacher, runner.draw(key, teacher, jnp.asarray(0))

    return draw()


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
def test_chunks_and_gram_space_are_plain_sgd_on_the_same_samples(name, float64, quick_compilation):
    task, head = HEADS[name]
    chunked, plain = (FullVectors(task, head, 22, "float64", stepwise=stepwise) for stepwise in (False, True))
    gram = GramSpace(task, head, 22, "float64")
    on, level = jnp.arange(22) != 19, level_of(task, 22)
    key, teacher, samples = drawn(task)

    @jax.jit
    def all_three(scaling):
        start = chunked.init(key, teacher, scaling, start_of(task, head, "float64"))
        ours, truth = (
            runner.advance(start, teacher, samples, level, on, scaling) for runner in (chunked, plain)
        )
        if head.counters:
            x, labels = chunked.inputs(samples, teacher, level)
            truth = truth._replace(v=truth.v | counted(head, scaling, start, x, labels, on))
        begin, seen = chunked.overlaps(start, teacher), in_gram_space(task, start.w, teacher, samples)
        end = gram.overlaps(gram.advance(begin, (), seen, level, on, scaling), ())
        return start, ours, truth, end, chunked.overlaps(truth, teacher)

    for parametrisation in PARAMETRISATIONS:
        scaling = type(head)(head.width, parametrisation=parametrisation, **own(head)).scaling(
            1.0, task.n_inputs
        )
        start, ours, truth, *overlaps = all_three(jax.tree.map(jnp.float64, scaling))
        for a, b, before in zip(*map(jax.tree.leaves, (ours, truth, start)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)
            assert np.abs(b - before).max() > 1e-4
        for a, b in zip(*map(jax.tree.leaves, overlaps), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)


def counted(head, scaling, start, x, labels, on):
    """What a head counts of its path, which gradients do not know: db from how W moved, as dW = -db x."""

    def step(params, sample):
        x, label, now = sample
        after = definition(head, scaling, params, x, label, now, None)
        return after, (params.w - after.w) @ x / (x @ x)

    _, moved = jax.lax.scan(step, start, (x, labels, on))
    square = jnp.sum(moved**2, 1)
    path = {"length": jnp.sqrt(square), "square": square, "moved": moved, "steps": on.astype(x.dtype)}
    return {name: start.v[name] + values.sum(0) for name, values in path.items()}


def own(head: Head) -> dict:
    """Settings of a head besides its width and parametrisation."""
    return {key: value for key, value in vars(head).items() if key not in ("width", "parametrisation")}


@lru_cache
def three_chunks(runner):
    """Keys, scaling -> overlaps of runs from one start."""
    task, head = runner.task, runner.student
    level = level_of(task, runner.chunk)

    def run(key, scaling):
        teacher = runner.teacher(key)
        state = runner.init(key, teacher, scaling, start_of(task, head, "float32"))

        def chunk(state, t):
            samples, on = runner.draw(key, teacher, t), jnp.ones(runner.chunk, bool)
            return runner.advance(state, teacher, samples, level, on, scaling), None

        state, _ = jax.lax.scan(chunk, state, runner.chunk * jnp.arange(3))
        return runner.overlaps(state, teacher)

    return jax.jit(jax.vmap(run, (0, None)))


def after_three_chunks(runner, replicates, seed, rate):
    """Features (R, ...) of runs: overlaps, theta, and what the readouts make of them."""
    head = runner.student
    scaling = jax.tree.map(jnp.float32, head.scaling(rate, runner.task.n_inputs))
    found = three_chunks(runner)(replicate_keys(seed, np.arange(replicates)), scaling)
    lower = np.tril_indices(head.rows)
    theta = [np.reshape(x, (replicates, -1)) for x in found.readout.values()]
    gram = np.asarray(found.gram)[:, :, *lower].reshape(replicates, -1)
    along = np.reshape(found.along, (replicates, -1))
    return np.concatenate([along, gram, *theta, along * gram[:, :1]], 1, dtype=float)


def smallest_p(a, b):
    """Bonferroni-corrected p of the most different feature."""
    tests = [stats.ks_2samp(x, y) for x, y in zip(a.T, b.T, strict=True)]
    p = [test.pvalue for test in tests]  # pyright: ignore[reportAttributeAccessIssue]
    return min(1.0, min(p) * len(p))


@pytest.mark.slow
def test_gram_space_has_the_law_of_full_vectors(quick_compilation):
    """Equal in law; and with a rate a fifth larger the same comparison sees the difference."""
    task, head = HEADS["deep, bias"]
    gram = after_three_chunks(GramSpace(task, head, 8), 2000, 0, 1.0)
    full = FullVectors(task, head, 8)
    assert smallest_p(gram, after_three_chunks(full, 2000, 1, 1.0)) > 0.01
    assert smallest_p(gram, after_three_chunks(full, 2000, 1, 1.2)) < 1e-3
