"""Random numbers of the Gram-space simulation, drawn in one sweep per chunk.

All numbers of a chunk come from one counter-mode call of the generator behind `jax.random` (threefry),
which costs less than several calls. They are drawn in single precision whatever the precision of the
run, so a float64 run sees the same samples as a float32 run.

Chi variables are exact: Marsaglia & Tsang, ACM TOMS 26, 363 (2000), with d = dof/2 - 1/3, x normal and
u uniform, propose d (1 + x / sqrt(9 d))^3 ~ Gamma(dof/2), accepted if
log u < x^2/2 + d (1 - w + log w), w = (1 + x / sqrt(9 d))^3. Rejected entries are proposed again, alone,
until all are accepted; a replicate's numbers do not depend on its neighbours in a batch.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Bool, Float, Key, UInt32

from teacher_student import generator


def uniform(word: UInt32[Array, " n"]) -> Float[Array, " n"]:
    """Uniform in the open interval (0, 1), on a grid of 2^-23."""
    return ((word >> 9).astype(jnp.float32) + 0.5) * jnp.float32(2.0**-23)


def normal(word: UInt32[Array, " n"]) -> Float[Array, " n"]:
    """Standard normal by the inverse distribution function."""
    return jnp.float32(2**0.5) * jax.lax.erf_inv(2 * uniform(word) - 1)


def propose_chi_squared(
    x: Float[Array, " n"], u: Float[Array, " n"], dof: Float[Array, " n"]
) -> tuple[Float[Array, " n"], Bool[Array, " n"]]:
    """One proposal for chi^2(dof), dof >= 1, from normal x and uniform u, and whether it is accepted."""
    d = dof / 2 - jnp.float32(1 / 3)
    t = x / jnp.sqrt(9 * d)
    inside = jnp.maximum(t, -1 + 1e-6)
    log_ratio = d * (3 * (jnp.log1p(inside) - t) - t * t * (3 + t))
    accepted = (t > -1) & (jnp.log(u) < 0.5 * x * x + log_ratio)
    square = dof < 1.5
    return jnp.where(square, x * x, 2 * d * (1 + t) ** 3), accepted | square


def chi(
    key: Key[Array, ""], x: Float[Array, " n"], u: Float[Array, " n"], dof: Float[Array, " n"]
) -> Float[Array, " n"]:
    """chi(dof), elementwise; x normal and u uniform make the first proposal, `key` any further one."""

    def unfinished(state):
        return ~jnp.all(state[1])

    def again(state):
        value, accepted, attempt = state
        fresh = generator.words(generator.fold_in(key, attempt), 2 * len(dof))
        other, ok = propose_chi_squared(normal(fresh[: len(dof)]), uniform(fresh[len(dof) :]), dof)
        return jnp.where(accepted, value, other), accepted | ok, attempt + 1

    value, _, _ = jax.lax.while_loop(unfinished, again, (*propose_chi_squared(x, u, dof), 0))
    return jnp.sqrt(value)


def lower_triangle(numbers: Float[Array, " m"], size: int) -> Float[Array, "n n"]:
    """Strictly lower triangular (size, size) from size (size - 1) / 2 numbers, without a gather.

    Row m of a (size/2, size - 1) table serves row m and, turned around, row size - 1 - m. `size` even.
    """
    half = jnp.pad(numbers.reshape(size // 2, size - 1), ((0, 0), (0, 1)))
    full = jnp.concatenate([half, jnp.roll(half[::-1, ::-1], -1, 1)])
    return jnp.tril(full, -1)


def wishart_factor(key: Key[Array, ""], size: int, dof: int) -> Float[Array, "n n"]:
    """Bartlett factor T of a standard Wishart matrix T T^T of `dof` >= size degrees of freedom."""
    if dof < size:
        raise ValueError(
            f"a Wishart matrix of size {size} with {dof} degrees of freedom is singular and has no "
            f"Bartlett factor; need dof >= {size}"
        )
    below_key, first_key, key = generator.split(key, 3)
    first = generator.words(first_key, 2 * size)
    below = jnp.tril(generator.normal(below_key, (size, size)), -1)
    dofs = dof - jnp.arange(size, dtype=jnp.float32)
    return below + jnp.diag(chi(key, normal(first[:size]), uniform(first[size:]), dofs))
