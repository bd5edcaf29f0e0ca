"""What to record is an argument: names in, arrays out, and the training loop never changes.

test_accuracy    ()         on the target distribution; an output of exactly 0 counts one half
test_loss        ()         on the target distribution
group_accuracy   (group,)   accuracy within each cluster of the target
M                (unit, direction)   w_k . e_p
Q                (unit, unit_)       w_k . w_l
v                (unit,)    readout, without the output scale
covered          ()         clusters at which some unit points (XorMixture)
covered_aligned  ()         clusters with a unit that points there and has the right sign
"""

from collections.abc import Callable, Mapping

import jax.numpy as jnp
from jax import Array
from jaxtyping import Key

from teacher_student.checks import known
from teacher_student.interfaces import Level, OrderParameters, Student, Task
from teacher_student.training.order_parameters import Overlaps, factor

#: Recordable quantity -> its axes after time.
QUANTITIES: Mapping[str, tuple[str, ...]] = {
    "test_accuracy": (),
    "test_loss": (),
    "group_accuracy": ("group",),
    "M": ("unit", "direction"),
    "Q": ("unit", "unit_"),
    "v": ("unit",),
    "covered": (),
    "covered_aligned": (),
}


def check_record(record: tuple[str, ...]) -> None:
    """Refuse unknown or repeated names and an empty list."""
    if not record:
        raise ValueError(f"nothing to record; choose from: {', '.join(QUANTITIES)}")
    if len(set(record)) != len(record):
        raise ValueError(f"record names a quantity twice: {', '.join(record)}")
    for name in record:
        known("quantity to record", name, QUANTITIES)


def make_recorder(
    task: Task, student: Student, record: tuple[str, ...], n_test: int
) -> Callable[[Overlaps, Array | float, Level, Key[Array, ""]], dict[str, Array]]:
    """Build recorder(overlaps, output_scale, target_level, key) -> {name: value} for one student.

    `key` fixes the test points (`n_test` draws, see the task's `evaluate`): with one key per
    replicate they are the same at all times and for all protocols, so differences are paired.
    """
    check_record(record)

    def recorder(overlaps: Overlaps, output_scale, target: Level, key) -> dict[str, Array]:
        factors = tuple(factor(gram) for gram in overlaps.gram)
        order = OrderParameters(overlaps.along, factors, output_scale * overlaps.readout)
        values = {
            "M": overlaps.along,
            "Q": overlaps.along @ overlaps.along.T + jnp.sum(overlaps.gram, 0),
            "v": overlaps.readout,
        }
        if not values.keys() >= set(record):
            values |= task.evaluate(student, order, target, key, n_test)
        missing = [name for name in record if name not in values]
        if missing:
            raise ValueError(
                f"{type(task).__name__} does not measure {', '.join(missing)}; "
                f"it measures {', '.join(values)}"
            )
        return {name: values[name] for name in record}

    return recorder
