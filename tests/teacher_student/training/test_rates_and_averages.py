"""Learning rates over time and averages of iterates: SGD written out, full vectors, Gram space, equations.

SGD written out is a loop over samples with JAX's gradient of the loss by all weights, each step at its own
rate, and the mean of the weights that it leaves at the ends of chunks.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from theory_tools import skewed_start

import teacher_student as ts
from teacher_student.rate_schedules import PARTS, RATE_SCHEDULES, Pace, rate_factors, rate_table
from teacher_student.students.two_layer import Params, TwoLayer
from teacher_student.training.averages import Averaging, Followed, average_shares
from teacher_student.training.full import FullVectors
from teacher_student.training.gram import GramSpace
from teacher_student.training.lanes import run_lanes
from teacher_student.training.plan import prepare
from teacher_student.training.simulate import run_plans
from teacher_student.training.streams import replicate_keys

pytestmark = pytest.mark.usefixtures("quick_module")

TASK = ts.SparseTeacher(30, relevant=0.5)
CHUNK, CHUNKS, ETA = 4, 4, 1.5
FACTORS = np.random.default_rng(0).uniform(0.2, 2, CHUNK * CHUNKS)
#: The tail is the last three chunks.
SHARES = (1.0, 1.0, 1 / 2, 1 / 3)


def averaging(simulator, student, dtype, **settings):
    return Averaging(simulator(TASK, Followed(student), CHUNK, dtype, **settings))


def followed(runner, student, initial=None):
    """Key, factors, shares -> overlaps of the average after all chunks; one program."""
    scaling = jax.tree.map(lambda x: jnp.asarray(x, runner.dtype), student.scaling(ETA, TASK.n_inputs))
    level = {"noise": jnp.ones(CHUNK, runner.dtype)}

    def run(key, factors, shares):
        teacher = runner.teacher(key)

        def chunk(state, at):
            t, factor, share = at
            samples, on = runner.draw(key, teacher, t), jnp.ones(CHUNK, bool)
            pace = Pace(factor, share)
            return runner.advance(state, teacher, samples, level, on, scaling, pace), None

        begin = runner.init(key, teacher, scaling, initial)
        numbers = (jnp.asarray(x, runner.dtype) for x in (factors.reshape(CHUNKS, CHUNK), shares))
        end, _ = jax.lax.scan(chunk, begin, (CHUNK * jnp.arange(CHUNKS), *numbers))
        return runner.overlaps(end, teacher)

    return run


def written_out(student, key):
    """M, Gram matrices and theta of the mean of the iterates at the ends of the last three chunks."""
    full = FullVectors(TASK, student, CHUNK, "float64")
    scaling = jax.tree.map(jnp.float64, student.scaling(ETA, TASK.n_inputs))

    @jax.jit
    def begin():
        teacher = full.teacher(key)
        return teacher, full.init(key, teacher, scaling, None)

    @jax.jit
    def data(t):
        return full.inputs(full.draw(key, teacher, t), teacher, {"noise": jnp.ones(CHUNK)})

    @jax.jit
    def step(own, x, y, rate):
        def loss(own):
            return student.losses(student.output(own.v, own.w @ x), y)

        return jax.tree.map(lambda w, g: w - rate * g, own, jax.grad(loss)(own))

    teacher, own = begin()
    kept = []
    for c in range(CHUNKS):
        inputs, labels = map(np.asarray, data(CHUNK * c))
        for i in range(CHUNK):
            own = step(own, inputs[i], labels[i], FACTORS[CHUNK * c + i] * ETA / TASK.n_inputs)
        kept.append(own)
    w, v = jax.tree.map(lambda *x: np.mean(x[1:], 0), *kept)
    return full.overlaps(Params(w, v), teacher)


@pytest.mark.slow
@pytest.mark.parametrize("student", [TwoLayer(2), ts.Deep(2, "erf", depth=2)], ids=["two-layer", "deep"])
def test_full_vectors_are_sgd_written_out(student, float64):
    key = replicate_keys(3, [5])[0]
    truth = written_out(student, key)
    for stepwise in (False, True):
        run = jax.jit(followed(averaging(FullVectors, student, "float64", stepwise=stepwise), student))
        found = run(key, FACTORS, np.array(SHARES))
        for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(truth), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-12)
        last = run(key, FACTORS, np.ones(CHUNKS))
        assert np.abs(last.gram - truth.gram).max() > 1e-3


@pytest.mark.slow
def test_gram_space_has_the_law_of_full_vectors():
    """Equal in law, by Bonferroni-corrected Kolmogorov-Smirnov tests; other averages and rates are seen."""
    student = TwoLayer(2)
    start = jax.tree.map(jnp.float32, skewed_start(TASK, 2, seed=5))

    def features(simulator):
        run = followed(averaging(simulator, student, "float32"), student, start)
        program = jax.jit(jax.vmap(run, (0, None, None)))

        def of(seed, factors, shares):
            found = program(replicate_keys(seed, np.arange(2000)), factors, shares)
            gram = np.asarray(found.gram)[..., *np.tril_indices(2)].reshape(2000, -1)
            return np.concatenate(
                [found.along[..., 0], gram, found.readout, found.along[..., 0] * gram[:, :2]], 1
            )

        return of

    def smallest_p(a, b):
        p = [stats.ks_2samp(x, y).pvalue for x, y in zip(a.T, b.T, strict=True)]  # pyright: ignore[reportAttributeAccessIssue]
        return min(p) * len(p)

    shares, gram = np.array(SHARES), features(GramSpace)
    full = features(FullVectors)(1, FACTORS, shares)
    assert smallest_p(gram(0, FACTORS, shares), full) > 0.01
    assert smallest_p(gram(0, FACTORS, np.ones(CHUNKS)), full) < 1e-3
    assert smallest_p(gram(0, 1.3 * FACTORS, shares), full) < 1e-3


RUN: dict[str, Any] = {"protocol": "curriculum", "easy": 0.1, "hard": 1.0, "learning_rate": 0.7}


def test_rates_that_stay_are_no_schedule():
    hows: list[dict[str, Any]] = [{}, {"rates": "constant"}, {"rates": [1.0, 1.0]}, {"rates": [0.5]}]
    runs = [
        ts.simulate(TASK, TwoLayer(2), budget=2, n_records=2, n_test=8, record=("Q", "v"), **RUN, **how)
        for how in hows
    ]
    for name in ("Q", "v"):
        np.testing.assert_array_equal(runs[1].values[name], runs[0].values[name])
        np.testing.assert_array_equal(runs[2].values[name], runs[0].values[name])
        assert np.abs(runs[3].values[name] - runs[0].values[name]).max() > 1e-2


@pytest.mark.slow
def test_equations_meet_the_simulation(float64):
    """Cosine decay, in standard errors, from one start, at the end and in the middle of the tail."""
    task, student = ts.SparseTeacher(300, relevant=0.3), TwoLayer(2, "erf")
    call: dict[str, Any] = {
        "protocol": "curriculum", "easy": 0.2, "hard": 2.0, "budget": 4, "learning_rate": 1.5, "n_records": 4,
        "record": ("M", "Q", "v"), "initial": skewed_start(task, 2),
    }  # fmt: skip
    how = {"rates": "cosine", "average": 0.6}
    runs = ts.simulate(task, student, replicates=64, dtype="float64", n_test=1, **how, **call)
    # the others have as many pieces: one program
    theory, other, stable = (
        ts.trajectory(task, student, **(how | change), **call)
        for change in ({}, {"average": 0.1}, {"rates": "warmup_stable_decay"})
    )
    for name in call["record"]:
        values = runs.values[name][:, 0, 3:]
        # the gap of a mean of runs is its standard error and a bias of order 1 / N
        error = 5 * values.std(0) / 8 + 2 * np.abs(values).max() / 300
        for solved, close in ((theory, True), (other, False), (stable, False)):
            gap = np.abs(values.mean(0) - np.asarray(solved.values[name][0, 0, 3:]))
            assert (gap < error).all() == close, (name, gap / error)


@pytest.mark.slow
def test_parts_of_the_equations_are_those_of_the_table():
    """A factor is another learning rate, for its part of the run."""
    student = TwoLayer(2, "erf")
    call: dict[str, Any] = {
        "protocol": "target_only",
        "easy": 0.1,
        "hard": 1.0,
        "record": ("M", "Q", "v"),
        "n_records": 2,
    }
    whole = ts.trajectory(TASK, student, budget=2, learning_rate=1.0, rates=[0.6, 0.2], **call)
    slow = ts.trajectory(TASK, student, budget=2, learning_rate=0.6, rates=[1.0, 0.9], **call)
    for name in call["record"]:
        np.testing.assert_allclose(
            whole.values[name][0, 0, 1], slow.values[name][0, 0, 1], rtol=1e-4, atol=1e-5
        )
    assert np.abs(whole.values["Q"] - slow.values["Q"])[0, 0, 2].max() > 1e-2


@pytest.mark.slow
@pytest.mark.parametrize("method", ["bulk", "gram"])
def test_side_by_side_is_one_after_the_other(method):
    """Chunks behind an interval, which an accelerator computes and throws away, move no average."""
    steps = np.zeros((2, 2, 60), np.uint8)
    plan = prepare(
        TASK, TwoLayer(2), [TASK.level()], steps, target=TASK.level(), learning_rate=1.0, replicates=2,
        seed=0, record=("Q", "v"), n_records=3, room=3, n_test=1, method=method, dtype="float32",
        initial=None, rates="cosine", average=0.5,
    )  # fmt: skip
    (turns,), (abreast,) = run_plans([plan]), run_lanes([plan], 1)
    for name, values in turns.values.items():
        np.testing.assert_allclose(abreast[0][name], values, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_a_teacher_that_has_stopped_teaches(float64):
    """First the teacher alone, then its student, by gradients of what either descends; in chunks and not."""
    pair = ts.Pair(2, "erf", teacher_width=3)
    steps, factors = np.zeros((1, 1, 8), np.uint8), np.repeat(np.eye(2), 4, 0)
    call: dict[str, Any] = {
        "target": TASK.level(),
        "learning_rate": 2.0,
        "record": "Q",
        "n_records": 2,
        "dtype": "float64",
    }
    alone, whole = (
        ts.simulate(TASK, student, [TASK.level()], steps, rates=rates, method=method, **call).values["Q"][
            0, 0
        ]
        for student, rates, method in ((pair, factors, "full"), (pair, factors, "stepwise"))
    )
    np.testing.assert_allclose(alone, whole, rtol=1e-12, atol=1e-13)
    begin, middle, end = alone
    for network, still, moved in (
        (slice(3), (middle, end), (begin, middle)),
        (slice(3, 5), (begin, middle), (middle, end)),
    ):
        np.testing.assert_array_equal(*(q[network, network] for q in still))
        before, after = (q[network, network] for q in moved)
        assert np.abs(after - before).max() > 1e-3


@pytest.mark.slow
def test_a_teacher_that_never_learned_teaches_nothing_about_labels():
    """Its student is right as often as wrong, in 5 standard errors; that of one that has learned is not."""
    pair, steps = ts.Pair(4, "erf", teacher_width=4), np.zeros((1, 1, 600), np.uint8)
    call: dict[str, Any] = {"target": TASK.level(), "learning_rate": 1.0, "n_records": 2, "method": "full"}
    for before, learns in (([0.0, 0.0], False), ([1.0, 0.0], True)):
        runs = ts.simulate(
            TASK, pair, [TASK.level()], steps, rates=np.array([before, [0, 1]]), replicates=200,
            record="test_accuracy", **call,
        )  # fmt: skip
        right = runs.values["test_accuracy"][:, 0, -1] - 0.5
        assert (right.mean() > 5 * right.std() / 200**0.5) == learns, right.mean()
        assert learns or abs(right.mean()) < 5 * right.std() / 200**0.5


@pytest.mark.parametrize(("average", "n_steps", "interval", "chunk"), [(0.3, 60, 20, 8), (0.5, 12, 4, 5)])
def test_shares_make_the_mean_of_the_ends_of_chunks(average, n_steps, interval, chunk):
    shares = average_shares(average, n_steps, interval, chunk)
    assert shares is not None
    iterate = np.random.default_rng(1).normal(size=n_steps)
    mean, kept, step = 0.0, [], 0
    while step < n_steps:
        step = min(step + chunk, (step // interval + 1) * interval)
        mean += shares[step - 1] * (iterate[step - 1] - mean)
        if step > round((1 - average) * n_steps):
            kept.append(iterate[step - 1])
    assert len(kept) > 1
    assert mean == pytest.approx(np.mean(kept))


def test_tables_of_the_names():
    assert rate_table("constant") is None
    for name in RATE_SCHEDULES:
        table = rate_factors(name, 2 * PARTS)
        assert table is None or (len(table) == 2 * PARTS and table.min() > 0 and table.max() <= 1)
    cosine, stable = rate_table("cosine"), rate_table("warmup_stable_decay")
    assert cosine is not None
    assert stable is not None
    assert cosine[[0, -1]] == pytest.approx([1, 0.01], abs=3e-4)
    assert np.mean(cosine) == pytest.approx((1 + 0.01) / 2)
    assert stable[[0, 4, 50, 79]] == pytest.approx([0.1, 0.9, 1, 1])
    assert stable[-1] == pytest.approx(0.01 + 0.99 / 40)
    factors = rate_factors("linear", 7)
    assert factors is not None
    assert len(factors) == 7


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rates": "cosin"}, "unknown schedule of learning rates 'cosin'; known: constant, cosine, linear, "),
        ({"rates": [1.0] * 7}, "7 factors on the learning rate do not fit 60 steps; give one for each step"),
        ({"rates": [1.0] * 61}, "61 factors on the learning rate do not fit 60 steps"),
        ({"rates": [1.0, -0.5]}, "factor 1 on the learning rate is -0.5; need 0 <= factor < inf"),
        ({"rates": [float("nan")]}, "factor 0 on the learning rate is nan"),
        (
            {"rates": np.array([[1.0, 0.0]])},
            r"schedule of learning rates has shape \(1, 2\); need factors \(n,\), for each",
        ),
        ({"rates": []}, r"a schedule of learning rates has shape \(0,\); need factors \(n,\)"),
        ({"average": 1.0}, "average is 1.0; need 0 <= average < 1, a share of the run"),
        ({"average": -0.1}, "average is -0.1; need 0 <= average"),
    ],
)
def test_bad_schedules_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ts.simulate(TASK, TwoLayer(2), budget=2, n_records=2, **RUN, **change)


def test_a_counted_path_has_constant_rates():
    changes: list[dict[str, Any]] = [{"rates": "cosine"}, {"average": 0.5}]
    for change in changes:
        with pytest.raises(ValueError, match="counts its path at constant rates and without averages"):
            ts.simulate(TASK, ts.Tracked(2), budget=2, n_records=2, **RUN, **change)
