"""The order-parameter equations of `Committee`, label noise and irrelevant inputs included.

An erf student with squared loss has closed forms (`erf_teacher`), a relu student in its first-order terms
(`relu_student`); what remains is averaged over quasi-Monte Carlo nodes (`sampled`).

Source: Saad & Solla, PRE 52, 4225 (1995); Goldt et al., arXiv 1906.08632.
"""

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from teacher_student.interfaces import Level
from teacher_student.order_parameters import Overlaps
from teacher_student.tasks.committee import Committee
from teacher_student.theory.erf_teacher import Teacher, closed_moments, joint
from teacher_student.theory.formulas import Formulas
from teacher_student.theory.rates import Moments, dimension, fractions, no_nodes
from teacher_student.theory.relu_student import RELU, half_closed_moments
from teacher_student.theory.sampled import averages, sobol_normals, split


@dataclass(frozen=True)
class CommitteeEquations(Formulas):
    """The right-hand side for a `Committee`; nodes serve students without closed forms only."""

    task: Committee

    CLOSED = ("erf", "squared")

    @property
    def revision(self) -> int:
        """1 for relu students with squared loss, whose first-order terms were sampled at first."""
        return int(self.student.averages == RELU)

    def nodes(self, seed: int) -> Float[Array, "n D"]:
        """Nodes of scrambling `seed`: normals as in `sampled`, and one more for the label noise."""
        if self.closed:
            return no_nodes(self.task, self.student)
        return sobol_normals(dimension(self.task, self.student) + 1, self.n_nodes, seed)

    def _variances(self, level: Level) -> Float[Array, " n_blocks"]:
        return jnp.stack([jnp.asarray(scale, float) ** 2 for scale in self.task.scales(level)])

    def moments(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> Moments:
        """The expectations at one level."""
        task, variances = self.task, self._variances(level)
        share = jnp.asarray(fractions(task)) * variances
        teacher = Teacher(task.teacher_rows, task.teacher_readout, 1.0, variances, share, level["noise"])
        if self.closed:
            return closed_moments(state, output_scale, teacher)
        along, rest = split(state, nodes, task.scales(level))
        label, half_closed = task.teacher(along), self.student.averages == RELU
        if not half_closed:
            label = label + jnp.sqrt(level["noise"]) * nodes[:, -1]
        sampled = averages(self.student, state, output_scale, along, rest, label, share)
        return half_closed_moments(state, output_scale, teacher, sampled.square) if half_closed else sampled

    def observe(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """What the task measures, at the nodes: the generalisation error without label noise."""
        along, rest = split(state, nodes, self.task.scales(level))
        lam = along @ state.along.T + jnp.sum(rest, 0)
        cov, _ = joint(state, self.task.teacher_rows, self._variances(level))
        return self.task.measure(self.student, output_scale * state.readout, lam, along, cov)


EQUATIONS = CommitteeEquations
