"""What is asked of labels and of tables of class probabilities, the same everywhere they are taken."""

import numpy as np

#: Least agreement beyond chance of a table of probabilities with the labels it is used with.
LEAST_AGREEMENT = 0.25


def whole_labels(values: object, what: str = "labels") -> np.ndarray:
    """Labels as (P,) int64, or a ValueError that names their shape or type; nothing is guessed.

    Examples
    --------
    >>> whole_labels([1, 0, 2]).tolist()
    [1, 0, 2]
    >>> whole_labels([[0, 1], [1, 0]])
    Traceback (most recent call last):
    ...
    ValueError: labels have shape (2, 2); need (P,), a whole number per example; one-hot: labels.argmax(1)
    """
    array = np.asarray(values)
    if array.ndim != 1:
        column = array.ndim == 2 and array.shape[1] == 1
        hint = "; pass labels[:, 0]" if column else "; one-hot: labels.argmax(1)" if array.ndim == 2 else ""
        raise ValueError(f"{what} have shape {array.shape}; need (P,), a whole number per example{hint}")
    if array.dtype.kind not in "iub" and array.size:
        raise ValueError(f"{what} must be whole numbers; got {array.dtype}")
    return array.astype(np.int64)


def check_range(labels: np.ndarray, classes: int | None = None, what: str = "example") -> None:
    """Refuse labels outside 0..C-1, naming the first such example; any C where `classes` is not known.

    Examples
    --------
    >>> check_range(np.array([0, 2, -1]), 3)
    Traceback (most recent call last):
    ...
    ValueError: example 2 has label -1; need 0..2, so map other labels, such as -1 and +1, to these
    """
    wrong = np.flatnonzero((labels < 0) | (labels >= (np.inf if classes is None else classes)))
    if wrong.size:
        top = "C-1" if classes is None else classes - 1
        raise ValueError(
            f"{what} {wrong[0]} has label {labels[wrong[0]]}; need 0..{top}, "
            "so map other labels, such as -1 and +1, to these"
        )


def check_probabilities(table: np.ndarray, labels: np.ndarray, name: str) -> None:
    """Refuse a table (P, C) that holds no probabilities, or not those of examples with these labels (P,).

    The share a of rows whose largest entry is at the label is compared with the share a_0 expected if the
    rows were shuffled, sum_c Pr[argmax = c] Pr[label = c]. Rows in another order have a = a_0 but for
    chance, so (a - a_0) / (1 - a_0) must reach `LEAST_AGREEMENT` (Cohen's kappa).

    Examples
    --------
    >>> p = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7]])
    >>> check_probabilities(p, np.array([0, 1, 1]), "svm.npy")
    >>> check_probabilities(p[::-1], np.array([0, 1, 1]), "svm.npy")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: the largest probability of svm.npy is at the label in 33 % of the rows, by chance 56 %: ...
    """
    if table.ndim != 2 or len(labels) != len(table):
        raise ValueError(f"{name} has shape {table.shape} but there are {len(labels)} labels; need (P, C)")
    if not (table >= 0).all() or not np.allclose(table.sum(1), 1, atol=1e-2):
        raise ValueError(
            f"{name} holds no probabilities: need entries >= 0 and rows that sum to 1 (softmax of logits)"
        )
    check_range(labels, table.shape[1])
    best, size = table.argmax(1), table.shape[1]
    right = float((best == labels).mean())
    chance = float(np.bincount(best, minlength=size) @ np.bincount(labels, minlength=size)) / len(labels) ** 2
    if right - chance < LEAST_AGREEMENT * (1 - chance):
        raise ValueError(
            f"the largest probability of {name} is at the label in {100 * right:.0f} % of the rows, "
            f"by chance {100 * chance:.0f} %: other labels, or rows in another order"
        )
