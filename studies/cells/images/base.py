"""What the cells of studies on real images share: students, tuning of the learning rate, training, results.

Every arm (protocol) at every width has its own learning rate. Before a block is run, each arm is trained at
each rate of the sweep on replicates of its own, and the rate with the highest mean accuracy on a validation
split of the training images is taken; a rate at which any run diverged is not eligible. The test set plays no
part in it. The sweep is stored with the results. All arms take the same number of steps on
minibatches of the same size, and are tested on the same fixed images.
"""

import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from studies.address import digest
from studies.cells.images.data import Material, OnImages, prepared
from studies.cells.result import Values, result
from teacher_student.fixed_settings import fixed_settings
from teacher_student.roles import RUNS, TUNING

if TYPE_CHECKING:
    from studies.cell import Block

#: Raised by one whenever a change alters the numbers of an existing cell.
NUMERICS = 1

#: Step from one learning rate of the sweep to the next.
RATE_STEP = 2.0

#: Learning rates a sweep may start with, and most rates of it: all stay within float32.
RATES, MOST_RATES = (1e-12, 1e6), 64


@dataclass(frozen=True)
class ImageCell(OnImages):
    """One run on images, as plain data; see `OnImages` for the rest.

    Parameters
    ----------
    schedule : of the learning rate, see `teacher_student.training.optimisers.Optimiser`
    n_steps : int, steps of every arm
    record_every : int, steps between two records; divides n_steps
    slowest_rate : learning rates of the sweep are slowest_rate x 1, 2, 4, ...
    n_rates : how many; with one there is no sweep
    tuning_replicates : runs per arm and rate of the sweep
    n_test : about so many examples are tested on
        A smaller validation or test set is shown several times, each time with its own corruption; of the
        validation images at most 2500 are looked at.
    protocol : the arm, an order of the examples
    """

    relabelling: str = "polarity_xor"
    batch_size: int = 4
    schedule: str = "constant"
    n_steps: int = 1000
    record_every: int = 125
    slowest_rate: float = 1e-3
    n_rates: int = 8
    tuning_replicates: int = 8
    n_test: int = field(default=1000, metadata={"was": "test_examples"})
    protocol: str = "curriculum"

    # what differs between the studies

    @abstractmethod
    def check_own(self) -> None:
        """Refuse what is wrong with the fields of the subclass."""

    def paths(self) -> dict[str, str]:
        """The user's own files, which have no name that would fix their content: what for -> where."""
        return {"data": self.data_set} if self.data_set.endswith(".npz") else {}

    @abstractmethod
    def orders(self, material: Material, protocols: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
        """Minibatches of one replicate under each protocol, (L, n_steps, batch_size) indices of the bank."""

    # what does not

    def check(self) -> None:
        """Build everything this cell names, so that whatever is wrong is said before anything runs."""
        from teacher_student.checks import seed_fits, within
        from teacher_student.training.optimisers import Optimiser

        self.check_images()
        Optimiser(self.optimiser, self.schedule)
        for name in ("n_steps", "record_every", "tuning_replicates", "n_test"):
            within(name, getattr(self, name), low=1)
        within("slowest_rate", self.slowest_rate, *RATES)
        within("n_rates", self.n_rates, low=1, high=MOST_RATES)
        seed_fits(self.seed)
        if self.n_steps % self.record_every:
            raise ValueError(
                f"n_steps {self.n_steps} is not a multiple of record_every = {self.record_every}"
            )
        self.check_own()

    def rates(self) -> np.ndarray:
        """The learning rates of the sweep, (n_rates,) float32."""
        return np.float32(self.slowest_rate) * np.float32(RATE_STEP) ** np.arange(
            self.n_rates, dtype=np.float32
        )

    def numerics(self) -> dict[str, Any]:
        """Version, and checksums of the user's own files."""
        return {"version": NUMERICS} | {what: digest(path) for what, path in self.paths().items()}

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Digests of the code of a relabelling or student that is not the project's own."""
        from studies.cells.definitions import digests
        from teacher_student.students.flax_nets import STUDENTS
        from teacher_student.tasks.relabelling import RELABELLINGS

        return digests("relabelling", {self.relabelling: RELABELLINGS[self.relabelling]}) | digests(
            "student", {self.student: STUDENTS[self.student]}
        )

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates per block, at most `most`: minibatches, parameters and gradients below the limit.

        Inputs are counted as 1024 numbers where the data have not been loaded yet.
        """
        from teacher_student.training.memory import rows_within

        inputs = 3072 if self.data_set == "cifar10" else 1024
        deeper = 6 * (self.depth - 1) * self.width * (self.batch_size + self.width)
        one = self.n_steps * self.batch_size + 6 * inputs * (self.batch_size + self.width) + deeper
        one *= 4 * protocols
        return rows_within(self.width, most, one, gigabytes * 2**30)

    @property
    def work(self) -> float:
        """Images shown, weighted by what they cost at this width."""
        return self.n_steps * (16 + self.batch_size * self.width * self.depth)

    @property
    def n_records(self) -> int:
        """Records after the first."""
        return self.n_steps // self.record_every

    @fixed_settings()
    def compute(self, block: "Block") -> xr.Dataset:
        """Tune, train and test all cells of a block."""
        return compute(self, block)


def compute(cell: ImageCell, block: "Block") -> xr.Dataset:
    """Accuracy, loss (protocol, replicate, time), the rate of each arm, and the sweep that chose it."""
    started = time.perf_counter()
    material = prepared(cell)
    count, rates = len(block.protocols), cell.rates()
    chosen, sweep = np.full(count, rates[0]), np.full((count, len(rates)), np.nan, np.float32)
    if len(rates) > 1:
        sweep = tune(cell, material, block, rates)
        eligible = np.where(np.isnan(sweep), -1.0, sweep)
        chosen = rates[eligible.argmax(1)]
    orders = _orders(cell, material, block, block.replicates, role=RUNS)
    recorded, diverged = _train(
        cell,
        material,
        block,
        np.tile(block.replicates, count),
        orders,
        np.repeat(chosen, block.rows),
        role=RUNS,
    )
    shape = (count, block.rows)
    values: Values = {name: (("time",), v.reshape(*shape, -1)) for name, v in recorded.items()}
    values["learning_rate"] = ((), np.repeat(chosen[:, None], block.rows, 1))
    values["sweep_accuracy"] = (("rate",), np.broadcast_to(sweep[:, None], (*shape, len(rates))))
    return result(
        block,
        values,
        diverged.reshape(shape),
        coords={
            "time": np.arange(cell.n_records + 1) * cell.record_every * cell.batch_size / material.n_inputs,
            "rate": rates.astype(float),
        },
        method="minibatches",
        run_steps=(count * block.rows + sweep.size * cell.tuning_replicates) * cell.n_steps,
        started=started,
        n_inputs=material.n_inputs,
    )


def tune(cell: ImageCell, material: Material, block: "Block", rates: np.ndarray) -> np.ndarray:
    """Mean validation accuracy at the end, (L, rates); NaN where a run diverged.

    The replicates of the sweep have streams of their own, so that no run of the study takes part. They are
    trained with the program of the block, filled up with idle copies to its number of runs.
    """
    numbers = np.arange(cell.tuning_replicates)
    orders = _orders(cell, material, block, numbers, role=TUNING)
    arm, number, rate = (
        x.ravel() for x in np.meshgrid(np.arange(len(orders)), numbers, np.arange(len(rates)), indexing="ij")
    )
    lanes = len(block.protocols) * block.rows
    flat = orders.reshape(-1, *orders.shape[2:])
    found, failed = [], []
    for begin in range(0, arm.size, lanes):
        part = np.arange(begin, begin + lanes) % arm.size
        lists = flat[arm[part] * len(numbers) + number[part]]
        values, diverged = _train(cell, material, block, number[part], lists, rates[rate[part]], role=TUNING)
        found.append(values["validation_accuracy"][:, -1])
        failed.append(diverged)
    end = np.where(np.concatenate(failed), np.nan, np.concatenate(found))[: arm.size]
    return end.reshape(len(orders), len(numbers), len(rates)).mean(1)


def _orders(
    cell: ImageCell, material: Material, block: "Block", numbers: Sequence[int] | np.ndarray, role: int
) -> np.ndarray:
    """Minibatches (L, R, T, B) of replicates, from their own stream; T is filled up to the block's room."""
    room = block.room * cell.record_every
    shape = (len(block.protocols), len(numbers), room, cell.batch_size)
    out = np.zeros(shape, np.int32)
    for i, number in enumerate(numbers):
        rng = np.random.default_rng([cell.seed, role, int(number)])
        out[:, i, : cell.n_steps] = cell.orders(material, block.protocols, rng)
    return out


def _train(
    cell: ImageCell,
    material: Material,
    block: "Block",
    numbers: np.ndarray,
    orders: np.ndarray,
    rates: np.ndarray,
    role: int,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Values (lanes, records) and diverged (lanes,) of one call of the compiled program."""
    from teacher_student.training.epochs import train
    from teacher_student.training.optimisers import Optimiser
    from teacher_student.training.streams import role_keys

    records = np.minimum(np.arange(block.room + 1), cell.n_records)
    at = np.full(records.shape, cell.n_steps) if role == TUNING else records * cell.record_every
    found = train(
        cell.network(material.n_labels),
        material.bank,
        material.targets,
        orders.reshape(-1, *orders.shape[-2:]),
        keys=role_keys(cell.seed, role, numbers),
        rates=rates,
        at=at,
        optimiser=Optimiser(cell.optimiser, cell.schedule),
    )
    return {name: v[:, : cell.n_records + 1] for name, v in found.values.items()}, found.diverged
