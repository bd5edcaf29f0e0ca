"""Softmax: one output for each of the two labels, trained by cross-entropy.

    f_c = v_c . phi(W x),  c = 0, 1 for labels -1, +1;    loss = ln(e^f_0 + e^f_1) - f_label

The loss is the logistic loss of the margin f_1 - f_0, which is what tasks test. So W moves as that of a
two-layer student with readout v_1 - v_0, and the margin's readout at twice its rate, from a start with twice
the variance: a second output changes rates, not what can be represented.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from teacher_student.students.heads import Head, Layer, Theta, activation_of


@dataclass(frozen=True)
class Softmax(Head):
    """A two-layer student with an output per label.

    Parameters
    ----------
    width, activation, parametrisation
        See `teacher_student.students.heads.Head`.
    loss : {"logistic"}
        Of the margin, which cross-entropy is.

    Examples
    --------
    >>> Softmax(width=16).arrays["readout"].shape
    (2, 16)
    """

    loss: str = "logistic"

    def check(self) -> None:
        """Refuse losses that are not cross-entropy."""
        if self.loss != "logistic":
            raise ValueError(
                f"loss is {self.loss!r}, but outputs for labels learn by cross-entropy; leave it 'logistic'"
            )

    @property
    def arrays(self) -> dict[str, Layer]:
        """The readouts of both outputs."""
        return {"readout": Layer("readout", (2, self.width), self.width)}

    def apply(self, theta: Theta, lam: Float[Array, "*n K"]) -> Float[Array, "*n 2"]:
        """(f_0, f_1)."""
        return activation_of(self.activation)(lam) @ theta["readout"].T

    def output(self, theta: Theta, lam: Float[Array, "*n K"]) -> Float[Array, "*n"]:
        """The margin f_1 - f_0."""
        outputs = self.apply(theta, lam)
        return outputs[..., 1] - outputs[..., 0]

    def objective(self, theta: Theta, lam: Float[Array, " K"], label: Float[Array, ""]) -> Float[Array, ""]:
        """Cross-entropy of the label."""
        outputs = self.apply(theta, lam)
        return jax.nn.logsumexp(outputs) - jnp.where(label > 0, outputs[1], outputs[0])
