"""The equations under controls, on fixed steps: a differentiable loss.

Piece j of a schedule lasts d_j, mixes the C levels with shares u_jc and multiplies the learning rates by s_j:

    dx/dalpha = sum_c u_jc f(x; level c, s_j eta)

f is quadratic in s: the first-order terms go with s, the second-order one with s^2. Each piece takes as many
steps of the classical Runge-Kutta method, of order 4. How many are needed is found by doubling, and the
end of every optimum is compared with the adaptive integration of `solve` (see `accuracy`).

The second-order term of a relu student is sampled, and derivatives of a sum over nodes leave out that the
edges of its steps move. How much of the gradient that costs grows with the learning rate, whatever the
number of nodes (K = 3, a skewed start): at rates 0.05, 0.2 and 1 it is 0.1, 1 and 5 % for the committee, at
rates 0.2 and 1 it is 0.1 and 0.4 % for the sparse teacher, at rate 1 it is 0.2 % for the mixture. With
logistic loss all terms are sampled: 4 % for the mixture and 2 % for the sparse teacher, at rate 1.
"""

from functools import lru_cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from teacher_student.interfaces import Level
from teacher_student.one_thread import ONE_THREAD
from teacher_student.order_parameters import Overlaps
from teacher_student.theory.rates import Equations, Moments, Rates, derivative, scaled
from teacher_student.theory.schedule import Numbers

#: Objective -> what it is in terms of what a task observes.
OBJECTIVES = {"test_loss": "test_loss", "test_error": "1 - test_accuracy"}

#: Weights of the classical Runge-Kutta method: where each stage lies, and its part of the step.
_AT, _PART = np.array([0.0, 0.5, 0.5, 1.0]), np.array([1, 2, 2, 1]) / 6


class Controls(NamedTuple):
    """J pieces of C levels.

    duration : (J,) of each piece, in alpha
    mix      : (J, C) shares of the levels, summing to 1 over C
    rate     : (J,) factor on the learning rates
    """

    duration: Float[Numbers, "*batch J"]
    mix: Float[Numbers, "*batch J C"]
    rate: Float[Numbers, "*batch J"]


class Setting(NamedTuple):
    """Static: what is compiled. `steps` of each piece; `chunk` trajectories are taken side by side."""

    equation: Equations
    objective: str
    steps: int
    chunk: int

    def lanes(self, starts: int) -> int:
        """Schedules taken side by side, each from this many starts, 8 at most."""
        return min(8, max(1, self.chunk // starts))


class World(NamedTuple):
    """Traced: the starts (S, ...), the levels (C,), the targets (G,), the rates at factor 1, the nodes."""

    initial: Overlaps
    levels: Level
    targets: Level
    rates: Rates
    nodes: Float[Array, "n D"]


def moments(setting: Setting, world: World, state: Overlaps) -> Moments:
    """The expectations at every level, leading axis C."""

    def of_level(level):
        return setting.equation.moments(state, level, world.rates.output_scale, world.nodes)

    return jax.vmap(of_level)(world.levels)


def slope(
    setting: Setting, world: World, state: Overlaps, mix: Float[Array, " C"], rate: float | Array
) -> Overlaps:
    """dx/dalpha with the rates of change of the levels mixed."""
    mixed = jax.tree.map(lambda x: jnp.tensordot(mix, x, 1), moments(setting, world, state))
    return derivative(mixed, state, scaled(world.rates, rate))


def step(setting: Setting, world: World, state: Overlaps, length: Array, mix: Array, rate: Array) -> Overlaps:
    """One Runge-Kutta step."""

    def stage(carry, at):
        total, k = carry
        where, part = at
        probe = jax.tree.map(lambda x, k: x + where * length * k, state, k)
        k = slope(setting, world, probe, mix, rate)
        return (jax.tree.map(lambda t, k: t + part * length * k, total, k), k), None

    dtype = state.readout.dtype
    table = jnp.asarray(_AT, dtype), jnp.asarray(_PART, dtype)
    (end, _), _ = jax.lax.scan(stage, (state, jax.tree.map(jnp.zeros_like, state)), table)
    return end


def follow(
    setting: Setting, world: World, initial: Overlaps, controls: Controls
) -> tuple[Overlaps, Overlaps]:
    """The last state, and the states (J, steps, ...) at the start of every step."""
    one = jax.checkpoint(lambda state, length, mix, rate: step(setting, world, state, length, mix, rate))

    def piece(state, control):
        length = control.duration / setting.steps

        def go(state, _):
            return one(state, length, control.mix, control.rate), state

        return jax.lax.scan(go, state, None, length=setting.steps)

    return jax.lax.scan(piece, initial, controls)


def final_loss(setting: Setting, world: World, state: Overlaps) -> Float[Array, ""]:
    """The objective at one state, averaged over the targets."""

    def at(level):
        seen = setting.equation.observe(state, level, world.rates.output_scale, world.nodes)
        return seen["test_loss"] if setting.objective == "test_loss" else 1 - seen["test_accuracy"]

    return jnp.mean(jax.vmap(at)(world.targets))


def loss(setting: Setting, world: World, controls: Controls) -> Float[Array, ""]:
    """The objective at the end of one schedule, averaged over the starts."""

    def from_start(initial):
        end, _ = follow(setting, world, initial, controls)
        return final_loss(setting, world, end)

    return jnp.mean(jax.vmap(from_start)(world.initial))


@lru_cache(maxsize=64)
def compiled(setting: Setting, gradients: bool):
    """Jitted: the loss (R,) of schedules (R, ...), and its gradient by them (R, ...) if `gradients`."""

    def several(world, controls):
        def value(one):
            return loss(setting, world, one)

        return jax.vmap(jax.value_and_grad(value) if gradients else value)(controls)

    return jax.jit(several, compiler_options=ONE_THREAD)
