"""Samples of full vectors as Gram space sees them: the same run in both, to rounding."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from teacher_student.interfaces import Task
from teacher_student.order_parameters import Overlaps, factor
from teacher_student.training import full, gram
from teacher_student.training.streams import replicate_keys


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


def one_chunk(
    task: Task, student: Any, level: Mapping[str, Array | np.ndarray], rate: float
) -> tuple[Overlaps, Overlaps, Overlaps, Overlaps]:
    """A chunk of samples in double precision: overlaps before it, and after it by every method.

    Those after it are of full vectors step by step, in the chunk, and of Gram space; the fifth step is left
    out.

    Parameters
    ----------
    level : of every step, (B, ...)
    """
    chunk, dtype = len(jax.tree.leaves(level)[0]), "float64"
    plain = full.FullVectors(task, student, chunk, dtype, stepwise=True)
    chunked = full.FullVectors(task, student, chunk, dtype)
    small = gram.GramSpace(task, student, chunk, dtype)
    key, on = replicate_keys(0, [0])[0], np.arange(chunk) != 4
    # orthonormal in double precision, each direction in its block
    teacher = np.linalg.qr(np.asarray(jax.jit(plain.teacher)(key)).T)[0].T
    samples = jax.jit(plain.draw)(key, teacher, 0)

    @jax.jit
    def run(teacher, samples, level, on, scaling):
        start = plain.init(key, teacher, scaling, None)
        begin, seen = plain.overlaps(start, teacher), in_gram_space(task, start.w, teacher, samples)
        how = level, on, scaling
        ends = (by.overlaps(by.advance(start, teacher, samples, *how), teacher) for by in (plain, chunked))
        return begin, *ends, small.overlaps(small.advance(begin, (), seen, *how), ())

    scaling = jax.tree.map(np.float64, student.scaling(rate, task.n_inputs))
    return jax.device_get(run(teacher, samples, dict(level), on, scaling))
