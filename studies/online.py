"""The cell of an online-SGD study: every setting of one simulated run, and how a block of them is computed.

No JAX is imported until a cell is checked or computed, so listing and loading stay quick.
"""

import importlib
import inspect
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

if TYPE_CHECKING:
    from studies.study import Block

#: Raised by one whenever a change alters the numbers of an existing cell computed by that simulator.
NUMERICS = {"gram": 1, "full": 1, "stepwise": 1}

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
    method : "auto", "gram" or "full"
    dtype : "float32" or "float64"
    seed : int >= 0
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

    def check(self) -> None:
        """Build everything this cell names, so that whatever is wrong is said before anything runs."""
        from curricula.schedule import phases
        from teacher_student.training.recording import check_record

        task, _, _ = self.world()
        plan = phases(self.protocol, self.easy_fraction)
        if max(max(phase.mix) for phase in plan) > 1 and not hasattr(task, "stages"):
            raise ValueError(f"protocol {self.protocol!r} stages clusters, and task {self.task!r} has none")
        check_record(self.record)
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; need an integer >= 0")
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
        self.method_in_use()

    def world(self) -> tuple[Any, Any, tuple[Any, Any]]:
        """The task, the student and the (easy, hard) levels."""
        from teacher_student.checks import known
        from teacher_student.students.two_layer import TwoLayer

        known("task", self.task, TASKS)
        module = importlib.import_module(f"teacher_student.tasks.{self.task}")
        make = getattr(module, TASKS[self.task])
        task = make(self.n_inputs, **_options(make, self.options))
        student = TwoLayer(
            self.width,
            self.activation,
            self.loss,
            self.parametrisation,
            self.train_readout,
            self.readout_start,
        )
        student.scaling(self.learning_rate, self.n_inputs)
        for name in {**self.easy, **self.hard}:
            known("difficulty field", name, inspect.signature(task.level).parameters)
        return task, student, (task.level(**self.easy), task.level(**self.hard))

    def method_in_use(self) -> Any:
        """The simulator that `method` stands for at this width and dimension."""
        from teacher_student.training.simulate import choose_method

        task, student, _ = self.world()
        return choose_method(task, student, self.method, self.dtype)

    def numerics(self) -> dict[str, Any]:
        """What fixes the bits besides the fields: simulator, its version, its chunk length."""
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

    def compute(self, block: "Block") -> xr.Dataset:
        """Run all cells of a block at once."""
        return compute(self, block)

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


def provenance(started: float) -> dict[str, Any]:
    """Seconds since `started`, device, versions and date, as attributes of a block."""
    import jax

    return {
        "seconds": time.perf_counter() - started,
        "device": jax.devices()[0].device_kind,
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": " ".join(f"{p} {version(p)}" for p in ("jax", "jaxlib", "numpy", "tilting-odds")),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def compute(cell: OnlineCell, block: "Block") -> xr.Dataset:
    """Run all cells of a block at once: dims protocol, replicate, time (and those of the quantities)."""
    from curricula.schedule import draw_steps, level_table
    from teacher_student.training.recording import QUANTITIES
    from teacher_student.training.simulate import simulate

    started = time.perf_counter()
    task, student, (easy, hard) = cell.world()
    result = simulate(
        task,
        student,
        level_table(task, easy, hard),
        draw_steps(block.protocols, cell.easy_fraction, cell.n_steps, cell.seed, block.replicates),
        target=hard,
        learning_rate=cell.learning_rate,
        replicates=block.replicates,
        seed=cell.seed,
        record=cell.record,
        n_records=cell.n_records,
        room=block.room,
        n_test=cell.n_test,
        method=cell.method,
        dtype=cell.dtype,
    )
    lead = ("protocol", "replicate", "time")
    # netCDF has no axis of length 0
    groups = {"group": list(task.group_names)} if task.group_names else {}
    values = {name: (lead + QUANTITIES[name], np.moveaxis(x, 1, 0)) for name, x in result.values.items()}
    return xr.Dataset(
        values | {"status": (("protocol", "replicate"), result.diverged.T.astype(np.int8))},
        coords={
            "protocol": list(block.protocols),
            "replicate": block.replicates,
            "time": result.time,
        }
        | groups,
        attrs={
            "method": result.method,
            "run_steps": int(np.prod(result.diverged.shape)) * cell.n_steps,
        }
        | provenance(started),
    )
