"""The cell of studies on finite data: P examples over E epochs, any source, any order."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.address import digest
from studies.cells import finite_data as sources
from studies.cells.finite_checks import check_source, check_stages
from studies.cells.finite_plans import PROTOCOLS, plans
from studies.cells.finite_settings import IMAGES, KNOWN, LINEAR, PARITY, REAL, FiniteSettings
from studies.cells.result import Values, result
from studies.store import STATUS
from teacher_student.fixed_settings import fixed_settings
from teacher_student.roles import RUNS

if TYPE_CHECKING:
    import xarray as xr

    from studies.cell import Block

#: Raised by one whenever a change alters the numbers of an existing cell.
NUMERICS = 1
#: The same for those whose examples are ranked by a trained score.
SCORED = 2


@dataclass(frozen=True)
class FiniteCell(FiniteSettings):
    """One run over a fixed set of examples; see `FiniteSettings` for its fields."""

    def check(self) -> None:
        """Build everything this cell names, so that whatever is wrong is said before anything runs."""
        from curricula import pace
        from curricula.difficulty.trained import SCORES
        from teacher_student.checks import known, seed_fits, whole, within
        from teacher_student.tasks import TASKS
        from teacher_student.training import finite

        known("source", self.source, (*TASKS, LINEAR, PARITY, IMAGES))
        known("protocol", self.protocol, PROTOCOLS)
        known("ranking", self.ranking, (*SCORES, KNOWN))
        for name in ("epochs", "record_every", "n_test", "n_inputs", "ranking_epochs"):
            whole(name, getattr(self, name), low=1)
        if self.epochs % self.record_every:
            raise ValueError(f"epochs {self.epochs} is not a multiple of record_every = {self.record_every}")
        within("label_noise", self.label_noise, 0, 1)
        within("easy_fraction", self.easy_fraction, 0, 1)
        within("learning_rate", self.learning_rate, low=0, open_low=True)
        within("weight_decay", self.weight_decay, low=0)
        within("stop", self.stop, 0, 1)
        seed_fits(self.seed)
        pace(self.pacing, total=self.epochs, a=self.a, b=self.b)
        finite.check(self.network(), self.setting())
        check_source(self)
        check_stages(self)
        if self.ranking != KNOWN and self.source in REAL:
            raise ValueError(f"ranking {self.ranking!r} is of classes, and labels of {self.source} are real")

    def paths(self) -> dict[str, str]:
        """The user's own file, which has no name that would fix its content."""
        used = self.source == IMAGES and self.data_set.endswith(".npz")
        return {"data": self.data_set} if used else {}

    def numerics(self) -> dict[str, Any]:
        """The version, and checksums of the user's own files."""
        version = NUMERICS if self.ranking == KNOWN else SCORED
        return {"version": version} | {what: digest(path) for what, path in self.paths().items()}

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Digests of the code of a task, activation or score that is not the project's own."""
        from curricula.difficulty.trained import SCORES
        from studies.cells.definitions import digests
        from teacher_student.students.two_layer import ACTIVATIONS
        from teacher_student.tasks import TASKS

        task = {self.source: type(sources.gaussian(self)[0])} if self.source in TASKS else {}
        score = {self.ranking: SCORES[self.ranking]} if self.ranking in SCORES else {}
        activation = {self.activation: ACTIVATIONS[self.activation]}
        return digests("task", task) | digests("score", score) | digests("activation", activation)

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates per block, at most `most`: examples, plans, parameters and what a step needs."""
        from teacher_student.training.memory import rows_within

        inputs = 3072 if self.source == IMAGES else self.n_inputs
        sets = max(1, len(self.stages))
        weights = self.width * (inputs + self.width * (self.depth - 1) + 10)
        tested = max(self.n_test, self.n_examples) * (self.width + 10)
        a_run = (
            4 * weights
            + 3 * self.epochs
            + 2 * self.n_examples * sets
            + self.batch_size * (inputs + 4 * self.width)
        )
        one = 4.0 * (2 * self.n_examples * sets * inputs + protocols * a_run)
        return rows_within(self.width, most, one, gigabytes * 2**30, 4.0 * tested)

    @property
    def n_records(self) -> int:
        """Records after the first."""
        return self.epochs // self.record_every

    @property
    def work(self) -> float:
        """Examples shown, weighted by what they cost at this width."""
        return self.epochs * self.n_examples * (64 + self.width * self.depth)

    @fixed_settings()
    def compute(self, block: "Block") -> "xr.Dataset":
        """Train all runs of a block.

        Returns
        -------
        Dataset with train_loss, train_accuracy, test_loss, test_accuracy (protocol, replicate, time), what
        `record` names, and for a linear student of a linear teacher exact_loss (protocol, replicate): the
        mean over all data of what least squares would leave, see `teacher_student.theory.least_squares`, and
        flow_loss (protocol, replicate, time): what gradient flow on its own inputs leaves, the mean over
        teachers and noise.
        Accuracy is left out where labels are real. `time` is samples / N.
        """
        import jax

        from teacher_student.training.finite import Bank, train
        from teacher_student.training.streams import role_keys

        started = time.perf_counter()
        data = sources.draw(self, block.replicates)
        shape = (len(block.protocols), len(block.replicates))
        keys = role_keys(self.seed, RUNS, np.tile(block.replicates, shape[0]))
        flat = (part.reshape(-1, *part.shape[2:]) for part in (data.inputs, data.labels))
        n_inputs = int(np.prod(data.inputs.shape[2:]))
        records = np.minimum(np.arange(block.room + 1), self.n_records)
        found = train(
            self.network(),
            Bank(*(jax.device_put(np.asarray(part, np.float32)) for part in flat)),
            Bank(*(jax.device_put(np.asarray(part, np.float32)) for part in data.tests)),
            plans(self, data, block.protocols, block.replicates),
            setting=self.setting(),
            keys=keys,
            rates=np.full(keys.shape, self.learning_rate / n_inputs, np.float32),
            at=records * self.record_every,
            decay=self.weight_decay,
            stop=self.stop,
        )
        kept = {n: v for n, v in found.values.items() if not (n.endswith("accuracy") and self.source in REAL)}
        values: Values = {
            name: (("time",), v[:, : self.n_records + 1].reshape(*shape, -1)) for name, v in kept.items()
        }
        if self.source == LINEAR and self.student == "linear":
            from teacher_student.theory.least_squares import error_against_width

            exact = error_against_width(self.width, self.n_examples, self.n_inputs, self.label_noise)
            values["exact_loss"] = ((), np.full(shape, (exact - self.label_noise) / 2))
            flow = self.flow_loss(data.inputs, records[: self.n_records + 1] * self.record_every)
            values["flow_loss"] = (("time",), np.broadcast_to(flow, (*shape, flow.shape[1])))
        return result(
            block,
            values,
            np.where(found.diverged.reshape(shape), STATUS["diverged"], STATUS["ok"]),
            coords={"time": records[: self.n_records + 1] * self.record_every * self.n_examples / n_inputs},
            method="epochs",
            run_steps=shape[0] * shape[1] * self.epochs * (self.n_examples // self.batch_size),
            started=started,
            n_inputs=n_inputs,
        )

    def flow_loss(self, inputs: np.ndarray, epochs: np.ndarray) -> np.ndarray:
        """Half the squared error of gradient flow on examples (R, P, N) after so many epochs, (R, T).

        What the inputs that are not seen, a share 1 - p/N, would have said is noise to the student. With the
        inputs that are seen divided by sqrt p, an epoch in full batches is a time of rate p / (N P).
        """
        from teacher_student.theory.least_squares import error_against_time

        seen = self.width / self.n_inputs
        noise, times = self.label_noise + 1 - seen, epochs * self.learning_rate * seen / self.n_examples
        each = []
        for x in inputs[:, :, : self.width].astype(float):
            eigenvalues = np.clip(np.linalg.eigvalsh(x.T @ x / self.width), 0, None)
            error = error_against_time(eigenvalues, times, noise, teacher=seen)
            each.append((error - self.label_noise) / 2)
        return np.array(each)
