"""The cell of a study of optimal curricula: the best order of samples, what others lose, SGD in all of them.

The schedule is found through the equations (`teacher_student.theory.control`), best on average over
`n_starts` students that no replicate starts from, and then shown to the replicates.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.cells.named import named_level, named_method, named_student, named_task, settled
from studies.cells.result import result
from studies.store import STATUS
from teacher_student.fixed_settings import fixed_settings
from teacher_student.saved_schedule import OPTIMAL

if TYPE_CHECKING:
    import xarray as xr

    from studies.cell import Block

#: Raised by one whenever a change alters the numbers of an existing cell.
NUMERICS = 1

#: The protocols: orders of the same samples.
PROTOCOLS = (OPTIMAL, "curriculum", "anti_curriculum", "no_curriculum", "ramp")

#: Replicates of these numbers and above are the students that the schedule is made for.
DESIGN = 2**30


@dataclass(frozen=True)
class ControlCell:
    """The best schedule of one setting and the named orders beside it, as plain data.

    Parameters
    ----------
    task : name of a module in teacher_student.tasks that has equations
    n_inputs : int, input dimension N
    options : further arguments of the task, by name; whole floats serve where it needs an int
    width : int, hidden units K, see TwoLayer for this and the next five
    activation : of the hidden units
    loss : that is descended
    parametrisation : scaling of weights and rates with K
    train_readout : bool, whether the second layer is trained
    readout_start : how the second layer is drawn
    learning_rate : float, eta
    easy : level of easy samples, as arguments of `task.level`
    hard : level of hard samples, as arguments of `task.level`; runs are tested on it
    easy_fraction : float in [0, 1], easy share of the samples
    protocol : optimal, curriculum, anti_curriculum, no_curriculum, ramp (the easy share falls linearly)
    budget : float, length of the run in units of N samples
    method : "gradient" or "pontryagin", see teacher_student.theory.control
    n_pieces : int, pieces of the schedule
    n_starts : int, students that the schedule is best for on average
    restarts : int, guesses that are descended from
    iterations : int, steps of a descent at most
    n_nodes : int, a power of two, quasi-Monte Carlo nodes where something is sampled
    record_every : float, time between two records of SGD, in units of N samples; divides the budget
    n_test : int, test points per record, where the loss is no closed form
    seed : int, 0 <= seed < 2^32, of everything that is drawn
    """

    task: str = "sparse_teacher"
    n_inputs: int = 300
    options: Mapping[str, float] = field(default_factory=dict)
    width: int = 4
    activation: str = "erf"
    loss: str = "squared"
    parametrisation: str = "standard"
    train_readout: bool = True
    readout_start: str = "gaussian"
    learning_rate: float = 0.5
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.1})
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 1.0})
    easy_fraction: float = 0.5
    protocol: str = OPTIMAL
    budget: float = 20.0
    method: str = "gradient"
    n_pieces: int = 20
    n_starts: int = 4
    restarts: int = 6
    iterations: int = 30
    n_nodes: int = 64
    record_every: float = 2.0
    n_test: int = 512
    seed: int = 0

    def check(self) -> None:
        """Build everything this cell names, so that whatever is wrong is said before anything runs."""
        from teacher_student.checks import known, seed_fits, whole, within
        from teacher_student.levels import check_ends
        from teacher_student.theory.control.optimum import METHODS
        from teacher_student.theory.control.problem import check_shares
        from teacher_student.theory.integrate import equations

        task, student, levels = self.world()
        known("protocol", self.protocol, PROTOCOLS)
        known("method", self.method, METHODS)
        check_ends(task, *levels)
        within("easy_fraction", self.easy_fraction, 0, 1)
        for name in ("n_pieces", "n_starts", "restarts", "iterations", "n_test"):
            whole(name, getattr(self, name), low=2 if name == "n_pieces" else 1)
        check_shares(self.easy_fraction, 2, self.n_pieces)
        seed_fits(self.seed)
        equations(task, student, n_nodes=self.n_nodes)
        ratio = self.budget / self.record_every if self.record_every > 0 else 0.0
        samples = self.record_every * self.n_inputs
        if not (ratio >= 1 and float(ratio).is_integer() and float(samples).is_integer()):
            raise ValueError(
                f"budget {self.budget} is no multiple of record_every = {self.record_every}, or that times "
                f"{self.n_inputs} inputs no whole number of samples"
            )
        self.method_in_use()

    def world(self) -> tuple[Any, Any, tuple[Any, Any]]:
        """The task, the student and the (easy, hard) levels."""
        task = named_task(self.task, self.n_inputs, tuple(sorted(self.options.items())))
        student = named_student(
            "two_layer",
            width=self.width,
            activation=self.activation,
            loss=self.loss,
            parametrisation=self.parametrisation,
            train_readout=self.train_readout,
            readout_start=self.readout_start,
        )
        student.scaling(self.learning_rate, self.n_inputs)
        levels = named_level(task, tuple(self.easy.items())), named_level(task, tuple(self.hard.items()))
        return task, student, levels

    def method_in_use(self) -> Any:
        """The simulator of the replicates."""
        task, student, _ = self.world()
        return named_method(task, student, "auto", "float32")

    def numerics(self) -> dict[str, Any]:
        """Versions of the optimum and of the simulator, and its chunk length."""
        from studies.cells.online import NUMERICS as SIMULATED
        from teacher_student.theory.integrate import equations

        task, student, *_ = self.world()
        version, method = NUMERICS + equations(task, student).revision, self.method_in_use()
        return {"version": version, "chunk": method.chunk, method.name: SIMULATED[method.name]}

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Digests of the code of what is named here and is not the project's own."""
        from studies.cells.definitions import digests
        from teacher_student.students.two_layer import ACTIVATIONS, LOSSES

        return (
            digests("task", {self.task: type(self.world()[0])})
            | digests("activation", {self.activation: ACTIVATIONS[self.activation]})
            | digests("loss", {self.loss: LOSSES[self.loss]})
        )

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates per block, at most `most`, that need less than `gigabytes` GiB."""
        from teacher_student.training.memory import rows_that_fit

        limit = gigabytes * 2**30
        return rows_that_fit(self.method_in_use(), protocols, self.n_steps, self.n_test, most, limit)

    @property
    def n_records(self) -> int:
        """Records after the first."""
        return round(self.budget / self.record_every)

    @property
    def n_steps(self) -> int:
        """Samples of the run."""
        return round(self.budget * self.n_inputs)

    @property
    def work(self) -> float:
        """What the descents cost at this width, more or less."""
        return self.restarts * self.iterations * self.n_starts * self.n_pieces * (64 + self.width**3)

    def optimum(self) -> Any:
        """The best schedule: `teacher_student.theory.control.chosen.Optimum`."""
        from teacher_student.theory.control.optimum import optimal_schedule
        from teacher_student.training.start import draw_start

        task, student, levels = self.world()
        start = draw_start(
            task,
            student,
            learning_rate=self.learning_rate,
            replicates=DESIGN + np.arange(self.n_starts),
            seed=self.seed,
            method=settled(task, student, "auto"),
        )
        return optimal_schedule(
            task,
            student,
            start,
            levels,
            budget=self.budget,
            share=self.easy_fraction,
            learning_rate=self.learning_rate,
            method=self.method,
            n_pieces=self.n_pieces,
            restarts=self.restarts,
            iterations=self.iterations,
            n_nodes=self.n_nodes,
            seed=self.seed,
        )

    @fixed_settings()
    def compute(self, block: "Block") -> "xr.Dataset":
        """Find the schedule and run SGD in every order.

        Returns
        -------
        Dataset with, beside `test_loss` (protocol, replicate, time) of SGD and `status`,

        limit_loss (protocol, replicate)         of the equations at the end, the same for all replicates
        easy_share (protocol, replicate, place)  of the samples shown at that part of the run, likewise
        switching (protocol, replicate, place)   p . (f_hard - f_easy) along the best mixture
        bang_bang, gap, agree (protocol, replicate) : loss of the best bang-bang schedule; what the conditions
            still promise, over the loss; share of the restarts within 0.1 % of the best

        the last four NaN but for optimal
        """
        from teacher_student.protocols import Protocol
        from teacher_student.theory.control.starts import ordered, places
        from teacher_student.training.simulate import simulate

        started = time.perf_counter()
        task, student, (easy, hard) = self.world()
        best = self.optimum()
        mixes = {name: ordered(name, best.shares, self.n_pieces) for name in PROTOCOLS if name != OPTIMAL}
        equal = np.full(self.n_pieces, self.budget / self.n_pieces)
        plans = {name: phases_of(equal, mix) for name, mix in mixes.items()}
        plans[OPTIMAL] = phases_of(best.controls.duration, best.controls.mix)
        mixes[OPTIMAL] = best.on_grid(self.n_pieces)
        runs = simulate(
            task,
            student,
            protocol=[Protocol(name, (easy, hard), plans[name]) for name in block.protocols],
            budget=self.budget,
            target=hard,
            learning_rate=self.learning_rate,
            replicates=block.replicates,
            seed=self.seed,
            record="test_loss",
            n_records=self.n_records,
            n_test=self.n_test,
            method=settled(task, student, "auto"),
        )
        shape = (len(block.protocols), len(block.replicates))
        is_best = np.array([name == OPTIMAL for name in block.protocols])[:, None]

        def only(value: float) -> np.ndarray:
            return np.where(is_best, value, np.nan) * np.ones(shape)

        losses = best.orders | {OPTIMAL: best.loss}
        limit = np.array([losses[name] for name in block.protocols])[:, None] * np.ones(shape)
        shares = np.stack([mixes[name][:, 0] for name in block.protocols])
        switching = best.switching
        agree = np.mean(best.restarts <= best.restarts.min() * 1.001)
        pieces = (*shape, self.n_pieces)
        status = np.where(runs.diverged.T, STATUS["diverged"], STATUS["ok"])
        return result(
            block,
            {
                "test_loss": (("time",), np.moveaxis(runs.values["test_loss"], 1, 0)),
                "limit_loss": ((), limit),
                "easy_share": (("place",), np.broadcast_to(shares[:, None], pieces)),
                "switching": (("place",), only(1.0)[..., None] * switching),
                "bang_bang": ((), only(best.bang_bang)),
                "gap": ((), only(best.gap)),
                "agree": ((), only(float(agree))),
            },
            status,
            coords={"time": runs.time, "place": places(self.n_pieces)},
            method=f"{self.method}+{runs.method}",
            run_steps=status.size * self.n_steps,
            started=started,
        )


def phases_of(duration: np.ndarray, mix: np.ndarray) -> tuple[Any, ...]:
    """Phases (fractions of the run) of the pieces of a schedule, equal neighbours taken together."""
    from teacher_student.protocols import Phase

    total, found = float(np.sum(duration)), []
    for length, row in zip(duration, np.asarray(mix, float).round(6), strict=True):
        part = float(length) / total
        if found and np.array_equal(found[-1][1], row):
            found[-1] = (found[-1][0] + part, row)
        elif part > 0:
            found.append((part, row))
    shares = [(part, (row / row.sum()).tolist()) for part, row in found]
    return tuple(Phase(min(part, 1.0), {i: x for i, x in enumerate(row) if x}) for part, row in shares)
