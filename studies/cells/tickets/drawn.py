"""Tickets that are drawn at steps of a dense run, not at its end, and tickets that are drawn on other data.

A dense network is trained for the whole run, and at every record its mask is drawn: `rounds` rounds of
pruning at `fraction`, in one step, of the weights as they are then. The masks of some of these steps,
`drawn`, are each put on the initial weights and trained, all at once, beside a random mask of as many weights
(units):

    dense network ---- t1 ------- t2 ------------ end        masks m(t1), m(t2), m(end)
    tickets       start * m(t1) -------------------- end     trained, as are the others

The dense network may be trained on other data than the tickets (`origin`); the initial weights are the same.
A mask drawn at step t costs t steps of the dense network, and the ticket its own training.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from studies.cells.result import result
from studies.cells.tickets.base import TicketCell
from studies.cells.tickets.images import ImageTickets
from studies.cells.tickets.online import OnlineTickets
from studies.cells.tickets.rounds import by_layer
from teacher_student.fixed_settings import fixed_settings

if TYPE_CHECKING:
    import xarray as xr
    from jaxtyping import PyTree

    from studies.cell import Block, Saved
    from teacher_student.pruning import Pruning

#: What a cell of this kind has, and cannot leave out.
ARMS = ("ticket", "random_mask")

#: Added to, or taken from, a seed below or above it: the seed of other teachers for the same students.
OTHER = 2**31


@dataclass(frozen=True)
class DrawnTickets(TicketCell):
    """Tickets drawn at steps of one dense run; see `TicketCell` for the rest.

    Parameters
    ----------
    rounds : int >= 1, rounds of pruning at `fraction` that a mask stands for, made in one step
    drawn : steps of the dense run whose masks are trained; multiples of n_steps / n_records, rising
    counts_only : bool, whether a ticket has of its mask how many inputs a unit keeps, and not which
        True: the weights that a mask keeps into a unit of the first layer are placed at random among its
        inputs before the ticket is trained. Masks of weights only.
    """

    arms: tuple[str, ...] = ARMS
    rounds: int = 1
    drawn: tuple[int, ...] = (0, 60000)
    counts_only: bool = field(default=False, metadata={"added": True})

    def check(self) -> None:
        """Refuse unknown names and numbers out of range, in one line."""
        super().check()
        if self.arms != ARMS:
            raise ValueError(f"arms are {', '.join(self.arms)}; need {', '.join(ARMS)} here")
        if self.rewind:
            raise ValueError(f"rewind is {self.rewind}; tickets drawn at a step go back to the start: need 0")
        if self.rounds < 1:
            raise ValueError(f"rounds is {self.rounds}; need 1 or more, as nothing is pruned else")
        if not self.drawn or list(self.drawn) != sorted(set(self.drawn)):
            raise ValueError(f"drawn is {self.drawn}; need different steps in rising order, at least one")
        for step in self.drawn:
            if not 0 <= step <= self.n_steps or step % self.record_every:
                raise ValueError(
                    f"a mask is drawn at step {step}; need a multiple of {self.record_every} from 0 to "
                    f"n_steps = {self.n_steps}"
                )
        if self.counts_only and self.scope == "units":
            raise ValueError(
                "counts_only is true, but a mask of scope units keeps all inputs of a unit or none; take "
                "scope layer or global"
            )

    def origin(self) -> TicketCell:
        """The cell whose world the dense network is trained in: itself, unless a subclass has another."""
        return self

    @property
    def work(self) -> float:
        """Steps of the dense network and of all tickets, weighted by what they cost at this width."""
        return (2 + len(self.drawn)) * self.n_steps * (16.0 + self.width)

    @fixed_settings()
    def compute(self, block: "Block") -> "xr.Dataset":
        """Train the dense networks, draw their masks, and train the tickets."""
        return compute(self, block)

    def resume(self, block: "Block", progress: "Saved") -> "xr.Dataset":
        """The same: a block is short, and starts again."""
        return self.compute(block)


@dataclass(frozen=True)
class OnlineDrawn(DrawnTickets, OnlineTickets):
    """Tickets of two-layer students on XorMixture, drawn at steps; see `DrawnTickets`.

    Parameters
    ----------
    found_on : "own" or "other", the directions of the task on which masks are drawn
        "other": those of another teacher, with samples of its own.
    """

    found_on: str = "own"

    def check(self) -> None:
        """Refuse unknown names and numbers out of range, in one line."""
        from teacher_student.checks import known

        known("directions", self.found_on, ("own", "other"))
        super().check()

    def origin(self) -> TicketCell:
        """With the seed of another teacher, where that is asked for."""
        return self if self.found_on == "own" else replace(self, seed=(self.seed + OTHER) % 2**32)


@dataclass(frozen=True)
class ImageDrawn(DrawnTickets, ImageTickets):
    """Tickets of networks on images, drawn at steps, of this data set or another; see `DrawnTickets`.

    Parameters
    ----------
    found_on : data set on which masks are drawn; "" for `data_set`
    found_pair : its two classes, as `pair`; "" for `pair`
    """

    # what tickets of images have, and not the mixture's
    width: int = 100
    learning_rate: float = 1.2e-3
    n_steps: int = field(default=1000, metadata={"was": "steps"})
    easy: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.0})
    hard: Mapping[str, float] = field(default_factory=lambda: {"noise": 0.0})
    rounds: int = 1
    drawn: tuple[int, ...] = (0, 1000)
    found_on: str = ""
    found_pair: str = ""

    def check(self) -> None:
        """Refuse unknown names, numbers out of range and data sets of different sizes, in one line."""
        super().check()
        origin = self.origin()
        if origin is self:
            return
        origin.check()
        sizes = [cell.pixels(cell.corruption) for cell in (origin, self)]
        if sizes[0] != sizes[1]:
            one, other = (" x ".join(map(str, size)) for size in sizes)
            raise ValueError(
                f"a mask of {origin.data_set} ({one} inputs) does not fit {self.data_set} ({other}); take "
                "data sets of one size, or a `side` that makes them so"
            )

    def origin(self) -> "ImageDrawn":
        """On the other images, where there are any."""
        other = {"data_set": self.found_on or self.data_set, "pair": self.found_pair or self.pair}
        if other == {"data_set": self.data_set, "pair": self.pair}:
            return self
        return replace(self, **other, found_on="", found_pair="")


def compute(cell: DrawnTickets, block: "Block") -> "xr.Dataset":
    """The masks and tickets of a block.

    Returns
    -------
    Dataset with dims protocol (of the dense run), replicate and

        dense_accuracy (time)    of the dense network, on the data that it is trained on
        distance (time)          share of the last mask that the mask of that time lacks
        test_accuracy ([trained_with,] step, time)   of the tickets
        random_accuracy (time)   of random masks, trained with `protocol`
        weights, flops_per_step, dense_flops_per_step ()   of a ticket, and of the dense network
    """
    import jax

    from teacher_student.flops import training_flops
    from teacher_student.pruning import full, rewound
    from teacher_student.training.streams import streams

    started = time.perf_counter()
    every = range(len(block.protocols))
    lanes = [(a, t, b) for a in every for t in range(len(cell.drawn)) for b in (every if cell.swap else (a,))]
    trainers = [*(b for _, _, b in lanes), *every]
    world = cell.world(block, trainers)
    own = world.start(False)

    def repeated(tree: "PyTree", n: int) -> Any:
        return jax.device_put(jax.tree.map(lambda x: np.stack([x] * n, 1), tree))

    rule = cell.pruning()
    counts = rule.counts(cell.template(), cell.rounds)[-1]
    draw, mix, scatter = programs(rule)
    begin = repeated(own, len(every))
    masks, dense, failed = [], [], np.zeros((block.rows, len(every)), bool)
    place = cell.origin().world(block, list(every))
    for state, seen, bad in segments(cell, place, begin, full(begin), cell.samples_of(0)):
        masks.append(on_host(draw(place.params(state), full(begin), counts)))
        dense.append(np.asarray(seen["test_accuracy"]))
        failed |= bad
    distance = [lacking(mask, masks[-1]) for mask in masks]

    first = jax.tree.map(lambda x: x[:, 0], masks[0])
    anywhere = mix(streams(world.keys, "random_mask"), first, np.int32(cell.rounds))
    if cell.counts_only:
        masks = [on_host(scatter(streams(world.keys, "scattered"), mask)) for mask in masks]
    chosen = [masks[cell.drawn[t] // cell.record_every] for _, t, _ in lanes]
    tickets = jax.tree.map(
        lambda *parts: np.stack(parts, 1),
        *(jax.tree.map(lambda x, a=a: x[:, a], mask) for mask, (a, _, _) in zip(chosen, lanes, strict=True)),
        *[anywhere] * len(every),
    )
    tickets = jax.device_put(tickets)
    begin = rewound(repeated(own, len(trainers)), tickets)
    found, lost = [], np.zeros((block.rows, len(trainers)), bool)
    for _, seen, bad in segments(cell, world, begin, tickets, cell.samples_of(1)):
        found.append(np.asarray(seen["test_accuracy"]))
        lost |= bad

    batch, n_inputs, optimiser = cell.samples()
    left = [np.asarray(m[:, : len(every)].sum((-2, -1))).T for m in by_layer(masks[-1])]
    whole = [np.full(left[0].shape, m.shape[-2] * m.shape[-1], float) for m in by_layer(masks[-1])]
    drawn = np.moveaxis(np.array(found)[..., : len(lanes)], 0, -1)  # R, lanes, time
    axes = ("trained_with", "step") if cell.swap else ("step",)
    shape = (block.rows, len(every), len(cell.drawn), len(every) if cell.swap else 1, -1)
    ticket = drawn.reshape(shape).transpose(1, 0, 3, 2, 4)  # protocol, R, trainer, step, time
    failed |= lost[:, : len(lanes)].reshape(block.rows, len(every), -1).any(-1) | lost[:, len(lanes) :]

    def timed(values: list[np.ndarray]) -> np.ndarray:
        return np.array(values, np.float32).transpose(2, 1, 0)

    return result(
        block,
        {
            "dense_accuracy": (("time",), timed(dense)),
            "distance": (("time",), timed(distance)),
            "test_accuracy": ((*axes, "time"), ticket if cell.swap else ticket[:, :, 0]),
            "random_accuracy": (("time",), timed([x[:, len(lanes) :] for x in found])),
            "weights": ((), np.sum(left, 0)),
            "flops_per_step": ((), training_flops(left, batch, optimiser)),
            "dense_flops_per_step": ((), training_flops(whole, batch, optimiser)),
        },
        failed.T,
        coords={
            "time": np.arange(cell.n_records + 1) * cell.record_every * batch / n_inputs,
            "step": list(cell.drawn),
        }
        | ({"trained_with": list(block.protocols)} if cell.swap else {}),
        method="tickets",
        run_steps=(len(every) + len(trainers)) * block.rows * cell.n_steps,
        started=started,
    )


@cache
def programs(rule: "Pruning") -> tuple[Any, Any, Any]:
    """Jitted: the masks of networks (R, L, ...); masks (R, ...) at random; those of counts (R, L, ...)."""
    import jax

    from teacher_student.pruning import scattered, shuffled

    def mixed(key: Any, mask: "PyTree", n: Any) -> Any:
        return shuffled(jax.random.fold_in(key, n), mask, rule.scope)

    draw = jax.jit(jax.vmap(jax.vmap(rule.prune, (0, 0, None)), (0, 0, None)))
    return draw, jax.jit(jax.vmap(mixed, (0, 0, None))), jax.jit(jax.vmap(jax.vmap(scattered, (None, 0))))


def on_host(tree: "PyTree") -> Any:
    """The arrays as NumPy's."""
    import jax

    return jax.tree.map(np.asarray, tree)


def segments(cell: TicketCell, world: Any, params: "PyTree", masks: "PyTree", number: int) -> Any:
    """State, what was recorded and which lanes diverged at every record of a run on samples `number`."""
    state = world.begin(params, 0)
    for s in range(cell.n_records + 1):
        before, stop = max(s - 1, 0) * cell.record_every, s * cell.record_every
        state, seen, bad = world.advance(state, masks, before, stop, number)
        yield state, seen, np.asarray(bad)


def lacking(mask: "PyTree", last: "PyTree") -> Any:
    """Share of the weights of the mask `last` (R, L, ...) that `mask` has not, (R, L); of arrays of NumPy."""
    both = zip(by_layer(mask), by_layer(last), strict=True)
    common, total = zip(*(((m * n).sum((-2, -1)), n.sum((-2, -1))) for m, n in both), strict=True)
    return 1 - sum(common) / sum(total)
