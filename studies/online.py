"""The cell of an online-SGD study: every setting of one run, simulated or solved.

No JAX is imported until a cell is checked or computed, so listing and loading stay quick.
"""

import importlib
import inspect
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

    from studies.study import Block

#: Raised by one whenever a change alters the numbers of an existing cell computed by that simulator.
NUMERICS = {"gram": 1, "full": 1, "stepwise": 1, "theory": 1}

#: Module in teacher_student.tasks -> its class.
TASKS = {"xor_mixture": "XorMixture", "sparse_teacher": "SparseTeacher", "committee": "Committee"}


@dataclass(frozen=True)
class OnlineCell:
    """One run of online SGD, as plain data.

    Parameters
    ----------
    task : name of a module in teacher_student.tasks
    n_inputs : int, input dimension N
    options : further arguments of the task, by name; whole floats serve where it needs an int
    width, activation, loss, parametrisation, train_readout, readout_start : see TwoLayer
    learning_rate : float, eta
    easy, hard : the two difficulty levels, as arguments of `task.level`; runs are tested on `hard`
    easy_fraction : float in [0, 1], easy share of the samples
    protocol : see curricula.schedule
    budget : float, length of the run in units of N samples
    record_every : float, time between two records, in units of N samples; divides the budget
    record : names, see teacher_student.training.recording
    n_test : int, test points per record
    method : "auto", "gram" or "full" simulate; "theory" integrates the N -> infinity equations from the
        same starts, see `teacher_student.theory`
    dtype : "float32" or "float64"
    seed : int >= 0
    start_inputs : int >= 0
        0: every replicate draws its own student at its own N. Above 0: all replicates start from the order
        parameters of one student drawn at N = start_inputs, so runs at different N start alike.
    """

    task: str = "xor_mixture"
    n_inputs: int = 300
    options: Mapping[str, float] = field(default_factory=dict)
    width: int = 16
    activation: str = "relu"
    loss: str = "squared"
    parametrisation: str = "standard"
    train_readout: bool = True
    readout_start: str = "gaussian"
    learning_rate: float = 0.3
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.1})
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 1.0})
    easy_fraction: float = 0.3
    protocol: str = "curriculum"
    budget: float = 1000.0
    record_every: float = 20.0
    record: tuple[str, ...] = ("test_accuracy", "test_loss")
    n_test: int = 512
    method: str = "auto"
    dtype: str = "float32"
    seed: int = 0
    start_inputs: int = field(default=0, metadata={"added": True})

    def check(self) -> None:
        """Build everything this cell names, so that whatever is wrong is said before anything runs."""
        from curricula.schedule import phases
        from teacher_student.training.recording import check_measured

        task, student, _ = self.world()
        plan = phases(self.protocol, self.easy_fraction)
        if max(max(phase.mix) for phase in plan) > 1 and not hasattr(task, "stages"):
            raise ValueError(f"protocol {self.protocol!r} stages clusters, and task {self.task!r} has none")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; need an integer >= 0")
        if self.start_inputs < 0:
            raise ValueError(f"start_inputs is {self.start_inputs}; need an integer >= 0")
        interval = self.record_every * self.n_inputs
        if not (interval >= 1 and float(interval).is_integer()):
            raise ValueError(
                f"record_every {self.record_every} x {self.n_inputs} inputs is not a whole number of samples"
            )
        if self.budget < self.record_every:
            raise ValueError(
                f"budget {self.budget} is too short to record; need at least "
                f"record_every = {self.record_every}"
            )
        if not float(self.budget / self.record_every).is_integer():
            raise ValueError(f"budget {self.budget} is not a multiple of record_every = {self.record_every}")
        self.numerics()
        if self.start_inputs:
            replace(self, n_inputs=self.start_inputs).method_in_use()
        check_measured(task, student, tuple(self.record))

    def world(self) -> tuple[Any, Any, tuple[Any, Any]]:
        """The task, the student and the (easy, hard) levels."""
        task = _task(self.task, self.n_inputs, tuple(sorted(self.options.items())))
        student = _student(
            self.width,
            self.activation,
            self.loss,
            self.parametrisation,
            self.train_readout,
            self.readout_start,
        )
        student.scaling(self.learning_rate, self.n_inputs)
        levels = _level(task, tuple(self.easy.items())), _level(task, tuple(self.hard.items()))
        return task, student, levels

    def start(self) -> Any:
        """Order parameters shared by all replicates, or None where each draws its own."""
        from teacher_student.training.start import draw_start

        if not self.start_inputs:
            return None
        task, student, _ = replace(self, n_inputs=self.start_inputs).world()
        own = draw_start(task, student, learning_rate=self.learning_rate, seed=self.seed, dtype=self.dtype)
        return type(own)(*(x[0] for x in own))

    def method_in_use(self) -> Any:
        """The simulator that `method` stands for at this width and dimension; for theory, of its starts."""
        task, student, _ = self.world()
        return _method(task, student, "auto" if self.method == "theory" else self.method, self.dtype)

    def numerics(self) -> dict[str, Any]:
        """What fixes the bits besides the fields: simulator, its version, its chunk length."""
        if self.method == "theory":
            from teacher_student.theory.integrate import equations
            from teacher_student.theory.solve import DEFAULTS

            task, student, _ = self.world()
            equations(task, student)
            settings = [*DEFAULTS, None]  # a fifth setting of old, in the addresses of what is stored
            return {"method": "theory", "settings": settings, "version": NUMERICS["theory"]}
        method = self.method_in_use()
        return {"method": method.name, "chunk": method.chunk, "version": NUMERICS[method.name]}

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates per block, at most `most`, that need less than `gigabytes` GiB."""
        from teacher_student.training.memory import rows_that_fit

        limit = gigabytes * 2**30
        return rows_that_fit(self.method_in_use(), protocols, self.n_steps, self.n_test, most, limit)

    def label(self) -> str:
        """The settings in a few words."""
        rate = f"rate {self.learning_rate:g}"
        return f"{self.parametrisation} width {self.width} budget {self.budget:g} {rate}"

    def compute(self, block: "Block") -> "xr.Dataset":
        """Run all cells of a block at once."""
        from studies.online_blocks import simulated, solved

        return solved(self, block) if self.method == "theory" else simulated([block], 1)[0]

    def program(self, block: "Block") -> Hashable:
        """What is compiled for a block; the equations are solved one block after the other."""
        if self.method == "theory":
            return block.address
        interval = round(self.record_every * self.n_inputs)
        lanes = max(2, len(block.protocols))
        shape = (block.rows, lanes, interval, block.room, self.start_inputs > 0)
        return self.method_in_use(), tuple(self.record), self.n_test, shape

    def tiles_in_flight(self, block: "Block", devices: int) -> int:
        """Of `devices`, how many can hold the block at once."""
        import jax

        from teacher_student.training.memory import run_bytes, tiles_in_flight

        if self.method == "theory":
            return 1
        method, steps = self.method_in_use(), block.room * round(self.record_every * self.n_inputs)
        needed = run_bytes(method, block.rows, len(block.protocols), steps, self.n_test)
        return tiles_in_flight(method, needed, jax.local_devices()[:devices])

    def compute_tiles(self, blocks: "Sequence[Block]", places: int) -> "list[xr.Dataset]":
        """Run all cells of several blocks of one program at once, a device for each block."""
        from studies.online_blocks import simulated

        return simulated(blocks, places)

    @property
    def work(self) -> float:
        """Steps, weighted by what they cost at this width."""
        return self.n_steps * (16 + self.width)

    @property
    def n_records(self) -> int:
        """Records after the first."""
        return round(self.budget / self.record_every)

    @property
    def n_steps(self) -> int:
        """Samples of the run."""
        return round(self.budget * self.n_inputs)


# A study asks for the same few tasks, students and levels once per cell: they are made once.


@lru_cache(maxsize=64)
def _task(name: str, n_inputs: int, options: tuple[tuple[str, float], ...]) -> Any:
    from teacher_student.checks import known

    known("task", name, TASKS)
    make = getattr(importlib.import_module(f"teacher_student.tasks.{name}"), TASKS[name])
    return make(n_inputs, **_options(make, dict(options)))


@lru_cache(maxsize=1024)
def _student(*settings: Any) -> Any:
    from teacher_student.students.two_layer import TwoLayer

    return TwoLayer(*settings)


@lru_cache(maxsize=1024)
def _level(task: Any, given: tuple[tuple[str, float], ...]) -> Any:
    from teacher_student.checks import known

    for name, _ in given:
        known("difficulty field", name, inspect.signature(task.level).parameters)
    return task.level(**dict(given))


@lru_cache(maxsize=1024)
def _method(task: Any, student: Any, method: str, dtype: str) -> Any:
    from teacher_student.training.program import choose_method

    return choose_method(task, student, method, dtype)


def _options(make: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a task class; the command line gives all numbers as floats, so whole ones become ints."""
    from teacher_student.checks import known

    kinds = {f.name: f.type for f in fields(make) if f.name != "n_inputs"}
    options = {}
    for name, value in given.items():
        known(f"option of {make.__name__}", name, kinds)
        if kinds[name] is int:
            if not float(value).is_integer():
                raise ValueError(f"{name} is {value!r}; need a whole number")
            value = int(value)
        options[name] = value
    return options
