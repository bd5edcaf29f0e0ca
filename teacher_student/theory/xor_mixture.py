"""The order-parameter equations of `XorMixture`: an average over the four clusters of the level's prior.

Given cluster c with label y, lambda ~ N(mu, S) with mu = s M c and S = Delta Q. A Gaussian t is either
x_p (mean s c_p, covariance Delta M_kp with lambda_k) or w_orth_l . x (mean 0, covariance Delta q_kl);
write C_tk for its covariance with lambda_k. By parts, with F = f - y and the moments of `rectified` and
`quadratic`,

    relu       E[g_k t] / u_k = E t (on_relu u - y on)_k + C_tk (lift u - y density)_k
                                + sum_m both_km u_m C_tm
    quadratic  E[g_k t] / u_k = 2 (E t E[lambda_k F] + C_tk E F + 2 sum_m E[lambda_k lambda_m] u_m C_tm)

For squared loss, a quadratic student is in closed form throughout; a relu student in its first-order
terms and its test loss, with E[g_k g_l] by quasi-Monte Carlo (`sampled`). Other activations, other losses
and the accuracy are sampled.

Source: Refinetti et al., ICML 2021, arXiv 2102.11742, for the mixture's equations; Ben Arous et al.,
NeurIPS 2022, arXiv 2206.04030, for its limit at small rate.
"""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from teacher_student.interfaces import Level
from teacher_student.order_parameters import Overlaps
from teacher_student.tasks.xor_mixture import LABELS, MEANS, XorMixture, clusters_right
from teacher_student.theory.formulas import Formulas
from teacher_student.theory.quadratic import quadratic
from teacher_student.theory.rates import Moments
from teacher_student.theory.rectified import rectified
from teacher_student.theory.relu_student import RELU
from teacher_student.theory.sampled import averages, scores, split


@dataclass(frozen=True)
class XorMixtureEquations(Formulas):
    """The right-hand side for an `XorMixture`, on 2 x `n_nodes` nodes per cluster where it is sampled."""

    task: XorMixture

    CLOSED = ("quadratic", "squared")

    def moments(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> Moments:
        """The expectations at one level."""
        of_cluster = partial(self._of_cluster, state, level, output_scale, nodes)
        each = jax.vmap(of_cluster)(*_clusters(state))
        return jax.tree.map(lambda x: jnp.tensordot(level["prior"], x, 1), each)

    def _of_cluster(
        self,
        state: Overlaps,
        level: Level,
        output_scale: float | Array,
        nodes: Float[Array, "n D"],
        direction: Float[Array, " P"],
        label: Float[Array, ""],
    ) -> Moments:
        noise, centre = level["noise"], level["signal"] * direction
        u = output_scale * state.readout
        par, rest = split(state, nodes, (jnp.sqrt(noise),))
        along = centre + jnp.sqrt(noise) * par
        labels = jnp.full(len(nodes), label)
        sampled = averages(self.student, state, output_scale, along, rest, labels, noise[None])
        if not self.closed and self.student.averages != RELU:
            return sampled
        mean, cov = state.along @ centre, noise * (state.along @ state.along.T + state.gram[0])
        probe_mean = jnp.append(centre, jnp.zeros_like(u))
        probe = noise * jnp.concatenate([state.along, state.gram[0]], 1)
        if self.student.averages == RELU:
            m = rectified(mean, cov)
            slope = jnp.outer(m.on_relu @ u - label * m.on, probe_mean)
            slope += (m.lift @ u - label * m.density)[:, None] * probe + (m.both * u) @ probe
            first, square = u[:, None] * slope, sampled.square
            readout = m.relu_relu @ u - label * m.relu
        else:
            q = quadratic(mean, cov, u, label)
            moment2 = cov + jnp.outer(mean, mean)
            slope = jnp.outer(q.first, probe_mean) + q.error * probe + 2 * (moment2 * u) @ probe
            first, square = 2 * u[:, None] * slope, 4 * noise * (u[:, None] * u * q.fourth)[None]
            readout = jnp.diagonal(q.second)
        n_directions = len(direction)
        return Moments(first[:, :n_directions], first[None, :, n_directions:], square, readout)

    def observe(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """test_accuracy (), test_loss (), group_accuracy (4,), clusters_right ()."""
        noise, u = level["noise"], output_scale * state.readout
        par, rest = split(state, nodes, (jnp.sqrt(noise),))
        spread = jnp.sqrt(noise) * par @ state.along.T + rest[0]

        def of_cluster(direction, label):
            mean = level["signal"] * state.along @ direction
            right, loss = scores(self.student, mean + spread, jnp.full(len(nodes), label), u)
            cov = noise * (state.along @ state.along.T + state.gram[0])
            if self.closed:
                loss = 0.5 * quadratic(mean, cov, u, label).error2
            elif self.student.averages == RELU:
                m = rectified(mean, cov)
                loss = 0.5 * (u @ m.relu_relu @ u - 2 * label * u @ m.relu + label**2)
            return right, loss

        right, loss = jax.vmap(of_cluster)(*_clusters(state))
        return {
            "test_accuracy": level["prior"] @ right,
            "test_loss": level["prior"] @ loss,
            "group_accuracy": right,
            "clusters_right": clusters_right(right),
        }


def _clusters(state: Overlaps) -> tuple[Float[Array, "4 P"], Float[Array, " 4"]]:
    """Directions and labels of the clusters in the state's dtype."""
    return jnp.asarray(MEANS, state.along.dtype), jnp.asarray(LABELS, state.along.dtype)


EQUATIONS = XorMixtureEquations
