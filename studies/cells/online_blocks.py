"""How blocks of an online-SGD study are computed: simulated, several at once, or solved by the equations."""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from studies.cells.named import settled
from studies.cells.online_settings import OnlineSettings
from studies.cells.result import result
from studies.store import STATUS

if TYPE_CHECKING:
    from studies.cell import Block


def planned(cell: OnlineSettings, block: "Block", steps: np.ndarray | None = None) -> Any:
    """All that a simulation of a block's cells is made of; `steps` (R, L, T) if not to be drawn."""
    from teacher_student.schedules import tabulate
    from teacher_student.training.plan import prepare

    task, student, (easy, hard) = cell.world()
    names = orders(cell, block.protocols)
    _, table, plans = tabulate(task, names, easy, hard, cell.easy_fraction, cell.schedule)
    return prepare(
        task,
        student,
        table,
        drawn(cell, block, plans) if steps is None else steps,
        target=hard,
        learning_rate=cell.learning_rate,
        replicates=block.replicates,
        seed=cell.seed,
        record=cell.record,
        n_records=cell.n_records,
        room=block.room,
        n_test=cell.n_test,
        method=settled(task, student, cell.method, cell.average > 0),
        dtype=cell.dtype,
        initial=cell.start(),
        rates=np.repeat(np.eye(2), phases(cell), 0) if cell.checkpoint else cell.rate_schedule,
        average=cell.average,
    )


def orders(cell: OnlineSettings, protocols: tuple[str, ...]) -> tuple[str, ...]:
    """The protocols of a block, and behind them that of a teacher before its checkpoint, if it is another."""
    return tuple(dict.fromkeys(filter(None, (*protocols, cell.teacher_protocol))))


def phases(cell: OnlineSettings) -> tuple[int, int]:
    """Steps that only a teacher takes, and those of the run."""
    alone = round(cell.checkpoint * cell.n_inputs)
    return alone, cell.n_steps - alone


def drawn(cell: OnlineSettings, block: "Block", plans: Sequence[Any]) -> np.ndarray:
    """The level of every step (R, L, T): of the run, and before it of the begin of the teacher's own."""
    alone, own = phases(cell)
    settings = tuple(tuple((phase.fraction, *phase.mix.items()) for phase in plan) for plan in plans)
    drawn = _schedules(settings, own, cell.seed, tuple(map(int, block.replicates)))
    steps = drawn[:, : len(block.protocols)]
    if not alone:
        return steps
    first = steps
    if cell.teacher_protocol:
        place = orders(cell, block.protocols).index(cell.teacher_protocol)
        first = np.broadcast_to(drawn[:, [place]], steps.shape)
    return np.concatenate([first[..., :alone], steps], -1)


@lru_cache(maxsize=2)
def _schedules(settings: tuple, n_steps: int, seed: int, replicates: tuple[int, ...]) -> np.ndarray:
    """`draw_plans`, kept for blocks that differ in widths or rates only; nobody may write to it."""
    from teacher_student.protocols import Phase
    from teacher_student.schedules import draw_plans

    plans = [tuple(Phase(fraction, dict(mix)) for fraction, *mix in plan) for plan in settings]
    drawn = draw_plans(plans, n_steps, seed, np.array(replicates))
    drawn.setflags(write=False)
    return drawn


def simulated(blocks: "Sequence[Block]", places: int, devices: int) -> list[xr.Dataset]:
    """Simulate all cells of blocks of one program at once, see `run_plans`."""
    from teacher_student.training.simulate import run_plans

    started = time.perf_counter()
    cells: list[Any] = [block.cell for block in blocks]
    plans = [planned(cell, block) for cell, block in zip(cells, blocks, strict=True)]
    results = run_plans(plans, places, devices)
    share = (time.perf_counter() - started) * (1 - 1 / len(blocks))
    return [
        _result(
            cell,
            block,
            found.method,
            found.time,
            {name: np.moveaxis(x, 1, 0) for name, x in found.values.items()},
            np.where(found.diverged.T, STATUS["diverged"], STATUS["ok"]),
            started + share,
        )
        for cell, block, found in zip(cells, blocks, results, strict=True)
    ]


def solved(cell: OnlineSettings, block: "Block") -> xr.Dataset:
    """The equations of a block's cells, from the starts of its replicates: the Dataset of a simulation."""
    import jax

    from teacher_student.schedules import spans, tabulate
    from teacher_student.theory.integrate import trajectory
    from teacher_student.theory.solve import STATUSES
    from teacher_student.training.start import draw_start

    started = time.perf_counter()
    task, student, (easy, hard) = cell.world()
    _, table, plans = tabulate(task, block.protocols, easy, hard, cell.easy_fraction, cell.schedule)
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
            method=settled(task, student, "auto"),
        )
    pieces = [spans(plan, cell.budget, len(table)) for plan in plans]
    times = np.arange(cell.n_records + 1) * cell.record_every
    found = trajectory(
        task, student, start, table, pieces, times, target=hard, learning_rate=cell.learning_rate,
        rates=cell.rate_schedule, average=cell.average,
    )  # fmt: skip
    values, status = jax.tree.map(np.asarray, (found.values, found.status))
    if shared:  # one solution for all replicates
        copies = len(block.replicates)
        values, status = jax.tree.map(lambda x: np.repeat(x[None], copies, 0), (values, status))
    values = {name: np.moveaxis(values[name], 1, 0) for name in cell.record}
    status = np.array([STATUS[name] for name in STATUSES])[status]
    return _result(cell, block, "theory", times, values, status.T, started)


def _result(
    cell: OnlineSettings,
    block: "Block",
    method: str,
    times: np.ndarray,
    values: Mapping[str, np.ndarray],
    status: np.ndarray,
    started: float,
) -> xr.Dataset:
    """Recorded arrays with axes protocol, replicate, time, ... as the result of a block."""
    from teacher_student.training.recording import QUANTITIES

    task, _, _ = cell.world()
    # netCDF has no axis of length 0
    groups = {"group": list(task.group_names)} if task.group_names else {}
    return result(
        block,
        {name: (("time", *QUANTITIES[name]), x) for name, x in values.items()},
        status,
        coords={"time": times} | groups,
        method=method,
        run_steps=status.size * cell.n_steps,
        started=started,
    )
