"""What a study needs of the settings of one run, and the block: the unit of computation and storage."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np

from studies.address import address, describe

if TYPE_CHECKING:
    import jax
    import xarray as xr


@runtime_checkable
class Cell(Protocol):
    """What a study needs of the settings of one run: a frozen dataclass of plain data with these."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def width(self) -> int: ...

    @property
    def protocol(self) -> str: ...

    @property
    def n_records(self) -> int:
        """Records after the first."""
        ...

    @property
    def work(self) -> float:
        """What the time of one run is roughly proportional to."""
        ...

    def check(self) -> None:
        """Raise ValueError, in one line, if anything is wrong with the settings."""
        ...

    def numerics(self) -> dict[str, Any]:
        """What fixes the numbers besides the fields."""
        ...

    def rows_that_fit(self, protocols: int, most: int, gigabytes: float) -> int:
        """Replicates of a block, at most `most`, that need less memory than `gigabytes` GiB."""
        ...

    def compute(self, block: "Block") -> "xr.Dataset":
        """Run all cells of a block: dims protocol, replicate, time (and those of the quantities).

        The attributes must hold `method`, `seconds` and `run_steps`; the store adds the rest.
        It may run in any process of any machine, so it depends on the block alone.
        """
        ...


class Saved(Protocol):
    """Where a computation keeps the arrays that it needs to go on after it was killed."""

    def load(self) -> list[np.ndarray] | None:
        """The arrays saved last, or None if there are none."""
        ...

    def due(self) -> bool:
        """Whether it is time to save again."""
        ...

    def save(self, arrays: Sequence[Any]) -> None:
        """Keep these arrays instead of those saved before."""
        ...


@runtime_checkable
class ResumableCell(Cell, Protocol):
    """A cell whose blocks take so long that a killed run should go on inside of one. This is optional."""

    def resume(self, block: "Block", progress: Saved) -> "xr.Dataset":
        """What `compute` gives, to the same bits: goes on from what was saved, and saves now and then."""
        ...


@runtime_checkable
class NamingCell(Protocol):
    """A cell that names what a user may define: tasks, protocols and the like. This is optional."""

    def definitions(self, protocols: tuple[str, ...]) -> dict[str, str]:
        """Digests of the code of what is named and has no version, see `studies.cells.definitions`."""
        ...


@runtime_checkable
class FilesCell(Protocol):
    """A cell that reads files of the user's. This is optional."""

    def paths(self) -> dict[str, str]:
        """What a file is for -> where it is."""
        ...


@runtime_checkable
class TiledCell(Cell, Protocol):
    """A cell whose blocks can be spread over the devices of a host. This is optional.

    A block is a tile: its shape never depends on what else is computed, nor on how many devices there are,
    so neither do its bits. Cells without these three methods are computed one block after the other on the
    first device, and need nothing else.
    """

    def program(self, block: "Block") -> Hashable:
        """What is compiled: blocks of equal program differ in traced values only and may run together."""
        ...

    def tiles_in_flight(self, block: "Block", devices: int) -> int:
        """Of `devices`, how many can hold such a block at once with the memory that is free; at least 1."""
        ...

    def compute_tiles(self, blocks: "Sequence[Block]", places: int) -> "list[xr.Dataset]":
        """What `compute` gives for each of at most `places` blocks of one program, a device for each."""
        ...


@runtime_checkable
class ForeseenCell(Cell, Protocol):
    """A cell whose program can be compiled before it is needed. This is optional."""

    def lower(self, block: "Block", places: int) -> "list[jax.stages.Lowered]":
        """What `compute` (places = 1) or `compute_tiles` will call, traced and ready to be compiled."""
        ...


#: A kind of cell.
AnyCell = TypeVar("AnyCell", bound=Cell)


@dataclass(frozen=True)
class Block:
    """The unit of computation and storage: protocols x `rows` replicates of one cell.

    cell : the settings; its own protocol is not used
    protocols : computed together, sharing their samples
    tile : replicates tile * rows ... (tile + 1) * rows - 1
    room : records the program is compiled for, at least the cell's own number; changes no number
    swept : axes along which the blocks of the study differ, for the label
    """

    cell: Cell
    protocols: tuple[str, ...]
    tile: int
    rows: int
    room: int
    swept: tuple[str, ...] = ()

    @property
    def replicates(self) -> np.ndarray:
        return np.arange(self.tile * self.rows, (self.tile + 1) * self.rows)

    def description(self) -> dict[str, Any]:
        """Everything that changes the block's numbers."""
        settings = describe(self.cell)
        del settings["protocol"]
        found = {
            "cell": settings,
            "protocols": list(self.protocols),
            "tile": self.tile,
            "rows": self.rows,
            "numerics": self.cell.numerics(),
        }
        named = self.cell.definitions(self.protocols) if isinstance(self.cell, NamingCell) else {}
        return found | ({"definitions": named} if named else {})

    @cached_property
    def address(self) -> str:
        return address(self.description())

    def settings(self) -> str:
        """The cell in a few words: where it lies on the axes along which the cells of its study differ."""
        return " ".join(f"{axis} {_short(get_field(self.cell, axis))}" for axis in self.swept or ("width",))

    def label(self) -> str:
        """The block in a few words, for progress lines."""
        return f"{self.settings()} replicates {self.replicates[0]}-{self.replicates[-1]}"


def get_field(cell: Cell, name: str) -> Any:
    """The value of a field, or with a dot of an entry of one that is a mapping: "easy.noise".

    Raises
    ------
    ValueError : the mapping has no such entry
    """
    outer, _, inner = name.partition(".")
    value = getattr(cell, outer)
    if inner and inner not in value:
        has = ", ".join(map(str, value)) or "none"
        raise ValueError(f"{outer} has no entry {inner!r} where it is not swept; it has: {has}")
    return value[inner] if inner else value


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
