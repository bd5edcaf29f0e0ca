"""Measures from gradients: of the loss by the weights (GraNd), of the class score by the pixels (VoG).

    grand       ||d CE(f(x), y) / d w||_2 over all parameters
    grand_last  the same over weight and bias of a last linear layer on h,
                ||p - onehot(y)||_2 sqrt(||h||^2 + 1)
    input_gradient   d z_y / d x, averaged over the channels of images (n, H, W, channels)

Sources: Paul et al., NeurIPS 2021, arXiv 2107.07075, def. 2.1; Agarwal et al., CVPR 2022, arXiv 2008.11600,
eq. (1)-(3). At initialisation GraNd mostly follows the norm of the input (arXiv 2303.14753).
"""

import jax
import jax.numpy as jnp
from jax import Array

from curricula.difficulty import pointwise
from curricula.difficulty.score import View

GRADIENTS_AT_ONCE = 32


def grand(view: View) -> Array:
    """Norm of the per-example gradient (n,); harder. Holds 32 gradients in memory at a time and run."""

    def loss(params, x, y):
        return pointwise.cross_entropy(view.network.apply(params, x[None]), y[None])[0]

    def norm(example):
        leaves = jax.tree.leaves(jax.grad(loss)(view.params, *example))
        return jnp.sqrt(sum(jnp.vdot(leaf, leaf) for leaf in leaves))

    return jax.lax.map(norm, (view.inputs, view.labels), batch_size=GRADIENTS_AT_ONCE)


def grand_last(view: View) -> Array:
    """Norm of the gradient of a last linear layer with bias (n,); harder. The model needs `features`."""
    if view.network.features is None:
        raise ValueError(
            "grand_last needs a model with a method features(x) that lists its blocks, logits last"
        )
    blocks = view.network.features(view.params, view.inputs)
    hidden = (blocks[-2] if len(blocks) > 1 else view.inputs).reshape(len(view.inputs), -1)
    return pointwise.error_l2(view.logits, view.labels) * jnp.sqrt(1 + (hidden**2).sum(-1))


def input_gradient(view: View) -> Array:
    """Gradient of the label's logit by the input, (n, ...) without the channel axis of images."""

    def score(x):
        return jnp.take_along_axis(view.network.apply(view.params, x), view.labels[:, None], 1).sum()

    slope = jax.grad(score)(view.inputs)
    return slope.mean(-1) if slope.ndim == 4 else slope


def pixel_mean(values: Array, labels: Array) -> Array:
    """Mean over all axes but the first: the last step of VoG."""
    return values.reshape(values.shape[0], -1).mean(-1)
