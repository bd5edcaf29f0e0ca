"""Many epochs over a fixed set of examples: all runs in one compiled program, the data on the device once.

An epoch shows P examples, B at a time, in P / B steps of

    g = grad (1/B) sum_batch loss(f(x), y) + decay * w,      u, memory = optimiser(g, memory),
    w <- w - rate * schedule(epochs done / all) * u

Which examples it shows is the `Plan` of the run: a path through the bank, easiest first as a rule, and
windows of it. In the epoch of a window of m examples these are shown in a new random order, over and over
until P have been shown (or in the order of the path, where the run does not shuffle). A run moves on to its
next window once its accuracy on the test set of this one has reached `stop`; at stop = 0 after every epoch.
So a curriculum is a row of growing windows, and growing inputs are windows that follow each other.

Runs differ in their plan, key and rate. The whole run is one scan over the records with a loop over epochs
and one over steps inside; student, loss, optimiser and sizes shape the program, everything else is an
argument and compiles nothing. On a CPU runs whose parameters together exceed its cache go through it group
by group.

What else is measured is named in `finite_parts.QUANTITIES`. The path is that of the bias of the first layer,
b <- b - rate d loss / d b, which for a network without one is the shift of its pre-activations that SGD would
make: at B = 1 its steps |db| bound the gradient of f,

    sigma_min(W) |db| / (rate |l'|) <= |grad_x f| <= sigma_max(W) |db| / (rate |l'|)

(Loukas, Poiitis, Jegelka, NeurIPS 2021, arXiv 2106.04186).
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Int, Integer, Key, PyTree

from teacher_student.checks import within
from teacher_student.roles import FIRST_STEP, START
from teacher_student.students.lipschitz import lipschitz, steepest
from teacher_student.students.plain import PlainNet
from teacher_student.training.epochs import group_size
from teacher_student.training.evaluation import blown_up
from teacher_student.training.finite_parts import (
    LOSSES,
    PROBES,
    Bank,
    Plan,
    Setting,
    check,
    gradient_norm,
    right,
    shown,
    slopes,
)
from teacher_student.training.optimisers import SCHEDULES, Optimiser


class State(NamedTuple):
    """What the next epoch needs, every array with a leading axis R except `epoch`."""

    params: Any
    memory: Any
    stage: Int[Array, "*R"]
    solved: Float[Array, "*R"]
    moved: Float[Array, "*R K"]
    length: Float[Array, "*R"]
    square: Float[Array, "*R"]


class Training(NamedTuple):
    """What `train` returns.

    values   : train_loss, train_accuracy, test_loss, test_accuracy and what was asked for, (R, T)
    diverged : (R,) True where the parameters blew up at some record; do not average these
    params   : after the last epoch
    """

    values: dict[str, np.ndarray]
    diverged: np.ndarray
    params: Any


def train(
    net: PlainNet,
    bank: Bank,
    tests: Bank,
    plan: Plan,
    *,
    setting: Setting,
    keys: Key[Array, " R"],
    rates: Float[np.ndarray, " R"],
    at: Integer[np.ndarray, " T"],
    decay: float = 0.0,
    stop: float = 0.0,
) -> Training:
    """Train R networks at once.

    Parameters
    ----------
    net : PlainNet
    bank : Bank, what the paths of all runs go through
    tests : Bank with a leading axis G of test sets; the last one is recorded
    plan : Plan
    setting : Setting
    keys : (R,) typed keys: start and order; runs with equal keys share both
    rates : (R,) learning rates > 0, of the mean loss of a minibatch
    at : (T,) whole numbers that do not decrease, epochs after which to record; the last one ends the run
        An epoch that is repeated repeats its record at no cost.
    decay : float >= 0, of the weights; part of the gradient
    stop : float in [0, 1], accuracy at which a run moves on to its next window; 0 = after every epoch

    Examples
    --------
    >>> x = jax.random.normal(jax.random.key(0), (200, 10))
    >>> bank = Bank(x, jnp.sign(x[:, :1]))
    >>> tests = Bank(bank.inputs[None, 100:], bank.labels[None, 100:])
    >>> plan = Plan(np.arange(100)[None], np.array([[[0, 100, 0]]]), np.array([True]))
    >>> setting = Setting(100, 10, "logistic", Optimiser())
    >>> found = train(PlainNet("two_layer", 20), bank, tests, plan, setting=setting,
    ...               keys=jax.random.split(jax.random.key(1), 1), rates=np.full(1, 0.3),
    ...               at=np.array([0, 30]))
    >>> bool(found.values["test_accuracy"][0, 1] > 0.9)
    True
    """
    check(net, setting)
    n_inputs = int(np.prod(bank.inputs.shape[1:]))
    net.check_inputs(n_inputs)
    within("decay", decay, low=0)
    within("stop", stop, 0, 1)
    state = started(net, setting.optimiser, n_inputs, keys)
    values, diverged, params = compiled(
        net, setting, bank, tests, jax.tree.map(jnp.asarray, plan), keys, jnp.asarray(rates, jnp.float32),
        state, jnp.asarray(at, jnp.int32), jnp.asarray(decay, jnp.float32), jnp.asarray(stop, jnp.float32),
    )  # fmt: skip
    return Training({name: np.asarray(v) for name, v in values.items()}, np.asarray(diverged), params)


@partial(jax.jit, static_argnames=("net", "optimiser", "n_inputs"))
def started(net: PlainNet, optimiser: Optimiser, n_inputs: int, keys: Key[Array, " R"]) -> State:
    """The state of every run before its first epoch."""
    params = jax.vmap(lambda key: net.init(jax.random.fold_in(key, START), n_inputs))(keys)
    blank = jnp.zeros(keys.shape)
    memory = jax.vmap(optimiser.transform().init)(params)
    moved = jnp.zeros((*keys.shape, net.shift().size))
    return State(params, memory, blank.astype("int32"), blank + jnp.inf, moved, blank, blank)


@partial(jax.jit, static_argnames=("net", "setting"))
def compiled(
    net: PlainNet,
    setting: Setting,
    bank: Bank,
    tests: Bank,
    plan: Plan,
    keys: Key[Array, " R"],
    rates: Float[Array, " R"],
    state: State,
    at: Integer[Array, " T"],
    decay: Float[Array, ""],
    stop: Float[Array, ""],
) -> tuple[dict[str, Array], Bool[Array, " R"], PyTree]:
    """`train` once its arguments are checked: one program for all runs."""
    count, batch, loss = setting.n_examples, setting.batch_size, LOSSES[setting.loss]
    transform, schedule = setting.optimiser.transform(), SCHEDULES[setting.optimiser.schedule]
    paths = any(name.startswith("path") for name in setting.record)
    steps, target = count // batch, jax.tree.map(lambda part: part[-1], tests)
    epochs = at[-1].astype(jnp.float32)

    def update(state: State, rows: Array, rate: Array, done: Array) -> State:
        x, y = bank.inputs[rows], bank.labels[rows]
        slope, by_shift = slopes(net, setting.loss, state.params, x, y)
        slope = jax.tree.map(
            lambda g, p, on: g + on * decay * p, slope, state.params, net.moves(state.params)
        )
        with jax.numpy_dtype_promotion("standard"):  # optax counts steps in whole numbers
            change, memory = transform.update(slope, state.memory, state.params)
        size = rate * schedule(done)
        params = jax.tree.map(lambda p, u: p - size * u, state.params, change)
        state = state._replace(params=params, memory=memory)
        if not paths:
            return state
        step = size * by_shift
        square = jnp.sum(step * step)
        return state._replace(
            moved=state.moved + step, length=state.length + jnp.sqrt(square), square=state.square + square
        )

    def accuracy(params: PyTree, which: Array) -> Array:
        f = net.apply(params, tests.inputs[which])
        return right(f, tests.labels[which]).mean()

    def move_on(state: State, windows: Array, epoch: Array) -> State:
        """After an epoch: to the next window, if this one is learnt."""
        last = windows.shape[0] - 1
        learnt = accuracy(state.params, windows[state.stage, 2]) >= stop
        end = learnt & (windows[state.stage, 2] == tests.labels.shape[0] - 1)
        solved = jnp.where(end, jnp.minimum(state.solved, epoch.astype(jnp.float32) + 1), state.solved)
        return state._replace(stage=jnp.minimum(state.stage + learnt.astype("int32"), last), solved=solved)

    def look(state: State, path: Array, done: Array) -> dict[str, Array]:
        rows = path[-count:]
        f, y = net.apply(state.params, bank.inputs[rows]), bank.labels[rows]
        g = net.apply(state.params, target.inputs)
        seen = {
            "train_loss": loss(f, y).mean(),
            "train_accuracy": right(f, y).mean(),
            "test_loss": loss(g, target.labels).mean(),
            "test_accuracy": right(g, target.labels).mean(),
        }
        if "lipschitz" in setting.record:
            seen["lipschitz"] = lipschitz(state.params[0]["w"], state.params[1]["w"][0])
        if "steepest" in setting.record:
            inputs = jnp.concatenate([bank.inputs[rows], target.inputs[:PROBES]])
            seen["steepest"] = steepest(state.params[0]["w"], state.params[1]["w"][0], inputs)
        if "gradient_norm" in setting.record:
            seen["gradient_norm"] = gradient_norm(net, state.params, target.inputs[:PROBES])
        if paths:
            n = jnp.maximum(done.astype(jnp.float32) * steps, 1)
            variance = (state.square - jnp.sum(state.moved**2) / n) / n
            seen |= {"path_length": state.length, "path_variance": variance}
        return seen | ({"solved": state.solved} if "solved" in setting.record else {})

    updates: Any = jax.vmap(update, (0, 0, 0, None))

    def one_group(group: PyTree) -> Any:
        state, plan, keys, rates = group

        def epoch(number: Array, state: State) -> State:
            def order(
                key: Key[Array, ""], path: Array, windows: Array, shuffle: Array, stage: Array
            ) -> Array:
                own = jax.random.fold_in(key, FIRST_STEP + number)
                return path[shown(own, windows[stage], shuffle, count, path.shape[0])]

            rows = jax.vmap(order)(keys, plan.path, plan.windows, plan.shuffle, state.stage)
            done = number.astype(jnp.float32) / epochs

            def step(i: Array, state: State) -> State:
                part = jax.lax.dynamic_slice_in_dim(rows, i * batch, batch, 1)
                return updates(state, part, rates, done)

            state = jax.lax.fori_loop(0, steps, step, state)
            last = plan.windows.shape[1] - 1
            return jax.lax.cond(
                stop > 0,
                lambda s: jax.vmap(move_on, (0, 0, None))(s, plan.windows, number),
                lambda s: s._replace(stage=jnp.minimum(s.stage + 1, last)),
                state,
            )

        def segment(carry: PyTree, until: Array) -> Any:
            state, begin, last, seen = carry
            state = jax.lax.fori_loop(begin, until, epoch, state)
            seen = jax.lax.cond(until > last, partial(all_seen, until), lambda _: seen, state)
            return (state, until, until, seen), seen

        def all_seen(done: Array, state: State) -> Any:
            def one(run: tuple[State, Array]) -> Any:
                own, path = run
                return look(own, path, done), blown_up(own.params)

            return jax.lax.map(one, (state, plan.path))

        shapes = jax.eval_shape(partial(all_seen, at[0]), state)
        blank = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)
        begin = (state, jnp.zeros_like(at[0]), jnp.full_like(at[0], -1), blank)
        (state, *_), (values, diverged) = jax.lax.scan(segment, begin, at)
        return state.params, jax.tree.map(lambda x: x.T, values), diverged.any(0)

    runs = rates.shape[0]
    size = group_size(state.params, runs)
    rows = jnp.arange(-(-runs // size) * size).reshape(-1, size) % runs
    grouped = jax.tree.map(lambda x: x[rows], (state, plan, keys, rates))
    found = jax.lax.map(one_group, grouped)
    params, values, diverged = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[:runs], found)
    return values, diverged, params
