"""The cell of an online-SGD study: every setting of one run, simulated or solved.

No JAX is imported until a cell is checked or computed, so listing and loading stay quick.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from studies.address import digest
from studies.cells.named import check_protocol, named_method
from studies.cells.online_blocks import orders, planned, simulated, solved
from studies.cells.online_settings import OnlineSettings
from teacher_student.fixed_settings import fixed_settings
from teacher_student.saved_schedule import OPTIMAL, read_schedule

if TYPE_CHECKING:
    import jax

    from studies.cell import Block

#: Raised by one whenever a change alters the numbers of an existing cell computed by that simulator.
NUMERICS = {"gram": 1, "bulk": 1, "full": 1, "stepwise": 1, "theory": 1}


@dataclass(frozen=True)
class OnlineCell(OnlineSettings):
    """One run of online SGD, see `OnlineSettings` for its fields."""

    def check(self) -> None:
        """Build everything this cell names, so that whatever is wrong is said before anything runs."""
        from teacher_student.checks import seed_fits
        from teacher_student.rate_schedules import check_average, rate_table
        from teacher_student.training.recording import check_measured

        task, student, levels = self.world()
        if self.protocol == OPTIMAL:
            read_schedule(self.schedule_file()).check(task, *levels, self.budget)
        else:
            for name in filter(None, (self.protocol, self.teacher_protocol)):
                check_protocol(
                    task, name, tuple(self.easy.items()), tuple(self.hard.items()), self.easy_fraction
                )
        seed_fits(self.seed)
        rate_table(self.rate_schedule)
        check_average(self.average)
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
        self.check_checkpoint()
        if not float(self.budget / self.record_every).is_integer():
            raise ValueError(f"budget {self.budget} is not a multiple of record_every = {self.record_every}")
        self.numerics()
        if self.start_inputs:
            replace(self, n_inputs=self.start_inputs).method_in_use()
        check_measured(task, student, tuple(self.record))

    def check_checkpoint(self) -> None:
        """Refuse checkpoints of nobody, outside the teacher's run, or between records, in one line."""
        if self.checkpoint and (self.student != "pair" or self.rate_schedule != "constant"):
            raise ValueError(
                f"checkpoint is {self.checkpoint:g}, but student is {self.student!r} and rate_schedule "
                f"{self.rate_schedule!r}; a checkpoint is for student 'pair' and constant rates"
            )
        if self.teacher_protocol and not self.checkpoint:
            raise ValueError(
                f"teacher_protocol is {self.teacher_protocol!r}, but no teacher learns alone; give a "
                "checkpoint"
            )
        if not 0 <= self.checkpoint <= self.budget:
            raise ValueError(
                f"checkpoint {self.checkpoint:g} is outside of the teacher's run; need 0 <= checkpoint <= "
                f"budget = {self.budget:g}"
            )
        if not float(self.checkpoint / self.record_every).is_integer():
            raise ValueError(
                f"checkpoint {self.checkpoint:g} is not a multiple of record_every = {self.record_every:g}"
            )

    def schedule_file(self) -> str:
        """The file of the protocol "optimal"; ValueError in one line where none is given."""
        if not self.schedule:
            raise ValueError(f"protocol {OPTIMAL!r} needs the file of a schedule: --schedule FILE")
        return self.schedule

    def paths(self) -> dict[str, str]:
        """The file of a schedule, where one is given."""
        return {"schedule": self.schedule} if self.schedule else {}

    def method_in_use(self) -> Any:
        """The simulator that `method` stands for at this width and dimension; for theory, of its starts."""
        task, student, _ = self.world()
        return named_method(task, student, self.method, self.dtype, self.average > 0)

    def numerics(self) -> dict[str, Any]:
        """What fixes the bits besides the fields: simulator, its version, its chunk length."""
        if self.method == "theory":
            from teacher_student.theory.integrate import equations
            from teacher_student.theory.solve import DEFAULTS

            task, student, _ = self.world()
            version = NUMERICS["theory"] + equations(task, student).revision
            settings = [*DEFAULTS, None]  # a fifth setting of old, in the addresses of what is stored
            return {"method": "theory", "settings": settings, "version": version}
        method = self.method_in_use()
        return {"method": method.name, "chunk": method.chunk, "version": NUMERICS[method.name]}

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Digests of the code of what is not the project's own, and of the file of a schedule."""
        from curricula.schedule import PROTOCOLS
        from studies.cells.definitions import digests
        from teacher_student.students.two_layer import ACTIVATIONS, LOSSES

        return (
            digests("task", {self.task: type(self.world()[0])})
            | digests(
                "protocol", {name: PROTOCOLS[name] for name in orders(self, protocols) if name != OPTIMAL}
            )
            | ({f"protocol {OPTIMAL}": digest(self.schedule_file())} if OPTIMAL in protocols else {})
            | digests("activation", {self.activation: ACTIVATIONS[self.activation]})
            | digests("loss", {self.loss: LOSSES[self.loss]})
        )

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates per block, at most `most`, that need less than `gigabytes` GiB."""
        from teacher_student.training.memory import rows_that_fit

        limit = gigabytes * 2**30
        return rows_that_fit(self.method_in_use(), protocols, self.n_steps, self.n_test, most, limit)

    def compute(self, block: "Block") -> "xr.Dataset":
        """Run all cells of a block at once."""
        with fixed_settings(self.dtype):
            if self.method == "theory":
                return solved(self, block)
            return simulated([block], self.tiles_in_flight(block, 1), 1)[0]

    def program(self, block: "Block") -> Hashable:
        """What is compiled for a block; the equations are solved one block after the other."""
        if self.method == "theory":
            return block.address
        interval = round(self.record_every * self.n_inputs)
        lanes = max(2, len(block.protocols))
        paced = self.rate_schedule != "constant" or self.checkpoint > 0
        shape = (block.rows, lanes, interval, block.room, self.start_inputs > 0, paced)
        return self.method_in_use(), tuple(self.record), self.n_test, shape

    def lower(self, block: "Block", places: int) -> "list[jax.stages.Lowered]":
        """The programs of a block for so many places, traced; the equations have none of their own."""
        from teacher_student.training.simulate import lowered_plan

        if self.method == "theory":
            return []
        with fixed_settings(self.dtype):
            blank = np.zeros((block.rows, len(block.protocols), self.n_steps), np.uint8)
            return lowered_plan(planned(self, block, blank), places, places // self.tiles_in_flight(block, 1))

    def tiles_in_flight(self, block: "Block", devices: int) -> int:
        """How many such blocks `devices` run at once: on a CPU one each, on accelerators several."""
        import jax

        from teacher_student.training.memory import run_bytes, tiles_in_flight

        if self.method == "theory":
            return 1
        method, steps = self.method_in_use(), block.room * round(self.record_every * self.n_inputs)
        needed = run_bytes(method, block.rows, len(block.protocols), steps, self.n_test)
        lanes = block.rows * max(2, len(block.protocols))
        return tiles_in_flight(method, lanes, needed, jax.local_devices()[:devices])

    def compute_tiles(self, blocks: "Sequence[Block]", places: int) -> "list[xr.Dataset]":
        """Run all cells of several blocks of one program at once."""
        with fixed_settings(self.dtype):
            return simulated(blocks, places, places // self.tiles_in_flight(blocks[0], 1))

    @property
    def work(self) -> float:
        """Steps, weighted by what they cost at this width."""
        rows = self.width * (1 + (self.average > 0))
        rows += self.teacher_width * (self.student == "pair")
        return self.n_steps * (16 + rows + (self.depth - 1) * self.width**2 / 64)
