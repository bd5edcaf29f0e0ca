"""The order-parameter equations of `SparseTeacher`: R, Q of each block, v.

The teacher is a sign, the infinite-gain limit of an erf unit, so an erf student with squared loss has
closed forms (`erf_teacher`). Relu students and the logistic loss are averaged over quasi-Monte Carlo
nodes (`sampled`), and so is the accuracy for K > 1. The relevant block has N_b / N = rho and Delta = 1,
the irrelevant one 1 - rho and Delta: Q^r = R R^T + gram[0], Q^i = gram[1].

Source: Saglietti, Sarao Mannelli, Saxe, arXiv 2106.08068; Saad & Solla, PRE 52, 4225 (1995).
"""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from teacher_student.expectations import pairs
from teacher_student.interfaces import Level
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.theory.erf_teacher import closed_moments, joint
from teacher_student.theory.rates import Moments, dimension, fractions
from teacher_student.theory.sampled import averages, check_nodes, sobol_normals, split

TEACHER = np.eye(1)


@dataclass(frozen=True)
class SparseTeacherEquations:
    """The right-hand side for a `SparseTeacher`; `n_nodes` serves whatever has no closed form."""

    task: SparseTeacher
    student: TwoLayer
    n_nodes: int = 4096

    def __post_init__(self) -> None:
        check_nodes(self.n_nodes)
        self.task.check_student(self.student)

    @property
    def closed(self) -> bool:
        """Whether the right-hand side is in closed form."""
        return (self.student.activation, self.student.loss) == ("erf", "squared")

    def nodes(self, seed: int) -> Float[Array, "n D"]:
        """Nodes of scrambling `seed`."""
        return sobol_normals(dimension(self.task, self.student), self.n_nodes, seed)

    def moments(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> Moments:
        """The expectations at one level."""
        variances = jnp.stack([jnp.ones_like(level["noise"]), level["noise"]])
        share = jnp.asarray(fractions(self.task)) * variances
        if self.closed:
            return closed_moments(
                state,
                output_scale,
                teacher_rows=TEACHER,
                teacher_readout=np.ones(1),
                signs=True,
                variances=variances,
                share=share,
                label_noise=0.0,
            )
        along, rest = split(state, nodes, (1.0, jnp.sqrt(level["noise"])))
        label = jnp.where(along[:, 0] < 0, -1, 1).astype(along.dtype)
        return averages(self.student, state, output_scale, along, rest, label, share)

    def observe(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """test_accuracy (), test_loss (), group_accuracy (2,) for labels +1 and -1."""
        u = output_scale * state.readout
        cov, _ = joint(state, TEACHER, jnp.stack([jnp.ones_like(level["noise"]), level["noise"]]))
        along, rest = split(state, nodes, (1.0, jnp.sqrt(level["noise"])))
        label = jnp.where(along[:, 0] < 0, -1, 1).astype(along.dtype)
        output = self.student.phi(along @ state.along.T + jnp.sum(rest, 0)) @ u
        if self.student.width == 1 and self.student.activation == "erf":
            cosine = jnp.clip(cov[0, 1] / jnp.sqrt(cov[0, 0]), -1, 1)
            groups = jnp.full(2, 0.5 + jnp.sign(u[0]) * jnp.arcsin(cosine) / jnp.pi)
        else:
            right = 0.5 * (1 + jnp.sign(output) * label)
            groups = jnp.stack([jnp.mean(right, where=label > 0), jnp.mean(right, where=label < 0)])
        if self.closed:
            weight = jnp.append(u, -1)
            loss = 0.5 * weight @ pairs(cov, np.append(np.ones(len(u)), 0.0)) @ weight
        else:
            loss = jnp.mean(self.student.losses(output, label))
        return {"test_accuracy": jnp.mean(groups), "test_loss": loss, "group_accuracy": groups}
