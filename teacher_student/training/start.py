"""The order parameters from which `simulate` starts its replicates, for theory to start from too."""

import jax
import numpy as np

from teacher_student.fixed_settings import fixed_settings
from teacher_student.interfaces import Student, Task
from teacher_student.order_parameters import Overlaps
from teacher_student.training.program import choose_method
from teacher_student.training.streams import Replicates, replicate_keys, replicate_numbers


def draw_start(
    task: Task,
    student: Student,
    *,
    learning_rate: float,
    replicates: Replicates = 1,
    seed: int = 0,
    method: str = "auto",
    dtype: str = "float32",
) -> Overlaps:
    """Overlaps (R, ...) of fresh students, those of `simulate` with the same arguments.

    Parameters
    ----------
    task, student, learning_rate, replicates, seed, method, dtype
        As for `teacher_student.training.simulate.simulate`. The method decides how a student is drawn
        (weights, or overlaps of the same law), the learning rate nothing but its own check.

    Examples
    --------
    >>> from teacher_student.students.two_layer import TwoLayer
    >>> from teacher_student.tasks.committee import Committee
    >>> start = draw_start(Committee(100), TwoLayer(3, "erf"), learning_rate=0.5, replicates=5)
    >>> start.along.shape, start.gram.shape, start.readout.shape
    ((5, 3, 2), (5, 1, 3, 3), (5, 3))
    """
    runner = choose_method(task, student, method, dtype)
    numbers = replicate_numbers(replicates)
    if dtype == "float64" and not jax.config.read("jax_enable_x64"):
        raise ValueError("overlaps of dtype float64 need 64-bit JAX: set JAX_ENABLE_X64=1")

    def one(key):
        own = runner.teacher(key)
        return runner.overlaps(runner.init(key, own, scaling, None), own)

    with fixed_settings(dtype):
        scaling = jax.tree.map(lambda x: np.asarray(x, dtype), student.scaling(learning_rate, task.n_inputs))
        return jax.jit(jax.vmap(one))(replicate_keys(seed, numbers))
