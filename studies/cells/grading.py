"""The cell of a score-grading study: which empirical difficulty score finds the true difficulty, and when.

A data set is drawn from a synthetic task with a difficulty level per example; networks of one width are
trained on it (examples shuffled: no curriculum), every score is computed as of several moments, and its
rank correlation with each oracle is recorded. See `curricula.grading`.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.cells.named import named_task
from studies.cells.result import result
from teacher_student.fixed_settings import fixed_settings

if TYPE_CHECKING:
    import xarray as xr

    from studies.cell import Block

#: Raised by one whenever a change alters the numbers of an existing cell.
NUMERICS = 1


@dataclass(frozen=True)
class GradingCell:
    """One data set and the networks trained on it, as plain data.

    Parameters
    ----------
    task : name of a module in teacher_student.tasks
    n_inputs : int, input dimension N
    levels : difficulties, drawn uniformly, one per example
    width : int, hidden units of the networks (relu, two layers)
    n_examples : int, size of the data set
    networks : int, seeds that a score is averaged over
    epochs : int, passes over the data set
    batch_size : int, examples of a step
    learning_rate : float, SGD with momentum 0.9
    scores : names from `curricula.grading.graded()`
    protocol : "no_curriculum", the only one: scores are taken from plain training
    seed : int, 0 <= seed < 2^32, of everything that is drawn
    """

    task: str = "xor_mixture"
    n_inputs: int = 20
    levels: tuple[float, ...] = (0.1, 0.3, 0.6, 1.0)
    width: int = 16
    n_examples: int = 1000
    networks: int = 10
    epochs: int = 10
    batch_size: int = 50
    learning_rate: float = 0.05
    scores: tuple[str, ...] = ("el2n", "forgetting", "loss")
    protocol: str = "no_curriculum"
    seed: int = 0

    def check(self) -> None:
        """Refuse unknown names and numbers out of range, in one line."""
        from curricula.grading import graded
        from teacher_student.checks import known, seed_fits, within

        known("protocol", self.protocol, ("no_curriculum",))
        for score in self.scores:
            known("score", score, graded())
        if not self.scores or len(set(self.levels)) < 2:
            raise ValueError("need at least one score and two different levels")
        within("width", self.width, low=1)
        within("learning_rate", self.learning_rate, low=0, open_low=True)
        within("n_examples", self.n_examples, low=2 * self.batch_size)
        seed_fits(self.seed)
        for level in self.levels:
            self._task().level(noise=level)
        self._runs().steps_per_epoch(self.n_examples)

    def _task(self) -> Any:
        return named_task(self.task, self.n_inputs, ())

    def _runs(self) -> Any:
        from curricula.difficulty.training import Runs

        return Runs(self.networks, self.epochs, self.batch_size, optimizer=_sgd(self.learning_rate))

    def numerics(self) -> dict[str, Any]:
        """The version of the scorers."""
        return {"version": NUMERICS}

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Digests of the code of a task or score that is not the project's own."""
        from curricula.difficulty.trained import SCORES
        from studies.cells.definitions import digests

        scores = {name: SCORES[name] for name in self.scores if name in SCORES}
        return digests("task", {self.task: type(self._task())}) | digests("score", scores)

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """`most`: data sets are graded one after the other, but the networks of one have to fit."""
        from teacher_student.training.memory import check_fits

        # weights, their gradients and momenta
        check_fits(self.width, 12.0 * self.networks * self.width * (self.n_inputs + 4), gigabytes * 2**30)
        return most

    @property
    def n_records(self) -> int:
        """Records after the first."""
        return self.epochs - 1

    @property
    def work(self) -> float:
        """Steps, weighted by what they cost at this width."""
        return self.networks * self.epochs * self.n_examples * (64 + self.width)

    @fixed_settings()
    def compute(self, block: "Block") -> "xr.Dataset":
        """Correlations (protocol, replicate, time, oracle, score)."""
        import jax

        from curricula.grading import grade_scores
        from teacher_student.training.streams import root_key

        started = time.perf_counter()
        root = root_key(self.seed)
        grades = [
            grade_scores(
                self._task(),
                self.levels,
                scores=self.scores,
                width=self.width,
                n=self.n_examples,
                runs=self._runs(),
                replicates=1,
                key=jax.random.fold_in(root, int(r)),
            )
            for r in block.replicates
        ]
        correlation = np.stack([g.correlation[0] for g in grades]).transpose(0, 3, 1, 2)[None]
        return result(
            block,
            {"correlation": (("time", "oracle", "score"), correlation)},
            np.zeros(correlation.shape[:2]),
            coords={
                "time": grades[0].samples / self.n_inputs,
                "oracle": list(grades[0].oracles),
                "score": list(grades[0].scores),
            },
            method="trained",
            run_steps=len(grades) * self.networks * self.epochs,
            started=started,
        )


@lru_cache(maxsize=64)
def _sgd(learning_rate: float) -> Any:
    """The optimiser, the same object every time, so that blocks share a program."""
    import optax

    return optax.sgd(learning_rate, momentum=0.9)
