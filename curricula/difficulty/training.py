"""Training many networks at once, and measuring every example while they learn: one compiled program.

A run is plain minibatch training: a fresh permutation of its members each epoch, the incomplete last
batch left out (another part of the data each time), mean cross-entropy, an optax optimizer. Runs
differ in their key and may differ in their members. They are vmapped; scores are accumulated inside the
scan, so memory grows with runs x examples and not with training time.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array
from jaxtyping import Float, Int, Key, PyTree

from curricula.difficulty.networks import Network
from curricula.difficulty.pointwise import correct, cross_entropy
from curricula.difficulty.score import Score, View
from teacher_student.checks import within
from teacher_student.training.evaluation import over_examples

SGD = optax.sgd(0.1, momentum=0.9)


@dataclass(frozen=True)
class Runs:
    """How scores are trained.

    Parameters
    ----------
    seeds : int, default 10
        Independent runs that are averaged.
    epochs : int, default 1
        Passes over the members of a run.
    batch_size : int, default 128
        B; at most the number of members.
    evaluations : int, default 1
        Records per epoch of the scores that look at all examples, evenly spaced; must divide the
        steps of an epoch. Scores that look at the minibatch have one record per epoch.
    skip : int, default 0
        Evaluations left out at the start ("late" scores).
    optimizer : optax.GradientTransformation, default SGD, rate 0.1, momentum 0.9
    chunk : int, default 1024
        Examples evaluated at a time.
    parallel : int or None, default None
        Runs that are vmapped; None = all, fewer = less memory.
    """

    seeds: int = 10
    epochs: int = 1
    batch_size: int = 128
    evaluations: int = 1
    skip: int = 0
    optimizer: optax.GradientTransformation = SGD
    chunk: int = 1024
    parallel: int | None = None

    def __post_init__(self) -> None:
        for name in ("seeds", "epochs", "batch_size", "evaluations", "chunk"):
            within(name, getattr(self, name), low=1)
        within("parallel", 1 if self.parallel is None else self.parallel, low=1)
        within("skip", self.skip, low=0, high=self.epochs * self.evaluations - 1)

    def steps_per_epoch(self, members: int) -> int:
        """Whole batches in `members` examples; refuses a batch too large or evaluations that do not fit."""
        within("batch_size", self.batch_size, high=members)
        steps = members // self.batch_size
        if steps % self.evaluations:
            raise ValueError(
                f"evaluations is {self.evaluations} but an epoch has {steps} steps; need a divisor"
            )
        return steps


def train_scores(
    network: Network,
    scores: tuple[Score, ...],
    runs: Runs,
    inputs: Float[np.ndarray | Array, "P ..."],
    labels: Int[np.ndarray | Array, " P"],
    keys: Key[Array, " R"],
    members: Int[np.ndarray | Array, "R m"] | None = None,
    *,
    history: bool = False,
    warn: bool = False,
) -> tuple[Array, ...]:
    """Train R networks and return every score of every example.

    Parameters
    ----------
    network, scores, runs : static; `runs.seeds` is not read, R is
    inputs, labels : (P, ...), (P,)
    keys : (R,) one per run: initial weights and data order
    members : (R, m) indices each run trains on, default all
    history : whether to return the scores as of every evaluation, not only the last
    warn : whether to warn where half of the networks or more end at chance

    Returns
    -------
    one array per score: (R, P), with history (R, T, P) for T = epochs * evaluations - skip

    Raises
    ------
    ValueError
        If a batch is larger than a run's members, evaluations do not divide the steps of an epoch, or the
        network has fewer outputs than there are classes.
    """
    runs.steps_per_epoch(labels.shape[0] if members is None else members.shape[1])
    outputs = jax.eval_shape(lambda key, x: network.apply(network.init(key, x), x), keys[0], inputs[:1])
    largest = int(np.max(labels))
    if outputs.ndim != 2 or outputs.shape[1] <= largest:
        raise ValueError(
            f"the model gives outputs of shape {outputs.shape} for one example; need (1, C) with "
            f"C >= {largest + 1}, since the largest label is {largest}"
        )
    tables, right = compiled(network, scores, runs, inputs, labels, keys, members, history)
    if warn and all(np.isfinite(table).all() for table in tables):
        warn_at_chance(np.asarray(right), np.asarray(labels))
    return tables


def warn_at_chance(right: np.ndarray, labels: np.ndarray) -> None:
    """Warn if half of the runs or more are right (R,) no more often than naming the largest class is.

    The margin is two standard errors of that share, so that luck does not pass for learning.
    """
    share = np.unique(labels, return_counts=True)[1].max() / labels.size
    chance = right <= share + 2 * (share * (1 - share) / labels.size) ** 0.5
    if 2 * chance.sum() >= right.size:
        warnings.warn(
            f"{chance.sum()} of {right.size} networks end at chance (right for "
            f"{100 * right[chance].mean():.0f} % of the examples, the largest class {100 * share:.0f} %): "
            "their scores say little; scale the inputs to about 1, train longer or at another rate",
            stacklevel=6,
        )


@partial(jax.jit, static_argnames=("network", "scores", "runs", "history"))
def compiled(
    network: Network,
    scores: tuple[Score, ...],
    runs: Runs,
    inputs: Array,
    labels: Array,
    keys: Array,
    members: Array | None,
    history: bool,
) -> tuple[tuple[Array, ...], Array]:
    """`train_scores` of checked arguments as one program; also how often each run is right."""
    run = partial(_one_run, network, scores, runs, inputs, labels, history)
    split = jax.vmap(jax.random.split)(keys)
    # one after the other: an initialiser compiles several times faster than its vmap, and runs in no time
    params = jax.lax.map(lambda key: network.init(key, inputs[:1]), split[:, 0])
    if members is None:
        everyone = jnp.arange(labels.shape[0])
        return _over_runs(lambda p, key: run(p, key, everyone), (params, split[:, 1]), runs.parallel)
    return _over_runs(run, (params, split[:, 1], members), runs.parallel)


def _over_runs(run: Callable[..., Any], each: tuple[Any, ...], parallel: int | None) -> Any:
    """All runs at once, or `parallel` at a time."""
    if parallel is None:
        return jax.vmap(run)(*each)
    return jax.lax.map(lambda arguments: run(*arguments), each, batch_size=parallel)


def _one_run(
    network: Network,
    scores: tuple[Score, ...],
    runs: Runs,
    inputs: Array,
    labels: Array,
    history: bool,
    params: PyTree,
    order_key: Array,
    members: Array,
) -> tuple[tuple[Array, ...], Array]:
    per_epoch = runs.steps_per_epoch(members.shape[0])
    every = per_epoch // runs.evaluations
    sample = View(network, params, inputs[:1], labels[:1], network.apply(params, inputs[:1]))
    states = tuple(_start(score, sample, inputs, labels) for score in scores)

    def loss(params: PyTree, x: Array, y: Array) -> tuple[Array, Array]:
        logits = network.apply(params, x)
        return cross_entropy(logits, y).mean(), logits

    def train(carry: PyTree, step: Array) -> tuple[Any, None]:
        params, memory, path, states = carry
        epoch, place = step // per_epoch, step % per_epoch
        path = jax.lax.cond(
            place == 0,
            lambda: jax.random.permutation(jax.random.fold_in(order_key, epoch), members),
            lambda: path,
        )
        batch = jax.lax.dynamic_slice_in_dim(path, place * runs.batch_size, runs.batch_size)
        x, y = inputs[batch], labels[batch]
        (_, logits), slope = jax.value_and_grad(loss, has_aux=True)(params, x, y)
        view = View(network, params, x, y, logits)
        states = tuple(
            _record(score, state, view, epoch.astype(jnp.float32), batch) if score.when == "batch" else state
            for score, state in zip(scores, states, strict=True)
        )
        change, memory = runs.optimizer.update(slope, memory, params)
        return (optax.apply_updates(params, change), memory, path, states), None

    def segment(carry: PyTree, index: Array) -> tuple[Any, Any]:
        carry, _ = jax.lax.scan(train, carry, index * every + jnp.arange(every))
        params, memory, path, states = carry
        t = (index - runs.skip).astype(jnp.float32)
        seen = _evaluate(network, scores, runs.chunk, params, inputs, labels)
        states = tuple(
            state
            if value is None
            else jax.tree.map(partial(jnp.where, t >= 0), score.over_time.update(state, value, t), state)
            for score, state, value in zip(scores, states, seen, strict=True)
        )
        done = (index // runs.evaluations + 1).astype(jnp.float32)
        return (params, memory, path, states), finish(states, t + 1, done) if history else None

    def finish(states: PyTree, records: Array | int, epochs: Array | int) -> tuple[Array, ...]:
        return tuple(
            score.finish(score.over_time.finish(state, epochs if score.when == "batch" else records), labels)
            for score, state in zip(scores, states, strict=True)
        )

    total = runs.epochs * runs.evaluations
    carry = (params, runs.optimizer.init(params), members, states)
    carry, past = jax.lax.scan(segment, carry, jnp.arange(total))
    right = over_examples(
        lambda x, y: correct(network.apply(carry[0], x), y), inputs, labels, chunk=runs.chunk
    ).mean()
    if history:
        return tuple(values[runs.skip :] for values in past), right
    return finish(carry[3], total - runs.skip, runs.epochs), right


def _start(score: Score, sample: View, inputs: Array, labels: Array) -> Any:
    """The accumulator before the first record: zeros of the shape the measure returns, (P, ...)."""
    if score.when == "whole":
        return score.over_time.init(jnp.zeros(labels.shape[0]))
    value = jax.eval_shape(lambda: score.measure(sample))
    return score.over_time.init(jnp.zeros((labels.shape[0], *value.shape[1:]), value.dtype))


def _record(score: Score, state: PyTree, view: View, t: Array, batch: Array) -> Any:
    """Update the accumulator at the examples of the minibatch."""
    here = jax.tree.map(lambda s: s[batch], state)
    new = score.over_time.update(here, score.measure(view), t)
    return jax.tree.map(lambda s, n: s.at[batch].set(n, unique_indices=True), state, new)


def _evaluate(
    network: Network, scores: tuple[Score, ...], chunk: int, params: PyTree, inputs: Array, labels: Array
) -> tuple[Array | None, ...]:
    """Measure all examples, `chunk` at a time; None for the scores that look at the minibatch."""

    def piece(x: Array, y: Array) -> tuple[Array, ...]:
        view = View(network, params, x, y, network.apply(params, x))
        return tuple(score.measure(view) for score in scores if score.when == "evaluation")

    pieces = iter(over_examples(piece, inputs, labels, chunk=chunk))
    whole = any(score.when == "whole" for score in scores)
    view = View(network, params, inputs, labels, network.apply(params, inputs)) if whole else None
    return tuple(
        None
        if score.when == "batch"
        else score.measure(view)
        if score.when == "whole" and view is not None
        else next(pieces)
        for score in scores
    )
