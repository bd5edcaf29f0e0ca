"""Samples of full vectors as Gram space sees them: the same run in both, to rounding."""

import jax
import jax.numpy as jnp
from jax import Array

from teacher_student.interfaces import Task
from teacher_student.order_parameters import factor
from teacher_student.training import full, gram


def in_gram_space(task: Task, w: Array, teacher: Array, samples: full.Samples) -> gram.Samples:
    """The samples by what Gram space keeps of them, for weights w (K, N) and task directions (P, N).

    The coordinates xi of the noise on the span of the weights solve F xi = r . n, with r and n the parts of
    weights and noise orthogonal to the task and F F^T = r . r; the Gram matrices are n . n.
    """
    rest, noise = (x - (x @ teacher.T) @ teacher for x in (w, samples.z))
    xi, grams, begin = [], [], 0
    for block in task.blocks:
        r, n = (x[:, begin : begin + block.size] for x in (rest, noise))
        xi.append(jax.scipy.linalg.solve_triangular(factor(r @ r.T), r @ n.T, lower=True).T)
        grams.append(n @ n.T)
        begin += block.size
    return gram.Samples(samples.noise, jnp.stack(xi), jnp.stack(grams))
