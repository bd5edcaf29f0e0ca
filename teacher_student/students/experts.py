"""Experts: a mixture of E two-layer students, weighted by gates that see the input too.

    f = sum_e p_e(x) v_e . phi(W_e x),    p = softmax(G x) over the `active` largest gates

The rows of W are E gates, then K / E units for each expert in turn. Gates outside the `active` largest
have weight 0 and pass no gradient; a single active one has weight 1, so gates then stay where they start.
With one expert this is the two-layer student. Gates feed f at fan-in 1, so no parametrisation changes their
rate, eta / N. Source: Jacobs, Jordan, Nowlan, Hinton, Neural Computation 3, 79 (1991); for the largest gates
Shazeer et al., ICLR 2017, arXiv 1701.06538, eqs. (3) to (5) without their noise.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from teacher_student.checks import whole
from teacher_student.students.heads import Head, Layer, Theta, activation_of


@dataclass(frozen=True)
class Experts(Head):
    """A mixture of `experts` students that share `width` units equally.

    Parameters
    ----------
    width, activation, loss, parametrisation
        See `teacher_student.students.heads.Head`; K is the number of units of all experts together.
    experts : int >= 1
        Number E of experts; K must be a multiple of it.
    active : int, 1 <= active <= experts, optional
        Gates that count for an input, the largest ones; all by default.

    Examples
    --------
    >>> student = Experts(width=16, experts=4, active=1)
    >>> student.rows, student.weights(n_inputs=300)
    (20, (6000, 16))
    """

    experts: int = 2
    active: int | None = None

    def check(self) -> None:
        """Refuse experts that cannot share the units, and numbers of active ones out of range."""
        whole("experts", self.experts, 1)
        if self.width % self.experts:
            raise ValueError(
                f"width is {self.width}; need a multiple of experts = {self.experts}, which share it equally"
            )
        if self.active is not None:
            whole("active", self.active, 1, self.experts)

    @property
    def rows(self) -> int:
        """E gates and K units."""
        return self.experts + self.width

    @property
    def row_fan_in(self) -> tuple[int, ...]:
        """1 for gates, the units of an expert for units."""
        return (1,) * self.experts + (self.width // self.experts,) * self.width

    @property
    def parity(self) -> str:
        """That of phi for one expert; gates break it."""
        return super().parity if self.experts == 1 else "neither"

    @property
    def arrays(self) -> dict[str, Layer]:
        """The readouts of the experts, one after the other."""
        return {"readout": Layer("readout", (self.width,), self.width // self.experts)}

    def gates(self, lam: Float[Array, "*n rows"]) -> Float[Array, "*n experts"]:
        """p_e, which sum to 1."""
        gates = lam[..., : self.experts]
        if self.active is not None and self.active < self.experts:
            least = jax.lax.top_k(gates, self.active)[0][..., -1:]
            gates = jnp.where(gates >= jax.lax.stop_gradient(least), gates, -jnp.inf)
        return jax.nn.softmax(gates, -1)

    def apply(self, theta: Theta, lam: Float[Array, "*n rows"]) -> Float[Array, "*n"]:
        """f, the weighted sum of the experts' outputs."""
        terms = activation_of(self.activation)(lam[..., self.experts :]) * theta["readout"]
        each = jnp.sum(terms.reshape(*terms.shape[:-1], self.experts, -1), -1)
        return jnp.sum(self.gates(lam) * each, -1)
