"""Committee: a two-layer teacher of M erf units, learned by a two-layer student of K units.

The process: x ~ N(0, I_N) and

    label = sum_m A_m erf(w*_m . x / sqrt 2) + sigma xi,    xi ~ N(0, 1),    w*_m . w*_n = T_mn,

so teacher pre-activations are of order 1 (T_mm = 1 by default) like those of a student with
w ~ N(0, I/N). A difficulty level sets `noise` (sigma^2, label noise; higher is harder). With
`relevant` = rho < 1 the teacher sees the first rho N inputs only and a second knob, `irrelevant`, is the
variance of the others.

The test loss is that of the noiseless label, E (f - f*)^2 / 2: the generalisation error. Labels are
real, so there is no accuracy.

Sources: Saad & Solla, PRE 52, 4225 (1995) for A = v = 1; Goldt, Advani, Saxe, Krzakala, Zdeborova,
NeurIPS 2019, arXiv 1906.08632, eq. (1), for readouts and K > M; readouts that fall as a power law as in arXiv
2605.10395.
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


@dataclass(frozen=True)
class Committee:
    """M = `teacher_units` erf units with given overlaps.

    Parameters
    ----------
    n_inputs : int > teacher_units
        N.
    teacher_units : int >= 1
        M.
    readout : M floats, optional
        A; 1 for every unit by default (the soft committee machine).
    overlap : M x M nested tuples, optional
        T = W* W*^T, symmetric and positive definite; the identity by default.
    relevant : float in (0, 1]
        rho, the fraction of inputs the teacher sees.
    decay : float >= 0, optional
        beta: A_m = m^-beta, m = 1 .. M, where no `readout` is given; 0 by default.

    Examples
    --------
    >>> import jax
    >>> task = Committee(n_inputs=50, teacher_units=2)
    >>> inputs, labels = task.sample(jax.random.key(0), 8, difficulty=0.1)
    >>> inputs.shape, labels.shape
    ((8, 50), (8,))
    >>> Committee(n_inputs=50, teacher_units=4, decay=1.0).teacher_readout.round(2).tolist()
    [1.0, 0.5, 0.33, 0.25]
    """

    n_inputs: int
    teacher_units: int = 2
    readout: tuple[float, ...] | None = None
    overlap: tuple[tuple[float, ...], ...] | None = None
    relevant: float = 1.0
    decay: float = 0.0

    name = "committee"
    equations = "teacher_student.theory.committee"
    stages = coverage = posterior = None

    def __post_init__(self) -> None:
        m = self.teacher_units
        whole("teacher_units", m, low=1)
        whole("n_inputs", self.n_inputs, low=m + 1)
        within("relevant", self.relevant, low=0, high=1, open_low=True)
        rest = self.n_inputs - self.blocks[0].size
        if self.blocks[0].size <= m or (self.relevant < 1 and rest < 2):
            raise ValueError(
                f"relevant is {self.relevant!r}; need more than teacher_units = {m} relevant inputs of "
                f"{self.n_inputs}, and at least 2 irrelevant ones unless it is 1"
            )
        if self.readout is not None and (
            np.shape(self.readout) != (m,) or not np.isfinite(self.readout).all()
        ):
            raise ValueError(f"readout is {self.readout!r}; need {m} finite numbers, one per teacher unit")
        within("decay", self.decay, low=0)
        if self.readout is not None and self.decay:
            raise ValueError(f"decay is {self.decay!r}, but readout is given; leave one of the two out")
        if self.overlap is not None:
            t = np.asarray(self.overlap, float)
            if t.shape != (m, m) or not np.allclose(t, t.T) or np.linalg.eigvalsh(t).min() <= 0:
                raise ValueError(
                    f"overlap is {self.overlap!r}; need a symmetric positive definite {m} x {m} matrix"
                )

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The relevant block, which holds the teacher, and the irrelevant one if there is one."""
        size = round(self.relevant * self.n_inputs)
        relevant = Block(size, self.teacher_units)
        return (relevant,) if self.relevant == 1 else (relevant, Block(self.n_inputs - size, 0))

    @property
    def group_names(self) -> tuple[str, ...]:
        """None: samples do not fall into groups."""
        return ()

    @property
    def teacher_readout(self) -> Float[np.ndarray, " M"]:
        """A, shape (M,)."""
        if self.readout is not None:
            return np.asarray(self.readout, float)
        return np.arange(1.0, self.teacher_units + 1) ** -self.decay

    @property
    def teacher_rows(self) -> Float[np.ndarray, "M M"]:
        """w*_m in the basis of the orthonormal task directions, one row each: T = rows rows^T."""
        eye = np.eye(self.teacher_units)
        return eye if self.overlap is None else np.linalg.cholesky(np.asarray(self.overlap, float))

    @property
    def harder(self) -> dict[str, int]:
        """More label noise is harder, and so is more variance of the irrelevant inputs."""
        return {"noise": 1, "irrelevant": 1}

    def check_student(self, student: Student) -> None:
        """Refuse even activations, to which an odd teacher has nothing to teach, and losses of signs."""
        if student.parity == "even":
            raise ValueError(
                f"activation {student.activation!r} is even and the erf teacher is odd, so there is nothing "
                "to learn; use one that is not for committee, as erf or relu"
            )
        if student.labels != "real":
            raise ValueError(
                f"loss {student.loss!r} needs labels +-1, and committee has real ones; use one that "
                "does not, as squared"
            )

    def level(self, noise: float = 0.0, irrelevant: float | None = None) -> Level:
        """One difficulty level.

        `noise` >= 0 is sigma^2, the variance of the label noise; `irrelevant` >= 0 the variance of the
        irrelevant inputs (1 by default), refused where there are none.
        """
        within("noise", noise, low=0)
        if self.relevant == 1:
            if irrelevant is not None:
                raise ValueError(
                    f"irrelevant is {irrelevant!r}, but with relevant=1 there are no irrelevant inputs"
                )
            return {"noise": np.float64(noise)}
        variance = 1.0 if irrelevant is None else irrelevant
        within("irrelevant", variance, low=0)
        return {"noise": np.float64(noise), "irrelevant": np.float64(variance)}

    def directions(self, key: Key[Array, ""]) -> Float[Array, "M N"]:
        """Draw M orthonormal directions, on which the teacher units stand as `teacher_rows`."""
        return draw_directions(key, self.blocks)

    def teacher(self, along: Float[Array, "n M"]) -> Float[Array, " n"]:
        """The noiseless label from the components of the inputs along the task directions."""
        rows, readout = (jnp.asarray(t, along.dtype) for t in (self.teacher_rows, self.teacher_readout))
        return jax.lax.erf((along @ rows.T) * 0.5**0.5) @ readout

    def scales(self, level: Level) -> tuple[float | Array, ...]:
        """Standard deviation of the inputs in each block, 1 for the relevant ones."""
        return (1.0,) if self.relevant == 1 else (1.0, jnp.sqrt(level["irrelevant"]))

    def observe(self, noise: Noise, level: Level) -> Observation:
        """Components along the task directions, noisy labels, scales; `level` has leading axis n."""
        label = self.teacher(noise.along) + jnp.sqrt(level["noise"]) * noise.label
        scale = jnp.stack([jnp.broadcast_to(s, label.shape) for s in self.scales(level)], 1)
        return Observation(noise.along, label, scale.astype(label.dtype))

    def sample(
        self,
        key: Key[Array, ""],
        n: int,
        difficulty: float | Float[Array, " n"] | Level,
        directions: Float[Array, "M N"] | None = None,
    ) -> tuple[Float[Array, "n N"], Float[Array, " n"]]:
        """Draw n inputs (n, N) and labels (n,).

        `difficulty` is sigma^2, of all samples or one per sample (n,), or a `level`; `directions` are the
        task directions as rows (M, N), by default the first coordinate axes.
        """
        level = difficulty if isinstance(difficulty, dict) else {**self.level(), "noise": difficulty}
        return draw_inputs(self, key, n, level, directions)

    def evaluate(
        self, student: Student, order: OrderParameters, level: Level, normals: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """Generalisation error E loss(f, f*) at `level` (no leading axis), without label noise.

        Closed form for an erf student with squared loss (pairs, see `expectations`); elsewhere
        an average over the n standard `normals` (one column per task direction and per column of each
        block's factor) and their mirror images.

        Returns
        -------
        test_loss ()
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
        along: Float[Array, "n M"],
        covariance: Float[Array, "n_units n_units"],
    ) -> dict[str, Array]:
        """`evaluate` from pre-activations and task components of n inputs, and the covariance of all units.

        `readout` is the effective one, output scale included, or theta of a head.
        """
        if student.averages == ("erf", "squared"):
            weight = jnp.concatenate([readout, -jnp.asarray(self.teacher_readout, covariance.dtype)])
            return {"test_loss": 0.5 * weight @ pairs(covariance, np.ones(len(covariance))) @ weight}
        return {"test_loss": jnp.mean(student.losses(student.output(readout, lam), self.teacher(along)))}


TASK = Committee
