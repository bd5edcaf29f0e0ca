"""The order-parameter equations of `Committee`, label noise and irrelevant inputs included.

An erf student with squared loss has closed forms (`erf_teacher`); a relu student is averaged over
quasi-Monte Carlo nodes (`sampled`).

Source: Saad & Solla, PRE 52, 4225 (1995); Goldt et al., arXiv 1906.08632.
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
from teacher_student.tasks.committee import Committee
from teacher_student.theory.erf_teacher import closed_moments, joint
from teacher_student.theory.rates import Moments, dimension, fractions, no_nodes
from teacher_student.theory.sampled import averages, check_nodes, sobol_normals, split


@dataclass(frozen=True)
class CommitteeEquations:
    """The right-hand side for a `Committee`; `n_nodes` serves relu students only."""

    task: Committee
    student: TwoLayer
    n_nodes: int = 4096

    def __post_init__(self) -> None:
        check_nodes(self.n_nodes)
        self.task.check_student(self.student)

    @property
    def closed(self) -> bool:
        """Whether nothing is sampled."""
        return self.student.activation == "erf"

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
        variances = self._variances(level)
        share = jnp.asarray(fractions(self.task)) * variances
        if self.closed:
            return closed_moments(
                state,
                output_scale,
                teacher_rows=self.task.teacher_rows,
                teacher_readout=self.task.teacher_readout,
                signs=False,
                variances=variances,
                share=share,
                label_noise=level["noise"],
            )
        along, rest = split(state, nodes[:, :-1], self.task.scales(level))
        label = self.task.teacher(along) + jnp.sqrt(level["noise"]) * nodes[:, -1]
        return averages(self.student, state, output_scale, along, rest, label, share)

    def observe(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """test_loss (), the generalisation error without label noise."""
        if self.closed:
            cov, _ = joint(state, self.task.teacher_rows, self._variances(level))
            readout = jnp.asarray(self.task.teacher_readout, cov.dtype)
            weight = jnp.concatenate([output_scale * state.readout, -readout])
            return {"test_loss": 0.5 * weight @ pairs(cov, np.ones(len(cov))) @ weight}
        along, rest = split(state, nodes[:, :-1], self.task.scales(level))
        output = self.student.phi(along @ state.along.T + jnp.sum(rest, 0)) @ (output_scale * state.readout)
        return {"test_loss": jnp.mean(self.student.losses(output, self.task.teacher(along)))}
