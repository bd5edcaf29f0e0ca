"""The cell of tickets in two-layer students trained online on XorMixture.

No JAX is imported until a cell is checked or computed.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.cells.levels import check_ends
from studies.cells.tickets.base import Measures, World
from studies.cells.tickets.rounds import InRounds
from studies.cells.tickets.winners import contributions, winners

if TYPE_CHECKING:
    from jaxtyping import PyTree

    from studies.cell import Block

#: Samples drawn at a time; changes no number but by rounding.
CHUNK = 50

#: Schedules are stored in multiples of this many steps, so that budgets of similar length share a program.
LENGTH = 2**14


@dataclass(frozen=True)
class OnlineTickets(InRounds):
    """One network, its tickets and their controls on XorMixture; see `TicketCell` for the rest.

    Parameters
    ----------
    n_inputs : int, input dimension N; a step is one sample, so the budget is n_steps / N
    parametrisation : scaling of weights and rates with K, see TwoLayer
        Units are relu, the loss squared, the readout trained.
    n_test : int, test points per record
    """

    n_inputs: int = 100
    parametrisation: str = "standard"
    n_test: int = 512

    def _task(self) -> Any:
        from teacher_student.tasks.xor_mixture import XorMixture

        return XorMixture(self.n_inputs)

    def _student(self) -> Any:
        from teacher_student.students.two_layer import TwoLayer

        return TwoLayer(self.width, parametrisation=self.parametrisation)

    def check(self) -> None:
        """Refuse unknown names and numbers out of range, in one line."""
        from teacher_student.checks import within

        task = self._task()
        self._student()
        within("n_test", self.n_test, low=1)
        super().check()
        for level in (self.easy, self.hard):
            task.level(**level)
        check_ends(self.easy, self.hard)

    def template(self) -> Any:
        """Zeros of the shapes of one network, which take no memory."""
        from teacher_student.students.two_layer import Params

        shapes = ((self.width, self.n_inputs), (self.width,))
        zeros: Any = [np.broadcast_to(np.float32(0), shape) for shape in shapes]
        return Params(*zeros)

    def samples(self) -> tuple[int, int, str]:
        """One sample a step, plain SGD."""
        return 1, self.n_inputs, "sgd"

    def world(self, block: "Block", trainers: list[int]) -> World:
        """Masked full-vector SGD."""
        return OnlineWorld(self, block, trainers)

    def measures(self, values: dict[str, np.ndarray], kept: np.ndarray) -> Measures:
        """Accuracy and coverage over time, and who wins, round by round."""
        first = self.rewind // self.record_every
        moments = [contributions(values["M"][:, s], values["v"][:, s]) for s in (first, -1)]
        moments[0][0] = contributions(values["M"][0, 0], values["v"][0, 0])
        alive = values["v"][:, first] != 0
        found: Measures = {n: (("round", "time"), values[n]) for n in ("test_accuracy", "covered_aligned")}
        found["units"] = (("round",), alive.sum(-1))
        for name, x in winners(moments[0], moments[1], alive).items():
            found[name] = (("round",) if name == "distinct" else ("round", "cluster"), x)
        return found


class OnlineWorld:
    """`teacher_student.training.masked` on the lanes of a block."""

    def __init__(self, cell: OnlineTickets, block: "Block", trainers: list[int]) -> None:
        import jax

        from curricula.schedule import draw_steps
        from teacher_student.training.full import FullVectors
        from teacher_student.training.streams import replicate_keys, streams

        task, student = cell._task(), cell._student()

        def single(tree: "PyTree") -> Any:
            return jax.tree.map(lambda x: jax.device_put(np.asarray(x, np.float32)), tree)

        easy, hard = task.level(**cell.easy), task.level(**cell.hard)
        self.method = FullVectors(task, student.core(), CHUNK)
        self.n_test = cell.n_test
        self.table = single({name: np.stack([easy[name], hard[name]]) for name in easy})
        self.target, self.scaling = single(hard), single(student.scaling(cell.learning_rate, cell.n_inputs))
        self.keys = replicate_keys(cell.seed, block.replicates)
        self.others = streams(self.keys, "other_start")

        def levels(number: int) -> np.ndarray:
            seed = cell.seed + (number << 32)
            steps = draw_steps(block.protocols, cell.easy_fraction, cell.n_steps, seed, block.replicates)
            room = -(-(cell.n_steps + CHUNK) // LENGTH) * LENGTH
            return np.pad(steps[:, trainers], ((0, 0), (0, 0), (0, room - cell.n_steps)))

        self.levels = lru_cache(1)(levels)

    def start(self, other: bool) -> Any:
        """The students that `simulate` starts from, or another draw for the same teachers."""
        from teacher_student.training.masked import initialise

        return initialise(self.method, self.others if other else self.keys, self.scaling)

    def begin(self, params: "PyTree", step: int) -> Any:
        """Plain SGD: the parameters are the state."""
        return params

    def params(self, state: "PyTree") -> Any:
        """The state."""
        return state

    def advance(
        self, state: "PyTree", masks: "PyTree", begin: int, stop: int, number: int
    ) -> tuple[Any, dict[str, Any], Any]:
        """A segment of every lane."""
        from teacher_student.training.masked import train_masked
        from teacher_student.training.streams import round_keys

        return train_masked(
            self.method, self.keys, self.levels(number), self.table, self.target, self.scaling,
            masks, state, np.int32(begin), np.int32(stop), sample_keys=round_keys(self.keys, number),
            record=("test_accuracy", "covered_aligned", "M", "v"), n_test=self.n_test,
        )  # fmt: skip
