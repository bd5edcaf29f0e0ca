"""A study is a frozen description of what is asked: a base cell, axes, replicates.

The cells asked for are the union of one or more grids; a grid is the product of its axes over the
base cell. Cells are computed in blocks: one block holds all protocols of a grid and a fixed number of
replicates at one setting of everything else. Its shape never depends on which other cells are asked
for, so neither do its numbers.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from studies.address import address, describe, digest, plain, renamed, written
from studies.cell import Block, Cell, FilesCell, get_field
from studies.settings import as_declared, cast, check_name, parse, replaced, with_fields

#: Axis -> its values.
Grid = Mapping[str, Sequence[Any] | np.ndarray]


@dataclass(frozen=True)
class Study:
    """What was asked.

    Parameters
    ----------
    cell : the settings common to all cells
    grids : tuple of mappings axis -> values; an axis is a field of the cell, or "easy.noise" and the
        like for an entry of a mapping
    replicates : int >= 1
    rows : int, replicates per block, fewer where a block would need more than `memory`
    memory : float, limit for a block in GiB; like `rows` it decides the shape of blocks
    name : str, the folder of its results; those of the catalogue have that of their file
    question : str, one line; no part of the address

    Raises
    ------
    ValueError : any cell that is asked for is refused, in one line
    """

    cell: Cell
    grids: tuple[Grid, ...]
    replicates: int
    rows: int = 32
    memory: float = 2.0
    name: str = "study"
    question: str = ""
    _blocks: tuple[Block, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        from teacher_student.checks import whole, within

        for name in ("replicates", "rows"):
            whole(name, getattr(self, name), low=1)
            object.__setattr__(self, name, int(getattr(self, name)))
        within("memory", self.memory, low=0, open_low=True)
        object.__setattr__(self, "cell", as_declared(self.cell))
        object.__setattr__(self, "grids", tuple(map(self._checked, _several(self.grids))))
        room = 0
        for cell in self.cells():
            cell.check()
            room = max(room, cell.n_records)
        object.__setattr__(self, "_blocks", tuple(self._cut(room)))

    def _checked(self, grid: Grid) -> Grid:
        """The grid with its values as tuples of Python objects, cast to the type of their field."""
        found: dict[str, tuple] = {}
        for axis, values in grid.items():
            check_name(self.cell, axis.partition(".")[0])
            if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray):
                raise ValueError(f"axis {axis} is {values!r}; need a tuple of values")
            own = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
            if not own or len(set(own)) != len(own):
                raise ValueError(f"axis {axis} needs distinct values, at least one; got {own}")
            if "." in axis and len(own) > 1 and any(isinstance(v, tuple) for v in own):
                raise ValueError(f"{axis} is a vector; give one, as vectors can be no axis")
            found[axis] = tuple(cast(self.cell, axis, v) for v in own)
        return found

    def named(self, name: str, question: str) -> "Study":
        """The same study under another name, nothing checked or cut into blocks again."""
        found = copy(self)
        object.__setattr__(found, "name", name)
        object.__setattr__(found, "question", question)
        return found

    def cells(self) -> Iterator[Cell]:
        """All cells asked for, replicates aside."""
        for grid in self.grids:
            for values in product(*grid.values()):
                yield replaced(self.cell, dict(zip(grid, values, strict=True)))

    def blocks(self) -> list[Block]:
        """The blocks that hold all cells asked for, in the order of the grids.

        A block whose protocols are all in an earlier block of the same settings is left out.
        """
        return list(self._blocks)

    def _cut(self, room: int) -> Iterable[Block]:
        """The blocks, whose longest cell has `room` records."""
        swept = tuple(a for a, values in self.axes().items() if a == "width" or len(values) > 1)
        swept = tuple(a for a in swept if a != "protocol")
        found: dict[str, Block] = {}
        covered: dict[str, frozenset[str]] = {}
        for grid in self.grids:
            protocols = tuple(grid.get("protocol", (self.cell.protocol,)))
            asked = frozenset(protocols)
            others = {axis: values for axis, values in grid.items() if axis != "protocol"}
            for values in product(*others.values()):
                cell = replaced(self.cell, dict(zip(others, values, strict=True)))
                rows = cell.rows_that_fit(len(protocols), self.rows, self.memory)
                tiles = [
                    Block(cell, protocols, tile, rows, room, swept)
                    for tile in range(-(-self.replicates // rows))
                ]
                settings = address(tiles[0].description() | {"protocols": None})
                before = covered.get(settings, frozenset())
                if not asked <= before:
                    covered[settings] = before | asked if before else asked
                    found |= {block.address: block for block in tiles}
        return found.values()

    @property
    def surplus(self) -> int:
        """Replicates that are computed beside those asked for, since blocks are computed whole."""
        return max(int(block.replicates[-1]) + 1 for block in self._blocks) - self.replicates

    def axes(self) -> dict[str, tuple]:
        """All values of every swept axis; protocol and width always, and last."""
        swept = dict.fromkeys(axis for grid in self.grids for axis in grid)
        union = {}
        for axis in [*(a for a in swept if a not in ("protocol", "width")), "protocol", "width"]:
            values = (grid[axis] if axis in grid else (get_field(self.cell, axis),) for grid in self.grids)
            union[axis] = tuple(dict.fromkeys(v for several in values for v in several))
        return union

    def entry(self) -> dict[str, Any]:
        """All that `studies.load` needs to find and place the blocks, as plain JSON values.

        Fields and axes are under their first names (see `studies.address`), and `names` has those of today.
        """
        axes = self.axes()
        first = {axis: written(self.cell, axis) for axis in axes}
        entries = [
            {
                "address": block.address,
                "at": {first[a]: plain(get_field(block.cell, a)) for a in axes if a != "protocol"},
                "protocols": list(block.protocols),
                "replicates": block.replicates.tolist(),
            }
            for block in self.blocks()
        ]
        found = self.description() | {
            "question": self.question,
            "names": renamed(self.cell),
            "address": self.address,
            "axes": {first[axis]: plain(values) for axis, values in axes.items()},
            "blocks": entries,
        }
        names = {what: Path(path).name for what, path in self._paths.items()}
        return found | ({"file_names": names} if names else {})

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
        """What was asked, as plain JSON values; axes under their first names.

        `files` are the checksums of the user's own files, if any are read.
        """
        files = {what: digest(path) for what, path in self._paths.items()}
        grids = [{written(self.cell, axis): plain(v) for axis, v in grid.items()} for grid in self.grids]
        found = {
            "name": self.name,
            "cell": describe(self.cell),
            "grids": grids,
            "replicates": self.replicates,
            "rows": self.rows,
            "memory": self.memory,
        }
        return found | ({"files": files} if files else {})

    @cached_property
    def _paths(self) -> dict[str, str]:
        """The files of the user's that the cells read: what for -> where."""
        if not isinstance(self.cell, FilesCell):
            return {}
        cells: Iterator[Any] = self.cells()
        return {what: path for cell in cells for what, path in cell.paths().items()}

    @property
    def address(self) -> str:
        """That of what was asked; the question in words has no part in it."""
        return address(self.description())


def _several(grids: Sequence[Grid]) -> Sequence[Grid]:
    if isinstance(grids, Mapping):
        raise ValueError("grids is one mapping; need a tuple of them, as ({'width': (2, 4)},)")
    return grids
