"""What a task owes to a simulator, what a student owes to both, and the names of the axes.

Axis names used in shapes and docstrings throughout:

    N  input dimension        K  width (hidden units)     P  task directions (relevant inputs)
    B  samples in a chunk     T  samples in a run         R  replicates      L  protocols

Time is alpha = samples / N.

A simulator never asks a task for more than this: inputs are made of independent *isotropic blocks*
of coordinates. In block b an input is x = (components along the P_b task directions of the block,
fixed by the task) + scale_b * (standard normal noise orthogonal to them). That is what makes the
Gram-space simulation of `teacher_student.training.gram` exact.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jax import Array
from jaxtyping import Bool, Float, Key, PyTree

#: One difficulty level, or with a leading axis a table of levels: named arrays (NumPy or JAX), all traced.
Level = Mapping[str, Any]


class Block(NamedTuple):
    """A group of coordinates with isotropic noise: `size` coordinates, `directions` task directions in it."""

    size: int
    directions: int


class Noise(NamedTuple):
    """The randomness of n samples that does not depend on the difficulty, so protocols can share it.

    along  : (n, P) standard normals, the noise along the task directions
    choice : (n,) uniform in [0, 1), picks the cluster where there are clusters
    label  : (n,) standard normals, the label noise where there is label noise
    """

    along: Float[Array, "n P"]
    choice: Float[Array, " n"]
    label: Float[Array, " n"]


class Observation(NamedTuple):
    """n samples as far as the task directions and the labels go.

    along : (n, P) components of the inputs along the task directions (signal + noise)
    label : (n,) labels
    scale : (n, n_blocks) standard deviation of the noise in each block
    """

    along: Float[Array, "n P"]
    label: Float[Array, " n"]
    scale: Float[Array, "n n_blocks"]


class OrderParameters(NamedTuple):
    """All that the loss of a student can depend on.

    along   : (K, P) overlaps M_kp = w_k . e_p with the task directions
    factors : one (K, D_b) array per block with F F^T = Gram matrix of the weights in that block,
              orthogonal to the task directions
    readout : (K,) effective readout, output scale included, so f = sum_k readout_k phi(lambda_k); of a head
        theta. `student.output(readout, lambda)` is f either way
    """

    along: Float[Array, "K P"]
    factors: tuple[Array, ...]
    readout: PyTree[Float[Array, "..."]]


@runtime_checkable
class Task(Protocol):
    """A source of labelled Gaussian inputs with a difficulty knob; frozen and hashable.

    This is all that simulators, theory, curricula and studies ask of a task. What only some tasks have is
    None in the others: `stages`, `coverage`, `posterior`, `equations`.
    """

    @property
    def name(self) -> str:
        """The name it is registered by in `teacher_student.tasks.TASKS`."""
        ...

    @property
    def n_inputs(self) -> int:
        """Input dimension N, the first argument of the class."""
        ...

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The isotropic blocks, in the order of the coordinates; their sizes add up to N."""
        ...

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the groups of samples whose accuracy is reported apart (the clusters)."""
        ...

    @property
    def harder(self) -> Mapping[str, int]:
        """Entry of a level -> +1 where a higher value is harder, -1 where a lower one is."""
        ...

    @property
    def level(self) -> Callable[..., Level]:
        """One difficulty level from its named numbers, all of which have defaults."""
        ...

    def check_student(self, student: "Student") -> None:
        """Raise ValueError, in one line, for students that cannot learn the task or take its labels."""
        ...

    def directions(self, key: Key[Array, ""]) -> Float[Array, "P N"]:
        """Draw the teacher: orthonormal task directions, each inside its block."""
        ...

    def observe(self, noise: Noise, level: Level) -> Observation:
        """Turn shared noise into samples at the given levels (arrays with leading axis n)."""
        ...

    def sample(
        self,
        key: Key[Array, ""],
        n: int,
        difficulty: float | Float[Array, " n"] | Level,
        directions: Float[Array, "P N"] | None = None,
    ) -> tuple[Float[Array, "n N"], Float[Array, " n"]]:
        """Draw n labelled inputs, at one difficulty, one per sample, or a level; the law of `observe`."""
        ...

    def evaluate(
        self, student: "Student", order: OrderParameters, level: Level, normals: Float[Array, "n D"]
    ) -> dict[str, Array]:
        """Loss, and accuracy where labels have a sign, at `level` from the order parameters.

        By the names of `teacher_student.training.recording.QUANTITIES`; see `XorMixture.evaluate`.
        """
        ...

    @property
    def stages(self) -> Callable[[Level], tuple[Level, Level]] | None:
        """stages(level): the level restricted to a first and to a second set of clusters."""
        ...

    @property
    def coverage(self) -> Callable[[OrderParameters], dict[str, Array]] | None:
        """coverage(order): which clusters have a unit, by the names of QUANTITIES."""
        ...

    @property
    def posterior(self) -> Callable[[Any, Any], np.ndarray] | None:
        """posterior(inputs (n, N), difficulty): exact p(-1 | x), p(+1 | x) for axes as task directions."""
        ...

    @property
    def equations(self) -> str | None:
        """Name of the module whose EQUATIONS is the right-hand side of the task's theory."""
        ...


@runtime_checkable
class Learner(Protocol):
    """What simulators need of a network that sees x through pre-activations lambda = W x alone.

    Frozen and hashable. theta is what it has besides W: the readout of two layers, or a mapping of arrays
    (`teacher_student.students.heads`). Theory and the kernel for accelerators know `TwoLayer` alone.
    """

    @property
    def width(self) -> int:
        """The number of hidden units K that results and studies call width."""
        ...

    @property
    def rows(self) -> int:
        """Number of pre-activations, the rows of W; what is called K where shapes are stated."""
        ...

    def start(self, key: Key[Array, ""], scaling: PyTree, dtype: str = "float32") -> Any:
        """theta of a fresh student."""
        ...

    def step(
        self,
        lam: Float[Array, " K"],
        theta: PyTree,
        label: Float[Array, ""],
        on: Bool[Array, ""],
        scaling: PyTree,
        /,
    ) -> tuple[Array, Any]:
        """One step of SGD from the pre-activations: h (K,) with W <- W - h x^T, and dtheta, subtracted."""
        ...

    def weights(self, n_inputs: int) -> tuple[int, ...]:
        """Weights of every layer, as `teacher_student.flops.training_flops` takes them."""
        ...


@runtime_checkable
class Student(Learner, Protocol):
    """What is asked of a network besides: what evaluators, theory and studies need."""

    @property
    def counters(self) -> Collection[str]:
        """Names of the arrays of theta that count something and are no weights."""
        ...

    @property
    def activation(self) -> str:
        """Name of phi."""
        ...

    @property
    def loss(self) -> str:
        """Name of the loss."""
        ...

    @property
    def parity(self) -> str:
        """Of the output as a function of the input: "odd", "even" or "neither"."""
        ...

    @property
    def labels(self) -> str:
        """Labels that the loss takes: "real", or "signs" for +-1 only."""
        ...

    @property
    def averages(self) -> tuple[str | None, str | None]:
        """Families of Gaussian averages of phi and of the loss, see `students.two_layer.Activation`."""
        ...

    def core(self) -> Any:
        """The student as far as it shapes the compiled program."""
        ...

    def scaling(self, learning_rate: float, n_inputs: int) -> Any:
        """The numbers of its parametrisation, all traced; what `start`, `step` and `effective` take."""
        ...

    def effective(self, theta: PyTree, scaling: PyTree, /) -> Any:
        """What `output` takes, factors of the parametrisation included."""
        ...

    def output(self, effective: PyTree, lam: Float[Array, "*n K"], /) -> Array:
        """f (*n) at pre-activations; its sign is the label the student says."""
        ...

    def losses(self, output: Array, label: Array) -> Array:
        """loss(f, y), elementwise."""
        ...
