"""No program can stop because batches of factorisations wait for each other's threads."""

import ast
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from factorisations import pairs_at_once
from root import ROOT
from theory_tools import skewed_start

import teacher_student as ts
from teacher_student.order_parameters import after
from teacher_student.students.plain import PlainNet
from teacher_student.theory.integrate import trajectory
from teacher_student.training import elastic, full
from teacher_student.training.plan import prepare
from teacher_student.training.program import compiled_run, compiled_start
from teacher_student.training.streams import replicate_keys

TASKS = {
    "one block": ts.Committee(40),
    "two blocks": ts.SparseTeacher(60, relevant=0.4),
    "two blocks, three directions": ts.Committee(60, teacher_units=3, relevant=0.4),
}


def pairs_of(task, method, given, average):
    """Pairs of batches that may run at once in what `simulate` runs."""
    start = jax.tree.map(lambda x: np.asarray(x, np.float32), skewed_start(task, 3)) if given else None
    plan = prepare(
        task, ts.TwoLayer(3, "erf"), [task.level()], np.zeros(8, int), target=task.level(), learning_rate=0.5,
        replicates=4, seed=0, record=("test_loss", "M"), n_records=2, room=None, n_test=4, method=method,
        dtype="float32", initial=start, average=average,
    )  # fmt: skip
    keys, *others = plan.arguments
    scaling, initial = others[3:5]
    begin: Any = compiled_start(plan.method, 4)
    run = compiled_run(plan.method, plan.record, plan.room)
    begun = jax.eval_shape(begin, keys, scaling, initial)
    steps = run, keys, *others[:4], begun, *others[5:]
    # options of a compiler are for what is called, not for what is traced inside
    return pairs_at_once(begin.__wrapped__, keys, scaling, initial) + pairs_at_once(*steps)


@pytest.mark.parametrize("average", [0.0, 0.5])
@pytest.mark.parametrize("method", ["gram", "bulk", "full"])
@pytest.mark.parametrize("name", TASKS)
def test_batches_of_a_run_have_an_order(name, method, average):
    """The average of a run from a given start, which each block makes a matrix of."""
    assert not pairs_of(TASKS[name], method, average > 0, average)


def test_the_start_of_two_blocks_needs_the_order(monkeypatch):
    monkeypatch.setattr(full, "after", lambda earlier, x: x)
    compiled_start.cache_clear()
    found = pairs_of(TASKS["two blocks"], "full", True, 0.0)
    compiled_start.cache_clear()
    assert found


def test_accuracy_of_rankings_factors_all_blocks_at_once():
    task = TASKS["two blocks"]
    keys, net = replicate_keys(0, np.arange(3)), PlainNet("two_layer", 4)
    params, level = elastic.first(net, 60, keys), jax.tree.map(jnp.float32, task.level())
    assert not pairs_at_once(lambda *x: elastic.accuracy(task, net, 8, *x), keys, params, level)


@pytest.mark.parametrize("ordered", [False, True])
def test_what_waits_is_seen(ordered):
    def two(x, y):
        a = jnp.linalg.cholesky(x)
        return a, jnp.linalg.cholesky(after(a, y) if ordered else y)

    eyes = jnp.broadcast_to(jnp.eye(2), (5, 2, 2))
    assert bool(pairs_at_once(jax.vmap(two), eyes, eyes)) != ordered
    looped = pairs_at_once(
        lambda x: jax.lax.scan(lambda c, _: (jax.vmap(two)(x, c)[1], None), x, length=3), eyes
    )
    assert bool(looped) != ordered
    for a, b in zip(jax.vmap(two)(eyes, eyes), (eyes, eyes), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
def test_equations_are_compiled_for_one_thread(quick_compilation):
    """They hold batches that wait for nobody; one program, of sampled averages, is run."""
    for path in sorted((ROOT / "teacher_student" / "theory").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "jax.jit":
                said = {ast.unparse(k.value) for k in node.keywords if k.arg == "compiler_options"}
                # moves of schedules are sums and clips
                assert said == {"ONE_THREAD"} or ast.unparse(node.args[0]) == "jax.vmap(move)", path.name
    arms = {"first": [(0.2, (1.0, 0.0)), (0.2, (0.0, 1.0))], "second": [(0.4, (0.5, 0.5))]}
    task, student = TASKS["two blocks"], ts.TwoLayer(2, "relu")
    start = jax.tree.map(lambda *x: jnp.stack(x), *(skewed_start(task, 2, seed) for seed in range(3)))
    with jax.enable_x64(True):
        found = trajectory(
            task, student, start, [task.level(noise=0.1), task.level(noise=1.0)], list(arms.values()),
            np.array([0.0, 0.4]), target=task.level(), learning_rate=0.3, n_nodes=8, average=0.5,
        )  # fmt: skip
    assert np.isfinite(found.values["M"]).all()


def test_after_changes_nothing_and_passes_what_is_no_number_on():
    x = jnp.array([1.0, 2.0])
    np.testing.assert_array_equal(after(jnp.array([[3.0]]), x), x)
    assert np.isnan(after(jnp.array([[jnp.nan]]), x)).all()
