"""The estimate of memory against the compiler's own account, and blocks that split to fit."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small

from teacher_student.rate_schedules import Pace
from teacher_student.students.deep import Deep
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.training.memory import run_bytes
from teacher_student.training.program import choose_method, compiled_run, compiled_start
from teacher_student.training.streams import replicate_keys

pytestmark = pytest.mark.usefixtures("quick_module")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "n", "student", "replicates", "steps"),
    [
        ("gram", 300, TwoLayer(4), 32, 60_000),
        ("gram", 600, TwoLayer(64), 8, 6000),
        ("full", 300, TwoLayer(128), 8, 6000),
        ("bulk", 300, TwoLayer(256), 8, 6000),
        ("gram", 600, Deep(64, depth=4), 8, 6000),
    ],
)
def test_estimate_bounds_what_the_compiler_reserves(method, n, student, replicates, steps):
    task, lanes = XorMixture(n), 3
    simulator = choose_method(task, student, method)
    run, start = compiled_run(simulator, ("test_accuracy",), 2), compiled_start(simulator, 256)
    level = jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), task.level())
    schedule = jnp.zeros((lanes, replicates, steps + simulator.chunk), jnp.uint8)
    scaling = jax.tree.map(jnp.float32, student.scaling(0.1, n))
    keys = replicate_keys(0, jnp.arange(replicates))
    begun = jax.eval_shape(start, keys, scaling, None)
    arguments = (
        keys, schedule, jax.tree.map(lambda x: x[None], level), level, scaling, begun, Pace(),
        jnp.asarray(steps // 2), jnp.asarray(2), jnp.asarray(lanes),
    )  # fmt: skip
    account = run.lower(*arguments).compile().memory_analysis()
    assert account is not None
    actual = account.temp_size_in_bytes + account.argument_size_in_bytes + account.output_size_in_bytes
    estimate = run_bytes(simulator, replicates, lanes, steps, 256)
    assert actual < estimate < 3 * actual


def test_a_study_that_would_not_fit_is_split():
    whole = small.study(replicates=8, rows=8)
    assert {b.rows for b in whole.blocks()} == {8}
    cell: Any = whole.blocks()[0].cell
    limit = 0.6 * run_bytes(cell.method_in_use(), 8, 2, cell.n_steps, cell.n_test)
    tight = small.study(replicates=8, rows=8).changed({"memory": str(limit / 2**30)})
    rows = {b.rows for b in tight.blocks()}
    assert max(rows) < 8
    for block in tight.blocks():
        cell = block.cell
        needed = run_bytes(cell.method_in_use(), block.rows, 2, cell.n_steps, cell.n_test)
        assert needed <= limit
    covered = np.concatenate([b.replicates for b in tight.blocks() if b.cell.width == 4])
    assert set(range(8)) <= set(covered.tolist())


def test_one_replicate_that_would_not_fit_is_refused():
    with pytest.raises(ValueError, match="one replicate of width 2 needs about .* GiB, more than the limit"):
        small.study().changed({"memory": "0.00001"})
