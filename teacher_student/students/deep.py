"""Deep: L hidden layers of K units, the lowest one on the input, and biases of the first layer if wanted.

    u_1 = W x + b,    u_l = W_l phi(u_{l-1}) for l = 2..L,    f = v . phi(u_L)

with W (K, N), W_l (K, K), b and v (K,). Depth L = 1 without biases is the two-layer student. Weights start
Gaussian, b at 0; all of them are trained, by the rates of `teacher_student.students.heads`.
"""

from dataclasses import dataclass

from jax import Array
from jaxtyping import Float

from teacher_student.checks import whole
from teacher_student.students.heads import Head, Layer, Theta, activation_of

#: Deepest student.
MOST_LAYERS = 16


@dataclass(frozen=True)
class Deep(Head):
    """A student of `depth` hidden layers of `width` units each.

    Parameters
    ----------
    width, activation, loss, parametrisation
        See `teacher_student.students.heads.Head`; phi is the same in every layer.
    depth : int, 1 <= depth <= 16
        Number L of hidden layers.
    bias : bool
        Whether the units of the first layer have biases.

    Examples
    --------
    >>> student = Deep(width=16, depth=3)
    >>> {name: layer.shape for name, layer in student.arrays.items()}
    {'layer_2': (16, 16), 'layer_3': (16, 16), 'readout': (16,)}
    >>> student.weights(n_inputs=300)
    (4800, 256, 256, 16)
    """

    depth: int = 1
    bias: bool = False

    def check(self) -> None:
        """Refuse depths out of range."""
        whole("depth", self.depth, 1, MOST_LAYERS)

    @property
    def parity(self) -> str:
        """That of phi, which composition keeps; biases break it."""
        return "neither" if self.bias else super().parity

    @property
    def arrays(self) -> dict[str, Layer]:
        """The K x K matrices of the upper layers, the readout and the biases."""
        k = self.width
        found = {f"layer_{i}": Layer("hidden", (k, k), k) for i in range(2, self.depth + 1)}
        found["readout"] = Layer("readout", (k,), k)
        return found | ({"bias": Layer("bias", (k,), k)} if self.bias else {})

    def apply(self, theta: Theta, lam: Float[Array, "*n K"]) -> Float[Array, "*n"]:
        """f = v . phi(u_L), layer by layer."""
        phi = activation_of(self.activation)
        u = lam + theta["bias"] if self.bias else lam
        for i in range(2, self.depth + 1):
            u = phi(u) @ theta[f"layer_{i}"].T
        return phi(u) @ theta["readout"]
