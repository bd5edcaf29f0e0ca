"""The order-parameter equations of `SparseTeacher`: R, Q of each block, v.

The teacher is a sign, the infinite-gain limit of an erf unit, so an erf student with squared loss has
closed forms (`erf_teacher`), and a relu student in its first-order terms (`relu_student`). What remains
is averaged over quasi-Monte Carlo nodes (`sampled`): second-order terms, the logistic loss, the accuracy for
K > 1. The relevant block has N_b / N = rho and Delta = 1,
the irrelevant one 1 - rho and Delta: Q^r = R R^T + gram[0], Q^i = gram[1].

Source: Saglietti, Sarao Mannelli, Saxe, arXiv 2106.08068; Saad & Solla, PRE 52, 4225 (1995).
"""

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from teacher_student.interfaces import Level
from teacher_student.order_parameters import Overlaps
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory.erf_teacher import Teacher, closed_moments, joint
from teacher_student.theory.formulas import Formulas
from teacher_student.theory.rates import Moments, fractions
from teacher_student.theory.relu_student import RELU, half_closed_moments
from teacher_student.theory.sampled import averages, split


@dataclass(frozen=True)
class SparseTeacherEquations(Formulas):
    """The right-hand side for a `SparseTeacher`; nodes serve whatever has no closed form."""

    task: SparseTeacher

    CLOSED = ("erf", "squared")

    @property
    def revision(self) -> int:
        """1 for relu students with squared loss, whose first-order terms were sampled at first."""
        return int(self.student.averages == RELU)

    def moments(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> Moments:
        """The expectations at one level."""
        task, variances = self.task, _variances(level)
        share = jnp.asarray(fractions(task)) * variances
        teacher = Teacher(task.teacher_rows, task.teacher_readout, 0.0, variances, share, 0.0)
        if self.closed:
            return closed_moments(state, output_scale, teacher)
        along, rest = split(state, nodes, task.scales(level))
        sampled = averages(self.student, state, output_scale, along, rest, task.teacher(along), share)
        if self.student.averages == RELU:
            return half_closed_moments(state, output_scale, teacher, sampled.square)
        return sampled

    def observe(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """What the task measures, at the nodes."""
        along, rest = split(state, nodes, self.task.scales(level))
        lam = along @ state.along.T + jnp.sum(rest, 0)
        cov, _ = joint(state, self.task.teacher_rows, _variances(level))
        return self.task.measure(self.student, output_scale * state.readout, lam, along, cov)


def _variances(level: Level) -> Float[Array, "2"]:
    """Variance of the inputs in the relevant and in the irrelevant block."""
    return jnp.stack([jnp.ones_like(level["noise"]), level["noise"]])


EQUATIONS = SparseTeacherEquations
