"""Stability and label noise against a truth that is known, and the page that states them."""

import re

import numpy as np
import pytest
from scipy.stats import rankdata

from curricula import Ranking
from curricula.quality import label_noise, stability
from curricula.report import page

P, NOISE = 3000, 3.0  # variance of a run's noise over that of the truth: two runs correlate by 1/4
RNG = np.random.default_rng(0)
TRUTH = RNG.normal(size=P)


def runs(count):
    return [Ranking(TRUTH + np.sqrt(NOISE) * RNG.normal(size=P), "s") for _ in range(count)]


def agree(a, b):
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def mean(count):
    return np.mean([run.scores for run in runs(count)], axis=0)


def test_correlations_follow_spearman_and_brown():
    found = stability(runs(12))
    ranks = 6 / np.pi * np.arcsin(0.25 / 2)  # Spearman's correlation of Gaussians that correlate by 1/4
    assert found.single == pytest.approx(ranks, abs=0.02)
    assert found.between[2, 3] == pytest.approx(ranks, abs=0.08)
    for count in (4, 12):
        assert found.of_mean(count) == pytest.approx(agree(mean(count), mean(count)), abs=0.03)
        assert found.with_truth(count) == pytest.approx(agree(mean(count), TRUTH), abs=0.03)


def test_the_runs_that_are_needed_are_enough_and_half_of_them_are_not():
    found = stability(runs(12))
    halves, truth = found.runs_needed(0.9), found.runs_needed(0.9, truth=True)
    assert 24 <= halves <= 33  # 27 for r = 1/4
    assert 11 <= truth <= 16  # 13
    assert agree(mean(int(halves)), mean(int(halves))) == pytest.approx(0.9, abs=0.025)
    assert agree(mean(int(truth)), TRUTH) == pytest.approx(0.9, abs=0.025)
    assert agree(mean(int(halves) // 2), mean(int(halves) // 2)) < 0.86
    assert agree(mean(int(truth) // 2), TRUTH) < 0.86


def test_runs_that_agree_fully_or_not_at_all():
    one = Ranking(np.arange(5.0))
    assert stability([one, one]).runs_needed(0.9) == 1
    assert stability([one, Ranking(-one.scores)]).runs_needed(0.9) == np.inf


def test_label_noise_by_hand():
    scores = Ranking(np.array([0.1, 0.9, 0.8, 0.2, 0.7, 0.3, 0.4, 0.5]))
    wrong = np.array([0, 1, 1, 0, 0, 1, 0, 0], bool)
    rows, above = label_noise(scores, wrong, [0.25, 0.5])
    assert [(r.wrong, r.found) for r in rows] == [(1.0, 2 / 3), (0.5, 2 / 3)]
    assert rows[1].lift == pytest.approx(0.5 / (3 / 8))
    assert above == pytest.approx((5 + 5 + 2) / 15)  # pairs of a wrong and a right one
    ties = Ranking(np.array([1.0, 1.0, 0.0, 2.0]))
    assert label_noise(ties, [True, False, False, False], [0.5])[1] == pytest.approx(1.5 / 3)


def test_probabilities_of_wrong_labels_count_like_labels_drawn_from_them():
    scores = Ranking(np.random.default_rng(1).random(20_000))
    chance = scores.scores**2
    drawn = np.random.default_rng(2).random(20_000) < chance
    (one, above), (two, drawn_above) = label_noise(scores, chance), label_noise(scores, drawn)
    assert above == pytest.approx(drawn_above, abs=0.02)
    assert [r.wrong for r in one] == pytest.approx([r.wrong for r in two], abs=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: stability([r]), "1 runs cannot be compared; need two or more"),
        (lambda r: stability([r, Ranking(np.zeros(3))]), "all scores of run 1 are equal"),
        (lambda r: stability([r, Ranking(np.arange(4.0))]), "rankings have 3 and 4 examples"),
        (lambda r: stability([r, r]).runs_needed(1.0), "correlation is 1.0"),
        (lambda r: label_noise(r, [0.0, 1.0]), r"wrong has shape \(2,\); need one of False, True"),
        (lambda r: label_noise(r, [0.0, 1.0, 1.5]), "need one of False, True, or a probability"),
        (lambda r: label_noise(r, [False] * 3), "0 of 3 labels are wrong: nothing to tell apart"),
        (lambda r: label_noise(r, [True, False, True], [0.0]), "fraction is 0.0"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call(Ranking(np.array([1.0, 3.0, 2.0])))


def test_the_page():
    labels = (TRUTH > 0).astype(int)
    lines = page(
        [Ranking(r.scores, "loss", "here", labels=labels) for r in runs(4)], wrong=TRUTH > 1.5, fraction=0.1
    )
    text = "\n".join(lines)
    for part in (
        "score      loss",
        "examples   3000, mean of 4 runs",
        "of two runs 0.2",
        "easiest 10 % = 300",
    ):
        assert part in text
    assert re.search(r"runs       2\d|3\d runs for 0.9 between two such means, 1\d runs", text)
    assert re.search(r"wrong label scores higher than a right one with probability 0\.[89]", text)
    assert len(lines) < 30
    assert max(map(len, lines)) < 120
    assert "one run says nothing of it" in page([Ranking(TRUTH)])[-1]
