"""XorMixture: four Gaussian clusters whose labels no linear rule can tell apart.

The process: draw a cluster c from {+e1, -e1, +e2, -e2} with probabilities `prior`; the input is

    x = signal * c + sqrt(noise) * z,   z ~ N(0, I_N),       label = +1 for +-e1, -1 for +-e2,

with e1, e2 orthonormal. A difficulty level sets `noise` (Delta; higher is harder), `signal`
(s; higher is easier) and `prior` (which clusters are shown).

Given the cluster, pre-activations are Gaussian, lambda | c ~ N(s M c, Delta Q) with M_kc = w_k . e_c
and Q = W W^T, so accuracy and loss need the order parameters only, never an N-vector.

Sources: Refinetti, Goldt, Krzakala, Zdeborova, ICML 2021, arXiv 2102.11742, sec. 2 (the mixture);
Ben Arous, Gheissari, Jagannath, NeurIPS 2022, arXiv 2206.04030 (its dynamics). The use of the noise
as "easy" and "hard" is our reading of arXiv 2406.01589.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Key
from numpy.typing import ArrayLike

from teacher_student.checks import whole, within
from teacher_student.interfaces import Block, Level, Noise, Observation, OrderParameters, Student
from teacher_student.posterior import xor_posterior
from teacher_student.students.experts import Experts

CLUSTERS = ("+e1", "-e1", "+e2", "-e2")
MEANS = np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
LABELS = np.array([1, 1, -1, -1])


def clusters_right(group_accuracy: Float[Array, " 4"]) -> Float[Array, ""]:
    """Number of clusters that the network gets right: those with an accuracy above 1/2, 0 to 4.

    A network with the same answer everywhere gets 2 right, one whose output is 0 everywhere none.

    Examples
    --------
    >>> float(clusters_right(jnp.array([0.9, 0.5, 0.51, 0.2])))
    2.0
    """
    return jnp.sum(group_accuracy > 0.5).astype(group_accuracy.dtype)


@dataclass(frozen=True)
class XorMixture:
    """The XOR-like Gaussian mixture in N = `n_inputs` dimensions.

    Examples
    --------
    >>> import jax
    >>> task = XorMixture(n_inputs=50)
    >>> inputs, labels = task.sample(jax.random.key(0), 8, difficulty=0.1)
    >>> inputs.shape, labels.shape
    ((8, 50), (8,))
    """

    n_inputs: int

    name = "xor_mixture"
    equations = "teacher_student.theory.xor_mixture"

    def __post_init__(self) -> None:
        whole("n_inputs", self.n_inputs, low=3)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """One isotropic block that holds both task directions."""
        return (Block(self.n_inputs, 2),)

    @property
    def group_names(self) -> tuple[str, ...]:
        """The four clusters."""
        return CLUSTERS

    @property
    def harder(self) -> dict[str, int]:
        """More noise is harder, more signal easier."""
        return {"noise": 1, "signal": -1}

    def check_student(self, student: Student) -> None:
        """Refuse odd activations: f(-x) = -f(x) while +-e1 share a label, so accuracy stays 1/2."""
        if student.parity == "odd":
            raise ValueError(
                f"activation {student.activation!r} is odd, and no sum of odd units can label +c and -c "
                "alike; use one that is not for xor_mixture, as relu or quadratic"
            )

    def level(self, noise: float = 1.0, signal: float = 1.0, prior: tuple[float, ...] = (0.25,) * 4) -> Level:
        """One difficulty level. `noise` > 0 (Delta), `signal` >= 0 (s), `prior` over the clusters."""
        within("noise", noise, low=0, open_low=True)
        within("signal", signal, low=0)
        p = np.asarray(prior, float)
        if p.shape != (4,) or (p < 0).any() or not np.isclose(p.sum(), 1):
            raise ValueError(f"prior is {prior!r}; need 4 probabilities over {CLUSTERS} that sum to 1")
        return {"noise": np.float64(noise), "signal": np.float64(signal), "prior": p}

    def stages(self, level: Level) -> tuple[Level, Level]:
        """The level restricted to clusters (+e1, +e2), then to (-e1, -e2): the stages of the rule."""
        first, second = np.array([0.5, 0, 0.5, 0]), np.array([0, 0.5, 0, 0.5])
        return {**level, "prior": first}, {**level, "prior": second}

    def directions(self, key: Key[Array, ""]) -> Float[Array, "2 N"]:
        """Draw e1, e2 uniformly among orthonormal pairs."""
        q, r = jnp.linalg.qr(jax.random.normal(key, (self.n_inputs, 2), jnp.float32))
        return (q * jnp.sign(jnp.diag(r))).T

    def cluster(self, choice: Float[Array, " n"], prior: Float[Array, "n 4"]) -> Int[Array, " n"]:
        """Index into CLUSTERS of each sample, by inverting the cumulative prior at `choice`."""
        edges = jnp.cumsum(prior, -1)
        return jnp.sum(choice[:, None] >= (edges / edges[:, -1:])[:, :3], -1)

    def observe(self, noise: Noise, level: Level) -> Observation:
        """Components of the inputs along e1, e2, labels and noise scale; `level` has leading axis n."""
        dtype = noise.along.dtype
        cluster = self.cluster(noise.choice, level["prior"])
        scale = jnp.sqrt(level["noise"])
        mean = level["signal"][:, None] * jnp.asarray(MEANS, dtype)[cluster]
        return Observation(
            mean + scale[:, None] * noise.along, jnp.asarray(LABELS, dtype)[cluster], scale[:, None]
        )

    def sample(
        self,
        key: Key[Array, ""],
        n: int,
        difficulty: float | Float[Array, " n"] | Level,
        directions: Float[Array, "2 N"] | None = None,
    ) -> tuple[Float[Array, "n N"], Float[Array, " n"]]:
        """Draw n labelled inputs.

        Parameters
        ----------
        key : typed PRNG key
        n : number of samples
        difficulty : noise Delta > 0 of all samples or one per sample (n,), or a `level`
        directions : e1, e2 as rows; the first two coordinate axes by default

        Returns
        -------
        inputs (n, N), labels (n,) in {-1, +1}
        """
        level = difficulty if isinstance(difficulty, dict) else {**self.level(), "noise": difficulty}
        shapes = {"noise": (n,), "signal": (n,), "prior": (n, 4)}
        full = {name: jnp.broadcast_to(jnp.asarray(level[name], float), shapes[name]) for name in shapes}
        axes = jnp.eye(2, self.n_inputs) if directions is None else directions
        z_key, choice_key = jax.random.split(key)
        z = jax.random.normal(z_key, (n, self.n_inputs))
        noise = Noise(z @ axes.T, jax.random.uniform(choice_key, (n,)), jnp.zeros(n))
        seen = self.observe(noise, full)
        return seen.scale * z + (seen.along - seen.scale * noise.along) @ axes, seen.label

    def evaluate(
        self, student: Student, order: OrderParameters, level: Level, normals: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """Accuracy and loss on the target distribution `level`, from the order parameters.

        The n standard `normals` (one column per task direction and per column of the factor) and
        their mirror images are shared by the four clusters, so the estimate rests on 8 n points
        (standard error of the accuracy below 0.5 / sqrt(n), and usually far below because of the
        sharing). An output of exactly 0 counts one half.

        Returns
        -------
        test_accuracy (), test_loss (), group_accuracy (4,) in the order of `group_names`
        clusters_right () : number of clusters with an accuracy above 1/2, see `clusters_right`
        gate_share (4, E) : of `Experts`, the mean weight of each expert within each cluster
        """
        (factor,) = order.factors
        dtype = order.along.dtype
        half = normals @ jnp.concatenate([order.along, factor], 1).T
        spread = jnp.sqrt(level["noise"]) * jnp.concatenate([half, -half])
        labels = jnp.asarray(LABELS, dtype)[:, None]
        centres = level["signal"] * jnp.asarray(MEANS, dtype) @ order.along.T
        lam = centres[:, None] + spread
        output = student.output(order.readout, lam)
        correct = jnp.mean(0.5 * (1 + jnp.sign(output) * labels), 1)
        loss = jnp.mean(student.losses(output, labels), 1)
        found = {
            "test_accuracy": level["prior"] @ correct,
            "test_loss": level["prior"] @ loss,
            "group_accuracy": correct,
            "clusters_right": clusters_right(correct),
        }
        return found | (
            {"gate_share": jnp.mean(student.gates(lam), 1)} if isinstance(student, Experts) else {}
        )

    def coverage(self, order: OrderParameters) -> dict[str, Array]:
        """Which clusters have a unit: the accounting of the lottery.

        A unit points at the cluster whose centre it overlaps most, argmax_c M_k . c; it is aligned
        if its readout has the sign of the cluster's label as well.

        Returns
        -------
        covered : () number of clusters at which some unit points (0 to 4)
        covered_aligned : () number of clusters that have an aligned unit; left out for heads, whose units
            have no sign of their own
        """
        pull = order.along @ jnp.asarray(MEANS, order.along.dtype).T
        points = pull == pull.max(1, keepdims=True)
        covered = {"covered": jnp.sum(points.any(0)).astype(pull.dtype)}
        if not isinstance(order.readout, Array):
            return covered
        right = jnp.sign(order.readout)[:, None] == jnp.asarray(LABELS, pull.dtype)
        return covered | {"covered_aligned": jnp.sum((points & right).any(0)).astype(pull.dtype)}

    def posterior(self, inputs: ArrayLike, noise: ArrayLike | Sequence[float]) -> np.ndarray:
        """Posterior (n, 2) of the labels -1 and +1 at inputs (n, N); task directions are the first axes."""
        return xor_posterior(inputs, np.eye(2, self.n_inputs), noise)


TASK = XorMixture
