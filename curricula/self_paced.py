"""Self-paced weights: the current loss decides how much an example counts.

With losses l_i (higher = harder) and an age lambda > 0 (higher = more examples
take part; with hard and linear no weight falls):

    hard         v_i = 1 if l_i < lambda else 0
    linear       v_i = max(0, 1 - l_i / lambda)
    logarithmic  v_i = max(0, log(l_i + z) / log z),  z = 1 - lambda,  0 < lambda < 1

Each minimises sum_i v_i l_i + f(v, lambda) over v in [0, 1]^P. Sources: hard, Kumar, Packer, Koller,
NeurIPS 2010, eq. (3); the other two, Jiang et al., ACM MM 2014, "Easy samples first", sec. 3.
"""

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from teacher_student.checks import known, within


def _hard(xp: ModuleType, losses: Any, age: float) -> Any:
    return (losses < age).astype(losses.dtype)


def _linear(xp: ModuleType, losses: Any, age: float) -> Any:
    return xp.clip(1 - losses / age, 0.0, 1.0)


def _logarithmic(xp: ModuleType, losses: Any, age: float) -> Any:
    z = 1 - age
    return xp.clip(xp.log(xp.minimum(losses, age) + z) / xp.log(z), 0.0, 1.0)


WEIGHTINGS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "hard": _hard,
    "linear": _linear,
    "logarithmic": _logarithmic,
}


def self_paced_weights(losses: Any, age: float, name: str = "hard") -> Any:
    """Weights (P,) in [0, 1] for losses (P,) at age lambda.

    Parameters
    ----------
    losses : (P,) floats >= 0, numpy or JAX (also traced)
    age : lambda > 0 (below 1 for "logarithmic"); `age_for` picks it from a pacing
    name : {"hard", "linear", "logarithmic"}

    Raises
    ------
    ValueError
        For an unknown name or an age out of range.

    Examples
    --------
    >>> losses = np.array([0.1, 0.5, 2.0])
    >>> self_paced_weights(losses, 1.0).tolist(), self_paced_weights(losses, 1.0, "linear").tolist()
    ([1.0, 1.0, 0.0], [0.9, 0.5, 0.0])
    """
    known("weighting", name, WEIGHTINGS)
    within("age", age, low=0, open_low=True)
    if name == "logarithmic" and not age < 1:
        raise ValueError(f"age is {age!r}; the logarithmic weighting needs 0 < age < 1")
    foreign = hasattr(losses, "__array_namespace__") and not isinstance(losses, np.ndarray)
    xp, values = (losses.__array_namespace__(), losses) if foreign else (np, np.asarray(losses, float))
    return WEIGHTINGS[name](xp, values, age)


def age_for(losses: ArrayLike | Sequence[float], fraction: float) -> float:
    """The age at which the `fraction` of smallest losses has weight 1 under "hard".

    Examples
    --------
    >>> bool(self_paced_weights(np.arange(10.0), age_for(np.arange(10.0), 0.3)).sum() == 3)
    True
    """
    within("fraction", fraction, low=0, high=1, open_low=True)
    values = np.sort(np.asarray(losses, np.float64))
    last = values[max(1, round(fraction * values.size)) - 1]
    return float(np.nextafter(last, np.inf))
