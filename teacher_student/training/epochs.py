"""Training on finite data: many runs in one compiled program, the data on the device once.

Step t of a run, on the minibatch that `draw` picks from the shared examples:

    g = mask * d/dw mean cross-entropy,      u, memory = optimiser(g, memory),
    w <- w - rate * schedule(t / total) * factor * u

with the factor of the student's parametrisation (`teacher_student.students.flax_nets`). Runs differ in
their key, learning rate, order, mask and initial parameters; they are vmapped, and only these are stored
once per run. The whole run is one scan over the recorded steps, with a loop over minibatches inside. Runs
whose parameters together exceed the cache of a CPU go through it group by group. Student, optimiser,
draw and the number of runs and records shape the program; everything else is an argument and compiles
nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Integer, Key, PyTree
from numpy.typing import ArrayLike

from teacher_student.checks import within
from teacher_student.fixed_settings import fixed_settings
from teacher_student.pruning import rewound
from teacher_student.roles import FIRST_STEP, START
from teacher_student.students.flax_nets import CNN, MLP, rate_factors
from teacher_student.training.evaluation import RUNS, Labelled, blown_up, cross_entropy, evaluate
from teacher_student.training.optimisers import SCHEDULES, Optimiser

#: Parameters of the runs that are trained together on a CPU, in bytes, at most (if more than one run).
GROUP_BYTES = 4e6

#: (order of the run, key of the step, step) -> indices (B,) of the minibatch.
Draw = Callable[[Any, Any, Any], Any]


class State(NamedTuple):
    """What the next step needs, every array with a leading axis of runs except `step`.

    params : parameters; memory : state of the optimiser; step : steps done
    """

    params: Any
    memory: Any
    step: Array


class Training(NamedTuple):
    """What `train` returns.

    steps    : (T,) steps done at each record
    values   : "NAME_accuracy" and "NAME_loss" of every target set, (R, T)
    diverged : (R,) True where the parameters blew up at some record; do not average these
    state    : after the last record; its `params` are the trained parameters
    """

    steps: np.ndarray
    values: dict[str, np.ndarray]
    diverged: np.ndarray
    state: State


def listed(order: Array, key: Array, step: Array) -> Array:
    """The draw that reads a list of minibatches, order (T, B), row by row."""
    return order[step]


@fixed_settings(dtype=None)
def train(
    student: MLP | CNN,
    data: Labelled,
    targets: Mapping[str, Labelled],
    orders: PyTree,
    *,
    keys: Key[Array, " R"],
    rates: ArrayLike | Sequence[float],
    at: ArrayLike | Sequence[int],
    total: int | None = None,
    optimiser: Optimiser | None = None,
    draw: Draw = listed,
    masks: PyTree = None,
    initial: PyTree = None,
    state: State | None = None,
) -> Training:
    """Train R students at once.

    Parameters
    ----------
    student : MLP or CNN, see `teacher_student.students.flax_nets.make_student`
    data : what the minibatches are drawn from, shared by all runs
    targets : name -> examples that accuracy and loss are measured on, shared by all runs
    orders : pytree with leading axis R
        What `draw` needs of each run; for `listed` the minibatches, (R, total, B) indices.
    keys : (R,) typed keys
        Initial parameters (where `initial` is not given) and randomness of the draw; runs with equal keys
        share both.
    rates : (R,) or a number > 0
        Learning rate.
    at : whole numbers that do not decrease
        Steps after which to record; 0 is the start, the last one ends the run. A step that is repeated
        repeats its record at no cost, so that calls of different length may share a program.
    total : int, optional
        Length of the whole run, which the schedule refers to; default the last record. Give it when
        training in segments.
    optimiser : default plain sgd at a constant rate
    draw : (order, key of the step, step) -> (B,) indices, traceable
    masks : pytree like the parameters with leading axis R, optional
        0 where a weight is pruned: it is, and stays, exactly 0, and so does its optimiser state.
    initial : pytree of parameters with leading axis R, optional
        Start from these.
    state : State, optional
        Go on from where a shorter call ended; the same numbers as in one go.

    Returns
    -------
    Training

    Raises
    ------
    ValueError
        For records that decrease, lists of minibatches that are too short or point outside the data, a
        learning rate that is not positive, keys, rates, masks or parameters for another number of runs.

    Examples
    --------
    >>> from teacher_student.students.flax_nets import make_student
    >>> x = jax.random.normal(jax.random.key(0), (200, 2))
    >>> data = Labelled(x, (x[:, 0] * x[:, 1] > 0).astype(int))
    >>> orders = np.random.default_rng(0).integers(0, 200, (3, 500, 10))
    >>> keys = jax.random.split(jax.random.key(1), 3)
    >>> student = make_student("mlp", 32, 2)
    >>> found = train(student, data, {"test": data}, orders, keys=keys, rates=0.5, at=(0, 500))
    >>> accuracy = found.values["test_accuracy"]
    >>> accuracy.shape, bool((accuracy[:, -1] > 0.9).all())
    ((3, 2), True)
    """
    optimiser = optimiser or Optimiser()
    count = keys.shape[0]
    begin = 0 if state is None else int(state.step)
    steps = np.asarray(at)
    whole = steps.dtype.kind in "iu"
    if steps.ndim != 1 or not whole or steps.size == 0 or steps[0] < begin or (np.diff(steps) < 0).any():
        raise ValueError(f"at is {at}; need whole steps that do not decrease, the first at least {begin}")
    steps = steps.astype(np.int32)
    total = int(steps[-1]) if total is None else total
    within("the last record", int(steps[-1]), high=total)
    if draw is listed:
        orders = _check_list(orders, count, int(steps[-1]), data.labels.shape[0])
    speeds = np.broadcast_to(np.asarray(rates, np.float32), (count,))
    wrong = speeds[~((speeds > 0) & (speeds < np.inf))]
    if wrong.size:
        raise ValueError(f"rates has {wrong[0]}; need learning rates > 0 that are finite")
    if state is None:
        state = start(student, optimiser, data, keys, masks, initial)
    for what, tree in (("masks", masks), ("parameters", state.params), ("orders", orders)):
        if any(jnp.shape(leaf)[:1] != (count,) for leaf in jax.tree.leaves(tree)):
            raise ValueError(f"{what} need a leading axis of {count} runs, as many as keys")
    values, diverged, after = compiled(
        student, optimiser, draw, data, dict(targets), jax.tree.map(jnp.asarray, orders), keys,
        jnp.asarray(speeds), masks, state, jnp.asarray(steps), jnp.asarray(total, jnp.int32),
    )  # fmt: skip
    found = {name: np.asarray(value) for name, value in values.items()}
    return Training(steps, found, np.asarray(diverged), after)


def start(
    student: MLP | CNN,
    optimiser: Optimiser,
    data: Labelled,
    keys: Key[Array, " R"],
    masks: PyTree = None,
    initial: PyTree = None,
) -> State:
    """The state before the first step: drawn from the keys, or the `initial` parameters, masked."""
    params = initialise(student, keys, data.inputs[:1]) if initial is None else initial
    if masks is not None:
        params = rewound(params, masks)
    return State(params, _memory(optimiser, params), jax.device_put(np.int32(0)))


@partial(jax.jit, static_argnames="optimiser")
def _memory(optimiser: Optimiser, params: PyTree) -> Any:
    """The state of the optimiser of every run before its first step."""
    return jax.vmap(optimiser.transform().init)(params)


@partial(jax.jit, static_argnames="student")
def initialise(student: MLP | CNN, keys: Key[Array, " R"], sample: Float[Array, "1 ..."]) -> Any:
    """Parameters of every run, (R, ...); `sample` is one input."""
    # one after the other: an initialiser compiles several times faster than its vmap, and runs in no time
    return jax.lax.map(lambda key: student.init(jax.random.fold_in(key, START), sample), keys)


@partial(jax.jit, static_argnames=("student", "optimiser", "draw"))
def compiled(
    student: Any,
    optimiser: Optimiser,
    draw: Draw,
    data: Labelled,
    targets: dict[str, Labelled],
    orders: PyTree,
    keys: Key[Array, " R"],
    rates: Float[Array, " R"],
    masks: PyTree,
    state: State,
    at: Integer[Array, " T"],
    total: Integer[Array, ""],
) -> tuple[dict[str, Array], Bool[Array, " R"], State]:
    """`train` once its arguments are checked: one program for all runs -> values (R, T), diverged, state."""
    transform, schedule = optimiser.transform(), SCHEDULES[optimiser.schedule]

    def update(step, params, memory, order, key, rate, mask):
        batch = draw(order, jax.random.fold_in(key, FIRST_STEP + step), step)
        x, y = data.inputs[batch], data.labels[batch]
        slope = jax.grad(lambda p: cross_entropy(student.apply(_turned(p), x), y).mean())(params)
        if mask is not None:
            slope = jax.tree.map(jnp.multiply, slope, _turned(mask))
        with jax.numpy_dtype_promotion("standard"):  # optax counts steps in whole numbers
            change, memory = transform.update(slope, memory, params)
        size = rate * schedule(step.astype(jnp.float32) / total.astype(jnp.float32))
        factors = rate_factors(student, _turned(params), optimiser.name)
        return jax.tree.map(lambda p, u, f: p - size * f * u, params, change, factors), memory

    updates: Any = jax.vmap(update, (None, 0, 0, 0, 0, 0, 0))
    beside = None if jax.default_backend() == "cpu" else min(RUNS, rates.shape[0])

    def look(params):
        seen = {}
        for name, examples in targets.items():
            loss, right = jax.lax.map(partial(evaluate, student, examples), params, batch_size=beside)
            seen |= {f"{name}_accuracy": right, f"{name}_loss": loss}
        return seen, jax.lax.map(blown_up, params, batch_size=beside)

    def one_group(group: PyTree) -> Any:
        params, memory, own = group[0], group[1], group[2:]

        def advance(step, carry):
            return updates(step, *carry, *own)

        def segment(carry, stop):
            (params, memory), begin, last, seen = carry
            turned = jax.lax.fori_loop(begin, stop, advance, jax.vmap(_turned)((params, memory)))
            params, memory = jax.vmap(_turned)(turned)
            seen = jax.lax.cond(stop > last, look, lambda _: seen, params)
            return ((params, memory), stop, stop, seen), seen

        blank = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), jax.eval_shape(look, params))
        begin = ((params, memory), state.step, jnp.full_like(at[0], -1), blank)
        (trained, *_), (values, diverged) = jax.lax.scan(segment, begin, at)
        return trained, jax.tree.map(lambda x: x.T, values), diverged.any(0)

    count = rates.shape[0]
    size = group_size(state.params, count, getattr(student, "alone", False))
    rows = jnp.arange(-(-count // size) * size).reshape(-1, size) % count
    grouped = jax.tree.map(lambda x: x[rows], (state.params, state.memory, orders, keys, rates, masks))
    found = jax.lax.map(one_group, grouped)
    (params, memory), values, diverged = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[:count], found)
    return values, diverged, State(params, memory, at[-1])


def group_size(params: PyTree, runs: int, alone: bool = False) -> int:
    """Runs that are trained together: on a CPU as many as keep their parameters in its cache, else all.

    On a CPU each run is `alone` where one student's activations fill the cache.
    """
    if jax.default_backend() != "cpu":
        return runs
    if alone:
        return 1
    one = sum(leaf.nbytes for leaf in jax.tree.leaves(params)) / runs
    groups = -(-runs // max(1, int(GROUP_BYTES / one)))
    return -(-runs // groups)


def _turned(tree: PyTree) -> Any:
    """All arrays that end in (n_in, n_out) with these axes swapped.

    Inside the loop weights are kept as (n_out, n_in): the gradient of a batch of matrices is then written
    row by row as it is computed, two to three times as fast on a CPU.
    """
    return jax.tree.map(lambda x: jnp.swapaxes(x, -1, -2) if x.ndim > 1 else x, tree)


def _check_list(orders: PyTree, runs: int, steps: int, examples: int) -> np.ndarray:
    """Lists of minibatches as int32, refused when they are too short or point outside the data."""
    lists = np.asarray(orders)
    if lists.ndim != 3 or lists.dtype.kind not in "iu" or lists.shape[0] != runs or lists.shape[1] < steps:
        raise ValueError(
            f"orders has shape {lists.shape}; need whole numbers ({runs} runs, at least {steps} steps, batch)"
        )
    if lists.size and not (lists.min() >= 0 and lists.max() < examples):
        raise ValueError(
            f"orders holds indices {lists.min()}..{lists.max()}, but there are {examples} examples"
        )
    return lists.astype(np.int32)
