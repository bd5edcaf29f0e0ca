"""The rounds of iterative pruning of a block of tickets.

Rounds and the segments between two records are calls of one compiled program, so the state between any two
is at hand and is kept (`studies.store.progress`): a killed run goes on inside its round.
"""

import time
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from studies.cells.result import result
from studies.cells.tickets.base import TicketCell
from teacher_student.fixed_settings import fixed_settings

if TYPE_CHECKING:
    import xarray as xr
    from jaxtyping import PyTree

    from studies.cell import Block, Saved
    from teacher_student.pruning import Pruning

#: Coordinates of the axis "cluster".
CLUSTERS = ("+e1", "-e1", "+e2", "-e2")

#: Parts of `State` that are written to.
SEEN = ("kept", "diverged", "values")


class State(NamedTuple):
    """All that goes on from one segment to the next: where we are, what is trained, and what was seen.

    Arrays have leading axes R replicates, L lanes (`dense`: L finders), but those of what was seen.

    where : (2,) round, and record of it that comes next
    masks : of the weights
    trained : the state of the trainer in the middle of a round, see `World`
    point : weights that lanes are set back to
    dense : weights that every finder has after round 0
    kept : (rounds + 1, R, L, layers) weights left
    diverged : (rounds + 1, R, L)
    values : name -> (rounds + 1, records + 1, R, L, ...); NaN before the step that is rewound to
    """

    where: np.ndarray
    masks: Any
    trained: Any
    point: Any
    dense: Any
    kept: np.ndarray
    diverged: np.ndarray
    values: dict[str, np.ndarray]


class InRounds(TicketCell):
    """Tickets, computed round by round."""

    @fixed_settings()
    def compute(self, block: "Block") -> "xr.Dataset":
        """Run all rounds of all cells of a block."""
        return compute(self, block, None)

    @fixed_settings()
    def resume(self, block: "Block", progress: "Saved") -> "xr.Dataset":
        """The same, going on from `progress` and saving to it."""
        return compute(self, block, progress)


def compute(cell: TicketCell, block: "Block", progress: "Saved | None") -> "xr.Dataset":
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
    failed = diverged.any(0).reshape(block.rows, len(block.protocols), -1).max(2)

    def laid_out(dims: tuple[str, ...], x: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
        """(rounds and times, R, L, rest) -> axes led by protocol and replicate, lanes taken apart."""
        lead = [d for d in dims if d in ("round", "time")]
        rest = [d for d in dims if d not in lead]
        shape = np.shape(x)
        split = np.asarray(x, np.float32).reshape(*shape[: len(lead) + 1], *sizes, *shape[len(lead) + 2 :])
        names = [*lead, "replicate", *axes, *rest]
        own = (*axes[1:], *lead, *rest)
        return own, split.transpose([names.index(d) for d in ("protocol", "replicate", *own)])

    return result(
        block,
        {name: laid_out(dims, x) for name, (dims, x) in found.items()},
        failed.T,
        coords={
            "round": np.arange(cell.rounds + 1),
            "time": np.arange(cell.n_records + 1) * cell.record_every * batch / n_inputs,
        }
        | coords,
        method="tickets",
        run_steps=diverged.size * cell.n_steps,
        started=started,
    )


def run_rounds(
    cell: TicketCell, block: "Block", progress: "Saved | None"
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """All rounds of a block, going on from `progress`.

    Returns
    -------
    kept : (rounds + 1, R, L, layers) weights left
    diverged : (rounds + 1, R, L)
    values : name -> (rounds + 1, records + 1, R, L, ...); NaN before the step that is rewound to
    """
    import jax

    from teacher_student.pruning import full, kernels, rewound

    asked = cell.lanes(block.protocols)
    lanes, expand = asked, list(range(len(asked)))
    if cell.rounds == 0:  # without masks only start and trainer tell lanes apart
        kinds = [(cell.arms[i] == "reinitialised", b) for _, i, b in asked]
        lanes = [asked[kinds.index(kind)] for kind in dict.fromkeys(kinds)]
        expand = [list(dict.fromkeys(kinds)).index(kind) for kind in kinds]
    finders = [expand[asked.index((a, 0, a))] for a in range(len(block.protocols))]
    world = cell.world(block, [b for _, _, b in lanes])
    counts = cell.pruning().counts(cell.template(), cell.rounds)
    own, other = world.start(False), world.start(True)
    again = [cell.arms[i] == "reinitialised" for _, i, _ in lanes]
    point = jax.tree.map(lambda x, y: np.stack([y if new else x for new in again], 1), own, other)
    point = jax.device_put(point)
    found_by = partial(jax.tree.map, lambda x: np.asarray(x)[:, finders])
    renew = partial(compiled_masks(), cell.pruning(), cell.arms, tuple(lanes), tuple(finders))

    masks, state, dense = full(point), world.begin(point, 0), found_by(point)
    shape = (cell.rounds + 1, block.rows, len(lanes))
    kept = np.zeros((*shape, len(kernels(cell.template()))), np.float32)
    diverged = np.zeros(shape, bool)
    _, blank, _ = jax.eval_shape(lambda s, m: world.advance(s, m, 0, 0, cell.samples_of(0)), state, masks)
    values = {
        name: np.full((cell.rounds + 1, cell.n_records + 1, *x.shape), np.nan, np.float32)
        for name, x in blank.items()
    }
    now = State(np.array([0, 0]), masks, state, point, dense, kept, diverged, values)
    saved = progress.load() if progress else None
    if saved is not None:
        now = jax.tree.unflatten(jax.tree.structure(now), saved)
        now = now._replace(**{name: jax.tree.map(np.array, getattr(now, name)) for name in SEEN})
    _, masks, state, point, dense, kept, diverged, values = now
    begin_round, begin_record = map(int, now.where)
    for n in range(begin_round, cell.rounds + 1):
        first = cell.rewind // cell.record_every if n else 0
        for s in range(begin_record if n == begin_round else first, cell.n_records + 1):
            if n > 0 and s == first:
                masks = renew(world.params(state), masks, dense, own, world.keys, np.int32(n), counts[n])
                state = world.begin(rewound(point, masks), cell.rewind)
            if s == first:
                kept[n] = np.stack([m.sum((-2, -1)) for m in by_layer(jax.tree.map(np.asarray, masks))], -1)
            before, stop = max(s - 1, first) * cell.record_every, s * cell.record_every
            state, seen, bad = world.advance(state, masks, before, stop, cell.samples_of(n))
            for name, x in seen.items():
                values[name][n, s] = np.asarray(x)
            diverged[n] |= np.asarray(bad)
            if n == 0 and stop == cell.rewind:
                point = world.params(state)
            if n == 0 and s == cell.n_records:
                dense = found_by(world.params(state))
            if progress and progress.due():
                later = n + 1, cell.rewind // cell.record_every
                where = np.array((n, s + 1) if s < cell.n_records else later)
                now = State(where, masks, state, point, dense, kept, diverged, values)
                progress.save(jax.tree.leaves(now))
    return kept[:, :, expand], diverged[:, :, expand], {k: x[:, :, :, expand] for k, x in values.items()}


@cache
def compiled_masks() -> Any:
    """Jitted `_masks`, one program for all blocks of the same lanes."""
    import jax

    return jax.jit(_masks, static_argnums=(0, 1, 2, 3))


def _masks(
    rule: "Pruning", arms: tuple, lanes: tuple, finders: tuple, params, masks, dense, own, keys, n, counts
) -> Any:
    """The masks (R, L, ...) of round n from what round n - 1 trained; traced."""
    import jax
    import jax.numpy as jnp

    from teacher_student.pruning import full, shuffled
    from teacher_student.training.streams import streams

    chosen = jnp.array(finders)
    prune = jax.vmap(rule.prune, (0, 0, None))
    several = jax.vmap(prune, (1, 1, None), 1)
    pick = partial(jax.tree.map, lambda x: x[:, chosen])
    found = several(pick(params), pick(masks), counts)
    by_arm: dict[str, Any] = {"ticket": found, "reinitialised": found}
    if "random_mask" in arms:
        mix = jax.vmap(lambda key, mask: shuffled(jax.random.fold_in(key, n), mask, rule.scope))
        by_arm["random_mask"] = jax.vmap(mix, (None, 1), 1)(streams(keys, "random_mask"), found)
    if "one_shot" in arms:
        by_arm["one_shot"] = several(dense, full(dense), counts)
    if "magnitude_at_start" in arms:
        largest = prune(own, full(own), counts)
        by_arm["magnitude_at_start"] = jax.tree.map(lambda x: jnp.stack([x] * len(finders), 1), largest)

    def stacked(*each):
        table = dict(zip(by_arm, each, strict=True))
        return jnp.stack([table[arms[i]][:, a] for a, i, _ in lanes], 1)

    return jax.tree.map(stacked, *by_arm.values())


def by_layer(masks: "PyTree") -> list[Any]:
    """Masks of the weight matrices with all axes of a weight matrix folded into the last two."""
    from teacher_student.students.two_layer import Params

    if isinstance(masks, Params):
        return [masks.w, masks.v[..., None]]
    from teacher_student.pruning import kernels

    return [m.reshape(*m.shape[:2], -1, m.shape[-1]) for m in kernels(masks)]
