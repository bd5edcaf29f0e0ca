"""Tracked: two layers that count the path of a bias they do not have.

    f = sum_k v_k phi(w_k . x),      theta = v and four counters

A step of SGD would move a bias of the first layer by db = hidden_rate dloss/dlambda, which is the h of the
step. The counters add up |db|, |db|^2, db and the number of steps, so the length and the variance of the path
come with any online run, also in Gram space, at a cost that does not depend on N. For all else this is the
two-layer student. Source: Loukas, Poiitis, Jegelka, NeurIPS 2021, arXiv 2106.04186 (what the path says of
the function).
"""

from dataclasses import dataclass

import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float

from teacher_student.students.heads import Head, HeadScaling, Layer, Theta, activation_of


@dataclass(frozen=True)
class Tracked(Head):
    """A two-layer student of K = `width` units whose theta counts the path of the first bias.

    Examples
    --------
    >>> Tracked(4).rows, Tracked(4).weights(n_inputs=10)
    (4, (40, 4))
    """

    def check(self) -> None:
        """Nothing of its own."""

    @property
    def counters(self) -> tuple[str, ...]:
        """All but the readout."""
        return "length", "square", "moved", "steps"

    @property
    def arrays(self) -> dict[str, Layer]:
        """The readout, and counters that start at 0."""
        counters = {"length": 1, "square": 1, "moved": self.width, "steps": 1}
        return {"readout": Layer("readout", (self.width,), self.width)} | {
            name: Layer("bias", (size,), 1) for name, size in counters.items()
        }

    def apply(self, theta: Theta, lam: Float[Array, "*n K"]) -> Float[Array, "*n"]:
        """f."""
        return activation_of(self.activation)(lam) @ theta["readout"]

    def step(
        self,
        lam: Float[Array, " K"],
        theta: Theta,
        label: Float[Array, ""],
        on: Bool[Array, ""],
        scaling: HeadScaling,
    ) -> tuple[Float[Array, " K"], Theta]:
        """One step of SGD; what is taken from a counter is minus what it counts."""
        h, change = super().step(lam, theta, label, on, scaling)
        square = jnp.sum(h * h)[None]
        counted = {
            "length": jnp.sqrt(square),
            "square": square,
            "moved": h,
            "steps": on.astype(h.dtype)[None],
        }
        return h, {**change, **{name: -value for name, value in counted.items()}}

    def recorded(self, theta: Theta) -> dict[str, Float[Array, ""]]:
        """path_length, the sum of |db|, and path_variance, the mean of |db - mean of db|^2."""
        n = jnp.maximum(theta["steps"][0], 1)
        variance = (theta["square"][0] - jnp.sum(theta["moved"] ** 2) / n) / n
        return {"path_length": theta["length"][0], "path_variance": variance}
