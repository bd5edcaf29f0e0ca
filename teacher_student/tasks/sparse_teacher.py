"""SparseTeacher: a perceptron that looks at a fraction of the inputs, the rest being distractors.

The process: rho N relevant inputs of unit variance, (1 - rho) N irrelevant ones of variance Delta, and a
unit teacher vector in the relevant block:

    x = (x_r, sqrt(Delta) x_i),   x_r ~ N(0, I),  x_i ~ N(0, I),      label = sign(w* . x_r).

A difficulty level sets `noise` (Delta; higher is harder: at Delta = 0 the relevant inputs are handed
over, at Delta >> 1 they drown).

A student with overlaps R_k = w_k . w*, Q^r = W_r W_r^T, Q^i = W_i W_i^T has zero-mean Gaussian
pre-activations of covariance Q = Q^r + Delta Q^i, jointly Gaussian with w* . x_r ~ N(0, 1) at covariance
R. For K = 1 with an odd activation the accuracy is 1/2 + asin(sign(v) R / sqrt Q) / pi.

Source: Saglietti, Sarao Mannelli, Saxe, NeurIPS 2022, arXiv 2106.08068, sec. 2, where student and
teacher are perceptrons; wider students are ours.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Key, PyTree

from teacher_student.checks import whole, within
from teacher_student.expectations import pairs
from teacher_student.interfaces import Block, Level, Noise, Observation, OrderParameters, Student
from teacher_student.tasks.gaussian_inputs import (
    draw_directions,
    draw_inputs,
    preactivations,
    unit_covariance,
)

GROUPS = ("+1", "-1")


@dataclass(frozen=True)
class SparseTeacher:
    """A sign teacher on the first `relevant` x N of N = `n_inputs` inputs.

    Parameters
    ----------
    n_inputs : int >= 4
        N.
    relevant : float in (0, 1)
        rho, the relevant fraction; rho N is rounded, and each block must hold at least 2 inputs.

    Examples
    --------
    >>> import jax
    >>> task = SparseTeacher(n_inputs=50, relevant=0.4)
    >>> inputs, labels = task.sample(jax.random.key(0), 8, difficulty=2.0)
    >>> inputs.shape, labels.shape, [block.size for block in task.blocks]
    ((8, 50), (8,), [20, 30])
    """

    n_inputs: int
    relevant: float = 0.5

    name = "sparse_teacher"
    equations = "teacher_student.theory.sparse_teacher"
    stages = coverage = posterior = None

    def __post_init__(self) -> None:
        whole("n_inputs", self.n_inputs, low=4)
        if not 0 < self.relevant < 1 or not 2 <= round(self.relevant * self.n_inputs) <= self.n_inputs - 2:
            raise ValueError(
                f"relevant is {self.relevant!r}; need a fraction in (0, 1) that leaves at least 2 of "
                f"{self.n_inputs} inputs in each block"
            )

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The relevant block, which holds the teacher, and the irrelevant one."""
        size = round(self.relevant * self.n_inputs)
        return Block(size, 1), Block(self.n_inputs - size, 0)

    @property
    def group_names(self) -> tuple[str, ...]:
        """The two labels."""
        return GROUPS

    @property
    def teacher_rows(self) -> Float[np.ndarray, "1 1"]:
        """w* in the basis of the task directions: it is the one direction."""
        return np.eye(1)

    @property
    def teacher_readout(self) -> Float[np.ndarray, " 1"]:
        """The teacher is one sign."""
        return np.ones(1)

    @property
    def harder(self) -> dict[str, int]:
        """More variance of the irrelevant inputs is harder."""
        return {"noise": 1}

    def check_student(self, student: Student) -> None:
        """Refuse even activations: f(-x) = f(x) while the label changes sign, so accuracy stays 1/2."""
        if student.parity == "even":
            raise ValueError(
                f"activation {student.activation!r} is even, and no sum of even units can label x and -x "
                "apart; use one that is not for sparse_teacher, as erf or relu"
            )

    def level(self, noise: float = 1.0) -> Level:
        """One difficulty level. `noise` >= 0 is Delta, the variance of the irrelevant inputs."""
        within("noise", noise, low=0)
        return {"noise": np.float64(noise)}

    def directions(self, key: Key[Array, ""]) -> Float[Array, "1 N"]:
        """Draw w* uniformly among unit vectors of the relevant block."""
        return draw_directions(key, self.blocks)

    def teacher(self, along: Float[Array, "n 1"]) -> Float[Array, " n"]:
        """The label from w* . x."""
        return jnp.where(along[:, 0] < 0, -1, 1).astype(along.dtype)

    def scales(self, level: Level) -> tuple[float | Array, ...]:
        """Standard deviation of the inputs in each block, 1 for the relevant ones."""
        return 1.0, jnp.sqrt(level["noise"])

    def observe(self, noise: Noise, level: Level) -> Observation:
        """w* . x, labels and the scale of the two blocks; `level` has leading axis n."""
        irrelevant = jnp.sqrt(level["noise"])
        scale = jnp.stack([jnp.ones_like(irrelevant), irrelevant], 1)
        return Observation(noise.along, self.teacher(noise.along), scale)

    def sample(
        self,
        key: Key[Array, ""],
        n: int,
        difficulty: float | Float[Array, " n"] | Level,
        directions: Float[Array, "1 N"] | None = None,
    ) -> tuple[Float[Array, "n N"], Float[Array, " n"]]:
        """Draw n labelled inputs (n, N), labels (n,) in {-1, +1}.

        `difficulty` is Delta, of all samples or one per sample (n,), or a `level`; `directions` is w* as
        a row (1, N), by default the first coordinate axis.
        """
        level = difficulty if isinstance(difficulty, dict) else {"noise": difficulty}
        return draw_inputs(self, key, n, level, directions)

    def evaluate(
        self, student: Student, order: OrderParameters, level: Level, normals: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """Accuracy and loss of a student at `level` (no leading axis), from its order parameters.

        Closed forms: the squared loss of an erf student, and the accuracy at K = 1. Elsewhere an
        average over the n standard `normals` (one column per task direction and per column of each
        block's factor) and their mirror images; an output of exactly 0 counts one half.

        Returns
        -------
        test_accuracy (), test_loss (), group_accuracy (2,) for labels +1 and -1
        """
        scales = self.scales(level)
        lam, along = preactivations(order, scales, normals)
        return self.measure(
            student, order.readout, lam, along, unit_covariance(order, scales, self.teacher_rows)
        )

    def measure(
        self,
        student: Student,
        readout: PyTree,
        lam: Float[Array, "n K"],
        along: Float[Array, "n 1"],
        covariance: Float[Array, "n_units n_units"],
    ) -> dict[str, Array]:
        """`evaluate` from pre-activations and w* . x at n points, and the covariance of both.

        `readout` is the effective one, output scale included, or theta of a head.
        """
        label = self.teacher(along)
        output = student.output(readout, lam)
        right = 0.5 * (1 + jnp.sign(output) * label)
        n_each = jnp.stack([jnp.sum(1 + label), jnp.sum(1 - label)])
        groups = jnp.stack([jnp.sum(right * (1 + label)), jnp.sum(right * (1 - label))]) / n_each
        accuracy, loss = jnp.mean(groups), jnp.mean(student.losses(output, label))
        if student.averages[0] == "erf" and student.width == 1:
            cosine = covariance[0, 1] * jax.lax.rsqrt(covariance[0, 0])
            accuracy = 0.5 + jnp.sign(readout[0]) * jnp.arcsin(jnp.clip(cosine, -1, 1)) / jnp.pi
            groups = jnp.stack([accuracy, accuracy])
        if student.averages == ("erf", "squared"):
            weight = jnp.append(readout, -1)
            offset = np.append(np.ones(student.width), 0.0)
            loss = 0.5 * weight @ pairs(covariance, offset) @ weight
        return {"test_accuracy": accuracy, "test_loss": loss, "group_accuracy": groups}


TASK = SparseTeacher
