"""A study is a frozen description of what is asked: a base cell, axes, replicates.

The cells asked for are the union of one or more grids; a grid is the product of its axes over the
base cell. Cells are computed in blocks: one block holds all protocols of a grid and a fixed number of
replicates at one setting of everything else. Its shape never depends on which other cells are asked
for, so neither do its numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

import numpy as np

from studies.address import address, describe, plain
from studies.online import OnlineCell

Grid = Mapping[str, tuple]


@dataclass(frozen=True)
class Block:
    """The unit of computation and storage: protocols x `rows` replicates of one cell.

    cell : the settings; its own protocol is not used
    protocols : computed together, sharing their samples
    tile : replicates tile * rows ... (tile + 1) * rows - 1
    room : records the program is compiled for, at least the cell's own number; changes no number
    """

    cell: OnlineCell
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

    @property
    def address(self) -> str:
        return address(self.description())

    def label(self) -> str:
        """The block in a few words, for progress lines."""
        c, r = self.cell, self.replicates
        return f"{c.parametrisation} width {c.width} budget {c.budget:g} replicates {r[0]}-{r[-1]}"


@dataclass(frozen=True)
class Study:
    """What was asked.

    Parameters
    ----------
    name : str
    question : str, one line
    cell : OnlineCell, the settings common to all cells
    grids : tuple of mappings axis -> values; an axis is a field of the cell, or "easy.noise" and the
        like for an entry of a mapping
    replicates : int >= 1
    rows : int, replicates per block, fewer where a block would need more than `memory`
    memory : float, limit for a block in GiB; like `rows` it decides the shape of blocks
    """

    name: str
    question: str
    cell: OnlineCell
    grids: tuple[Grid, ...]
    replicates: int
    rows: int = 32
    memory: float = 2.0

    def __post_init__(self) -> None:
        if self.replicates < 1 or self.rows < 1:
            raise ValueError(f"replicates is {self.replicates} and rows {self.rows}; need both >= 1")
        for grid in self.grids:
            for axis, values in grid.items():
                if len(values) == 0 or len(set(values)) != len(values):
                    raise ValueError(f"axis {axis} needs distinct values, at least one; got {values}")
        for cell in self.cells():
            cell.check()
        self.blocks()

    def cells(self) -> Iterator[OnlineCell]:
        """All cells asked for, replicates aside."""
        for grid in self.grids:
            for values in product(*grid.values()):
                yield with_fields(self.cell, dict(zip(grid, values, strict=True)))

    def blocks(self) -> list[Block]:
        """The blocks that hold all cells asked for, each once, in the order of the grids."""
        room = max((cell.n_records for cell in self.cells()), default=0)
        found: dict[str, Block] = {}
        for grid in self.grids:
            protocols = grid.get("protocol", (self.cell.protocol,))
            others = {axis: values for axis, values in grid.items() if axis != "protocol"}
            for values in product(*others.values()):
                cell = with_fields(self.cell, dict(zip(others, values, strict=True)))
                rows = cell.rows_that_fit(len(protocols), self.rows, self.memory)
                for tile in range(-(-self.replicates // rows)):
                    block = Block(cell, tuple(protocols), tile, rows, room)
                    found.setdefault(block.address, block)
        return list(found.values())

    def axes(self) -> dict[str, tuple]:
        """All values of every swept axis; protocol and width always, and last."""
        swept = dict.fromkeys(axis for grid in self.grids for axis in grid)
        union = {}
        for axis in [*(a for a in swept if a not in ("protocol", "width")), "protocol", "width"]:
            base = (get_field(self.cell, axis),)
            union[axis] = tuple(dict.fromkeys(v for grid in self.grids for v in grid.get(axis, base)))
        return union

    def entry(self) -> dict[str, Any]:
        """All that `studies.load` needs to find and place the blocks, as plain JSON values."""
        axes = self.axes()
        entries = [
            {
                "address": block.address,
                "at": {axis: plain(get_field(block.cell, axis)) for axis in axes if axis != "protocol"},
                "protocols": list(block.protocols),
                "replicates": block.replicates.tolist(),
            }
            for block in self.blocks()
        ]
        return self.description() | {"address": self.address, "axes": plain(axes), "blocks": entries}

    def changed(self, given: Mapping[str, str]) -> "Study":
        """The study with fields set from text, as the command line gives them.

        One value replaces the field everywhere; several (comma-separated) make it an axis.
        """
        study = self
        for name, text in given.items():
            if name in ("replicates", "rows", "memory"):
                kind = type(getattr(study, name))
                try:
                    study = replace(study, **{name: kind(text)})
                except ValueError as error:
                    raise ValueError(f"{name} is {text!r}: {error}") from None
                continue
            values = parse(study.cell, name, text)
            grids = tuple(
                {**grid, name: tuple(values)} if name in grid or len(values) > 1 else grid
                for grid in study.grids
            )
            study = replace(study, cell=with_fields(study.cell, {name: values[0]}), grids=grids)
        return study

    def description(self) -> dict[str, Any]:
        """The study as plain JSON values."""
        return {
            "name": self.name,
            "question": self.question,
            "cell": describe(self.cell),
            "grids": [plain(grid) for grid in self.grids],
            "replicates": self.replicates,
            "rows": self.rows,
            "memory": self.memory,
        }

    @property
    def address(self) -> str:
        return address(self.description())


def get_field(cell: OnlineCell, name: str) -> Any:
    """A field of the cell, or with a dot an entry of a mapping: "easy.noise"."""
    outer, _, inner = name.partition(".")
    value = getattr(cell, outer)
    return value[inner] if inner else value


def parse(cell: OnlineCell, name: str, text: str) -> list[Any]:
    """Comma-separated text as values of a field; ValueError in one line if it cannot be read."""
    outer, _, inner = name.partition(".")
    if outer not in {f.name for f in fields(cell)}:
        raise ValueError(f"unknown field {name!r}; known: {', '.join(sorted(f.name for f in fields(cell)))}")
    old = getattr(cell, outer)
    if isinstance(old, Mapping) and not inner:
        raise ValueError(f"{name} has entries; set one, as --{name}.noise 0.2")
    if outer == "record":
        return [tuple(text.split(","))]
    kind: Any = float if inner else type(old)
    words = {"true": True, "false": False}
    try:
        return [words[t.lower()] if kind is bool else kind(t) for t in text.split(",")]
    except (ValueError, KeyError):
        raise ValueError(
            f"{name} is {text!r}; need {kind.__name__}, or several separated by commas"
        ) from None


def with_fields(cell: OnlineCell, changes: Mapping[str, Any]) -> OnlineCell:
    """The cell with fields replaced, cast to their type; unknown names are refused with the known ones."""
    types = {f.name: type(getattr(cell, f.name)) for f in fields(cell)}
    for name, value in changes.items():
        outer, _, inner = name.partition(".")
        if outer not in types:
            raise ValueError(f"unknown field {outer!r}; known: {', '.join(sorted(types))}")
        if inner:
            value = {**getattr(cell, outer), inner: float(value)}
        elif types[outer] in (int, float) and isinstance(value, int | float | np.number):
            if types[outer] is int and float(value) != int(value):
                raise ValueError(f"{outer} is {value!r}; need a whole number")
            value = types[outer](value)
        elif not isinstance(value, types[outer]):
            raise ValueError(f"{outer} is {value!r}; need {types[outer].__name__}")
        cell = replace(cell, **{outer: value})
    return cell
