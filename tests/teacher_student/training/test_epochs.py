"""Training on finite data: the right steps, many runs in one program, masks, segments, failures."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from teacher_student.students.flax_nets import make_student, rate_factors
from teacher_student.training import epochs
from teacher_student.training.epochs import initialise, train
from teacher_student.training.evaluation import Labelled, over_examples
from teacher_student.training.optimisers import SCHEDULES, Optimiser

pytestmark = pytest.mark.usefixtures("quick_module")

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(90, 6)).astype(np.float32)
DATA = Labelled(jnp.asarray(INPUTS), jnp.asarray((INPUTS[:, 0] * INPUTS[:, 1] > 0).astype(np.int32)))
TEST = {"test": Labelled(DATA.inputs[60:], DATA.labels[60:])}
STUDENT = make_student("mlp", 5, 2)
KEYS = jax.random.split(jax.random.key(0), 3)
ORDERS = RNG.integers(0, 60, (3, 12, 4))


PROGRAM: Any = epochs.compiled


def run(student=STUDENT, orders: Any = ORDERS, **changes):
    settings: dict[str, Any] = {"keys": KEYS, "rates": 0.1, "at": (0, 5, 12)} | changes
    return train(student, DATA, TEST, orders, **settings)


def leaves_equal(one, two):
    jax.tree.map(np.testing.assert_array_equal, one, two)


def by_hand(student, params, orders, rates, optimiser, schedule):
    """Runs as plain optax loops, one after the other."""

    @jax.jit
    def step(params, state, batch, rate):
        def loss(p):
            logits = student.apply(p, DATA.inputs[batch])
            return -jnp.mean(jax.nn.log_softmax(logits)[np.arange(len(batch)), DATA.labels[batch]])

        with jax.numpy_dtype_promotion("standard"):
            update, state = optimiser.update(jax.grad(loss)(params), state, params)
        factors = rate_factors(student, params, "adam")  # 1 where it has the standard parametrisation
        return jax.tree.map(lambda p, f, u: p - rate * f * u, params, factors, update), state

    for r, rate in enumerate(rates):
        own = jax.tree.map(lambda x, r=r: x[r], params)
        state = optimiser.init(own)
        for number, batch in enumerate(orders[r]):
            own, state = step(own, state, batch, np.float32(rate * schedule(number / len(orders[r]))))
        yield own


#: Optimisers, what they multiply rates by at a share of the run, and who learns, adam at rates of its own.
KINDS = {
    "sgd": (Optimiser(), optax.identity(), lambda share: 1.0, STUDENT),
    "momentum": (
        Optimiser("momentum", "cosine"), optax.trace(0.9), lambda share: 0.5 * (1 + np.cos(np.pi * share)),
        STUDENT,
    ),
    "adam": (
        Optimiser("adam", "linear"), optax.scale_by_adam(), lambda share: 1 - share,
        make_student("mlp", 5, 2, "mean_field", depth=2),
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_runs_are_those_of_a_plain_loop(name):
    kind, transform, schedule, student = KINDS[name]
    rates = np.array([0.1, 0.05, 0.2])
    found = run(student, optimiser=kind, rates=rates).state.params
    start = initialise(student, KEYS, DATA.inputs[:1])
    for r, expected in enumerate(by_hand(student, start, ORDERS, rates, transform, schedule)):
        mine = jax.tree.map(lambda x, r=r: x[r], found)
        jax.tree.map(partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-6), mine, expected)


def test_mean_field_is_the_two_layer_network_with_its_own_rates():
    """f = sum_k v_k relu(w_k . x + b_k) + c, v = a / K; rates of w, b: K eta, of v: eta / K, of c: eta."""
    k, eta = 5, 0.1
    student = make_student("mlp", k, 2, "mean_field")
    start = jax.tree.map(np.asarray, initialise(student, KEYS, DATA.inputs[:1]))["params"]
    end = jax.tree.map(np.asarray, run(student, rates=eta).state.params)["params"]
    for r in range(3):
        w, b = start["Dense_0"]["kernel"][r].copy(), start["Dense_0"]["bias"][r].copy()
        v, c = start["Dense_1"]["kernel"][r] / k, start["Dense_1"]["bias"][r].copy()
        for batch in ORDERS[r]:
            x, y = INPUTS[batch], np.eye(2)[np.asarray(DATA.labels[batch])]
            pre = x @ w + b
            hidden = np.maximum(pre, 0)
            logits = hidden @ v + c
            p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            g = (p - y) / len(batch)
            back = (g @ v.T) * (pre > 0)
            w, b = w - k * eta * x.T @ back, b - k * eta * back.sum(0)
            v, c = v - eta / k * hidden.T @ g, c - eta * g.sum(0)
        np.testing.assert_allclose(end["Dense_0"]["kernel"][r], w, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(end["Dense_1"]["kernel"][r] / k, v, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(end["Dense_0"]["bias"][r], b, rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(end["Dense_1"]["bias"][r], c, rtol=1e-3, atol=1e-5)


def test_records_are_accuracy_and_loss_of_the_targets_at_the_steps_asked_for():
    found = run()
    assert found.steps.tolist() == [0, 5, 12]
    outputs = jax.jit(jax.vmap(STUDENT.apply, (0, None)))
    final = outputs(found.state.params, TEST["test"].inputs)
    right = (np.argmax(final, -1) == np.asarray(TEST["test"].labels)).mean(1)
    np.testing.assert_allclose(found.values["test_accuracy"][:, -1], right, rtol=1e-6)
    first = outputs(initialise(STUDENT, KEYS, DATA.inputs[:1]), TEST["test"].inputs)
    loss = -np.take_along_axis(
        np.asarray(jax.nn.log_softmax(first)), np.asarray(TEST["test"].labels)[None, :, None], -1
    ).mean((1, 2))
    np.testing.assert_allclose(found.values["test_loss"][:, 0], loss, rtol=1e-5)


def test_evaluation_in_pieces_counts_every_example_once():
    values = jnp.arange(7.0)
    assert over_examples(lambda x: 2 * x, values, chunk=3).tolist() == (2 * values).tolist()


def test_schedules_at_the_start_the_middle_and_the_end():
    points = {name: [float(f(jnp.asarray(x))) for x in (0.0, 0.5, 1.0)] for name, f in SCHEDULES.items()}
    assert points["constant"] == [1, 1, 1]
    assert points["linear"] == [1, 0.5, 0]
    np.testing.assert_allclose(points["cosine"], [1, 0.5, 0], atol=1e-6)
    middle = 0.5 * (1 + np.cos(np.pi * 4 / 9))
    np.testing.assert_allclose(points["warmup_cosine"], [0, middle, 0], atol=1e-6)
    assert float(SCHEDULES["warmup_cosine"](jnp.asarray(0.05))) == pytest.approx(0.5)


def is_tree(t):
    return isinstance(t, dict)


@pytest.mark.slow
@pytest.mark.parametrize(("student", "name"), [("mlp", "momentum"), ("cnn", "adam")])
def test_masked_weights_stay_exactly_zero_everywhere(name, student):
    images = Labelled(DATA.inputs[:, :1].repeat(16, 1).reshape(90, 4, 4, 1), DATA.labels)
    model = make_student(student, 3, 2)
    params = initialise(model, KEYS, images.inputs[:1])
    masks = jax.tree.map(lambda p: RNG.integers(0, 2, p.shape).astype(p.dtype), params)
    found = train(
        model, images, {}, ORDERS, keys=KEYS, rates=0.1, at=(12,), masks=masks, optimiser=Optimiser(name)
    )
    memories = [t for t in jax.tree.leaves(found.state.memory, is_leaf=is_tree) if is_tree(t)]
    assert len(memories) == {"momentum": 1, "adam": 2}[name]
    for tree in [found.state.params, *memories]:
        jax.tree.map(lambda x, m: np.testing.assert_array_equal(np.asarray(x)[m == 0], 0), tree, masks)
    end, begin = jax.tree.map(np.asarray, (found.state.params, params))
    kept = jax.tree.map(lambda p, q, m: bool(((p - q) * m).any()), end, begin, masks)
    assert any(jax.tree.leaves(kept))


def test_initial_parameters_can_be_given():
    start = initialise(STUDENT, KEYS[::-1], DATA.inputs[:1])
    leaves_equal(run(initial=start, at=(0, 0, 0)).state.params, start)
    leaves_equal(run(initial=start).state.params, run(keys=KEYS[::-1]).state.params)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_segments_give_the_bits_of_one_go(name):
    kind, *_, student = KINDS[name]
    whole = run(student, optimiser=kind, at=(0, 5, 12))
    first = run(student, optimiser=kind, at=(0, 0, 5), total=12)
    second = run(student, optimiser=kind, at=(8, 8, 12), state=first.state)
    leaves_equal(second.state, whole.state)
    joined = np.stack([*first.values["test_loss"].T[1:], second.values["test_loss"][:, -1]], 1)
    np.testing.assert_array_equal(joined, whole.values["test_loss"])


def test_a_run_does_not_feel_the_others():
    wild, calm = run(rates=np.array([0.1, 1e7, 0.1])), run()
    assert wild.diverged.tolist() == [False, True, False]
    assert not calm.diverged.any()
    leaves_equal(*(jax.tree.map(lambda x: np.asarray(x)[::2], t.state.params) for t in (wild, calm)))
    assert np.isfinite(wild.values["test_loss"][[0, 2]]).all()


def pool(order, key, step):
    """A draw that uses its key: from the first order[step] examples, with replacement."""
    return jax.random.randint(key, (4,), 0, order[step])


@pytest.mark.slow
def test_any_draw_serves_and_equal_keys_share_start_and_draws():
    limits = jnp.asarray(np.tile(np.arange(1, 13), (3, 1)))
    found = jax.tree.map(
        np.asarray, run(orders=limits, draw=pool, keys=KEYS[jnp.array([0, 1, 0])]).state.params
    )
    first, second, third = (jax.tree.map(lambda x, r=r: x[r], found) for r in range(3))
    leaves_equal(first, third)
    assert not np.array_equal(first["params"]["Dense_0"]["kernel"], second["params"]["Dense_0"]["kernel"])


@pytest.mark.slow
def test_one_compilation_per_width():
    compiled = PROGRAM._cache_size()
    for width in (3, 4):
        for rate in (0.1, 0.3):
            for at in ((0, 4, 12), (1, 2, 9)):
                run(
                    make_student("mlp", width, 2), orders=RNG.permutation(ORDERS), rates=rate, at=at, total=12
                )
    assert PROGRAM._cache_size() == compiled + 2


@pytest.mark.slow
def test_the_data_is_on_the_device_once():
    """What the program needs beside its arguments does not grow with runs x data."""
    data = Labelled(jnp.zeros((4000, 50)), jnp.zeros(4000, jnp.int32))
    needed = {}
    for runs in (2, 32):
        keys = jax.random.split(jax.random.key(0), runs)
        state = epochs.start(STUDENT, Optimiser(), data, keys)
        orders = jnp.zeros((runs, 3, 4), jnp.int32)
        account = PROGRAM.lower(
            STUDENT, Optimiser(), epochs.listed, data, {}, orders, keys, jnp.full(runs, 0.1), None, state,
            jnp.array([3], jnp.int32), jnp.asarray(3, jnp.int32),
        ).compile().memory_analysis()  # fmt: skip
        needed[runs] = account.temp_size_in_bytes + account.argument_size_in_bytes
    assert needed[32] - needed[2] < data.inputs.nbytes / 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"at": (5, 4)}, "need whole steps that do not decrease"),
        ({"at": ()}, "need whole steps that do not decrease"),
        ({"at": np.array([0, 4.5])}, "need whole steps that do not decrease"),
        ({"rates": float("inf")}, "rates has inf; need learning rates > 0 that are finite"),
        ({"rates": float("nan")}, "rates has nan; need learning rates > 0 that are finite"),
        ({"at": (0, 13)}, "at least 13 steps"),
        ({"orders": ORDERS[:2]}, "3 runs"),
        ({"orders": ORDERS + 60}, "but there are 90 examples"),
        ({"orders": ORDERS.astype(float)}, "need whole numbers"),
        ({"rates": 0.0}, "learning rates > 0"),
        ({"rates": np.array([0.1, np.nan, 0.1])}, "learning rates > 0"),
        ({"total": 11}, "the last record is 12"),
        ({"masks": {"w": jnp.ones((2, 3))}, "initial": {"w": jnp.ones((2, 3))}}, "leading axis of 3 runs"),
    ],
)
def test_bad_arguments_are_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        run(**changes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "rmsprop"}, "unknown optimiser 'rmsprop'; known: adam, momentum, sgd"),
        ({"schedule": "exp"}, "unknown learning rate schedule 'exp'; known: constant"),
        ({"decay": 1.5}, "decay is 1.5"),
    ],
)
def test_bad_optimisers_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Optimiser(**fields)


def test_groups_of_runs_give_the_bits_of_all_at_once(monkeypatch):
    """Three runs in groups of two, the last one filled up, against all three together."""
    together = run(optimiser=KINDS["momentum"][0])
    monkeypatch.setattr(epochs, "GROUP_BYTES", 2.5 * 4 * (6 * 5 + 5 + 5 * 2 + 2))
    assert epochs.group_size(together.state.params, 3) == 2
    PROGRAM.clear_cache()
    apart = run(optimiser=KINDS["momentum"][0])
    PROGRAM.clear_cache()
    leaves_equal(apart.state, together.state)
    for name, values in together.values.items():
        np.testing.assert_array_equal(apart.values[name], values)
