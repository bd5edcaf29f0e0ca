"""The cell of studies on finite data: P examples over E epochs, any source, any order."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.address import digest
from studies.cells import finite_data as sources
from studies.cells.finite_checks import check_source, check_stages
from studies.cells.finite_plans import KNOWN, PROTOCOLS, plans
from studies.cells.result import Values, result
from studies.store import STATUS
from teacher_student.fixed_settings import fixed_settings
from teacher_student.roles import RUNS

if TYPE_CHECKING:
    import xarray as xr

    from studies.cell import Block

#: Raised by one whenever a change alters the numbers of an existing cell.
NUMERICS = 1


@dataclass(frozen=True)
class FiniteCell:
    """One run over a fixed set of examples, as plain data.

    Parameters
    ----------
    source : a task of teacher_student.tasks.TASKS, "linear", "parity" or "images"
    n_inputs : int, input dimension N; of images the pixels say it
    options : further arguments of a Gaussian task, by name
    easy : level of easy examples, as arguments of `task.level`; {"flip": p} of a parity
    hard : level of hard examples, likewise; runs are tested on it
    easy_fraction : float in [0, 1], share of easy examples, exactly
    bits : numbers of the bits in the label of a parity, from 1
    stages : active bits of a parity, stage by stage, the last one n_inputs; none for all at once
    data_set : "digits", "mnist", "fashion_mnist", "cifar10" or the path of an .npz file
    data_dir : folder of its files; changes no number
    relabelling : "classes", "parity" or "class_group_xor", see `teacher_student.tasks.relabelling`
    side : images are averaged over the smallest squares of pixels that leave at most this many a side
    n_examples : int, P; images are drawn without repeats from the training set, for each replicate anew
    label_noise : share of training labels that are wrong, exactly; of real labels the variance of the noise
    student : a kind of `teacher_student.students.plain.PlainNet`, see there for the next three
    width : int, units K of a layer; of "linear" the inputs that it sees
    depth : int, hidden layers of "mlp"
    activation : of the hidden units
    loss : name from `teacher_student.training.finite.LOSSES`
    optimiser : name from `teacher_student.training.optimisers`
    schedule : of the learning rate, see `Optimiser`
    learning_rate : float, a step is learning_rate / N times the gradient of the mean loss of a minibatch
    weight_decay : float >= 0, times the weights, is part of the gradient
    batch_size : int, divides n_examples
    epochs : int, E, passes over the training set
    record_every : int, epochs between two records; divides epochs
    protocol : which examples an epoch shows
        standard: all; curriculum, anti_curriculum, random, noise_last: a pool that grows, easiest first,
        hardest first, in random order, and at random but for wrong labels, which come last; sorted: all, in
        every epoch easiest first; growing_inputs: stage by stage, each until its test accuracy is `stop`
    ranking : "known" to the source, or a score of `curricula.difficulty.trained.SCORES` on the noisy labels
    ranking_epochs : int, epochs of the ten networks that compute a score
    pacing : how the pool grows, see `curricula.pace`
    a : fraction of the run after which all examples are in
    b : fraction of the examples that it starts with
    stop : float in [0, 1], test accuracy at which a stage is learnt; 0 where there are no stages
    record : more to record, from `teacher_student.training.finite.QUANTITIES`
    n_test : int, test examples, drawn; of images the first ones
    seed : int, 0 <= seed < 2^32, of everything that is drawn
    """

    source: str = "xor_mixture"
    n_inputs: int = 20
    options: Mapping[str, float] = field(default_factory=dict, hash=False)
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.1}, hash=False)
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 1.0}, hash=False)
    easy_fraction: float = 0.3
    bits: tuple[int, ...] = (1, 5, 8)
    stages: tuple[int, ...] = ()
    data_set: str = "digits"
    data_dir: str = field(default="", metadata={"place": True})
    relabelling: str = "classes"
    side: int = 16
    n_examples: int = 200
    label_noise: float = 0.0
    student: str = "two_layer"
    width: int = 16
    depth: int = 1
    activation: str = "relu"
    loss: str = "squared"
    optimiser: str = "sgd"
    schedule: str = "constant"
    learning_rate: float = 0.5
    weight_decay: float = 0.0
    batch_size: int = 10
    epochs: int = 100
    record_every: int = 10
    protocol: str = "curriculum"
    ranking: str = KNOWN
    ranking_epochs: int = 5
    pacing: str = "linear"
    a: float = 0.5
    b: float = 0.2
    stop: float = 0.0
    record: tuple[str, ...] = ()
    n_test: int = 1000
    seed: int = 0

    def check(self) -> None:
        """Build everything this cell names, so that whatever is wrong is said before anything runs."""
        from curricula import pace
        from curricula.difficulty.trained import SCORES
        from teacher_student.checks import known, seed_fits, whole, within
        from teacher_student.tasks import TASKS
        from teacher_student.training import finite

        known("source", self.source, (*TASKS, sources.LINEAR, sources.PARITY, sources.IMAGES))
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
        if self.ranking != KNOWN and self.source in sources.REAL:
            raise ValueError(f"ranking {self.ranking!r} is of classes, and labels of {self.source} are real")

    def network(self) -> Any:
        """The student."""
        from teacher_student.students.plain import PlainNet

        outputs = 10 if self.source == sources.IMAGES and self.relabelling == "classes" else 1
        return PlainNet(self.student, self.width, outputs, self.depth, self.activation)

    def setting(self) -> Any:
        """What shapes the program besides the student."""
        from teacher_student.training.finite import Setting
        from teacher_student.training.optimisers import Optimiser

        optimiser = Optimiser(self.optimiser, self.schedule)
        return Setting(self.n_examples, self.batch_size, self.loss, optimiser, self.record)

    def paths(self) -> dict[str, str]:
        """The user's own file, which has no name that would fix its content."""
        used = self.source == sources.IMAGES and self.data_set.endswith(".npz")
        return {"data": self.data_set} if used else {}

    def numerics(self) -> dict[str, Any]:
        """The version, and checksums of the user's own files."""
        return {"version": NUMERICS} | {what: digest(path) for what, path in self.paths().items()}

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
        from teacher_student.training.memory import check_fits

        inputs = 3072 if self.source == sources.IMAGES else self.n_inputs
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
        rows = most
        while rows > 1 and rows * one + 4.0 * tested > gigabytes * 2**30:
            rows = (rows + 1) // 2
        check_fits(self.width, one, gigabytes * 2**30)
        return rows

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
        import jax.numpy as jnp

        from teacher_student.training.finite import Bank, train
        from teacher_student.training.streams import root_key

        started = time.perf_counter()
        data = sources.draw(self, block.replicates)
        shape = (len(block.protocols), len(block.replicates))
        root = jax.random.fold_in(root_key(self.seed), RUNS)
        keys = jax.vmap(lambda r: jax.random.fold_in(root, r))(
            jnp.asarray(np.tile(block.replicates, shape[0]), "int32")
        )
        flat = (part.reshape(-1, *part.shape[2:]) for part in (data.inputs, data.labels))
        n_inputs = int(np.prod(data.inputs.shape[2:]))
        records = np.minimum(np.arange(block.room + 1), self.n_records)
        found = train(
            self.network(),
            Bank(*(jnp.asarray(part, jnp.float32) for part in flat)),
            Bank(*(jnp.asarray(part, jnp.float32) for part in data.tests)),
            plans(self, data, block.protocols, block.replicates),
            setting=self.setting(),
            keys=keys,
            rates=np.full(keys.shape, self.learning_rate / n_inputs, np.float32),
            at=records * self.record_every,
            decay=self.weight_decay,
            stop=self.stop,
        )
        kept = {
            n: v
            for n, v in found.values.items()
            if not (n.endswith("accuracy") and self.source in sources.REAL)
        }
        values: Values = {
            name: (("time",), v[:, : self.n_records + 1].reshape(*shape, -1)) for name, v in kept.items()
        }
        if self.source == sources.LINEAR and self.student == "linear":
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
