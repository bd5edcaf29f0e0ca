"""Scores end at the example they belong to, the right way up, or the file is refused in one line."""

import json

import numpy as np
import pytest
from score_files import array, arrays, learn_t, lines, pickled, zipped
from torch_writer import Tensor

from curricula import Ranking, load_ranking
from curricula.__main__ import main

RNG = np.random.default_rng(5)
#: P examples of three classes and the position in the user's data of each entry of a file, no involution.
P = 60
LABELS = RNG.integers(0, 3, P)
MAP = RNG.permutation(P)
TABLE = RNG.dirichlet([1, 1, 1], P) + 2 * np.eye(3)[LABELS]
TABLE /= TABLE.sum(1, keepdims=True)
OWN = TABLE[np.arange(P), LABELS]
COUNTS = RNG.permutation(P) + 3


def written(tmp_path, name, write):
    write(tmp_path / name)
    return tmp_path / name


def refused(message, *arguments, **options):
    with pytest.raises(ValueError, match=message) as caught:
        load_ranking(*arguments, **options)
    assert "\n" not in str(caught.value)


# labels meet the rows they belong to, whatever the order of the file


def test_three_rows_by_hand(tmp_path):
    p, m = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]]), np.array([2, 1, 0])
    file = written(tmp_path, "svm.npy", array(p[m]))
    assert load_ranking(file, labels=[0, 1, 1], index_map=m).original.tolist() == [0.9, 0.8, 0.7]
    refused("at the label in 33 % of the rows, by chance 56 %", file, labels=[0, 1, 1])


@pytest.mark.parametrize("name", ["svm.pkl", "svm.npy", "svm.pt"])
def test_class_probabilities_under_a_map(name, tmp_path):
    write = {"pkl": pickled(TABLE[MAP]), "npy": array(TABLE[MAP]), "pt": zipped(Tensor(TABLE[MAP]))}
    file = written(tmp_path, name, write[name.split(".")[1]])
    np.testing.assert_array_equal(load_ranking(file, labels=LABELS, index_map=MAP).original, OWN)
    refused("other labels, or rows in another order", file, labels=LABELS)
    refused("other labels, or rows in another order", file, labels=LABELS, index_map=np.argsort(MAP))


def test_scores_class_by_class_under_a_map(tmp_path):
    theirs, scores = LABELS[MAP], RNG.random(P)
    parts = [scores[MAP][theirs == c] for c in range(3)]
    file = written(tmp_path, "x_GraNd.ckpt", zipped({"subset": {"indices": np.arange(2), "scores": parts}}))
    np.testing.assert_array_equal(load_ranking(file, labels=LABELS, index_map=MAP).scores, scores)


def test_learn_t_under_a_map_and_by_id(tmp_path):
    """Entries 0..3 are learned at 0, 1, 3 (never), 2 for labels 0 1 0 1, see `score_files.learn_t`."""
    learn_t(tmp_path / "logs")
    place, ids = np.array([2, 0, 3, 1]), ["1", "3", "0", "2"]
    mine = np.empty(4, int)
    mine[place] = [0, 1, 0, 1]
    mapped = load_ranking(tmp_path / "logs", labels=mine, index_map=place)
    named = load_ranking(tmp_path / "logs", labels=mine, ids=ids)
    assert mapped.scores.tolist() == named.scores.tolist() == [1, 2, 0, 3]
    assert mapped.labels is not None
    assert mapped.labels.tolist() == mine.tolist()
    (tmp_path / "logs" / "train-1.pt").rename(tmp_path / "logs" / "train-4.pt")
    refused("gap", tmp_path / "logs", labels=mine)


def test_epochs_that_list_other_examples_are_refused(tmp_path):
    (tmp_path / "logs").mkdir()
    for epoch, keys in enumerate(((0, 1), (0, 2))):
        zipped({key: [[0.5, 0]] for key in keys})(tmp_path / "logs" / f"train-{epoch}.pt")
    refused("same examples", tmp_path / "logs", labels=[0, 0])


# tables that are no probabilities, and labels that are no classes


def test_tables_that_cannot_be_class_probabilities(tmp_path):
    logits = written(tmp_path, "logits.npy", array(np.log(TABLE)))
    refused("rows that sum to 1", logits, labels=LABELS)
    refused("rows that sum to 1", written(tmp_path, "z.npy", array(3 * TABLE)), labels=LABELS)
    file = written(tmp_path, "svm.npy", array(TABLE))
    refused("example 7 has label -1; need 0..2", file, labels=np.where(np.arange(P) == 7, -1, LABELS))
    refused("example 9 has label 3; need 0..2", file, labels=np.where(np.arange(P) == 9, 3, LABELS))
    refused(r"\(60, 3\) but there are 59 labels", file, labels=LABELS[:-1])
    refused(r"array of shape \(60, 1\)", written(tmp_path, "column.npy", array(TABLE[:, :1])), labels=LABELS)


def test_an_order_that_keeps_a_quarter_is_refused_and_a_weak_teacher_is_not(tmp_path):
    labels = np.arange(1000) % 10
    for right, fine in ((0.28, False), (0.45, True)):
        best = np.where(np.arange(1000) < 1000 * right, labels, (labels + 1) % 10)
        file = written(tmp_path, f"t{right}.npy", array(0.05 + 0.5 * np.eye(10)[best]))
        if fine:
            assert len(load_ranking(file, labels=labels)) == 1000
        else:
            refused("in 28 % of the rows, by chance 10 %", file, labels=labels)


def test_gold_labels_outside_the_classes(tmp_path):
    for gold in (-1, 2):
        rows = (
            {"guid": 0, "logits_epoch_0": [0, 1], "gold": 1},
            {"guid": 1, "logits_epoch_0": [0, 1], "gold": gold},
        )
        file = written(tmp_path, "dynamics_epoch_0.jsonl", lines(*rows))
        refused(f"guid 1 of dynamics_epoch_0.jsonl has gold {gold}; need 0..1", file)


@pytest.mark.parametrize(
    ("shape", "message"),
    [((P, 1), r"shape \(60, 1\); need \(P,\).*labels\[:, 0\]"), ((P, 3), r"shape \(60, 3\).*argmax")],
)
def test_labels_that_are_no_list_are_named_by_their_shape(shape, message, tmp_path):
    labels = LABELS[:, None] if shape[1] == 1 else np.eye(3, dtype=int)[LABELS]
    stored = written(tmp_path, "a-cscores.npz", arrays(scores=OWN, labels=LABELS))
    refused(message, stored, labels=labels)
    theirs = written(tmp_path, "b-cscores.npz", arrays(scores=OWN, labels=labels))
    refused("labels of b-cscores.npz have shape", theirs, labels=LABELS)
    with pytest.raises(ValueError, match=message):
        Ranking(OWN, labels=labels)


# a class-sorted file shows whether a map is one


def test_a_class_sorted_file_takes_only_a_map_that_sorts_the_classes(tmp_path):
    (tmp_path / "error_l2_norm_scores").mkdir()
    place, scores = np.lexsort((RNG.random(P), LABELS)), RNG.random(P)
    file = written(tmp_path, "error_l2_norm_scores/ckpt_9.npy", array(scores[place]))
    np.testing.assert_array_equal(load_ranking(file, labels=LABELS, index_map=place).scores, scores)
    refused("the 3 classes come in .* runs", file, labels=LABELS, index_map=np.argsort(place))
    refused("the 3 classes come in .* runs", file, labels=LABELS, index_map=np.arange(P))
    refused("pass labels=... too", file, index_map=place)
    refused("class-sorted TFDS order", file, labels=LABELS)


# what a number means is asked where the file does not say


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("el2n.npz", arrays(scores=OWN, labels=LABELS)),
        ("scores.npz", arrays(scores=OWN)),
        ("confidence.json", lambda p: p.write_text(json.dumps(dict(enumerate(OWN.tolist()))))),
        ("depths.json", lambda p: p.write_text(json.dumps(dict(enumerate(OWN.tolist()))))),
        ("list.json", lambda p: p.write_text(json.dumps(OWN.tolist()))),
        ("counts.json", lambda p: p.write_text(json.dumps(dict(enumerate(COUNTS.tolist()))))),
        ("counts.npy", array(COUNTS)),
        ("scores.pkl", pickled(dict(enumerate(OWN)))),
        ("array.pkl", pickled(OWN)),
        ("scores.pt", zipped(Tensor(OWN))),
    ],
)  # fmt: skip
def test_direction_is_asked_for_and_then_followed(name, write, tmp_path):
    file = written(tmp_path, name, write)
    refused('pass higher="harder" or higher="easier"', file)
    raw = COUNTS if "counts" in name else OWN
    np.testing.assert_array_equal(load_ranking(file, higher="harder").scores, raw)
    np.testing.assert_array_equal(load_ranking(file, higher="easier").scores, -raw)


@pytest.mark.parametrize("write", [array, pickled, lambda v: zipped(Tensor(v))], ids=["npy", "pkl", "pt"])
@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_a_permutation_is_an_order_or_ranks_and_the_caller_says_which(write, kind, tmp_path):
    ranks = np.array([3, 1, 5, 2, 0, 4])
    file = written(tmp_path, "ranks", write(ranks.astype(kind)))
    refused("may be read in two ways", file)
    refused("may be read in two ways", file, higher="harder")
    assert load_ranking(file, format="scores", higher="harder").scores.tolist() == ranks.tolist()
    assert load_ranking(file, format="scores", higher="easier").scores.tolist() == (-ranks).tolist()
    assert load_ranking(file, format="order").scores.tolist() == [4, 1, 3, 0, 5, 2]
    refused("may be read in two ways", written(tmp_path, "ranks-orig-order", write(ranks.astype(kind))))
    named = written(tmp_path, "my_order", write(ranks.astype(kind)))
    assert load_ranking(named).scores.tolist() == [4, 1, 3, 0, 5, 2]


@pytest.mark.parametrize(
    ("name", "write", "options", "message"),
    [
        ("x-cscores.npz", arrays(scores=3 * OWN, labels=LABELS), {}, r"is no cscore_npz: .* lie in \[0, 1\]"),
        ("x.npz", arrays(scores=3 * OWN, labels=LABELS), {"format": "cscore_npz"}, r"lie in \[0, 1\]"),
        ("vog.npy", array(OWN - 1), {}, r"is no vog: .* lie in \[0, inf\]"),
        ("mem.npz", arrays(tr_mem=2 * OWN + 1), {}, r"lie in \[-1, 1\]"),
        ("c.json", lines({"0": 0.5, "1": 2}), {"format": "depth_json"}, "are whole numbers, but these"),
        ("f.pkl", pickled({"indices": np.arange(2), "forgetting counts": np.array([0.5, 1])}), {}, "whole"),
        ("td.jsonl", lines({"guid": 0, "confidence": 2.0}), {}, r"lie in \[0, 1\]"),
        ("classification_margin.pt", zipped(Tensor(4 * OWN)), {}, r"lie in \[-1, 1\]"),
    ],
)  # fmt: skip
def test_numbers_that_contradict_the_format(name, write, options, message, tmp_path):
    refused(message, written(tmp_path, name, write), **options)


def test_a_file_of_our_own_says_its_direction_itself(tmp_path):
    ranking = Ranking.from_scores(OWN, higher="easier")
    file = ranking.save(tmp_path / "r.npz")
    assert load_ranking(file, higher="easier").checksum == ranking.checksum
    refused("says itself that high is easier", file, higher="harder")


# files that are keyed


KEYS = [str(key) for key in range(1, P + 1)]
BY_KEY = dict(zip(KEYS, OWN.tolist(), strict=True))
KEYED = [
    ("one_based.pkl", pickled({"indices": np.arange(P) + 1, "forgetting counts": COUNTS}), {}, COUNTS),
    ("one_based.json", lambda p: p.write_text(json.dumps(BY_KEY)), {"higher": "harder"}, OWN),
    ("hsf.pt", zipped({int(k): [Tensor(v)] for k, v in BY_KEY.items()}), {"higher": "harder"}, OWN),
    ("td.jsonl", lines(*({"guid": k, "confidence": v} for k, v in BY_KEY.items())), {}, -OWN),
]  # fmt: skip


@pytest.mark.parametrize("case", KEYED, ids=[case[0] for case in KEYED])
def test_keys_that_are_no_positions_need_ids_or_a_map(case, tmp_path):
    name, write, options, expected = case
    file = written(tmp_path, name, write)
    refused(r"keyed by 1\.\.60, not by 0\.\.59; pass index_map", file, labels=LABELS, **options)
    mine = [KEYS[i] for i in MAP]
    named = load_ranking(file, ids=mine, labels=LABELS, **options)
    np.testing.assert_array_equal(named.scores, expected[MAP])
    mapped = load_ranking(file, index_map=np.argsort(MAP), labels=LABELS, **options)
    np.testing.assert_array_equal(mapped.scores, expected[MAP])
    refused("no id '60' in yours", file, ids=[*KEYS[:-1], "x"], **options)


def test_keys_0_to_p_take_ids_too_and_names_need_them(tmp_path):
    file = written(
        tmp_path, "by_index.json", lambda p: p.write_text(json.dumps(dict(enumerate(OWN.tolist()))))
    )
    mine = load_ranking(file, ids=MAP, higher="harder")
    np.testing.assert_array_equal(mine.scores, OWN[MAP])
    assert load_ranking(file, higher="harder").ids is None
    names = written(tmp_path, "names.json", lambda p: p.write_text('{"b.png": 0.5, "a.png": 0.25}'))
    refused("keyed by name", names, higher="harder")
    assert load_ranking(names, ids=["a.png", "b.png"], higher="harder").scores.tolist() == [0.25, 0.5]
    refused("ids must be unique, but 1 of yours", names, ids=["a.png", "a.png"], higher="harder")
    refused("not both", names, ids=["a.png", "b.png"], index_map=[0, 1], higher="harder")
    refused(r"labels has 3 entries but ids has shape \(2,\)", names, ids=["a", "b"], labels=[0, 1, 1])


def test_inspect_shows_the_keys(tmp_path, capsys):
    file = written(tmp_path, KEYED[0][0], KEYED[0][1])
    np.save(tmp_path / "labels.npy", LABELS)
    assert main(["inspect", str(file), "--labels", str(tmp_path / "labels.npy")]) == 1
    out = capsys.readouterr().out
    assert "keys       1, 2, 3, 4, 5, ..., 60 (keyed by 1..60, not by 0..59)" in out
    assert "fits       no: one_based.pkl is keyed by 1..60" in out
    np.save(tmp_path / "map.npy", np.arange(P))
    mapped = ["--index-map", str(tmp_path / "map.npy")]
    assert main(["inspect", str(file), "--labels", str(tmp_path / "labels.npy"), *mapped]) == 0
