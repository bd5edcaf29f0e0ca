"""What tasks with zero-mean Gaussian inputs in blocks share: teachers, inputs and pre-activations."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key

from teacher_student.interfaces import Block, Level, Noise, OrderParameters, Task
from teacher_student.order_parameters import joint_covariance


def draw_directions(key: Key[Array, ""], blocks: tuple[Block, ...]) -> Float[Array, "P N"]:
    """Orthonormal directions, uniform within the first block, which holds all of them."""
    first, n_inputs = blocks[0], sum(block.size for block in blocks)
    q, r = jnp.linalg.qr(jax.random.normal(key, (first.size, first.directions), jnp.float32))
    return jnp.pad((q * jnp.sign(jnp.diag(r))).T, ((0, 0), (0, n_inputs - first.size)))


def draw_inputs(
    task: Task,
    key: Key[Array, ""],
    n: int,
    level: Level,
    directions: Float[Array, "P N"] | None,
) -> tuple[Float[Array, "n N"], Float[Array, " n"]]:
    """n inputs (n, N) and labels (n,) at `level`, whose entries are scalars or have leading axis n."""
    n_directions = task.blocks[0].directions
    if directions is None:
        directions = jnp.eye(n_directions, task.n_inputs)
    z_key, label_key = jax.random.split(key)
    z = jax.random.normal(z_key, (n, task.n_inputs))
    noise = Noise(z @ directions.T, jnp.zeros(n), jax.random.normal(label_key, (n,)))
    rows = {name: jnp.broadcast_to(jnp.asarray(value, z.dtype), (n,)) for name, value in level.items()}
    seen = task.observe(noise, rows)
    sizes = jnp.array([block.size for block in task.blocks])
    scale = jnp.repeat(seen.scale, sizes, axis=1, total_repeat_length=task.n_inputs)
    return scale * z + (seen.along - (scale * z) @ directions.T) @ directions, seen.label


def preactivations(
    order: OrderParameters, scales: tuple[float | Array, ...], normals: Float[Array, "n D"]
) -> tuple[Float[Array, "2*n K"], Float[Array, "2*n P"]]:
    """w_k . x and the components of x along the task directions at n test points and their mirror images.

    Columns of `normals`: one per task direction, then one per column of each block's factor in order.
    """
    n_directions = order.along.shape[1]
    rows = jnp.concatenate(
        [order.along] + [scale * f for scale, f in zip(scales, order.factors, strict=True)], 1
    )
    lam, direction = normals @ rows.T, normals[:, :n_directions]
    return jnp.concatenate([lam, -lam]), jnp.concatenate([direction, -direction])


def unit_covariance(
    order: OrderParameters, scales: tuple[float | Array, ...], teacher_rows: Float[np.ndarray, "M P"]
) -> Float[Array, "n n"]:
    """`joint_covariance` of order parameters; `scales`: standard deviations of the inputs per block."""
    noise = [scale**2 * (f @ f.T) for scale, f in zip(scales, order.factors, strict=True)]
    return joint_covariance(order.along, jnp.stack(noise), teacher_rows)
