"""Ranking: one sign, refusals, files that notice damage, comparison and merging."""

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays

from curricula import Ranking, load_ranking
from curricula.compare import compare, merge

SCORES = arrays(np.float64, st.integers(2, 40), elements=st.floats(-1e6, 1e6))


def test_easier_scores_are_flipped_and_the_original_is_kept():
    ranking = Ranking.from_scores(np.array([0.9, 0.0]), higher="easier")
    assert ranking.scores.tolist() == [-0.9, 0.0]
    assert ranking.original.tolist() == [0.9, 0.0]
    assert ranking.ranks().tolist() == [0, 1]


def test_order_becomes_rank():
    assert Ranking.from_order(np.array([2, 0, 1])).scores.tolist() == [1, 2, 0]
    with pytest.raises(ValueError, match="exactly once"):
        Ranking.from_order(np.array([0, 0, 1]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scores": np.array([])}, "P >= 1"),
        ({"scores": np.zeros((2, 2))}, "shape"),
        ({"scores": np.array([1.0, np.nan])}, "NaN or infinite, the first at index 1"),
        ({"scores": np.array([1.0, np.inf])}, "NaN or infinite"),
        ({"scores": np.arange(2.0), "ids": np.array(["a", "a"])}, "unique"),
        ({"scores": np.arange(2.0), "labels": np.array([1])}, "labels have shape"),
        ({"scores": np.arange(2.0), "labels": np.array([0.5, 1.5])}, "whole numbers"),
        ({"scores": np.arange(2.0), "higher_was": "worse"}, "known: easier, harder"),
    ],
)
def test_bad_rankings_are_refused_in_one_line(fields, message):
    with pytest.raises(ValueError, match=message) as caught:
        Ranking(**fields)
    assert "\n" not in str(caught.value)


def test_arrays_cannot_be_altered():
    with pytest.raises(ValueError, match="read-only"):
        Ranking(np.arange(3.0)).scores[0] = 7


def test_saved_ranking_comes_back_whole(tmp_path):
    ranking = Ranking.from_scores(
        np.array([0.5, 0.25, 0.125]), higher="easier", definition="d", source="s", index_space="here",
        labels=np.array([0, 1, 1]), ids=np.array(["a", "b", "c"]), error=np.full(3, 0.1), runs=4,
        never_learned="T",
    )  # fmt: skip
    back = load_ranking(ranking.save(tmp_path / "r.npz"))
    for name in ("scores", "labels", "ids", "error"):
        np.testing.assert_array_equal(getattr(back, name), getattr(ranking, name))
    for name in ("definition", "source", "higher_was", "index_space", "runs", "never_learned", "checksum"):
        assert getattr(back, name) == getattr(ranking, name)


def test_damaged_file_is_noticed(tmp_path):
    path = Ranking(np.arange(3.0)).save(tmp_path / "r.npz")
    with np.load(path) as archive:
        header = archive["header"]
    np.savez(path, scores=np.array([0.0, 1.0, 3.0]), header=header)
    with pytest.raises(ValueError, match="damaged"):
        load_ranking(path)


def test_checksum_is_the_same_everywhere_and_sees_every_part():
    base = Ranking(np.arange(3.0), labels=np.array([0, 1, 1]))
    assert base.checksum == "43e426637cd5eac5ce2e42b3ec7e5c3ee915f3e95e3f035fa80fb34b8e872f05"
    others = [
        Ranking(np.arange(3.0)),
        Ranking(np.arange(3.0), labels=np.array([1, 1, 0])),
        Ranking(np.arange(3.0), ids=np.array(["0", "1", "1x"])),
        Ranking(np.array([0.0, 1.0, 2.5]), labels=np.array([0, 1, 1])),
    ]
    assert len({r.checksum for r in [base, *others]}) == 5


def test_views():
    ranking = Ranking(np.array([3.0, 1, 2, 1]), labels=np.array([0, 0, 1, 1]))
    assert ranking.tied == 2
    assert ranking.easiest(0.5).tolist() == [1, 3]
    assert {c: i.tolist() for c, i in ranking.per_class().items()} == {0: [1, 0], 1: [3, 2]}
    assert ranking.histogram(0.5) == {0: 1, 1: 1}
    assert ranking.standardised().scores.tolist() == [1, -1, 1, -1]
    part = ranking.restrict(np.array([2, 0]))
    assert part.scores.tolist() == [2, 3]
    assert part.labels is not None
    assert part.labels.tolist() == [1, 0]
    for wrong in ([0, 0], [4], [-1], []):
        with pytest.raises(ValueError, match="indices must"):
            ranking.restrict(np.array(wrong, int))
    with pytest.raises(ValueError, match="pass labels"):
        Ranking(np.arange(2.0)).per_class()


def test_compare_by_hand():
    # ranks 1 2 3 4 5 against 2 1 4 3 5: sum d^2 = 4, rho = 1 - 24/120; 2 of 10 pairs discordant
    agreement = compare(Ranking(np.arange(5.0)), Ranking(np.array([2.0, 1, 4, 3, 5])), 0.4)
    assert agreement.spearman == pytest.approx(0.8)
    assert agreement.kendall == pytest.approx(0.6)
    assert agreement.overlap == 1.0
    assert compare(Ranking(np.arange(4.0)), Ranking(-np.arange(4.0)), 0.5).overlap == 0.0


def test_compare_refuses_what_is_not_aligned():
    a = Ranking(np.arange(3.0), labels=np.array([0, 1, 2]))
    with pytest.raises(ValueError, match="3 and 2 examples"):
        compare(a, Ranking(np.arange(2.0)))
    with pytest.raises(ValueError, match="labels differ at 2"):
        compare(a, Ranking(np.arange(3.0), labels=np.array([1, 0, 2])))
    assert np.isnan(compare(a, Ranking(np.zeros(3))).spearman)


def test_merge_gives_mean_and_standard_error():
    merged = merge(
        [Ranking(np.array([0.0, 1.0])), Ranking(np.array([2.0, 1.0])), Ranking(np.array([4.0, 1.0]))]
    )
    assert merged.scores.tolist() == [2.0, 1.0]
    assert merged.error is not None
    np.testing.assert_allclose(merged.error, [2 / 3**0.5, 0])
    assert merged.runs == 3
    with pytest.raises(ValueError, match="at least one"):
        merge([])
    with pytest.raises(ValueError, match="directions"):
        merge([Ranking(np.arange(2.0)), Ranking.from_scores(np.arange(2.0), higher="easier")])


@given(SCORES)
def test_ranks_are_a_permutation_that_respects_scores_and_index(scores):
    ranks = Ranking(scores).ranks()
    path = np.argsort(ranks)
    assert sorted(ranks.tolist()) == list(range(len(scores)))
    steps = np.diff(scores[path])
    assert (steps >= 0).all()
    assert (np.diff(path)[steps == 0] > 0).all()


@given(SCORES)
def test_a_ranking_agrees_with_itself(scores):
    ranking = Ranking(scores)
    agreement = compare(ranking, ranking)
    assert agreement.overlap == 1.0
    assert np.isnan(agreement.spearman) or agreement.spearman == pytest.approx(1.0)
