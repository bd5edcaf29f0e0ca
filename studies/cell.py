"""What a study needs of the settings of one run, and the block: the unit of computation and storage."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar, runtime_checkable

import numpy as np

from studies.address import address, describe

if TYPE_CHECKING:
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

    def label(self) -> str:
        """The settings in a few words."""
        ...

    def compute(self, block: "Block") -> "xr.Dataset":
        """Run all cells of a block: dims protocol, replicate, time (and those of the quantities).

        The attributes must hold `method`, `seconds` and `run_steps`; the store adds the rest.
        It may run in any process of any machine, so it depends on the block alone.
        """
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


AnyCell = TypeVar("AnyCell", bound=Cell)


@dataclass(frozen=True)
class Block:
    """The unit of computation and storage: protocols x `rows` replicates of one cell.

    cell : the settings; its own protocol is not used
    protocols : computed together, sharing their samples
    tile : replicates tile * rows ... (tile + 1) * rows - 1
    room : records the program is compiled for, at least the cell's own number; changes no number
    """

    cell: Cell
    protocols: tuple[str, ...]
    tile: int
    rows: int
    room: int

    @property
    def replicates(self) -> np.ndarray:
        return np.arange(self.tile * self.rows, (self.tile + 1) * self.rows)

    def description(self) -> dict[str, Any]:
        """Everything that changes the block's numbers."""
        settings = describe(self.cell)
        del settings["protocol"]
        return {
            "cell": settings,
            "protocols": list(self.protocols),
            "tile": self.tile,
            "rows": self.rows,
            "numerics": self.cell.numerics(),
        }

    @cached_property
    def address(self) -> str:
        return address(self.description())

    def label(self) -> str:
        """The block in a few words, for progress lines."""
        return f"{self.cell.label()} replicates {self.replicates[0]}-{self.replicates[-1]}"


def get_field(cell: Cell, name: str) -> Any:
    """A field of the cell, or with a dot an entry of a mapping: "easy.noise"."""
    outer, _, inner = name.partition(".")
    value = getattr(cell, outer)
    return value[inner] if inner else value


def parse(cell: Cell, name: str, text: str) -> list[Any]:
    """Comma-separated text as values of a field; ValueError in one line if it cannot be read."""
    outer, _, inner = name.partition(".")
    if outer not in {f.name for f in fields(cell)}:
        raise ValueError(f"unknown field {name!r}; known: {', '.join(sorted(f.name for f in fields(cell)))}")
    old = getattr(cell, outer)
    if isinstance(old, Mapping) and not inner:
        raise ValueError(f"{name} has entries; set one, as --{name}.noise 0.2")
    if isinstance(old, tuple) and all(isinstance(part, str) for part in old):
        return [tuple(text.split(","))]
    kind: Any = float if inner else type(old)
    words = {"true": True, "false": False}
    try:
        return [words[t.lower()] if kind is bool else kind(t) for t in text.split(",")]
    except (ValueError, KeyError):
        raise ValueError(
            f"{name} is {text!r}; need {kind.__name__}, or several separated by commas"
        ) from None


def with_fields(cell: AnyCell, changes: Mapping[str, Any]) -> AnyCell:
    """The cell with fields replaced, cast to their type; unknown names are refused with the known ones."""
    new: dict[str, Any] = {}
    known = {f.name for f in fields(cell)}
    for name, value in changes.items():
        outer, _, inner = name.partition(".")
        if outer not in known:
            raise ValueError(f"unknown field {outer!r}; known: {', '.join(sorted(known))}")
        old = new.get(outer, getattr(cell, outer))
        kind = type(old)
        if inner:
            value = {**old, inner: float(value)}
        elif kind in (int, float) and isinstance(value, int | float | np.number):
            if kind is int and not isinstance(value, int | np.integer) and not float(value).is_integer():
                raise ValueError(f"{outer} is {value!r}; need a whole number")
            value = kind(value)
        elif not isinstance(value, kind):
            raise ValueError(f"{outer} is {value!r}; need {kind.__name__}")
        new[outer] = value
    return replace(cell, **new)
