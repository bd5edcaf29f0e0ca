"""What a simulator of online SGD is: `gram`, `bulk`, `full` and `stepwise` are four."""

from typing import Any, Protocol, runtime_checkable

from jax import Array
from jaxtyping import Int, Key, PyTree

from teacher_student.interfaces import Level
from teacher_student.rate_schedules import CONSTANT, Pace


@runtime_checkable
class Simulator(Protocol):
    """A way to run online SGD in chunks of `chunk` samples; frozen and hashable.

    `teacher`, `state` and `samples` are whatever pytrees the simulator likes; it is written for one
    replicate and one protocol, and batched from outside. `draw` does not depend on the protocol.
    """

    @property
    def name(self) -> str: ...

    @property
    def task(self) -> Any: ...

    @property
    def student(self) -> Any: ...

    @property
    def chunk(self) -> int: ...

    @property
    def dtype(self) -> str: ...

    @property
    def chunks_ahead(self) -> int:
        """Chunks whose samples are drawn together; changes no number."""
        ...

    def teacher(self, key: Key[Array, ""]) -> Any: ...

    def init(self, key: Key[Array, ""], teacher: PyTree, scaling: PyTree, initial: PyTree) -> Any: ...

    def draw(self, key: Key[Array, ""], teacher: PyTree, t: Int[Array, ""]) -> Any: ...

    def advance(
        self,
        state: PyTree,
        teacher: PyTree,
        samples: PyTree,
        level: Level,
        on: Array,
        scaling: PyTree,
        pace: Pace = CONSTANT,
    ) -> Any: ...

    def overlaps(self, state: PyTree, teacher: PyTree) -> Any: ...
