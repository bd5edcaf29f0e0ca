"""The real files, where they lie in the data folder: read right, and the trap among them refused."""

import numpy as np
import pytest

from curricula import load_ranking, order
from curricula.__main__ import main
from curricula.compare import compare
from curricula.datasets import find_dataset
from teacher_student.data_sets.published import data_folder, is_here

FOLDER = data_folder() / "rankings"
FILES = (
    "angulargap_cifar10_test_order.npy",
    "angulargap_classification_margin.pt",
    "angulargap_forgetting_events.pkl",
    "cifar100-cscores-orig-order.npz",
    "mnist-cscores-orig-order.npz",
    "mnist-cscores.npy",
)
HERE = all((FOLDER / name).is_file() for name in FILES) and is_here("mnist") and is_here("fashion_mnist")
pytestmark = pytest.mark.skipif(not HERE, reason=f"no published ranking files and image sets at {FOLDER}")


def test_c_scores_of_cifar100():
    ranking = load_ranking(FOLDER / "cifar100-cscores-orig-order.npz")
    assert len(ranking) == 50_000
    assert ranking.higher_was == "easier"
    assert ranking.labels is not None
    assert ranking.labels[:10].tolist() == [19, 29, 0, 11, 1, 86, 90, 28, 23, 31]
    assert ranking.original.min() == 0
    assert ranking.original.max() == pytest.approx(0.99994, abs=1e-5)
    histogram = ranking.histogram(0.2)
    assert min(histogram.values()) == 0
    assert max(histogram.values()) == 340
    balanced = order(ranking, balanced=True)[:10_000]
    assert set(np.bincount(ranking.labels[balanced])) == {100}


def test_mnist_in_tfds_order_is_refused_without_a_map_and_right_with_it():
    file, mapped = FOLDER / "mnist-cscores.npy", FOLDER / "mnist-cscores-orig-order.npz"
    mnist = find_dataset("mnist")
    with pytest.raises(ValueError, match="TFDS order"):
        load_ranking(file, labels=mnist.labels)
    with np.load(mapped) as archive:
        index_map, scores = archive["tfds_to_orig"], archive["scores"]
    ranking = load_ranking(file, labels=mnist.labels, index_map=index_map)
    np.testing.assert_array_equal(ranking.original, scores)
    direct = load_ranking(mapped, labels=mnist.labels)
    assert compare(ranking, direct).overlap == 1.0
    fashion = find_dataset("fashion_mnist")
    with pytest.raises(ValueError, match="labels differ"):
        load_ranking(mapped, labels=fashion.labels)


def test_angular_gap_files():
    path = load_ranking(FOLDER / "angulargap_cifar10_test_order.npy")
    assert np.argsort(path.scores)[:5].tolist() == [5186, 8345, 6038, 3804, 3084]
    counts = load_ranking(FOLDER / "angulargap_forgetting_events.pkl")
    assert counts.scores[[9554, 9750]].tolist() == [0, 175]
    margin = load_ranking(FOLDER / "angulargap_classification_margin.pt")
    assert margin.higher_was == "easier"
    np.testing.assert_allclose(margin.original[:3], [0.13401496, 0.999914, 0.9999778], rtol=1e-6)
    assert compare(counts, margin).spearman > 0.1


def test_inspect(capsys):
    trap, mapped = str(FOLDER / "mnist-cscores.npy"), str(FOLDER / "mnist-cscores-orig-order.npz")
    assert main(["inspect", trap, "--dataset", "mnist"]) == 1
    assert "fits       no: mnist-cscores.npy is in TFDS order" in capsys.readouterr().out
    assert main(["inspect", trap, "--dataset", "mnist", "--index-map", mapped]) == 0
    assert "perhaps: as many examples" in capsys.readouterr().out
    assert main(["inspect", mapped, "--dataset", "mnist"]) == 0
    assert "yes: size and all labels agree with mnist" in capsys.readouterr().out
    assert main(["inspect", str(FOLDER / "cifar100-cscores-orig-order.npz"), "--dataset", "cifar100"]) == 0
    assert "0 to 340 per class, even would be 100" in capsys.readouterr().out
    assert main(["inspect", mapped, "--dataset", "fashion_mnist"]) == 1
    assert main(["inspect", mapped, "--dataset", "cifar10"]) == 1
    assert "60000 scores, but cifar10 has 50000 examples" in capsys.readouterr().out
