"""BitParity: the label is the product of k of N bits, the rest say nothing.

The process: bits x_i in {-1, +1}, each -1 with probability p on its own,

    label = prod of the bits in `bits`.

Two knobs of difficulty. With fewer `active` bits the later ones are 0, so there is less to be misled by
(growing inputs); the bits of the label must be among them. With p far from 1/2 the label depends on single
bits on average (E[label x_i] is not 0), at p = 1/2 on nothing less than all k.

Source: Abbe, Cornacchia, Lotfi, NeurIPS 2023, arXiv 2306.16921 (mixed inputs, then uniform ones).
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Key

from teacher_student.checks import whole, within


@dataclass(frozen=True)
class BitParity:
    """The parity of some of N = `n_inputs` bits.

    Parameters
    ----------
    n_inputs : int >= 1
    bits : ints >= 1
        Numbers of the bits in the label, from 1; different.

    Examples
    --------
    >>> task = BitParity(6, (1, 3))
    >>> x, y = task.sample(jax.random.key(0), 100, active=4)
    >>> bool((y == x[:, 0] * x[:, 2]).all()), x[:, 4:].any().item()
    (True, False)
    """

    n_inputs: int
    bits: tuple[int, ...]

    def __post_init__(self) -> None:
        whole("n_inputs", self.n_inputs, low=1)
        if len(self.bits) > self.n_inputs:
            raise ValueError(
                f"a parity of k = {len(self.bits)} bits needs as many inputs; n is {self.n_inputs}"
            )
        if not self.bits or len(set(self.bits)) != len(self.bits):
            raise ValueError(f"bits are {self.bits}; need different numbers of bits, one at least")
        for bit in self.bits:
            whole("a bit", bit, 1, self.n_inputs)

    def check(self, active: int, flip: float) -> None:
        """Refuse a level that leaves bits of the label out, or a probability that is none."""
        whole("active", active, max(self.bits), self.n_inputs)
        within("flip", flip, 0, 1)

    def sample(
        self, key: Key[Array, ""], n: int, active: int | None = None, flip: float | Array = 0.5
    ) -> tuple[Float[Array, "n N"], Float[Array, " n"]]:
        """Draw n inputs in {-1, 0, 1} and their labels.

        Parameters
        ----------
        active : the first so many bits are drawn and the others 0; default all
        flip : p, the probability of -1, of all inputs or (n,)
        """
        p = jnp.broadcast_to(jnp.asarray(flip, jnp.float32), (n,))[:, None]
        drawn = jnp.where(jax.random.uniform(key, (n, self.n_inputs)) < p, -1.0, 1.0)
        label = jnp.prod(drawn[:, jnp.array(self.bits) - 1], 1)
        return drawn * (jnp.arange(self.n_inputs) < (active or self.n_inputs)).astype(drawn.dtype), label
