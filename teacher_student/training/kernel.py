"""The steps of a chunk as one kernel on a GPU, and the kernels that there are.

`chunk.descend` scans over B steps of small vectors. On a GPU every operation of every step would be a
launch of its own, a few microseconds each for a microsecond of work; here one program of the kernel takes
one lane through all steps, its pre-activations in registers from the first to the last, and all lanes run
side by side.

A step updates ahead: with h_i known, G_ji h_i leaves the pre-activations of all j at once. The sums are those
of `descend`, added up in another order, so the two agree to rounding.

    scan     `descend`, everywhere; the reference
    pallas   the kernel, written in Pallas and compiled by Triton; on a CPU it is interpreted, which is
             slow and meant for tests

Units and samples are filled up to powers of two with idle ones, as Triton asks.
"""

import os
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from math import factorial, pi
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental import pallas as pl
from jaxtyping import Bool, Float

from teacher_student.checks import known
from teacher_student.students.two_layer import Scaling, TwoLayer

KERNELS = ("auto", "scan", "pallas")

#: What the kernel is compiled by on a GPU.
TRITON = "jax.experimental.pallas.triton"

#: Numbers that one lane keeps in registers at most; longer chunks go in pieces.
IN_REGISTERS = 8192


class Launch(NamedTuple):
    """How a piece is launched: samples in it, units with idle ones, warps that share a lane."""

    rows: int
    units: int
    warps: int


def chosen() -> str:
    """The kernel to use: pallas on a GPU, scan elsewhere, or the one named by TILTING_ODDS_KERNEL.

    JAX has announced to give up Pallas on Triton; a version without it scans.
    """
    name = os.environ.get("TILTING_ODDS_KERNEL") or "auto"
    known("kernel", name, KERNELS)
    if name != "auto":
        return name
    return "pallas" if jax.default_backend() == "gpu" and find_spec(TRITON) else "scan"


def erf(x: Array) -> Array:
    """The error function by products and one exponential, within 3e-7; Triton's lowering has none.

    Below 1/2 the Taylor series about 0 to x^15, beyond it Abramowitz & Stegun, formula 7.1.26.
    """
    square, size = x * x, jnp.abs(x)
    series = 1 / (1.0 * 15 * 5040)
    for n in range(6, -1, -1):
        series = 1 / ((2 * n + 1) * factorial(n)) - series * square
    t = 1 / (1 + 0.3275911 * size)
    tail = 0.0
    for a in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail = (tail + a) * t
    far = jnp.sign(x) * (1 - tail * jnp.exp(-square))
    return jnp.where(size < 0.5, 2 / pi**0.5 * x * series, far)


#: Activations in operations that Triton's lowering has.
REWRITTEN: dict[str, Callable[[Array], Array]] = {"erf": lambda u: erf(u * 0.5**0.5)}


def launch(samples: int, width: int) -> Launch:
    """The launch for a chunk of `samples` and a student of `width`.

    Examples
    --------
    >>> launch(32, 16), launch(128, 256)
    (Launch(rows=32, units=16, warps=1), Launch(rows=32, units=256, warps=8))
    """
    units = pl.next_power_of_2(width)
    rows = min(pl.next_power_of_2(samples), max(16, IN_REGISTERS // units))
    return Launch(rows, units, min(8, max(1, rows * units // 1024)))


def descend(
    student: TwoLayer,
    scaling: Scaling,
    lambda0: Float[Array, "B K"],
    gram: Float[Array, "B B"],
    label: Float[Array, " B"],
    on: Bool[Array, " B"],
    v: Float[Array, " K"],
    rate: Float[Array, " B"] | None = None,
) -> tuple[Float[Array, "B K"], Float[Array, "B K"], Float[Array, " K"]]:
    """`chunk.descend` by the kernel: the same arguments and results, equal to rounding."""
    n, width = lambda0.shape
    rows, units, warps = launch(n, width)
    fill = lambda x, *shape: jnp.pad(x, [(0, s - d) for s, d in zip(shape, x.shape, strict=True)])  # noqa: E731
    kind = lambda *shape: jax.ShapeDtypeStruct(shape, lambda0.dtype)  # noqa: E731
    numbers = jnp.stack([jnp.asarray(x, lambda0.dtype) for x in scaling])
    interpret = jax.default_backend() == "cpu"
    weight = on.astype(lambda0.dtype) if rate is None else on * rate  # of the slope, and so of the step
    v = fill(v, units)
    h, lam = lambda0[:0], lambda0[:0]
    for start in range(0, n, rows):
        piece = slice(start, min(start + rows, n))
        begin = lambda0[piece] - gram[piece, :start] @ h
        new, lams, v = pl.pallas_call(
            partial(_steps, student, width),
            out_shape=(kind(rows, units), kind(rows, units), kind(units)),
            interpret=interpret,
            compiler_params=None if interpret else _by_triton(warps),
        )(
            fill(begin, rows, units),
            fill(gram[piece, piece], rows, rows),
            fill(label[piece], rows),
            fill(weight[piece], rows),
            v,
            numbers,
        )
        own = slice(0, piece.stop - start)
        h, lam = jnp.concatenate([h, new[own, :width]]), jnp.concatenate([lam, lams[own, :width]])
    return h, lam, v[:width]


def _by_triton(warps: int) -> Any:
    from jax.experimental.pallas import triton

    return triton.CompilerParams(num_warps=warps, num_stages=1)


def _steps(student: TwoLayer, width: int, lambda0, gram, label, on, v, scaling, h, lam, v_out) -> None:
    """All steps of a piece for one lane; the last three are written."""
    rows, units = lambda0.shape
    scale, hidden_rate, readout_rate = scaling[0], scaling[3], scaling[4]
    row = jax.lax.broadcasted_iota(jnp.int32, (rows, 1), 0)
    there = jax.lax.broadcasted_iota(jnp.int32, (units,), 0) < width
    own_phi = REWRITTEN.get(student.activation, student.phi)

    def step(i, carry):
        ahead, v = carry
        now = jnp.sum(jnp.where(row == i, ahead, jnp.zeros_like(ahead)), 0)
        phi = jnp.where(there, own_phi(now), jnp.zeros_like(now))
        slope = on[i] * scale * student.dloss(scale * jnp.sum(v * phi), label[i])
        new = hidden_rate * slope * v * student.dphi(now)
        h[i, :] = new
        lam[i, :] = now
        return ahead - gram[i, :][:, None] * new[None, :], v - readout_rate * slope * phi

    _, v_out[...] = jax.lax.fori_loop(0, rows, step, (lambda0[...], v[...]))
