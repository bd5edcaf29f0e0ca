"""Which hidden units win on XorMixture, from recorded overlaps.

At the centre of cluster c unit k adds label_c v_k phi(M_k . c) to the margin, its contribution. The winner of
a cluster is the unit that contributes most after training.
"""

import numpy as np

#: Centres of the clusters +e1, -e1, +e2, -e2 and their labels.
CENTRES = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
LABELS = np.array([1, 1, -1, -1])


def contributions(along: np.ndarray, readout: np.ndarray) -> np.ndarray:
    """Contributions (..., 4, K) of relu units with overlaps `along` (..., K, 2) and `readout` (..., K).

    Examples
    --------
    >>> contributions(np.array([[2.0, 0.0], [0.0, 3.0]]), np.array([1.0, 1.0])).tolist()
    [[2.0, 0.0], [0.0, 0.0], [-0.0, -3.0], [-0.0, -0.0]]
    """
    pull = np.maximum(np.einsum("...kp,cp->...ck", along, CENTRES), 0)
    return LABELS[:, None] * readout[..., None, :] * pull


def winners(start: np.ndarray, end: np.ndarray, alive: np.ndarray) -> dict[str, np.ndarray]:
    """Who wins, and how well they stood at the start.

    Parameters
    ----------
    start, end : contributions (..., 4, K) before and after training
    alive : (..., K) which units are there

    Returns
    -------
    winner        (..., 4) index of the unit; NaN where no unit contributes to the right side
    winner_rank   (..., 4) its place by contribution at the start, 1 = the best of all units there
    winner_aligned(..., 4) 1 if it contributed to the right side at the start, else 0
    effective     (..., 4) number of units that carry the cluster, (sum c)^2 / sum c^2 over c > 0
    distinct      (...) number of different winners
    """
    positive = np.maximum(end, 0)
    any_one = positive.max(-1) > 0
    index = end.argmax(-1)
    first = np.take_along_axis(start, index[..., None], -1)
    rank = 1 + ((start > first) & (alive[..., None, :] > 0)).sum(-1)
    squares = (positive**2).sum(-1)
    effective = np.divide(positive.sum(-1) ** 2, squares, out=np.zeros(squares.shape), where=squares > 0)
    nan = np.where(any_one, 0.0, np.nan)
    named = np.sort(np.where(any_one, index, -1), -1)
    distinct = (np.diff(named, axis=-1) != 0).sum(-1) + 1 - (named[..., 0] < 0)
    return {
        "winner": index + nan,
        "winner_rank": rank + nan,
        "winner_aligned": (first[..., 0] > 0) + nan,
        "effective": effective,
        "distinct": distinct.astype(float),
    }
