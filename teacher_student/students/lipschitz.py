"""How fast a two-layer relu network without biases can change: its Lipschitz constant, its mean gradient.

f = sum_k v_k relu(w_k . x) has the gradient sum_k s_k v_k w_k wherever the units s in {0, 1}^K are on. If
the w_k are linearly independent (so K <= N), every pattern s is that of some x, and

    Lip^2 = max_s s^T A s,      A_kl = v_k v_l w_k . w_l.

Up to `MOST_EXACT` units all patterns are tried. Beyond, bits are flipped as long as that helps: a value
from below. Where K > N some patterns are of no x, and the maximum over them is an upper bound of Lip;
`steepest` looks at real x only, and so is never above Lip. For x ~ N(0, I)

    E |grad f|^2 = sum_kl A_kl (1/4 + arcsin(rho_kl) / (2 pi)),      rho_kl = cos(w_k, w_l).

Sources: Bubeck, Sellke, NeurIPS 2021, arXiv 2105.12806 (why it should be large for narrow networks that fit
noise); the probability that two jointly normal numbers are positive, Sheppard 1899.
"""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

#: Units up to which all 2^K patterns are tried.
MOST_EXACT = 20
#: Inputs from which `steepest` climbs, its steps, and how sharp its sigmoids are, in units of sqrt N.
STARTS, ROUNDS, SHARP = 8, 60, 6.0


def pattern_products(w: Float[Array, "K N"], v: Float[Array, " K"]) -> Float[Array, "K K"]:
    """A_kl = v_k v_l w_k . w_l."""
    rows = v[:, None] * w
    return rows @ rows.T


def lipschitz(w: Float[Array, "K N"], v: Float[Array, " K"]) -> Float[Array, ""]:
    """sqrt(max_s s^T A s): exact up to `MOST_EXACT` units, from below beyond.

    Examples
    --------
    >>> w = jnp.array([[1.0, 0.0], [0.6, 0.8]])        # both on: |(1, 0) + (0.6, 0.8)| = sqrt(3.2)
    >>> round(float(lipschitz(w, jnp.array([1.0, 1.0]))) ** 2, 4)
    3.2
    >>> round(float(lipschitz(w, jnp.array([1.0, -1.0]))), 4)          # better one alone
    1.0
    """
    products = pattern_products(w, v)
    found = _all_patterns(products) if w.shape[0] <= MOST_EXACT else flipped(products)
    return jnp.sqrt(found)


def _all_patterns(products: Float[Array, "K K"]) -> Float[Array, ""]:
    """max_s s^T A s over all s: those of the first half of the units against those of the second."""
    k = products.shape[0]
    cut = k // 2
    first, second = (jnp.arange(2**n)[:, None] >> jnp.arange(n) & 1 for n in (cut, k - cut))
    s, t = first.astype(products.dtype), second.astype(products.dtype)
    own = jnp.sum((s @ products[:cut, :cut]) * s, 1)[:, None] + jnp.sum((t @ products[cut:, cut:]) * t, 1)
    return jnp.max(own + 2 * s @ products[:cut, cut:] @ t.T)


def flipped(products: Float[Array, "K K"]) -> Float[Array, ""]:
    """A local maximum of s^T A s, no flip of one bit being better.

    The best of three starts: all units on, those with a positive readout sum, and none on.
    """
    k = products.shape[0]
    ones = jnp.ones(k, products.dtype)
    starts = jnp.stack([ones, (products.sum(1) > 0).astype(products.dtype), 0 * ones])

    def gain(s: Array) -> Array:
        turn = 1 - 2 * s
        return 2 * turn * (products @ s) + jnp.diag(products)

    def climb(s: Array) -> Array:
        def on(carry: tuple[Array, Array]) -> Array:
            s, left = carry
            # more than rounding, so that it ends
            return (jnp.max(gain(s)) > 1e-6 * jnp.max(jnp.diag(products))) & (left > 0)

        def flip(carry: tuple[Array, Array]) -> tuple[Array, Array]:
            s, left = carry
            best = jnp.argmax(gain(s))
            return s.at[best].set(1 - s[best]), left - 1

        end, _ = jax.lax.while_loop(on, flip, (s, jnp.asarray(4 * k)))
        return end @ products @ end

    return jnp.max(jax.lax.map(climb, starts))


def steepest(w: Float[Array, "K N"], v: Float[Array, " K"], x: Float[Array, "n N"]) -> Float[Array, ""]:
    """The largest |grad f| that was found at an input: of `lipschitz` where K <= N, as all patterns are real.

    Where K > N it is that of an input on a climb of |grad f|^2 with sigmoids in place of the steps of relu,
    over directions, from the `STARTS` inputs of x at which it is largest. It is never above Lip.

    Examples
    --------
    >>> w, v = jnp.array([[1.0], [-2.0], [3.0]]), jnp.array([1.0, 1.0, 1.0])
    >>> float(steepest(w, v, jnp.array([[-1.0], [1.0]])))         # the first and the third, 1 + 3; never all
    4.0
    """
    if w.shape[0] <= w.shape[1]:
        return lipschitz(w, v)
    units = w / jnp.linalg.norm(w, axis=1, keepdims=True)
    sharp = SHARP * w.shape[1] ** 0.5

    def square(x: Array) -> Array:
        return jnp.sum((((x @ w.T > 0).astype(w.dtype) * v) @ w) ** 2, -1)

    def smooth(x: Array) -> Array:
        return jnp.sum(((jax.nn.sigmoid(sharp * x @ units.T) * v) @ w) ** 2)

    def along(x: Array) -> Array:
        return x / jnp.maximum(jnp.linalg.norm(x, axis=-1, keepdims=True), 1e-30)

    def step(i: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        x, best = carry
        x = along(x + 0.3 * (1 - i.astype(x.dtype) / ROUNDS) * along(jax.grad(smooth)(x)))
        return x, jnp.maximum(best, square(x).max())

    top, where = jax.lax.top_k(square(x), min(STARTS, x.shape[0]))
    return jnp.sqrt(jax.lax.fori_loop(0, ROUNDS, step, (along(x[where]), top[0]))[1])


def mean_square_gradient(w: Float[Array, "K N"], v: Float[Array, " K"]) -> Float[Array, ""]:
    """E |grad f|^2 over x ~ N(0, I), see the module.

    Examples
    --------
    >>> w, v = jnp.array([[3.0, 4.0]]), jnp.array([2.0])        # on half of the time: 2^2 5^2 / 2
    >>> round(float(mean_square_gradient(w, v)), 4)
    50.0
    """
    norms = jnp.linalg.norm(w, axis=1)
    rho = jnp.clip(w @ w.T / (norms[:, None] * norms), -1, 1)
    return jnp.sum(pattern_products(w, v) * (0.25 + jnp.arcsin(rho) / (2 * jnp.pi)))
