"""The numbers of SGD that survive the limit N -> infinity, and the parts every right-hand side shares.

The state of the equations is `Overlaps`: M = `along` (K, P), the Gram matrices q_b of the weights
orthogonal to the task directions, one per block, and the readout v. At fixed alpha = samples / N, with
lambda_k = w_k . x, its part lambda^b_k from block b orthogonal to the task directions, x_p the
components of x along them, u = output_scale v and g_k = dloss/df u_k phi'(lambda_k),

    dM_kp/dalpha   = -eta E[g_k x_p] - c M_kp
    dq^b_kl/dalpha = -eta E[g_k lambda^b_l + g_l lambda^b_k] + eta^2 (N_b / N) Delta_b E[g_k g_l] - 2 c q^b_kl
    dv_k/dalpha    = -eta_v output_scale E[dloss/df phi(lambda_k)] - c v_k

so that Q = M M^T + sum_b q^b; c is the weight decay (w <- w - (c / N) w a step, v likewise).

Source: Saad & Solla, PRE 52, 4225 (1995); Goldt et al., arXiv 1906.08632, for v; Refinetti et al.,
arXiv 2102.11742, for mixtures; Saad & Solla, NIPS 1996, for the decay. Carrying q in place of Q is ours:
it is the state of the simulation, and no cancellation spoils its sign.
"""

from typing import NamedTuple, Protocol, runtime_checkable

import jax
import numpy as np
from jax import Array
from jax.core import Tracer
from jaxtyping import Float

from teacher_student.checks import within
from teacher_student.interfaces import Level, Task
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.theory.schedule import floats


class Rates(NamedTuple):
    """eta = N hidden_rate, eta_v = N readout_rate, output_scale (see `Scaling`), weight decay c; traced."""

    hidden: float | Array
    readout: float | Array
    output_scale: float | Array
    decay: float | Array


def scaled(rates: Rates, factor: float | Array) -> Rates:
    """Learning rates multiplied by a factor; the decay is not one."""
    return rates._replace(hidden=factor * rates.hidden, readout=factor * rates.readout)


class Moments(NamedTuple):
    """The expectations in the equations above.

    along   : (K, P) E[g_k x_p]
    cross   : (n_blocks, K, K) E[g_k lambda^b_l]
    square  : (n_blocks, K, K) (N_b / N) Delta_b E[g_k g_l]
    readout : (K,) E[dloss/df phi(lambda_k)]
    """

    along: Float[Array, "K P"]
    cross: Float[Array, "n_blocks K K"]
    square: Float[Array, "n_blocks K K"]
    readout: Float[Array, " K"]


@runtime_checkable
class Equations(Protocol):
    """The right-hand side of a task; frozen and hashable, refusing what it does not cover when made."""

    @property
    def task(self) -> Task: ...

    @property
    def student(self) -> TwoLayer: ...

    @property
    def revision(self) -> int:
        """How often the numbers of these formulas have changed; results are stored with it."""
        ...

    def nodes(self, seed: int) -> Float[Array, "n D"]:
        """Quasi-Monte Carlo nodes of scrambling `seed`; none where nothing is sampled."""
        ...

    def moments(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> Moments:
        """The expectations at one difficulty level."""
        ...

    def observe(
        self, state: Overlaps, level: Level, output_scale: float | Array, nodes: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """test_loss and, where labels have a sign, test_accuracy and group_accuracy at `level`."""
        ...


def rates_of(
    student: TwoLayer,
    learning_rate: float | Array,
    *,
    readout_rate: float | None = None,
    weight_decay: float = 0.0,
) -> Rates:
    """The rates of a student; `readout_rate` replaces the learning rate of the readout alone.

    >>> rates_of(TwoLayer(4, parametrisation="mean_field"), 0.5)
    Rates(hidden=2.0, readout=2.0, output_scale=0.25, decay=0.0)
    """
    within("weight_decay", weight_decay, low=0)
    unit = student.scaling(1.0, 1)
    if readout_rate is not None:
        within("readout_rate", readout_rate, low=0)
        if not student.train_readout:
            raise ValueError(f"readout_rate is {readout_rate!r}, but the student's readout is not trained")
    if not isinstance(learning_rate, Tracer):
        within("learning_rate", float(learning_rate), low=0, open_low=True)
    of_readout = learning_rate if readout_rate is None else readout_rate
    return Rates(
        unit.hidden_rate * learning_rate, unit.readout_rate * of_readout, unit.output_scale, weight_decay
    )


def derivative(moments: Moments, state: Overlaps, rates: Rates) -> Overlaps:
    """d/dalpha of M, q and v from the expectations."""
    eta, decay = rates.hidden, rates.decay
    return Overlaps(
        -eta * moments.along - decay * state.along,
        -eta * (moments.cross + moments.cross.mT) + eta**2 * moments.square - 2 * decay * state.gram,
        -rates.readout * rates.output_scale * moments.readout - decay * state.readout,
    )


def fractions(task: Task) -> tuple[float, ...]:
    """N_b / N of every block."""
    return tuple(block.size / task.n_inputs for block in task.blocks)


def no_nodes(task: Task, student: TwoLayer) -> Float[Array, "n D"]:
    """An empty set of nodes of the right dimension."""
    return jax.device_put(floats(np.zeros((0, dimension(task, student)))))


def dimension(task: Task, student: TwoLayer) -> int:
    """Normals per node: one per task direction, and K per block."""
    return sum(block.directions for block in task.blocks) + len(task.blocks) * student.width
