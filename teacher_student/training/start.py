"""The order parameters from which `simulate` starts its replicates, for theory to start from too."""

import jax
import jax.numpy as jnp
import numpy as np

from teacher_student.interfaces import Task
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.training.program import choose_method
from teacher_student.training.streams import replicate_keys


def draw_start(
    task: Task,
    student: TwoLayer,
    *,
    learning_rate: float,
    replicates: int | np.ndarray = 1,
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
    >>> from teacher_student.tasks.committee import Committee
    >>> start = draw_start(Committee(100), TwoLayer(3, "erf"), learning_rate=0.5, replicates=5)
    >>> start.along.shape, start.gram.shape, start.readout.shape
    ((5, 3, 2), (5, 1, 3, 3), (5, 3))
    """
    runner = choose_method(task, student, method, dtype)
    numbers = np.arange(replicates) if isinstance(replicates, int) else np.asarray(replicates)
    scaling = jax.tree.map(lambda x: jnp.asarray(x, dtype), student.scaling(learning_rate, task.n_inputs))

    def one(key):
        own = runner.teacher(key)
        return runner.overlaps(runner.init(key, own, scaling, None), own)

    return jax.jit(jax.vmap(one))(replicate_keys(seed, jnp.asarray(numbers)))
