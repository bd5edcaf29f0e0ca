"""Pruning: masks, iterative and one-shot magnitude pruning, rewinding, and the controls.

A mask is a pytree like the parameters of one network, 1 where a weight is kept and 0 where it is pruned.
With fraction p, s weights in a group and n rounds done,

    remaining(s, n) = s (1 - p_g)^n rounded to the nearest whole number,      p_g = p, output layer p / 2,

so the count after any round is right to one weight and rounding errors do not add up. A round keeps the
`remaining` weights of largest magnitude among those still there. What a group is, is the scope:

    layer    every layer by itself
    global   all layers but the last together (the largest weight of each stays); the last by itself
    units    the hidden units of every layer, whole: a unit's score is |weights into it| |weights out of it|
             (Euclidean norms; for a two-layer student |v_k| |w_k|, which a relu unit cannot hide by scaling)

Equal magnitudes (scores) are taken in order: layers first to last, weights of a layer by input, then by
output. A magnitude that is not a number counts as 0, so a diverged network is pruned too, to a mask that
means nothing; what is pruned never comes back.

Iterative pruning, with `train` any way to train under a mask (`teacher_student.training.epochs` or
`teacher_student.training.masked`):

    counts = rule.counts(params, rounds)
    masks = full(params)
    for n in range(1, rounds + 1):
        trained = train(rewound(params, masks), masks)      # a ticket keeps its initial weights
        masks = rule.prune(trained, masks, counts[n])

One-shot pruning is one call with `full(params)` and counts[n]; pruning by the magnitude at the start is the
same call with the initial parameters. The other controls: `shuffled` masks, and other initial parameters
under the same mask. To rewind to step k, give `rewound` the parameters as they were at step k.

Works for `two_layer.Params` and for the parameters of MLP and CNN; biases are pruned with their unit only.
Every function is for one network and pure JAX: vmap it over replicates. Sources: Frankle & Carbin, ICLR
2019, arXiv 1803.03635, sec. 2 and appendix C (layer-wise, output layer at half the rate) and sec. 4 (global);
Frankle et al., ICML 2020, arXiv 1912.05671 (rewinding to step k).
"""

import math
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Integer, Key, PyTree

from teacher_student.checks import known, within
from teacher_student.students.two_layer import Params

SCOPES = ("layer", "global", "units")


def remaining(size: int, fraction: float, rounds: int) -> int:
    """Weights left of `size` after `rounds` rounds, to the nearest whole number.

    Examples
    --------
    >>> [remaining(1000, 0.2, n) for n in range(4)]
    [1000, 800, 640, 512]
    """
    return math.floor(size * (1 - fraction) ** rounds + 0.5)


@dataclass(frozen=True)
class Pruning:
    """How weights are chosen; see the module.

    Parameters
    ----------
    fraction : float in (0, 1), default 0.2
        Pruned per round; larger is faster and, per round, worse.
    scope : {"layer", "global", "units"}
    output_factor : float in [0, 1], default 0.5
        The output layer is pruned at this times `fraction`; 0 leaves it whole. Not used with units.

    Examples
    --------
    >>> params = Params(jnp.array([[3.0, -1.0], [0.5, 2.0]]), jnp.array([1.0, -2.0]))
    >>> rule = Pruning(fraction=0.5)
    >>> rule.counts(params, 1).tolist()
    [[4, 2], [2, 2]]
    >>> rule.prune(params, full(params), rule.counts(params, 1)[1]).w.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """

    fraction: float = 0.2
    scope: str = "layer"
    output_factor: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.fraction < 1:
            raise ValueError(f"fraction is {self.fraction!r}; need 0 < fraction < 1")
        known("scope", self.scope, SCOPES)
        within("output_factor", self.output_factor, 0, 1)

    def counts(self, params: PyTree, rounds: int) -> Int[np.ndarray, "rounds_and_start groups"]:
        """What remains of every group after 0, 1, ..., `rounds` rounds; refused where a layer would be empty.

        Groups in order: layers first to last (layer); hidden layers together, last layer (global); hidden
        layers (units, counted in units).
        """
        within("rounds", rounds, low=0)
        sizes = [kernel.size for kernel in kernels(params)]
        rates = [self.fraction] * (len(sizes) - 1) + [self.fraction * self.output_factor]
        if self.scope != "layer" and len(sizes) < 2:
            raise ValueError(f"scope {self.scope!r} needs a hidden layer; use layer")
        least = [1] * len(sizes)
        if self.scope == "global":
            sizes, rates, least = [sum(sizes[:-1]), sizes[-1]], rates[-2:], [len(sizes) - 1, 1]
        elif self.scope == "units":
            sizes, rates = [kernel.shape[-1] for kernel in kernels(params)[:-1]], rates[:-1]
        if max(sizes) >= 2**31:
            raise ValueError(
                f"a layer has {max(sizes)} weights; need fewer than 2147483648: take a smaller width"
            )
        table = [
            [remaining(size, rate, n) for size, rate in zip(sizes, rates, strict=True)]
            for n in range(rounds + 1)
        ]
        what = "units" if self.scope == "units" else "weights"
        for n, row in enumerate(table):
            for group, (left, need) in enumerate(zip(row, least, strict=False)):
                if left < need:
                    raise ValueError(
                        f"round {n} at fraction {self.fraction} would empty a layer: {left} of "
                        f"{sizes[group]} {what} left; use fewer rounds or a smaller fraction"
                    )
        return np.array(table, np.int32)

    def prune(self, params: PyTree, masks: PyTree, counts: Integer[Array | np.ndarray, " groups"]) -> Any:
        """The mask that keeps `counts` per group, the largest magnitudes among what `masks` keeps.

        Ties go to the weight that comes first, see the module. With scope "global" the largest weight of
        every hidden layer (the first of them) is kept before all others.
        """
        weights, kept = kernels(params), kernels(masks)
        counts = jnp.asarray(counts)
        if self.scope == "units":
            scores = [
                _among(score, alive) for score, alive in zip(unit_scores(weights), units(masks), strict=True)
            ]
            chosen = [_largest(score, counts[i]) for i, score in enumerate(scores)]
            return of_units(params, chosen)
        sizes = [_among(jnp.abs(w), m) for w, m in zip(weights, kept, strict=True)]
        if self.scope == "layer":
            return of_kernels(params, [_largest(size, counts[i]) for i, size in enumerate(sizes)])
        hidden = jnp.concatenate([_first_largest_ahead(s.ravel()) for s in sizes[:-1]])
        flat = jnp.split(_largest(hidden, counts[0]), np.cumsum([s.size for s in sizes[:-2]]).tolist())
        first = [part.reshape(s.shape) for part, s in zip(flat, sizes[:-1], strict=True)]
        return of_kernels(params, [*first, _largest(sizes[-1], counts[1])])


@jax.jit
def full(params: PyTree) -> Any:
    """The mask that keeps everything."""
    return jax.tree.map(jnp.ones_like, params)


@jax.jit
def rewound(params: PyTree, masks: PyTree) -> Any:
    """Parameters of the start (or of step k) under a mask: what a ticket is trained from."""
    return jax.tree.map(jnp.multiply, params, masks)


def check_rewind(step: int, steps: int) -> None:
    """Refuse to rewind to a step that is not before the end of training."""
    if not 0 <= step < steps:
        raise ValueError(f"rewind is {step}, but training has {steps} steps; need 0 <= rewind < {steps}")


def shuffled(key: Key[Array, ""], masks: PyTree, scope: str = "layer") -> Any:
    """A random mask with as many weights (units) kept in every layer: the control for which ones they are."""
    known("scope", scope, SCOPES)
    parts = units(masks) if scope == "units" else kernels(masks)
    mixed = [
        jax.random.permutation(jax.random.fold_in(key, i), part.ravel()).reshape(part.shape)
        for i, part in enumerate(parts)
    ]
    return of_units(masks, mixed) if scope == "units" else of_kernels(masks, mixed)


def scattered(key: Key[Array, ""], masks: PyTree) -> Any:
    """A mask that keeps as many weights into every unit of the first layer, from inputs drawn at random.

    The other layers stay as they are. It is the control for which inputs a mask keeps: all that it shares
    with `masks` is how many a unit has. For masks of weights: those of units keep all inputs or none.
    """
    first, *rest = kernels(masks)
    columns = first.reshape(-1, first.shape[-1])
    mixed = jax.random.permutation(key, columns, axis=0, independent=True)
    return of_kernels(masks, [mixed.reshape(first.shape), *rest])


def kernels(params: PyTree) -> list[Any]:
    """Weight matrices (..., n_in, n_out), first layer to last; a two-layer student has two."""
    if isinstance(params, Params):
        return [params.w.T, params.v[:, None]]
    return [params["params"][name]["kernel"] for name in _layers(params)]


def of_kernels(params: PyTree, masks: list[Array]) -> Any:
    """The mask of a network from those of its weight matrices; biases stay."""
    if isinstance(params, Params):
        return Params(masks[0].T, masks[1][:, 0])
    tree = jax.tree.map(jnp.ones_like, params["params"])
    for name, mask in zip(_layers(params), masks, strict=True):
        tree[name] = {**tree[name], "kernel": mask}
    return {"params": tree}


def of_units(params: PyTree, kept: list[Array]) -> Any:
    """The mask that keeps hidden units: 0 for all weights into and out of the others, and their biases."""
    shapes = [kernel.shape for kernel in kernels(params)]
    masks = []
    for i, shape in enumerate(shapes):
        mask = jnp.ones(shape, kept[0].dtype)
        if i:
            # the inputs of a layer after a convolution are pixels x channels, channels last
            mask = mask.reshape(-1, kept[i - 1].size, shape[-1]) * kept[i - 1][None, :, None]
        mask = mask.reshape(shape)
        masks.append(mask * kept[i] if i < len(kept) else mask)
    tree = of_kernels(params, masks)
    if not isinstance(params, Params):
        for name, own in zip(_layers(params), kept, strict=False):
            tree["params"][name]["bias"] = own
    return tree


def units(masks: PyTree) -> list[Float[Array, " K"]]:
    """1 for every hidden unit that keeps a weight into it, by hidden layer."""
    return [(m.reshape(-1, m.shape[-1]) > 0).any(0).astype(m.dtype) for m in kernels(masks)[:-1]]


def unit_scores(weights: list[Array]) -> list[Float[Array, " K"]]:
    """|weights into a unit| |weights out of it|, by hidden layer."""
    scores = []
    for into, out in pairwise(weights):
        n_units = into.shape[-1]
        before = jnp.sqrt(jnp.sum(into.reshape(-1, n_units) ** 2, 0))
        after = jnp.sqrt(jnp.sum(out.reshape(-1, n_units, out.shape[-1]) ** 2, (0, 2)))
        scores.append(before * after)
    return scores


def weights_kept(masks: PyTree) -> Float[Array, ""]:
    """Number of weights (biases aside) that a mask keeps."""
    return jnp.stack([jnp.sum(mask) for mask in kernels(masks)]).sum()


def _among(sizes: Array, kept: Array) -> Array:
    """Sizes >= 0, finite, of what is kept, and -1 for what is pruned: nothing pruned ranks above a weight."""
    finite = jnp.minimum(jnp.where(jnp.isnan(sizes), 0, sizes), jnp.finfo(sizes.dtype).max)
    return jnp.where(kept > 0, finite, -1)


def _first_largest_ahead(sizes: Float[Array, " n"]) -> Float[Array, " n"]:
    """The same sizes with the first of the largest made infinite, unless everything is pruned."""
    first = jnp.argmax(sizes)
    return sizes.at[first].set(jnp.where(sizes[first] < 0, sizes[first], jnp.inf))


def _largest(scores: Array, count: Array | int) -> Array:
    """1.0 for the `count` largest of `scores`, 0.0 elsewhere; ties go to the first."""
    ranks = jnp.argsort(jnp.argsort(-scores.ravel(), stable=True), stable=True)
    return (ranks < count).astype("float32").reshape(scores.shape)


def _layers(params: PyTree) -> list[str]:
    """Layer names first to last: convolutions before dense layers, each by number."""
    return sorted(
        params["params"], key=lambda name: (name.rstrip("0123456789"), int(re.sub(r"\D", "", name)))
    )
