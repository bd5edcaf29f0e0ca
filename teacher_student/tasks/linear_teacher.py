"""LinearTeacher: least squares, where what a student errs by is known exactly.

The process: x ~ N(0, I_N) and

    y = b . x + sqrt(noise) z,      b = (1, ..., 1) / sqrt N,  z ~ N(0, 1).

Students of width p see the first p inputs only. As x has no direction of its own, this b stands for the mean
over all of length 1: p inputs have the share p/N of it. `teacher_student.theory.least_squares` has the error.
"""

from dataclasses import dataclass

import jax
from jax import Array
from jaxtyping import Float, Key

from teacher_student.checks import whole


@dataclass(frozen=True)
class LinearTeacher:
    """A linear teacher of N = `n_inputs` Gaussian inputs.

    Examples
    --------
    >>> import jax
    >>> import jax.numpy as jnp
    >>> x, y = LinearTeacher(4).sample(jax.random.key(1), 3)
    >>> bool(jnp.allclose(y, x.sum(1) / 2))
    True
    """

    n_inputs: int

    def __post_init__(self) -> None:
        whole("n_inputs", self.n_inputs, low=1)

    def sample(self, key: Key[Array, ""], n: int) -> tuple[Float[Array, "n N"], Float[Array, " n"]]:
        """Draw n inputs (n, N) and their labels without noise (n,)."""
        x = jax.random.normal(key, (n, self.n_inputs))
        return x, x.sum(1) * self.n_inputs**-0.5
