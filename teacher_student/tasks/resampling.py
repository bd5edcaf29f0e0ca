"""An image shrunk to any size and pasted on another one, in pure JAX.

Every pixel of the result is the mean, over its square, of what lies there: the small image where that covers
it, the other image elsewhere. So edges are smooth in the size, nothing is sampled twice or left out, and the
full size gives the image back exactly. The choice of this resampling is ours.
"""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


def coverage(count: int, side: float | Float[Array, ""]) -> Float[Array, "count count"]:
    """Share of each pixel of a row (first axis) that each pixel of the shrunk row (second axis) covers.

    Parameters
    ----------
    count : pixels of the row, before and after
    side : length of the shrunk row, centred, in units of the row; 0 < side <= 1, may be traced

    Examples
    --------
    >>> coverage(4, 0.5).tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.0, 0.0]]
    """
    # where the edges of the pixels lie in the row before it was shrunk
    edges = (jnp.arange(count + 1.0) - count / 2) / side + count / 2
    pixel = jnp.arange(count * 1.0)
    low = jnp.maximum(edges[:-1, None], pixel)
    high = jnp.minimum(edges[1:, None], pixel + 1)
    return jnp.maximum(0, high - low) * side


def pasted(
    image: Float[Array, "H W C"], ground: Float[Array, "H W C"], side: float | Float[Array, ""]
) -> Float[Array, "H W C"]:
    """The image shrunk to `side` times its height and width, centred on the `ground`.

    Examples
    --------
    >>> ones, zeros = jnp.ones((4, 4, 1)), jnp.zeros((4, 4, 1))
    >>> float(pasted(ones, zeros, 0.5).sum()), round(float(pasted(ones, zeros, 0.75)[0, 0, 0]), 6)
    (4.0, 0.25)
    """
    rows, columns = (coverage(count, side) for count in image.shape[:2])
    covered = rows.sum(1)[:, None, None] * columns.sum(1)[None, :, None]
    return jnp.einsum("ik,jl,klc->ijc", rows, columns, image) + (1 - covered) * ground
