"""Gram space against full vectors: equality in law, and proof that these tests can fail.

Two-sample Kolmogorov-Smirnov tests of every order parameter between independent batches, with the
Bonferroni correction over all comparisons of a case; first and second moments in standard errors.
Seeds are fixed, so the outcome does not vary from run to run. What Gram space makes of given samples is
compared with full vectors to rounding: here where a chunk has two pieces, in test_contract.py for all tasks,
in test_heads_law.py for all heads. There is the law of what it draws, too.
"""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gram_samples import one_chunk
from scipy import stats

from teacher_student import generator
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training import noise
from teacher_student.training.gram import GramSpace
from teacher_student.training.program import choose_method
from teacher_student.training.simulate import simulate

RECORD = ("M", "Q", "v")
REPLICATES = 1500


def levels(task):
    return [
        task.level(noise=0.2, signal=1.5),
        task.level(noise=1.0, prior=(0.4, 0.1, 0.3, 0.2)),
        task.level(noise=2.0, signal=0.5),
    ]


#: The level of every step: it changes inside chunks.
SCHEDULE = np.repeat(np.arange(3)[np.arange(120) % 3], 5)


@cache
def final(method, seed, rate=0.4):
    """Order parameters of width 4 at N = 12 in chunks of 6, Wishart matrices down to one degree of freedom.

    Of shape (R, features).
    """
    task, width = XorMixture(12), 4
    table = levels(task)
    found = simulate(
        task, TwoLayer(width), table, SCHEDULE, target=table[1], learning_rate=rate,
        replicates=REPLICATES, seed=seed, record=RECORD, n_records=3, n_test=1, method=method,
    )  # fmt: skip
    assert found.method == method
    assert not found.diverged.any()
    lower = np.tril_indices(width)
    m, q, v = (found.values[name][:, 0, -1] for name in ("M", "Q", "v"))
    trace = np.trace(q, axis1=1, axis2=2)[:, None]
    energy = np.einsum("rk,rkl,rl->r", v, q, v)[:, None]
    middle = np.trace(found.values["Q"][:, 0, 1], axis1=1, axis2=2)[:, None]
    return np.concatenate([m.reshape(len(m), -1), q[:, *lower], v, trace, energy, middle], 1)


def smallest_p(a, b):
    """Bonferroni-corrected p of the most different feature."""
    tests = [stats.ks_2samp(x, y) for x, y in zip(a.T, b.T, strict=True)]
    p = [test.pvalue for test in tests]  # pyright: ignore[reportAttributeAccessIssue]
    return min(1.0, min(p) * len(p))


def worst_moment(a, b):
    """Largest difference of means and of variances, in standard errors."""
    n = len(a)
    mean = (a.mean(0) - b.mean(0)) / np.sqrt((a.var(0) + b.var(0)) / n)
    fourth = ((a - a.mean(0)) ** 4).mean(0) + ((b - b.mean(0)) ** 4).mean(0)
    spread = (a.var(0) - b.var(0)) / np.sqrt((fourth - a.var(0) ** 2 - b.var(0) ** 2) / n)
    return max(np.abs(mean).max(), np.abs(spread).max())


@pytest.mark.slow
@pytest.mark.parametrize("method", ["gram", "bulk"])
def test_same_law_as_full_vectors(method):
    """Equal in law; and with a rate a fifth larger the same comparison sees the difference."""
    full = final("full", 1)
    found = final(method, 0)
    assert smallest_p(found, full) > 0.01
    assert worst_moment(found, full) < 4.5
    assert smallest_p(final(method, 0, rate=0.48), full) < 1e-3


@pytest.mark.slow
def test_the_law_does_not_depend_on_the_chunk(monkeypatch):
    """The shortest there is; elsewhere they have 6 samples."""
    monkeypatch.setattr("teacher_student.training.program.chunk_length", lambda width: 2)
    assert smallest_p(final("gram", 2), final("full", 1)) > 0.01


def test_a_chunk_of_two_pieces_whose_steps_look_back_is_plain_sgd(float64, quick_compilation):
    task = XorMixture(44)
    level = {name: np.stack([one[name] for one in levels(task)])[SCHEDULE[:32]] for name in task.level()}
    before, truth, *found = one_chunk(task, TwoLayer(10, "relu", "logistic", "ntk"), level, rate=2.0)
    for a, b, *ours in zip(*map(jax.tree.leaves, (before, truth, *found)), strict=True):
        assert np.abs(a - b).max() > 0.01
        for end in ours:
            np.testing.assert_allclose(end, b, rtol=1e-11, atol=1e-12)


@pytest.mark.usefixtures("quick_compilation")
def test_chi_has_the_chi_distribution():
    n, keys = 20_000, jax.random.split(jax.random.key(1), 3)
    x, u = jax.random.normal(keys[0], (n,)), jax.random.uniform(keys[1], (n,))
    chi = jax.jit(noise.chi)
    for dof in (1.0, 2.0, 3.0, 8.0, 150.0, 1e5):
        found = chi(keys[2], x, u, np.full(n, dof, np.float32))
        assert stats.kstest(np.asarray(found, float), stats.chi(dof).cdf).pvalue > 0.005, dof


@pytest.mark.usefixtures("quick_compilation")
def test_words_make_uniform_and_normal_numbers():
    numbers = generator.words(jax.random.key(0), 100_001)
    assert numbers.shape == (100_001,)
    assert stats.kstest(np.asarray(noise.uniform(numbers), float), "uniform").pvalue > 0.01
    normal = np.asarray(noise.normal(numbers), float)
    assert stats.kstest(normal, "norm").pvalue > 0.01
    assert abs(np.mean(normal**4) - 3) < 5 * (96 / 100_001) ** 0.5
    assert abs(np.corrcoef(normal[:-1], normal[1:])[0, 1]) < 5 / 100_001**0.5


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_wishart_has_the_stated_mean_and_determinant():
    draw = jax.jit(jax.vmap(lambda key: noise.wishart_factor(key, 6, 9)))
    factors = np.asarray(draw(jax.random.split(jax.random.key(0), 20_000)))
    wishart = factors @ factors.mT
    np.testing.assert_allclose(wishart.mean(0), 9 * np.eye(6), atol=5 * (18 / 20_000) ** 0.5)
    log_det = np.linalg.slogdet(wishart.astype(float))[1]
    expected = np.sum([np.log(2) + stats.chi2(9 - i).expect(np.log) - np.log(2) for i in range(6)])
    assert abs(log_det.mean() - expected) < 5 * log_det.std() / 20_000**0.5


def test_lower_triangle_uses_every_number_once():
    found = np.asarray(noise.lower_triangle(jnp.arange(1.0, 16.0), 6))
    assert (np.triu(found) == 0).all()
    assert sorted(found[np.tril_indices(6, -1)].tolist()) == list(range(1, 16))


def test_auto_takes_gram_space_where_it_is_exact():
    task = XorMixture(100)
    assert choose_method(task, TwoLayer(16)).name == "gram"
    assert choose_method(task, TwoLayer(90)).name == "bulk"
    assert choose_method(task, TwoLayer(200)).name == "bulk"


def test_what_cannot_work_is_refused_at_construction():
    task = XorMixture(40)
    with pytest.raises(ValueError, match="N - P - K >= chunk .* 40 - 2 - 36 < 4; use method='full'"):
        GramSpace(task, TwoLayer(36), 4)
    for chunk in (0, 3):
        with pytest.raises(ValueError, match=f"chunk is {chunk}; need an even number"):
            GramSpace(task, TwoLayer(4), chunk)
    with pytest.raises(ValueError, match="9 degrees of freedom is singular"):
        noise.wishart_factor(jax.random.key(0), 10, 9)
    with pytest.raises(ValueError, match="unknown dtype 'float16'"):
        choose_method(task, TwoLayer(4), dtype="float16")


@pytest.mark.slow
@pytest.mark.usefixtures("quick_compilation")
def test_a_singular_start_stays_finite_and_merged_units_stay_merged():
    """Two copies of a unit with the same readout: the Gram matrix is singular for ever."""
    task, width = XorMixture(100), 4
    from teacher_student.order_parameters import Overlaps

    w = np.array([[1.0, 0.2], [1.0, 0.2], [-0.3, 0.9], [-0.3, 0.9]], np.float32)
    gram = np.array([[1.0, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], np.float32)[None]
    start = Overlaps(jnp.asarray(w), jnp.asarray(gram), jnp.array([0.5, 0.5, -0.5, -0.5]))
    level = task.level(noise=0.3)
    found = simulate(
        task, TwoLayer(width), [level], np.zeros(6400, int), target=level, learning_rate=0.3,
        replicates=8, record=("v", "M"), n_records=4, initial=start,
    )  # fmt: skip
    assert not found.diverged.any()
    v = found.values["v"][:, 0]
    assert np.abs(v[..., 0] - v[..., 1]).max() < 0.02
    assert np.abs(v[:, -1] - v[:, 0]).max() > 0.05
