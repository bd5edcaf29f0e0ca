"""Every published format, made small: read right, put in order, or refused with the reason."""

import numpy as np
import pytest
from score_files import array, arrays, dynamics, learn_t, lines, pickled, zipped
from torch_writer import Tensor, as_stream

from curricula import load_ranking
from curricula.formats.menu import FORMATS, TABLES

LABELS = np.array([0, 1, 0, 1])


ORDER = {
    i: [Tensor(np.float32(loss)), Tensor(np.float32(0.1))]
    for i, loss in ((2, 0.1), (0, 0.2), (3, 0.5), (1, 0.9))
}
PAIR = {"indices": np.array([2, 0, 3, 1]), "forgetting counts": np.array([0, 0, 4, 7])}
HISTORIES = [[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 0, 1]]
STATS = {i: [[0.0] * 4, right, [0.0] * 4] for i, right in enumerate(HISTORIES)} | {"train": [[0.1]]}
DEEPCORE = {
    "exp": 0,
    "subset": {"indices": np.arange(2), "scores": np.array([0.3, 0.1, 0.4, 0.2], np.float32)},
}
BALANCED = {"subset": {"indices": np.arange(2), "scores": [np.array([0.3, 0.4]), np.array([0.1, 0.2])]}}
HSF = {i: [Tensor(np.float64(v))] for i, v in enumerate((0.3, 0.1, 0.4, 0.2))}
METRICS = [
    {"guid": g, "confidence": c, "variability": v, "correctness": 1}
    for g, c, v in ((1, 0.9, 0.3), (0, 0.2, 0.1))
]
FLAT = np.array([0.3, 0.1, 0.4, 0.2])
PATH = np.array([2, 0, 3, 1])
FORGET = np.array([1, np.inf, 0, 3])
SVM = np.array([[0.9, 0.1], [0.4, 0.6]] * 2)

#: file name, format, writer, options, scores with higher = harder
CASES = [
    ("a-cscores.npz", "cscore_npz", arrays(labels=LABELS, scores=FLAT), {}, -FLAT),
    ("mnist-cscores.npy", "cscore_npy", array(FLAT), {"index_map": [3, 2, 1, 0]}, -FLAT[::-1]),
    ("ckpt_1.npy", "data_diet", array(FORGET), {"index_map": [2, 0, 3, 1], "labels": LABELS}, [4, 3, 1, 0]),
    ("imagenet_vog_early.npy", "vog", array(FLAT.astype(np.float32)), {}, FLAT),
    ("order_mnist_adv_train.npy", "order", array(PATH), {}, [1, 3, 0, 2]),
    ("order_hardest_first.npy", "order", array(PATH), {"higher": "easier"}, [-1, -3, 0, -2]),
    ("own.npy", "scores", array(FLAT), {"higher": "easier"}, -FLAT),
    ("infl.npz", "feldman_zhang", arrays(tr_mem=FLAT, tr_labels=LABELS, tt_labels=LABELS), {}, FLAT),
    ("infl_mem.npz", "feldman_zhang", arrays(memorization=FLAT, influence=np.zeros((2, 4))), {}, FLAT),
    ("cifar10.order.pth", "uc_order", lambda p: p.write_bytes(as_stream(ORDER)), {}, [0.2, 0.9, 0.1, 0.5]),
    ("cifar100.order.pth", "uc_order", zipped(ORDER), {}, [0.2, 0.9, 0.1, 0.5]),
    ("forgetting.pkl", "toneva", pickled(PAIR), {}, [0, 7, 0, 4]),
    ("x__stats_dict.pkl", "toneva_stats", pickled(STATS), {}, [2, 0, 4, 1]),
    ("CIFAR10_GraNd_0.1.ckpt", "deepcore", zipped(DEEPCORE), {}, FLAT),
    ("CIFAR10_Uncertainty.ckpt", "deepcore", zipped(BALANCED), {"labels": LABELS}, [-0.3, -0.1, -0.4, -0.2]),
    ("inceptionsvm.pkl", "class_probabilities", pickled(SVM), {"labels": LABELS}, [-0.9, -0.6, -0.9, -0.6]),
    ("classification_margin.pt", "scores", zipped(Tensor(FLAT, device="cuda:0")), {}, -FLAT),
    ("hsf.pt", "scores", zipped(HSF), {"higher": "harder"}, FLAT),
    ("test_mlp_pd.pkl", "depth_json", lines({"1": 4, "0": 1, "2": 2}), {}, [1, 4, 2]),
    ("td_metrics.jsonl", "cartography_metrics", lines(*METRICS), {}, [-0.2, -0.9]),
    ("data_map.jsonl", "cartography_metrics", lines(*METRICS), {"score": "variability"}, [0.1, 0.3]),
    ("training_dynamics", "cartography_dynamics", dynamics, {"score": "correctness"}, [-2, -1, 0]),
    ("dynamics_again", "cartography_dynamics", dynamics, {"score": "forgetfulness"}, [0, 0, 2]),
    ("learnT", "learn_t", learn_t, {"labels": LABELS}, [0, 1, 3, 2]),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[f"{c[1]}-{c[0]}" for c in CASES])
def test_format(case, tmp_path):
    name, format, write, options, expected = case
    folder = tmp_path / ("forget_scores" if format == "data_diet" else "files")
    folder.mkdir()
    write(folder / name)
    ranking = load_ranking(folder / name, **options)
    np.testing.assert_allclose(ranking.scores, expected, rtol=1e-6)
    assert ranking.definition
    assert ranking.source
    np.testing.assert_array_equal(
        load_ranking(folder / name, format=format, **options).scores, ranking.scores
    )
    with pytest.raises(ValueError, match="scores but labels has 9|labels"):
        load_ranking(folder / name, **(options | {"labels": np.zeros(9, int)}))


def test_every_format_has_a_case():
    assert {case[1] for case in CASES} | {"ranking", "influence_pairs", *TABLES} == set(FORMATS)


def test_probabilities_of_the_dynamics_by_hand(tmp_path):
    dynamics(tmp_path / "d")
    high, low, worst = 1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 1 / (1 + np.exp(2))
    confidence = load_ranking(tmp_path / "d").original
    np.testing.assert_allclose(confidence, [high, (high + low) / 2, worst])
    variability = load_ranking(tmp_path / "d", score="variability").scores
    np.testing.assert_allclose(variability, [0, (high - low) / 2, 0], atol=1e-12)
    assert load_ranking(tmp_path / "d", labels=[0, 0, 0]).labels is not None
    with pytest.raises(ValueError, match="differ"):
        load_ranking(tmp_path / "d", labels=[0, 1, 0])


def test_names_align_scores(tmp_path):
    values = {
        "scores": FLAT,
        "labels": LABELS,
        "filenames": np.array([b"d.png", b"b.png", b"a.png", b"c.png"]),
    }
    arrays(**values)(tmp_path / "imagenet-cscores-with-filename.npz")
    path = tmp_path / "imagenet-cscores-with-filename.npz"
    ranking = load_ranking(path, ids=["a.png", "b.png", "c.png", "d.png"], labels=[0, 1, 1, 0])
    assert ranking.original.tolist() == [0.4, 0.1, 0.2, 0.3]
    assert ranking.ids is not None
    assert ranking.ids.tolist() == ["a.png", "b.png", "c.png", "d.png"]
    with pytest.raises(ValueError, match="arbitrary order"):
        load_ranking(path)
    with pytest.raises(ValueError, match=r"no id 'd\.png'"):
        load_ranking(path, ids=["a.png", "b.png", "c.png", "e.png"])


def test_blank_lines_of_dynamics_are_left_out_and_a_cut_one_is_named(tmp_path):
    dynamics(tmp_path / "d")
    whole, file = load_ranking(tmp_path / "d"), tmp_path / "d" / "dynamics_epoch_1.jsonl"
    text = file.read_text()
    file.write_text("\n" + text + "  \n\n")
    np.testing.assert_array_equal(load_ranking(tmp_path / "d").scores, whole.scores)
    file.write_text(text[:-9])
    with pytest.raises(ValueError, match=r"cannot read dynamics_epoch_1\.jsonl: line 3 is cut off"):
        load_ranking(tmp_path / "d")


def test_contradicting_losses_yield_to_the_order_of_the_file(tmp_path):
    contradiction = {1: [Tensor(np.float32(0.9)), 0.0], 0: [Tensor(np.float32(0.1)), 0.0]}
    zipped(contradiction)(tmp_path / "x.order.pth")
    ranking = load_ranking(tmp_path / "x.order.pth")
    assert ranking.scores.tolist() == [1, 0]
    assert "position" in ranking.definition


def test_partial_files_keep_their_indices_as_ids(tmp_path):
    pickled({"indices": np.array([7, 3]), "forgetting counts": np.array([0, 2])})(tmp_path / "part.pkl")
    with pytest.raises(ValueError, match=r"keyed by 3\.\.7, not by 0\.\.1; pass index_map"):
        load_ranking(tmp_path / "part.pkl")
    ranking = load_ranking(tmp_path / "part.pkl", ids=[7, 3])
    assert ranking.scores.tolist() == [0, 2]
    assert ranking.ids is not None
    assert ranking.ids.tolist() == ["7", "3"]


@pytest.mark.parametrize(
    ("name", "write", "options", "message"),
    [
        ("c-scores.npz", arrays(labels=LABELS, scores=FLAT), {"labels": LABELS[:3]}, "4 scores but labels"),
        ("c-scores.npz", arrays(labels=LABELS, scores=FLAT), {"labels": 1 - LABELS}, "at 4 of 4 examples"),
        ("c-scores.npz", arrays(labels=LABELS, scores=FLAT), {"index_map": [0, 1, 2, 2]}, "exactly once"),
        ("c-scores.npz", arrays(labels=LABELS, scores=FLAT), {"ids": list("abcd")}, "has no ids"),
        ("c-scores.npz", arrays(labels=LABELS, scores=np.full(4, np.nan)), {}, "NaN"),
        ("c-scores.npz", arrays(labels=LABELS[:3], scores=FLAT), {}, "labels have shape"),
        ("c-scores.npz", arrays(labels=LABELS, scores=np.ones((4, 2))), {}, "not one score per example"),
        ("c-scores.npz", arrays(labels=LABELS, scores=FLAT), {"format": "x"}, "unknown format 'x'; known: "),
        ("c-scores.npz", arrays(labels=LABELS, scores=FLAT), {"format": "toneva"}, "not a file of format"),
        ("c-scores.npz", arrays(labels=LABELS, scores=FLAT), {"higher": "better"}, "unknown direction"),
        ("c-scores.npz", arrays(other=FLAT), {}, "in no format known here; known: "),
        ("a-cscores.npy", array(FLAT), {}, "TFDS order, not the original one; pass index_map"),
        ("own.npy", array(FLAT), {}, 'pass higher="harder" or higher="easier"'),
        ("an_order.npy", array(np.array([0, 1, 1])), {}, "exactly once"),
        ("pairs.npz", arrays(tr_idx=LABELS, tt_idx=LABELS, infl=FLAT, mem=FLAT), {}, "not a score of every"),
        ("x.ckpt", zipped(DEEPCORE), {}, "which method"),
        ("x_Uncertainty.ckpt", zipped(BALANCED), {}, "class by class; pass labels"),
        ("svm.pkl", pickled(np.ones((4, 2)) / 2), {}, "pass labels"),
        ("t.pkl", pickled({"indices": np.arange(3), "forgetting counts": np.arange(2)}), {}, "do not fit"),
        ("t.jsonl", lines(*METRICS), {"score": "margin"}, "known: confidence, correctness, variability"),
        ("t.jsonl", lines(METRICS[0], METRICS[0]), {}, "twice"),
        ("noise.bin", lambda p: p.write_bytes(b"no pickle at all"), {}, "text that is neither JSON"),
        ("lfs.npz", lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\n"), {}, "Git LFS"),
        ("web.npy", lambda p: p.write_text("<!DOCTYPE html><html></html>"), {}, "it is a web page"),
        ("empty.npy", lambda p: p.write_bytes(b""), {}, "it is empty"),
        ("s.csv", lambda p: p.write_text("0.5\n0.25\n"), {}, "the first line has no names of columns"),
        ("s.txt", lambda p: p.write_text("0.5\n0.25\n"), {}, "it is numbers without a name; put"),
        ("x.npy.gz", lambda p: p.write_bytes(b"\x1f\x8b\x08"), {}, "compressed with gzip; unpack it"),
        ("cube.npy", array(np.ones((2, 2, 2))), {}, r"array of shape \(2, 2, 2\)\) is in no format"),
        ("cut.jsonl", lambda p: p.write_text('{"guid": 0}\n\n{"guid": 1'), {}, "jsonl: line 3 is cut off"),
        ("dynamics_epoch_0.jsonl", lambda p: p.write_text("[1]\n"), {}, "line 1 is no object"),
        ("absent.npz", lambda p: None, {}, "no such file"),
        ("cut.npz", lambda p: p.write_bytes(b"PK\x03\x04cut"), {}, "cannot read"),
    ],
)  # fmt: skip
def test_refusals_say_why_in_one_line(name, write, options, message, tmp_path):
    write(tmp_path / name)
    with pytest.raises(ValueError, match=message) as caught:
        load_ranking(tmp_path / name, **options)
    assert "\n" not in str(caught.value)
