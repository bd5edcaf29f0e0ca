"""What the cells of studies on real images share: students, tuning of the learning rate, training, results.

Every arm (protocol) at every width has its own learning rate. Before a block is run, each arm is trained at
each rate of the sweep on replicates of its own, and the rate with the highest mean accuracy on a validation
split of the training images is taken; a rate at which any run diverged is not eligible. The test set plays no
part in it. The sweep is stored with the results. All arms take the same number of steps on
minibatches of the same size, and are tested on the same fixed images.
"""

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from studies.cells.images.data import Material
from studies.store.provenance import provenance
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
class ImageCell(ABC):
    """One run on images, as plain data.

    Parameters
    ----------
    data_set : "digits", "mnist", "fashion_mnist", "cifar10" or the path of an .npz file
    data_dir : folder of the files, see `load_images`; changes no number
    relabelling : name from `teacher_student.tasks.relabelling.RELABELLINGS`
    pair : the two classes of polarity_xor, as "0-4"
    side : images are averaged over the smallest squares of pixels that leave at most this many a side
    student, width, parametrisation : see `teacher_student.students.flax_nets.make_student`
    optimiser, schedule : see `teacher_student.training.optimisers.Optimiser`
    batch_size, n_steps : int, of every arm
    record_every : int, steps between two records; divides n_steps
    slowest_rate, n_rates : the sweep holds slowest_rate x 1, 2, 4, ...; one rate means no sweep
    tuning_replicates : runs per arm and rate of the sweep
    validation : share of the training images held out to choose the rate (on at most 2500 of them)
    test_examples : small validation and test sets are shown several times, each time with its own
        corruption, to have about this many
    protocol : the arm
    seed : int, 0 <= seed < 2^32
    """

    data_set: str = "digits"
    data_dir: str = field(default="", metadata={"place": True})
    relabelling: str = "polarity_xor"
    pair: str = "0-4"
    side: int = 16
    student: str = "mlp"
    width: int = 16
    parametrisation: str = "standard"
    optimiser: str = "sgd"
    schedule: str = "constant"
    batch_size: int = 4
    n_steps: int = 1000
    record_every: int = 125
    slowest_rate: float = 1e-3
    n_rates: int = 8
    tuning_replicates: int = 8
    validation: float = 0.2
    test_examples: int = 1000
    protocol: str = "curriculum"
    seed: int = 0

    # what differs between the studies

    @abstractmethod
    def check_own(self) -> None:
        """Refuse what is wrong with the fields of the subclass."""

    @abstractmethod
    def files(self) -> dict[str, str]:
        """Checksums of the user's own files, which have no name that would fix their content."""

    @abstractmethod
    def material(self) -> Material:
        """Load and prepare the data."""

    @abstractmethod
    def orders(self, material: Material, protocols: tuple[str, ...], rng: np.random.Generator) -> np.ndarray:
        """Minibatches of one replicate under each protocol, (L, n_steps, batch_size) indices of the bank."""

    # what does not

    def check(self) -> None:
        """Build everything this cell names, so that whatever is wrong is said before anything runs."""
        from teacher_student.checks import known, seed_fits, within
        from teacher_student.students.flax_nets import SMALLEST
        from teacher_student.tasks.images import DATA_SETS
        from teacher_student.training.optimisers import Optimiser

        if not self.data_set.endswith(".npz"):
            known("data set", self.data_set, (*DATA_SETS, "a path that ends in .npz"))
        self.rule()
        self.network(2)
        Optimiser(self.optimiser, self.schedule)
        for name in ("batch_size", "n_steps", "record_every", "tuning_replicates", "test_examples"):
            within(name, getattr(self, name), low=1)
        within("side", self.side, low=SMALLEST if self.student == "cnn" else 1)
        within("slowest_rate", self.slowest_rate, *RATES)
        within("n_rates", self.n_rates, low=1, high=MOST_RATES)
        within("validation", self.validation, low=0, high=0.9, open_low=True)
        seed_fits(self.seed)
        if self.n_steps % self.record_every:
            raise ValueError(
                f"n_steps {self.n_steps} is not a multiple of record_every = {self.record_every}"
            )
        self.check_own()

    def network(self, n_labels: int) -> Any:
        """The student with `n_labels` logits."""
        from teacher_student.students.flax_nets import make_student

        return make_student(self.student, self.width, n_labels, self.parametrisation)

    def rule(self) -> Any:
        """The relabelling."""
        from teacher_student.checks import known
        from teacher_student.tasks.relabelling import RELABELLINGS

        known("relabelling", self.relabelling, RELABELLINGS)
        if self.relabelling != "polarity_xor":
            if self.pair != "0-4":
                raise ValueError(f"pair is {self.pair!r}, but relabelling {self.relabelling!r} has no pair")
            return RELABELLINGS[self.relabelling]()
        first, _, second = self.pair.partition("-")
        if not (first.isdecimal() and second.isdecimal()):
            raise ValueError(f"pair is {self.pair!r}; need two classes, as 0-4")
        return RELABELLINGS[self.relabelling]((int(first), int(second)))

    def rates(self) -> np.ndarray:
        """The learning rates of the sweep, (n_rates,) float32."""
        return np.float32(self.slowest_rate) * np.float32(RATE_STEP) ** np.arange(
            self.n_rates, dtype=np.float32
        )

    def numerics(self) -> dict[str, Any]:
        """Version, and checksums of the user's own files."""
        return {"version": NUMERICS, **self.files()}

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates per block, at most `most`: minibatches, parameters and gradients below the limit.

        Inputs are counted as 1024 numbers where the data have not been loaded yet.
        """
        inputs = 3072 if self.data_set == "cifar10" else 1024
        one = 4 * protocols * (self.n_steps * self.batch_size + 6 * inputs * (self.batch_size + self.width))
        rows = most
        while rows > 1 and rows * one > gigabytes * 2**30:
            rows = (rows + 1) // 2
        return rows

    def label(self) -> str:
        """The settings in a few words."""
        return f"{self.data_set} width {self.width} steps {self.n_steps}"

    @property
    def work(self) -> float:
        """Images shown, weighted by what they cost at this width."""
        return self.n_steps * (16 + self.batch_size * self.width)

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
    import jax

    from teacher_student.training.streams import root_key

    started = time.perf_counter()
    try:
        material = cell.material()
        jax.eval_shape(cell.network(material.n_labels).init, root_key(0), material.bank.inputs[:1])
    except ValueError as error:  # the user's files: missing or damaged, too few images or too small ones
        raise OSError(error) from error
    count, rates = len(block.protocols), cell.rates()
    chosen, sweep = np.full(count, rates[0]), np.full((count, len(rates)), np.nan, np.float32)
    if len(rates) > 1:
        sweep = tune(cell, material, block, rates)
        eligible = np.where(np.isnan(sweep), -1.0, sweep)
        chosen = rates[eligible.argmax(1)]
    orders = _orders(cell, material, block, block.replicates, role=RUNS)
    values, diverged = _train(
        cell,
        material,
        block,
        np.tile(block.replicates, count),
        orders,
        np.repeat(chosen, block.rows),
        role=RUNS,
    )
    shape = (count, block.rows)
    lead = ("protocol", "replicate")
    recorded = {name: ((*lead, "time"), v.reshape(*shape, -1)) for name, v in values.items()}
    wide = np.broadcast_to(sweep[:, None], (*shape, len(rates)))
    return xr.Dataset(
        recorded
        | {
            "learning_rate": (lead, np.repeat(chosen[:, None], block.rows, 1)),
            "sweep_accuracy": ((*lead, "rate"), wide),
            "status": (lead, diverged.reshape(shape).astype(np.int8)),
        },
        coords={
            "protocol": list(block.protocols),
            "replicate": block.replicates,
            "time": np.arange(cell.n_records + 1) * cell.record_every * cell.batch_size / material.n_inputs,
            "rate": rates.astype(float),
        },
        attrs={
            "method": "minibatches",
            "run_steps": (count * block.rows + sweep.size * cell.tuning_replicates) * cell.n_steps,
            "n_inputs": material.n_inputs,
        }
        | provenance(started),
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


def _orders(cell: ImageCell, material: Material, block: "Block", numbers: Any, role: int) -> np.ndarray:
    """Minibatches (L, R, T, B) of replicates, from their own stream; T is filled up to the block's room."""
    room = block.room * cell.record_every
    shape = (len(block.protocols), len(numbers), room, cell.batch_size)
    out = np.zeros(shape, np.int32)
    for i, number in enumerate(numbers):
        rng = np.random.default_rng([cell.seed, role, int(number)])
        out[:, i, : cell.n_steps] = cell.orders(material, block.protocols, rng)
    return out


def _train(
    cell: ImageCell, material: Material, block: "Block", numbers: Any, orders: Any, rates: Any, role: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Values (lanes, records) and diverged (lanes,) of one call of the compiled program."""
    import jax

    from teacher_student.training.epochs import train
    from teacher_student.training.optimisers import Optimiser
    from teacher_student.training.streams import root_key

    root = jax.random.fold_in(root_key(cell.seed), role)
    keys = jax.vmap(lambda number: jax.random.fold_in(root, number))(jax.numpy.asarray(numbers, "int32"))
    records = np.minimum(np.arange(block.room + 1), cell.n_records)
    at = np.full(records.shape, cell.n_steps) if role == TUNING else records * cell.record_every
    result = train(
        cell.network(material.n_labels),
        material.bank,
        material.targets,
        orders.reshape(-1, *orders.shape[-2:]),
        keys=keys,
        rates=rates,
        at=at,
        optimiser=Optimiser(cell.optimiser, cell.schedule),
    )
    return {name: v[:, : cell.n_records + 1] for name, v in result.values.items()}, result.diverged
