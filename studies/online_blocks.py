"""How a block of online-SGD cells is computed: by simulation, or by the equations from the same starts."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from studies.provenance import provenance
from studies.store import STATUS

if TYPE_CHECKING:
    from studies.online import OnlineCell
    from studies.study import Block


def planned(cell: "OnlineCell", block: "Block") -> Any:
    """All that a simulation of a block's cells is made of."""
    from curricula.schedule import draw_steps, level_table
    from teacher_student.training.simulate import prepare

    task, student, (easy, hard) = cell.world()
    return prepare(
        task,
        student,
        level_table(task, easy, hard),
        draw_steps(block.protocols, cell.easy_fraction, cell.n_steps, cell.seed, block.replicates),
        target=hard,
        learning_rate=cell.learning_rate,
        replicates=block.replicates,
        seed=cell.seed,
        record=cell.record,
        n_records=cell.n_records,
        room=block.room,
        n_test=cell.n_test,
        method=cell.method,
        dtype=cell.dtype,
        initial=cell.start(),
    )


def simulated(blocks: "Sequence[Block]", places: int) -> list[xr.Dataset]:
    """Simulate all cells of blocks of one program at once, a device for each block."""
    from teacher_student.training.simulate import run_plans

    started = time.perf_counter()
    cells: list[Any] = [block.cell for block in blocks]
    plans = [planned(cell, block) for cell, block in zip(cells, blocks, strict=True)]
    results = run_plans(plans, places)
    share = (time.perf_counter() - started) * (1 - 1 / len(blocks))
    return [
        _as_block(
            cell,
            block,
            result.method,
            result.time,
            {name: np.moveaxis(x, 1, 0) for name, x in result.values.items()},
            np.where(result.diverged.T, STATUS["diverged"], STATUS["ok"]),
            started + share,
        )
        for cell, block, result in zip(cells, blocks, results, strict=True)
    ]


def solved(cell: "OnlineCell", block: "Block") -> xr.Dataset:
    """The equations of a block's cells, from the starts of its replicates: the Dataset of a simulation."""
    import jax

    from curricula.schedule import level_table, phases
    from teacher_student.theory.integrate import trajectory
    from teacher_student.theory.solve import STATUSES
    from teacher_student.training.start import draw_start

    started = time.perf_counter()
    task, student, (easy, hard) = cell.world()
    table = level_table(task, easy, hard)
    start = cell.start()
    shared = start is not None
    if start is None:
        start = draw_start(
            task,
            student,
            learning_rate=cell.learning_rate,
            replicates=block.replicates,
            seed=cell.seed,
            dtype=cell.dtype,
        )
    plans = [
        [
            (cell.budget * phase.fraction, [phase.mix.get(i, 0.0) for i in range(len(table))])
            for phase in phases(protocol, cell.easy_fraction)
        ]
        for protocol in block.protocols
    ]
    times = np.arange(cell.n_records + 1) * cell.record_every
    found = trajectory(
        task, student, start, table, plans, times, target=hard, learning_rate=cell.learning_rate
    )
    values, status = jax.tree.map(np.asarray, (found.values, found.status))
    if shared:  # one solution for all replicates
        copies = len(block.replicates)
        values, status = jax.tree.map(lambda x: np.repeat(x[None], copies, 0), (values, status))
    values = {name: np.moveaxis(values[name], 1, 0) for name in cell.record}
    status = np.array([STATUS[name] for name in STATUSES])[status]
    return _as_block(cell, block, "theory", times, values, status.T, started)


def _as_block(
    cell: "OnlineCell",
    block: "Block",
    method: str,
    times: np.ndarray,
    values: Mapping[str, np.ndarray],
    status: np.ndarray,
    started: float,
) -> xr.Dataset:
    """Arrays with axes protocol, replicate, time, ... as the Dataset of a block."""
    from teacher_student.training.recording import QUANTITIES

    lead = ("protocol", "replicate", "time")
    task, _, _ = cell.world()
    # netCDF has no axis of length 0
    groups = {"group": list(task.group_names)} if task.group_names else {}
    return xr.Dataset(
        {name: (lead + QUANTITIES[name], x) for name, x in values.items()}
        | {"status": (("protocol", "replicate"), status.astype(np.int8))},
        coords={"protocol": list(block.protocols), "replicate": block.replicates, "time": times} | groups,
        attrs={"method": method, "run_steps": status.size * cell.n_steps} | provenance(started),
    )
