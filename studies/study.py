"""A study is a frozen description of what is asked: a base cell, axes, replicates.

The cells asked for are the union of one or more grids; a grid is the product of its axes over the
base cell. Cells are computed in blocks: one block holds all protocols of a grid and a fixed number of
replicates at one setting of everything else. Its shape never depends on which other cells are asked
for, so neither do its numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any

from studies.address import address, describe, plain
from studies.cell import Block, Cell, get_field, parse, with_fields

Grid = Mapping[str, tuple]


@dataclass(frozen=True)
class Study:
    """What was asked.

    Parameters
    ----------
    name : str
    question : str, one line
    cell : the settings common to all cells
    grids : tuple of mappings axis -> values; an axis is a field of the cell, or "easy.noise" and the
        like for an entry of a mapping
    replicates : int >= 1
    rows : int, replicates per block, fewer where a block would need more than `memory`
    memory : float, limit for a block in GiB; like `rows` it decides the shape of blocks
    """

    name: str
    question: str
    cell: Cell
    grids: tuple[Grid, ...]
    replicates: int
    rows: int = 32
    memory: float = 2.0

    def __post_init__(self) -> None:
        from teacher_student.checks import within

        if self.replicates < 1 or self.rows < 1:
            raise ValueError(f"replicates is {self.replicates} and rows {self.rows}; need both >= 1")
        within("memory", self.memory, low=0, open_low=True)
        for grid in self.grids:
            for axis, values in grid.items():
                if len(values) == 0 or len(set(values)) != len(values):
                    raise ValueError(f"axis {axis} needs distinct values, at least one; got {values}")
        for cell in self.cells():
            cell.check()
        self.blocks()

    def cells(self) -> Iterator[Cell]:
        """All cells asked for, replicates aside."""
        for grid in self.grids:
            for values in product(*grid.values()):
                yield with_fields(self.cell, dict(zip(grid, values, strict=True)))

    def blocks(self) -> list[Block]:
        """The blocks that hold all cells asked for, in the order of the grids.

        A block whose protocols are all in an earlier block of the same settings is left out.
        """
        return list(self._blocks)

    @cached_property
    def _blocks(self) -> tuple[Block, ...]:
        room = max((cell.n_records for cell in self.cells()), default=0)
        found: dict[str, Block] = {}
        covered: dict[str, frozenset[str]] = {}
        for grid in self.grids:
            protocols = tuple(grid.get("protocol", (self.cell.protocol,)))
            asked = frozenset(protocols)
            others = {axis: values for axis, values in grid.items() if axis != "protocol"}
            for values in product(*others.values()):
                cell = with_fields(self.cell, dict(zip(others, values, strict=True)))
                rows = cell.rows_that_fit(len(protocols), self.rows, self.memory)
                for tile in range(-(-self.replicates // rows)):
                    block = Block(cell, protocols, tile, rows, room)
                    settings = address(block.description() | {"protocols": None})
                    before = covered.get(settings, frozenset())
                    if not asked <= before:
                        covered[settings] = before | asked if before else asked
                        found[block.address] = block
        return tuple(found.values())

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
        own: dict[str, Any] = {}
        grids, cell = self.grids, self.cell
        for name, text in given.items():
            if name in ("replicates", "rows", "memory"):
                try:
                    own[name] = type(getattr(self, name))(text)
                except ValueError:
                    raise ValueError(f"{name} is {text!r}; need a number") from None
                continue
            values = parse(cell, name, text)
            grids = tuple({**g, name: tuple(values)} if name in g or len(values) > 1 else g for g in grids)
            cell = with_fields(cell, {name: values[0]})
        return replace(self, cell=cell, grids=grids, **own)

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
