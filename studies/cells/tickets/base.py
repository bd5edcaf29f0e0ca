"""Lottery tickets: the rounds of iterative pruning, whatever is trained.

Round n trains, side by side, one lane for every (protocol that found the mask, arm, protocol it is trained
with) of every replicate:

    ticket              the mask found by iterative magnitude pruning, from the network's own start
    reinitialised       the same mask on other initial weights
    random_mask         as many weights (units) in every layer, placed at random, from the own start
    magnitude_at_start  the largest initial weights, nothing trained before
    one_shot            the mask pruned from the dense network of round 0 in a single step, own start

The ticket lane that is trained with the protocol that found its mask is the one that is pruned on. With
`rewind` = k every lane goes on from its own weights after k steps of round 0, with the steps that are left.

What is trained, and how, is a `World`; the modules `online` and `images` beside this one have the two
there are. `studies.cells.tickets.rounds` runs the rounds.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from studies.cells.levels import noise

if TYPE_CHECKING:
    from jaxtyping import PyTree

    from studies.cell import Block
    from teacher_student.pruning import Pruning

ARMS = ("ticket", "reinitialised", "random_mask", "magnitude_at_start", "one_shot")

#: Name -> (its axes: those of rounds and times, then those after the lanes, array in that order).
Measures = dict[str, tuple[tuple[str, ...], Any]]

#: Rounds are numbered below this.
MOST_ROUNDS = 1000

#: Numbers of streams are below this: the number of a round's samples has to fit the 32 bits of a key.
MOST_STREAMS = 2**32 // MOST_ROUNDS

#: Raised by one whenever a change alters the numbers of an existing cell.
NUMERICS = 1


class World(Protocol):
    """How the lanes of a block are trained; arrays have leading axes R replicates, L lanes."""

    @property
    def keys(self) -> Any:
        """(R,) one key per replicate."""
        ...

    def start(self, other: bool) -> Any:
        """Initial parameters of the replicates (R, ...), or another draw of them."""
        ...

    def begin(self, params: "PyTree", step: int) -> Any:
        """The state before a round's first step, step `step` of the run."""
        ...

    def params(self, state: "PyTree") -> Any:
        """The parameters (R, L, ...) in a state."""
        ...

    def advance(
        self, state: "PyTree", masks: "PyTree", begin: int, stop: int, number: int
    ) -> tuple[Any, dict[str, Any], Any]:
        """Steps begin .. stop - 1 on samples `number` -> state, recorded (R, L, ...), diverged (R, L)."""
        ...


@dataclass(frozen=True)
class TicketCell(ABC):
    """What both kinds of tickets share, as plain data.

    Parameters
    ----------
    width : int, hidden units (LeNet: 3 K and K)
    learning_rate : float > 0, of all steps
    n_steps : int, steps of a whole training
    n_records : int, records after the first; divides the steps
    easy : {"noise": level} of easy samples
    hard : {"noise": level} of hard samples; everything is tested on it
    easy_fraction : float in [0, 1], easy share of the steps
    protocol : order of easy and hard samples, see curricula.schedule
    arms : what is trained beside each other, of ARMS, "ticket" first
    swap : bool, also train every mask with the other protocols of the block
    fraction : share of the weights (units) that a round prunes, see teacher_student.pruning.Pruning
    scope : among which the smallest are sought, see teacher_student.pruning.Pruning
    rounds : int >= 0, rounds of pruning; round 0 is the dense network
    rewind : int, step that weights are set back to; a multiple of n_steps / n_records
    seed : int, 0 <= seed < 2^32, of everything that is drawn
    stream : int, 0 <= stream < 4294967, number of the samples
        Number of the samples: students, teachers and tests are alike in all of them, what is shown and in
        which order is not.
    fresh : bool, whether every round is trained on samples of its own
        True: every round is trained on samples of its own (images: in an order of its own). False: every
        round on those of round 0, so a mask is judged on the samples that chose it.
    """

    width: int = 16
    learning_rate: float = 0.3
    n_steps: int = field(default=60000, metadata={"was": "steps"})
    n_records: int = 20
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.1})
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 1.0})
    easy_fraction: float = 0.3
    protocol: str = "no_curriculum"
    arms: tuple[str, ...] = ("ticket", "reinitialised", "random_mask")
    swap: bool = False
    fraction: float = 0.2
    scope: str = "layer"
    rounds: int = 5
    rewind: int = 0
    seed: int = 0
    stream: int = field(default=0, metadata={"added": True})
    fresh: bool = field(default=False, metadata={"added": True})

    def check(self) -> None:
        """Refuse unknown names and numbers out of range, in one line."""
        from curricula.schedule import EASY, HARD, phases
        from teacher_student.checks import known, seed_fits, within
        from teacher_student.pruning import check_rewind

        for arm in self.arms:
            known("arm", arm, ARMS)
        if self.arms[:1] != ("ticket",) or len(set(self.arms)) != len(self.arms):
            raise ValueError(f"arms are {', '.join(self.arms) or 'none'}; need ticket first, each once")
        if {level for phase in phases(self.protocol, self.easy_fraction) for level in phase.mix} - {
            EASY,
            HARD,
        }:
            raise ValueError(
                f"protocol {self.protocol!r} stages clusters or has levels between easy and hard; tickets "
                "have easy and hard samples only"
            )
        within("learning_rate", self.learning_rate, low=0, open_low=True)
        within("n_records", self.n_records, low=1)
        within("n_steps", self.n_steps, low=1)
        if self.n_steps % self.n_records:
            raise ValueError(f"n_steps {self.n_steps} is not a multiple of n_records = {self.n_records}")
        check_rewind(self.rewind, self.n_steps)
        if self.rewind % self.record_every:
            raise ValueError(
                f"rewind is {self.rewind}; need a multiple of the {self.record_every} steps of a record"
            )
        seed_fits(self.seed)
        within("stream", self.stream, low=0, high=MOST_STREAMS - 1)
        within("rounds", self.rounds, low=0, high=MOST_ROUNDS - 1)
        for level in (self.easy, self.hard):
            noise(level)
        self.pruning().counts(self.template(), self.rounds)

    @property
    def record_every(self) -> int:
        """Steps between two records."""
        return self.n_steps // self.n_records

    def samples_of(self, n: int) -> int:
        """The number of the samples that round n is trained on."""
        return self.stream * MOST_ROUNDS + (n if self.fresh else 0)

    def pruning(self) -> "Pruning":
        """How weights are chosen."""
        from teacher_student.pruning import Pruning

        return Pruning(self.fraction, self.scope)

    def lanes(self, protocols: tuple[str, ...]) -> list[tuple[int, int, int]]:
        """(finder, arm, trainer) of every lane, as indices."""
        every = range(len(protocols))
        return [
            (a, i, b) for a in every for i in range(len(self.arms)) for b in (every if self.swap else (a,))
        ]

    def numerics(self) -> dict[str, Any]:
        """The version of the rounds."""
        return {"version": NUMERICS}

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Digests of the code of a protocol that is not the project's own."""
        from curricula.schedule import PROTOCOLS
        from studies.cells.definitions import digests

        return digests("protocol", {name: PROTOCOLS[name] for name in protocols})

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates per block: about twelve copies of the weights of every lane."""
        from teacher_student.pruning import kernels
        from teacher_student.training.memory import check_fits

        own = 4 * 12 * sum(kernel.size for kernel in kernels(self.template()))
        lanes = protocols * len(self.arms) * (protocols if self.swap else 1)
        check_fits(self.width, own * lanes, gigabytes * 2**30)
        return max(1, min(most, int(gigabytes * 2**30 / (own * lanes))))

    @property
    def work(self) -> float:
        """Rounds x steps, weighted by what they cost at this width."""
        return (self.rounds + 1) * self.n_steps * (16.0 + self.width)

    @abstractmethod
    def template(self) -> Any:
        """Parameters of one network, or their shapes."""

    @abstractmethod
    def world(self, block: "Block", trainers: list[int]) -> World:
        """The trainer of a block, whose lane l follows protocol number trainers[l]."""

    @abstractmethod
    def samples(self) -> tuple[int, int, str]:
        """Samples per step, input dimension N, optimiser: for the time axis and for FLOPs."""

    @abstractmethod
    def measures(self, values: dict[str, np.ndarray], kept: np.ndarray) -> Measures:
        """Name -> (dims after the lanes' own, array (round, time?, R, L, ...)) from what was recorded.

        values : name -> (rounds + 1, records + 1, R, L, ...); kept : (rounds + 1, R, L, layers) weights
        """
