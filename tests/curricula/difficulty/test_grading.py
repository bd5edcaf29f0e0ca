"""Grading against the oracle: shapes, signs, and a score that is right by construction."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import spearmanr

from curricula import Ranking
from curricula.difficulty.training import Runs
from curricula.grading import grade_scores, graded, spearman
from teacher_student.tasks.xor_mixture import XorMixture

pytestmark = pytest.mark.usefixtures("quick_module")

RUNS = Runs(seeds=6, epochs=6, batch_size=25)


class Prototypes:
    """x = label e1 + difficulty * e2: the distance to the class mean is that of the difficulty."""

    def sample(self, key, n, difficulty):
        signs = jnp.where(jnp.arange(n) % 2 == 0, 1.0, -1.0)
        return jnp.stack([signs, difficulty], 1), signs


def test_a_score_that_is_the_oracle_gets_one():
    def level(x, y, d):
        return Ranking(np.abs(d - np.where(y == 1, d[y == 1].mean(), d[y == 0].mean())))

    grades = grade_scores(
        Prototypes(),
        [0.0, 0.4, 3.0, 9.0],
        scores=["prototype_distance"],
        n=400,
        runs=RUNS,
        replicates=2,
        oracles={"level": level},
    )
    assert grades.correlation.shape == (2, 1, 1, 6)
    assert (grades.correlation > 0.99).all()
    assert grades.samples.tolist() == [400, 800, 1200, 1600, 2000, 2400]


@pytest.mark.slow
def test_every_score_is_graded_and_most_find_the_noise():
    grades = grade_scores(
        XorMixture(10),
        [0.02, 0.1, 0.5],
        n=300,
        width=32,
        runs=Runs(seeds=8, epochs=6, batch_size=25),
        replicates=1,
        k=10,
    )
    assert grades.scores == graded()
    assert grades.oracles == ("noise_level", "bayes_error", "label_surprise")
    final = dict(zip(grades.scores, grades.mean()[2, :, -1], strict=True))
    for name in ("el2n", "loss", "grand", "confidence", "correctness", "learned_iteration", "c_score", "aum"):
        assert final[name] > 0.2, (name, final[name])
    assert np.isnan(grades.correlation[0, :, graded().index("variability"), 0]).all()
    assert np.isfinite(grades.correlation[..., 1:]).mean() > 0.95


@pytest.mark.slow
def test_same_key_same_grades():
    once, again, other = (
        grade_scores(XorMixture(10), [0.1, 1.0], scores=["el2n"], n=300, runs=RUNS, replicates=1, key=k)
        for k in (3, 3, 4)
    )
    np.testing.assert_array_equal(once.correlation, again.correlation)
    assert (once.correlation != other.correlation).any()


def test_spearman_is_that_of_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, (3, 50)), rng.normal(size=(3, 50))
    for ours, p, q in zip(spearman(a, b), a, b, strict=True):
        theirs: Any = spearmanr(p, q)
        assert ours == pytest.approx(theirs.statistic)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": ["el3n"]}, "unknown score 'el3n'; known"),
        ({"scores": []}, "at least one score"),
        ({"levels": [1.0, 1.0]}, "two different levels"),
        ({"replicates": 0}, "replicates is 0"),
    ],
)
def test_refusals(change, message):
    arguments = {"task": XorMixture(5), "levels": [0.1, 1.0], "scores": ["el2n"]} | change
    with pytest.raises(ValueError, match=message):
        grade_scores(arguments.pop("task"), arguments.pop("levels"), **arguments)
