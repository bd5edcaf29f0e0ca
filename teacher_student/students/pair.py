"""Pair: a teacher network and a student network that learn from the same samples at the same time.

    f_T = v_T . phi(W_T x)  descends  loss(f_T, y)
    f_S = v_S . phi(W_S x)  descends  (1 - guidance) loss(f_S, y) + guidance loss(f_S, f_T)

The rows of W are those of the teacher, then those of the student, so both see the same inputs. No gradient
of the student's loss reaches the teacher. The student's label from the teacher is f_T itself where the loss
takes real labels; with a loss of signs it is +1 with probability sigmoid(f_T), averaged over. The outputs are
(f_T, f_S), and the student is the one that is tested. This is distillation from a teacher that still learns;
with learning rates over time that are 1 for the teacher and 0 for the student up to a time t, and then the
other way round (`rates` of `simulate`, (n, 2)), it is distillation from the teacher as it was at t.
Source: Hinton, Vinyals, Dean, arXiv 1503.02531, eqs. (1), (2) at temperature 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from teacher_student.checks import whole, within
from teacher_student.students.heads import Head, Layer, Theta, activation_of


@dataclass(frozen=True)
class Pair(Head):
    """A two-layer student of `width` units beside a two-layer teacher that trains with it.

    Parameters
    ----------
    width, activation, loss, parametrisation
        See `teacher_student.students.heads.Head`; K is the student's.
    teacher_width : int >= 1
        Hidden units of the teacher.
    guidance : float in [0, 1]
        Share of the teacher's output in what the student is taught; at 0 both are alone with the labels.

    Examples
    --------
    >>> Pair(width=4, teacher_width=64).rows
    68
    """

    teacher_width: int = 64
    guidance: float = 1.0

    def check(self) -> None:
        """Refuse teachers without units and shares out of range."""
        whole("teacher_width", self.teacher_width, 1)
        within("guidance", self.guidance, 0, 1)

    @property
    def rows(self) -> int:
        """The units of both."""
        return self.teacher_width + self.width

    @property
    def row_fan_in(self) -> tuple[int, ...]:
        """The units of the network that a row belongs to."""
        return (self.teacher_width,) * self.teacher_width + (self.width,) * self.width

    @property
    def arrays(self) -> dict[str, Layer]:
        """Both readouts."""
        return {
            "teacher": Layer("readout", (self.teacher_width,), self.teacher_width),
            "student": Layer("readout", (self.width,), self.width),
        }

    def apart(
        self, factors: Float[Array, " 2"], rows: Float[Array, " rows"], theta: Mapping[str, Any]
    ) -> tuple[Float[Array, " rows"], dict[str, Any]]:
        """Numbers of all rows and arrays, multiplied by a factor for the teacher and one for the student."""
        teacher, student = factors
        own = jnp.concatenate([jnp.full(self.teacher_width, teacher), jnp.full(self.width, student)])
        return own * rows, {"teacher": teacher * theta["teacher"], "student": student * theta["student"]}

    def apply(self, theta: Theta, lam: Float[Array, "*n rows"]) -> Float[Array, "*n 2"]:
        """(f_T, f_S)."""
        phi, t = activation_of(self.activation)(lam), self.teacher_width
        return jnp.stack([phi[..., :t] @ theta["teacher"], phi[..., t:] @ theta["student"]], -1)

    def output(self, theta: Theta, lam: Float[Array, "*n rows"]) -> Float[Array, "*n"]:
        """f_S: the student is tested."""
        return self.apply(theta, lam)[..., 1]

    def objective(
        self, theta: Theta, lam: Float[Array, " rows"], label: Float[Array, ""]
    ) -> Float[Array, ""]:
        """The sum of both losses, the teacher's output a constant in the student's."""
        teacher, student = self.apply(theta, lam)
        fixed = jax.lax.stop_gradient(teacher)
        if self.labels == "real":
            taught = self.losses(student, fixed)
        else:
            one, p = jnp.ones_like(student), jax.nn.sigmoid(fixed)
            taught = p * self.losses(student, one) + (1 - p) * self.losses(student, -one)
        own = self.losses(student, label)
        return self.losses(teacher, label) + (1 - self.guidance) * own + self.guidance * taught
