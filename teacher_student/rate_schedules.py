"""Learning rates over time: a schedule of rates is data, a factor on all rates for every part of the run.

A table of n factors s: the i-th holds during the i-th of n equal parts of the run, in which eta is s eta for
the weights of all layers; what a parametrisation makes of eta it makes of s eta. Those with a name, u from 0
to 1 being the share of the run that is over:

    constant             1
    linear               1 - (1 - c) u
    cosine               c + (1 - c) (1 + cos pi u) / 2
    warmup               u / a up to u = a, then 1
    warmup_stable_decay  u / a up to u = a, then 1, from u = 1 - b on 1 - (1 - c) (u - 1 + b) / b

with a = `WARM_UP`, b = `DECAY`, c = `FLOOR`; a name stands for a table of `PARTS` entries, each the value in
the middle of its part. So simulations and equations are given the same steps.

Source: for the cosine Loshchilov & Hutter, arXiv 1608.03983, eq. (5) without restarts; for the last one Hu et
al., arXiv 2404.06395, sec. 4. Warm-up, decay and floor are choices of this project.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from teacher_student.checks import known, within

#: Share of the run in which rates rise, share in which they fall at the end, and what is left of them then.
WARM_UP, DECAY, FLOOR = 0.05, 0.2, 0.01

#: Entries of the table that a name stands for.
PARTS = 100

#: The factor (n,) at shares u (n,) of the run.
Shape = Callable[[Float[np.ndarray, " n"]], Float[np.ndarray, " n"]]


def _decay(u: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    return 1 - (1 - FLOOR) * np.clip((u - 1 + DECAY) / DECAY, 0, 1)


RATE_SCHEDULES: dict[str, Shape] = {
    "constant": np.ones_like,
    "linear": lambda u: 1 - (1 - FLOOR) * u,
    "cosine": lambda u: FLOOR + (1 - FLOOR) * (1 + np.cos(np.pi * u)) / 2,
    "warmup": lambda u: np.minimum(u / WARM_UP, 1),
    "warmup_stable_decay": lambda u: np.minimum(u / WARM_UP, 1) * _decay(u),
}

#: A name, or factors.
Rates = str | Sequence[float] | Float[np.ndarray, "n *networks"]


class Pace(NamedTuple):
    """What a simulator is told about the steps of a chunk, or of a run; arrays, or None to leave it alone.

    rate  : (B,) factors on all rates, in place of 1; of a pair (B, 2), see `students.pair`
    share : () how far the average moves at the end of the chunk, of a run (T,) after every step; see
        `teacher_student.training.averages`
    """

    rate: Any = None
    share: Any = None


#: Rates that stay and no average.
CONSTANT = Pace()


def rate_table(rates: Rates, networks: int = 1) -> Float[np.ndarray, "n *networks"] | None:
    """The factors that a name, or a table, stands for; None where all are 1.

    Of `networks` that learn side by side each may have its own column.

    Raises
    ------
    ValueError
        In one line, for an unknown name, and for a table that is not one of finite numbers >= 0.

    Examples
    --------
    >>> rate_table("linear")[[0, -1]].round(3).tolist(), rate_table([1, 0.5]).tolist()
    ([0.995, 0.015], [1.0, 0.5])
    """
    if isinstance(rates, str):
        known("schedule of learning rates", rates, RATE_SCHEDULES)
        table = RATE_SCHEDULES[rates]((np.arange(PARTS) + 0.5) / PARTS)
    else:
        table = np.asarray(rates, float)
    if (
        table.ndim not in (1, 1 + (networks > 1))
        or table.shape[1:] not in ((), (networks,))
        or not table.size
    ):
        more = f", or (n, {networks})" if networks > 1 else ""
        raise ValueError(
            f"a schedule of learning rates has shape {table.shape}; need factors (n,){more}, for each of n "
            "equal parts of the run"
        )
    wrong = np.argwhere(~((table >= 0) & np.isfinite(table)))
    if wrong.size:
        value = float(table[tuple(wrong[0])])
        raise ValueError(f"factor {wrong[0][0]} on the learning rate is {value!r}; need 0 <= factor < inf")
    return None if (table == 1).all() else table


def rate_factors(rates: Rates, n_steps: int, networks: int = 1) -> Float[np.ndarray, "T *networks"] | None:
    """The factor of every step, (n_steps,); None where all are 1.

    Parts of a named schedule are rounded to the nearest sample; a table must fit.

    Examples
    --------
    >>> rate_factors([1.0, 0.5, 0.1], 6).tolist()
    [1.0, 1.0, 0.5, 0.5, 0.1, 0.1]
    """
    table = rate_table(rates, networks)
    if not isinstance(rates, str) and n_steps % len(rates):
        raise ValueError(
            f"{len(rates)} factors on the learning rate do not fit {n_steps} steps; give one for each step, "
            "or a number of them that divides the steps"
        )
    if table is None:
        return None
    edges = np.rint(np.arange(len(table) + 1) * (n_steps / len(table))).astype(int)
    return np.repeat(table, np.diff(edges), 0)


def check_average(average: float) -> None:
    """Refuse a tail that is none, in one line."""
    within("average", average, 0)
    if average >= 1:
        raise ValueError(f"average is {average!r}; need 0 <= average < 1, a share of the run at its end")
