"""Scores from what another model knows: its class probabilities, or its feature space.

transfer            probability of the label under a classifier fitted to features     easier
                    Hacohen & Weinshall, ICML 2019, arXiv 1904.03626, sec. 2
teacher_loss        cross-entropy of a teacher's class probabilities, -ln p_y          harder
                    Weinshall, Cohen, Amir, ICML 2018, arXiv 1802.03796
prototype_distance  distance to the mean of the class in feature space                 harder
                    Sorscher et al., NeurIPS 2022, arXiv 2206.14486, sec. 4 (supervised variant)
"""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from curricula.classes import check_probabilities, whole_labels
from curricula.ranking import Ranking


@runtime_checkable
class Classifier(Protocol):
    """What `transfer` asks of a classifier, as those of scikit-learn are."""

    def fit(self, X: np.ndarray, y: np.ndarray, /) -> Any: ...

    def predict_proba(self, X: np.ndarray, /) -> Any: ...


def transfer(
    features: ArrayLike, labels: ArrayLike, *, classifier: Classifier | None = None, index_space: str = ""
) -> Ranking:
    """Rank by a classifier fitted to (pretrained) features of the same examples.

    Parameters
    ----------
    features : (P, ...) numbers, flattened; activations of a pretrained network, or the inputs
    labels : (P,) class labels
    classifier : scikit-learn classifier with predict_proba; default a linear SVM whose margins are
        calibrated by 3-fold cross-validation (so each class needs 3 examples)

    Examples
    --------
    >>> x = np.concatenate([np.linspace(-3, -1, 10), np.linspace(1, 3, 10)])[:, None]
    >>> y = np.repeat([0, 1], 10)
    >>> y[2] = 1
    >>> int(transfer(x, y).ranks().argmax())
    2
    """
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import LinearSVC

    x, y = _flat(features, labels)
    model: Any = CalibratedClassifierCV(LinearSVC(random_state=0), cv=3) if classifier is None else classifier
    table = model.fit(x, y).predict_proba(x)
    scores = table[np.arange(len(y)), np.searchsorted(model.classes_, y)]
    source = "Hacohen & Weinshall, ICML 2019, arXiv 1904.03626"
    return _easier(scores, y, "transfer: probability of the label on features", source, index_space)


def teacher_loss(probabilities: ArrayLike, labels: ArrayLike, *, index_space: str = "") -> Ranking:
    """Rank by -ln p_y of a teacher's class probabilities (P, C); p_y = 0 counts as the smallest float.

    Refused where the labels fit the table hardly better than chance: rows in another order.

    Examples
    --------
    >>> teacher_loss([[0.5, 0.5], [0.1, 0.9]], [0, 1]).scores.round(3).tolist()
    [0.693, 0.105]
    """
    p, y = _flat(probabilities, labels)
    check_probabilities(p, y, "the table of probabilities")
    scores = -np.log(np.maximum(p[np.arange(len(y)), y], np.finfo(np.float64).tiny))
    source = "Weinshall, Cohen, Amir, ICML 2018, arXiv 1802.03796"
    return Ranking(scores, "teacher loss: -ln p_y", source, index_space=index_space, labels=y)


def prototype_distance(features: ArrayLike, labels: ArrayLike, *, index_space: str = "") -> Ranking:
    """Rank by the Euclidean distance to the mean feature of the example's own class.

    Examples
    --------
    >>> prototype_distance([[0.0], [2.0], [4.0], [9.0]], [0, 0, 0, 1]).scores.tolist()
    [2.0, 0.0, 2.0, 0.0]
    """
    x, y = _flat(features, labels)
    scores = np.empty(len(y))
    for c in np.unique(y):
        inside = y == c
        scores[inside] = np.linalg.norm(x[inside] - x[inside].mean(0), axis=1)
    source = "Sorscher et al., NeurIPS 2022, arXiv 2206.14486"
    return Ranking(scores, "distance to the class mean", source, index_space=index_space, labels=y)


def _easier(
    scores: np.ndarray, labels: np.ndarray, definition: str, source: str, index_space: str
) -> Ranking:
    return Ranking.from_scores(
        scores, higher="easier", definition=definition, source=source, labels=labels, index_space=index_space
    )


def _flat(values: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(values, np.float64), whole_labels(labels)
    if x.ndim < 2 or len(x) != len(y) or x.size == 0:
        raise ValueError(f"got shapes {x.shape} and {y.shape}; need (P, ...) numbers and P >= 1 labels")
    if not np.isfinite(x).all():
        raise ValueError("the features hold NaN or infinity")
    return x.reshape(len(x), -1), y
