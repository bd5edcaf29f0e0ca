"""What the right-hand sides of all tasks share: their arguments, their nodes and whether they are closed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from jax import Array
from jaxtyping import Float

from teacher_student.interfaces import Task
from teacher_student.students.two_layer import ACTIVATIONS, LOSSES, Activation, Loss, TwoLayer
from teacher_student.theory.rates import dimension
from teacher_student.theory.sampled import check_nodes, sobol_normals


@dataclass(frozen=True)
class Formulas:
    """Arguments of a right-hand side, refused where it does not cover them.

    task, student : whose equations
    n_nodes       : quasi-Monte Carlo nodes, before mirroring, for whatever is sampled
    CLOSED        : families of averages of (activation, loss) for which nothing in it is sampled
    """

    task: Task
    student: TwoLayer
    n_nodes: int = 4096

    CLOSED: ClassVar[tuple[str, str]]

    def __post_init__(self) -> None:
        check_nodes(self.n_nodes)
        check_formulas("activation", self.student.activation, ACTIVATIONS)
        check_formulas("loss", self.student.loss, LOSSES)
        self.task.check_student(self.student)

    @property
    def closed(self) -> bool:
        """Whether the right-hand side is in closed form."""
        return self.student.averages == self.CLOSED

    @property
    def revision(self) -> int:
        """How often the numbers of these formulas have changed."""
        return 0

    def nodes(self, seed: int) -> Float[Array, "n D"]:
        """Nodes of scrambling `seed`."""
        return sobol_normals(dimension(self.task, self.student), self.n_nodes, seed)


def check_formulas(what: str, name: str, menu: Mapping[str, Activation] | Mapping[str, Loss]) -> None:
    """Refuse an activation or a loss that says of no Gaussian averages how to take them.

    >>> check_formulas("loss", "hinge", {"squared": LOSSES["squared"], "hinge": Loss(abs, abs, "signs")})
    Traceback (most recent call last):
    ValueError: theory has no formulas for loss 'hinge'; it has them for: squared
    """
    if menu[name].averages is None:
        covered = sorted(other for other, entry in menu.items() if entry.averages is not None)
        raise ValueError(f"theory has no formulas for {what} {name!r}; it has them for: {', '.join(covered)}")
