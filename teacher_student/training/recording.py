"""What to record is an argument: names in, arrays out, and the training loop never changes.

test_accuracy    ()         on the target distribution; an output of exactly 0 counts one half
test_loss        ()         on the target distribution
group_accuracy   (group,)   accuracy within each cluster of the target
M                (unit, direction)   w_k . e_p
Q                (unit, unit_)       w_k . w_l
v                (unit,)    readout of a two-layer student, without the output scale
clusters_right   ()         clusters within which the accuracy is above 1/2 (XorMixture)
gate_share       (group, expert)   weight of an expert, averaged over a cluster (XorMixture, Experts)
covered          ()         clusters at which some unit points (XorMixture)
covered_aligned  ()         clusters with a unit that points there and has the right sign (two layers)
path_length      ()         sum of the steps |db| of a bias of the first layer (Tracked)
path_variance    ()         mean of |db - mean of db|^2 over the steps so far (Tracked)
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, PyTree

from teacher_student import generator
from teacher_student.checks import known
from teacher_student.fixed_settings import fixed_settings
from teacher_student.interfaces import Level, OrderParameters, Student, Task
from teacher_student.order_parameters import Overlaps, factor
from teacher_student.students.tracked import Tracked
from teacher_student.students.two_layer import TwoLayer

#: Recordable quantity -> its axes after time.
QUANTITIES: Mapping[str, tuple[str, ...]] = {
    "test_accuracy": (),
    "test_loss": (),
    "group_accuracy": ("group",),
    "M": ("unit", "direction"),
    "Q": ("unit", "unit_"),
    "v": ("unit",),
    "clusters_right": (),
    "gate_share": ("group", "expert"),
    "covered": (),
    "covered_aligned": (),
    "path_length": (),
    "path_variance": (),
}


def check_record(record: str | Sequence[str]) -> tuple[str, ...]:
    """The names to record, from one or several; unknown or repeated ones, and none, are refused."""
    record = (record,) if isinstance(record, str) else tuple(record)
    if not record:
        raise ValueError(f"nothing to record; choose from: {', '.join(QUANTITIES)}")
    if len(set(record)) != len(record):
        raise ValueError(f"record names a quantity twice: {', '.join(record)}")
    for name in record:
        known("quantity to record", name, QUANTITIES)
    return record


#: Units of a student that stands in for a wider one.
FEW_UNITS = 4


def check_measured(task: Task, student: Student, record: tuple[str, ...]) -> None:
    """Refuse quantities that the task does not measure, before anything runs; nothing is computed."""
    # which quantities there are does not depend on the width, so a narrow student stands in for a wide one
    if isinstance(student, TwoLayer):
        student = replace(student, width=min(student.width, FEW_UNITS))
    _check_measured(task, student, record)


@lru_cache(maxsize=1024)
def _check_measured(task: Task, small: Any, record: tuple[str, ...]) -> None:
    k, p = small.rows, sum(block.directions for block in task.blocks)
    columns = sum(block.directions + k for block in task.blocks)

    def array(*shape: int) -> Any:
        return jax.ShapeDtypeStruct(shape, jnp.float32)

    scaling = jax.tree.map(lambda _: array(), small.scaling(1.0, task.n_inputs))
    target = {name: array(*np.shape(x)) for name, x in task.level().items()}
    recorder = make_recorder(task, small, record)
    with fixed_settings():
        # the key is made inside, where nothing is: making one would start a device
        theta = jax.eval_shape(lambda scaling: small.start(jax.random.key(0), scaling), scaling)
        overlaps = Overlaps(array(k, p), array(len(task.blocks), k, k), theta)
        jax.eval_shape(recorder, overlaps, scaling, target, array(2, columns))


def draw_test_points(key: Key[Array, ""], task: Task, student: Student, n: int, dtype) -> Float[Array, "n D"]:
    """The test points of a replicate: n standard normals, D = P + K per block (see a task's `evaluate`).

    They are drawn once, so they are the same at all times and for all protocols of the replicate, and
    differences are paired.
    """
    columns = sum(block.directions + student.rows for block in task.blocks)
    return generator.normal(key, (n, columns)).astype(dtype)


def make_recorder(
    task: Task, student: Student, record: tuple[str, ...]
) -> Callable[[Overlaps, PyTree, Level, Array], dict[str, Array]]:
    """Build recorder(overlaps, scaling, target_level, normals) -> {name: value} for one student."""
    check_record(record)

    def recorder(overlaps: Overlaps, scaling, target: Level, normals: Array) -> dict[str, Array]:
        values = {
            "M": overlaps.along,
            "Q": overlaps.along @ overlaps.along.T + jnp.sum(overlaps.gram, 0),
        }
        if isinstance(overlaps.readout, Array):
            values["v"] = overlaps.readout
        counted: Any = overlaps.readout
        if isinstance(student, Tracked):
            values |= student.recorded(counted)
        if not values.keys() >= set(record):
            factors = tuple(factor(gram) for gram in overlaps.gram)
            order = OrderParameters(overlaps.along, factors, student.effective(counted, scaling))
            values |= task.evaluate(student, order, target, normals)
            values |= task.coverage(order) if task.coverage else {}
        missing = [name for name in record if name not in values]
        if missing:
            names = task.name if "v" in values else f"{task.name} with a {type(student).__name__} student"
            raise ValueError(
                f"{names} does not measure {', '.join(missing)}; it measures {', '.join(values)}"
            )
        return {name: values[name] for name in record}

    return recorder
