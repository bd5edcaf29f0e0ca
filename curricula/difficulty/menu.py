"""Every scorer by name, and `rank`, which calls one."""

import importlib
from typing import Any

from curricula.ranking import Ranking
from teacher_student.checks import known
from teacher_student.fixed_settings import fixed_settings

#: Name -> where it is. Those of `trained` share one signature, see `curricula.difficulty.trained.rank_all`.
TRAINED = (
    "el2n", "el1n", "grand", "grand_last", "loss", "entropy", "max_confidence", "margin", "aum",
    "confidence", "variability", "correctness", "threshold_closeness", "forgetting", "forgetting_epoch",
    "first_learned", "learned_iteration", "prediction_depth", "vog",
)  # fmt: skip
HELDOUT = ("c_score", "loss_c_score", "memorisation")
TEACHER = ("transfer", "teacher_loss", "prototype_distance")
KNOWN = ("noise_level", "noise_norm", "boundary_distance", "bayes_error", "label_surprise")
SCORERS = {
    **dict.fromkeys(TRAINED, "trained"),
    **dict.fromkeys(HELDOUT, "heldout"),
    **dict.fromkeys(TEACHER, "teacher"),
    **dict.fromkeys(KNOWN, "known"),
}


@fixed_settings()
def rank(name: str, *arguments: Any, **options: Any) -> Ranking:
    """Compute a difficulty score; higher = harder whatever the convention of its paper.

    Parameters
    ----------
    name : a key of `SCORERS`; `python -m curricula list` prints them
    arguments, options
        trained and held-out scores: inputs (P, ...), labels (P,), and model=, runs=, key=, index_space=, see
        `curricula.difficulty.trained` and `curricula.difficulty.heldout`; teacher scores: features or
        probabilities, and labels, see `curricula.difficulty.teacher`; scores the task knows: see
        `curricula.difficulty.known`

    Raises
    ------
    ValueError
        For an unknown name (the message lists the known ones) and for arguments that do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from curricula.difficulty.training import Runs
    >>> x = np.r_[np.linspace(-2, -1, 20), np.linspace(1, 2, 20), -1.5][:, None]
    >>> y = np.repeat([0, 1], [20, 21])                      # the last label is wrong
    >>> ranking = rank("el2n", x, y, runs=Runs(seeds=2, epochs=10, batch_size=4))
    >>> int(ranking.ranks().argmax()), ranking.runs
    (40, 2)
    """
    known("scorer", name, SCORERS)
    module = importlib.import_module(f"curricula.difficulty.{SCORERS[name]}")
    if SCORERS[name] == "trained":
        return module.rank_all([name], *arguments, **options)[name]
    return getattr(module, name)(*arguments, **options)
