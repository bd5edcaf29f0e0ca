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

Rounds and the segments between two records are calls of one compiled program, so the state between any two
is at hand and is kept (`studies.progress`): a killed run goes on inside its round. What is trained, and how,
is a `World`; `studies.online_tickets` and `studies.image_tickets` have the two there are.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import xarray as xr

from studies.provenance import provenance

if TYPE_CHECKING:
    from studies.progress import Progress
    from studies.study import Block

ARMS = ("ticket", "reinitialised", "random_mask", "magnitude_at_start", "one_shot")

#: Coordinates of the axis "cluster".
CLUSTERS = ("+e1", "-e1", "+e2", "-e2")

#: Name -> (its axes: those of rounds and times, then those after the lanes, array in that order).
Measures = dict[str, tuple[tuple[str, ...], Any]]

#: Rounds are numbered below this.
MOST_ROUNDS = 1000

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

    def begin(self, params: Any, step: int) -> Any:
        """The state before a round's first step, step `step` of the run."""
        ...

    def params(self, state: Any) -> Any:
        """The parameters (R, L, ...) in a state."""
        ...

    def advance(
        self, state: Any, masks: Any, begin: int, stop: int, number: int
    ) -> tuple[Any, dict[str, Any], Any]:
        """Steps begin .. stop - 1 on samples `number` -> state, recorded (R, L, ...), diverged (R, L)."""
        ...


@dataclass(frozen=True)
class TicketCell(ABC):
    """What both kinds of tickets share, as plain data.

    Parameters
    ----------
    width : int, hidden units (LeNet: 3 K and K)
    learning_rate : float > 0
    steps : int, steps of a whole training
    n_records : int, records after the first; divides the steps
    easy, hard : the two difficulty levels, {"noise": ...}; everything is tested on `hard`
    easy_fraction : float in [0, 1], easy share of the steps
    protocol : see curricula.schedule
    arms : of ARMS, "ticket" first
    swap : bool, also train every mask with the other protocols of the block
    fraction, scope : see teacher_student.pruning.Pruning
    rounds : int >= 0, rounds of pruning; round 0 is the dense network
    rewind : int, step that weights are set back to; a multiple of steps / n_records
    seed : int >= 0
    stream : int >= 0
        Number of the samples: students, teachers and tests are alike in all of them, what is shown and in
        which order is not.
    fresh : bool
        True: every round is trained on samples of its own (images: in an order of its own). False: every
        round on those of round 0, so a mask is judged on the samples that chose it.
    """

    width: int = 16
    learning_rate: float = 0.3
    steps: int = 60000
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

    #: Computed with a `Progress` to go on from.
    resumable = True

    def check(self) -> None:
        """Refuse unknown names and numbers out of range, in one line."""
        from curricula.schedule import phases
        from teacher_student.checks import known, within
        from teacher_student.pruning import check_rewind

        for arm in self.arms:
            known("arm", arm, ARMS)
        if self.arms[:1] != ("ticket",) or len(set(self.arms)) != len(self.arms):
            raise ValueError(f"arms are {', '.join(self.arms) or 'none'}; need ticket first, each once")
        phases(self.protocol, self.easy_fraction)
        if self.protocol == "rule_curriculum":
            raise ValueError(
                "protocol 'rule_curriculum' stages clusters; tickets have easy and hard samples only"
            )
        within("learning_rate", self.learning_rate, low=0, open_low=True)
        within("n_records", self.n_records, low=1)
        within("steps", self.steps, low=1)
        if self.steps % self.n_records:
            raise ValueError(f"steps {self.steps} is not a multiple of n_records = {self.n_records}")
        check_rewind(self.rewind, self.steps)
        if self.rewind % self.interval:
            raise ValueError(
                f"rewind is {self.rewind}; need a multiple of the {self.interval} steps of a record"
            )
        within("seed", self.seed, low=0)
        within("stream", self.stream, low=0)
        within("rounds", self.rounds, low=0, high=MOST_ROUNDS - 1)
        for level in (self.easy, self.hard):
            if set(level) != {"noise"}:
                raise ValueError(f"a level is {dict(level)}; need noise and nothing else")
        self.rule().counts(self.template(), self.rounds)

    @property
    def interval(self) -> int:
        """Steps between two records."""
        return self.steps // self.n_records

    def samples_of(self, n: int) -> int:
        """The number of the samples that round n is trained on."""
        return self.stream * MOST_ROUNDS + (n if self.fresh else 0)

    def rule(self) -> Any:
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

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates per block: about twelve copies of the weights of every lane."""
        from teacher_student.pruning import kernels

        own = 4 * 12 * sum(kernel.size for kernel in kernels(self.template()))
        lanes = protocols * len(self.arms) * (protocols if self.swap else 1)
        return max(1, min(most, int(gigabytes * 2**30 / (own * lanes))))

    @property
    def work(self) -> float:
        """Rounds x steps, weighted by what they cost at this width."""
        return (self.rounds + 1) * self.steps * (16.0 + self.width)

    def compute(self, block: "Block", progress: "Progress | None" = None) -> xr.Dataset:
        """Run all rounds of all cells of a block; goes on from `progress` and saves to it."""
        return compute(self, block, progress)

    @abstractmethod
    def label(self) -> str:
        """The settings in a few words."""

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


def compute(cell: TicketCell, block: "Block", progress: "Progress | None") -> xr.Dataset:
    """The rounds of a block as a dataset: dims protocol, replicate, [trained_with,] arm, round, time, ..."""
    from teacher_student.flops import training_flops

    started = time.perf_counter()
    kept, diverged, values = run_rounds(cell, block, progress)
    batch, n_inputs, optimiser = cell.samples()
    found = cell.measures(values, kept)
    found["weights"] = (("round",), kept.sum(-1))
    found["flops_per_step"] = (("round",), training_flops(list(np.moveaxis(kept, -1, 0)), batch, optimiser))
    coords: dict[str, Any] = {"arm": list(cell.arms)}
    axes, sizes = ["protocol", "arm"], [len(block.protocols), len(cell.arms)]
    if cell.swap:
        coords["trained_with"] = list(block.protocols)
        axes, sizes = [*axes, "trained_with"], [*sizes, len(block.protocols)]
    if any("cluster" in dims for dims, _ in found.values()):
        coords["cluster"] = list(CLUSTERS)
    failed = diverged.any(0).reshape(block.rows, *sizes).any(tuple(range(2, 1 + len(sizes))))

    def laid_out(dims: tuple[str, ...], x: Any) -> tuple[list[str], np.ndarray]:
        """(rounds and times, R, L, rest) -> axes led by protocol and replicate, lanes taken apart."""
        lead = [d for d in dims if d in ("round", "time")]
        rest = [d for d in dims if d not in lead]
        shape = np.shape(x)
        split = np.asarray(x, np.float32).reshape(*shape[: len(lead) + 1], *sizes, *shape[len(lead) + 2 :])
        names = [*lead, "replicate", *axes, *rest]
        order = ["protocol", "replicate", *axes[1:], *lead, *rest]
        return order, split.transpose([names.index(d) for d in order])

    return xr.Dataset(
        {name: laid_out(dims, x) for name, (dims, x) in found.items()}
        | {"status": (("protocol", "replicate"), failed.T.astype(np.int8))},
        coords={
            "protocol": list(block.protocols),
            "replicate": block.replicates,
            "round": np.arange(cell.rounds + 1),
            "time": np.arange(cell.n_records + 1) * cell.interval * batch / n_inputs,
        }
        | coords,
        attrs={"method": "tickets", "run_steps": diverged.size * cell.steps} | provenance(started),
    )


def run_rounds(
    cell: TicketCell, block: "Block", progress: "Progress | None"
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """All rounds of a block, going on from `progress`.

    Returns
    -------
    kept : (rounds + 1, R, L, layers) weights left
    diverged : (rounds + 1, R, L)
    values : name -> (rounds + 1, records + 1, R, L, ...); NaN before the step that is rewound to
    """
    import jax
    import jax.numpy as jnp

    from teacher_student.pruning import full, kernels, rewound

    asked = cell.lanes(block.protocols)
    lanes, expand = asked, list(range(len(asked)))
    if cell.rounds == 0:  # without masks only start and trainer tell lanes apart
        kinds = [(cell.arms[i] == "reinitialised", b) for _, i, b in asked]
        lanes = [asked[kinds.index(kind)] for kind in dict.fromkeys(kinds)]
        expand = [list(dict.fromkeys(kinds)).index(kind) for kind in kinds]
    finders = [expand[asked.index((a, 0, a))] for a in range(len(block.protocols))]
    world = cell.world(block, [b for _, _, b in lanes])
    counts = cell.rule().counts(cell.template(), cell.rounds)
    own, other = world.start(False), world.start(True)
    again = [cell.arms[i] == "reinitialised" for _, i, _ in lanes]
    point = jax.tree.map(lambda x, y: jnp.stack([y if new else x for new in again], 1), own, other)
    found_by = partial(jax.tree.map, lambda x: x[:, jnp.array(finders)])
    renew = jax.jit(partial(_masks, cell, lanes, finders))

    # all that goes on depends on: where we are, what is trained, and what was seen
    masks, state, dense = full(point), world.begin(point, 0), found_by(point)
    shape = (cell.rounds + 1, block.rows, len(lanes))
    kept = np.zeros((*shape, len(kernels(cell.template()))), np.float32)
    diverged = np.zeros(shape, bool)
    _, blank, _ = jax.eval_shape(lambda s, m: world.advance(s, m, 0, 0, cell.samples_of(0)), state, masks)
    values = {
        name: np.full((cell.rounds + 1, cell.n_records + 1, *x.shape), np.nan, np.float32)
        for name, x in blank.items()
    }
    now = [np.array([0, 0]), masks, state, point, dense, kept, diverged, values]
    saved = progress.load() if progress else None
    if saved is not None:
        now = jax.tree.unflatten(jax.tree.structure(now), saved)
        kept, diverged, values = (jax.tree.map(np.array, part) for part in now[5:])
    (begin_round, begin_record), masks, state, point, dense = now[:5]
    for n in range(int(begin_round), cell.rounds + 1):
        first = cell.rewind // cell.interval if n else 0
        for s in range(int(begin_record) if n == begin_round else first, cell.n_records + 1):
            if n > 0 and s == first:
                masks = renew(world.params(state), masks, dense, own, world.keys, jnp.asarray(n), counts[n])
                state = world.begin(rewound(point, masks), cell.rewind)
            if s == first:
                kept[n] = np.stack([np.asarray(m.sum((-2, -1))) for m in _by_layer(masks)], -1)
            before = max(s - 1, first) * cell.interval
            state, seen, bad = world.advance(state, masks, before, s * cell.interval, cell.samples_of(n))
            for name, x in seen.items():
                values[name][n, s] = np.asarray(x)
            diverged[n] |= np.asarray(bad)
            if n == 0 and s * cell.interval == cell.rewind:
                point = world.params(state)
            if n == 0 and s == cell.n_records:
                dense = found_by(world.params(state))
            if progress and progress.due():
                where = np.array([n, s + 1] if s < cell.n_records else [n + 1, cell.rewind // cell.interval])
                progress.save(jax.tree.leaves([where, masks, state, point, dense, kept, diverged, values]))
    return kept[:, :, expand], diverged[:, :, expand], {k: x[:, :, :, expand] for k, x in values.items()}


def _masks(cell: TicketCell, lanes: list, finders: list, params, masks, dense, own, keys, n, counts) -> Any:
    """The masks (R, L, ...) of round n from what round n - 1 trained; traced."""
    import jax
    import jax.numpy as jnp

    from teacher_student.pruning import full, shuffled

    rule, chosen = cell.rule(), jnp.array(finders)
    prune = jax.vmap(rule.prune, (0, 0, None))
    several = jax.vmap(prune, (1, 1, None), 1)
    pick = partial(jax.tree.map, lambda x: x[:, chosen])
    found = several(pick(params), pick(masks), counts)
    by_arm: dict[str, Any] = {"ticket": found, "reinitialised": found}
    if "random_mask" in cell.arms:
        mix = jax.vmap(lambda key, mask: shuffled(jax.random.fold_in(key, n), mask, cell.scope))
        mixed = jax.vmap(lambda key: jax.random.fold_in(key, ord("m")))(keys)
        by_arm["random_mask"] = jax.vmap(mix, (None, 1), 1)(mixed, found)
    if "one_shot" in cell.arms:
        by_arm["one_shot"] = several(dense, full(dense), counts)
    if "magnitude_at_start" in cell.arms:
        largest = prune(own, full(own), counts)
        by_arm["magnitude_at_start"] = jax.tree.map(lambda x: jnp.stack([x] * len(finders), 1), largest)

    def stacked(*arms):
        table = dict(zip(by_arm, arms, strict=True))
        return jnp.stack([table[cell.arms[i]][:, a] for a, i, _ in lanes], 1)

    return jax.tree.map(stacked, *by_arm.values())


def _by_layer(masks: Any) -> list[Any]:
    """Masks of the weight matrices with all axes of a weight matrix folded into the last two."""
    from teacher_student.students.two_layer import Params

    if isinstance(masks, Params):
        return [masks.w, masks.v[..., None]]
    from teacher_student.pruning import kernels

    return [m.reshape(*m.shape[:2], -1, m.shape[-1]) for m in kernels(masks)]
