"""How much memory a run will take, before it is compiled.

The sum of the arrays that are alive together: the schedule (one byte a step), the state of all runs and
the copies that a step of the compiled loop makes, the random numbers drawn ahead, one replicate's test
points evaluated at a time. Tests hold it against the compiler's own account.
"""

import os
from collections.abc import Sequence
from typing import Any

from teacher_student.interfaces import Simulator
from teacher_student.training.gram import GramSpace


def run_bytes(method: Simulator, replicates: int, protocols: int, n_steps: int, n_test: int) -> int:
    """Estimated bytes of a run of R x L simulations of `n_steps` steps, an upper bound within a factor 3."""
    size = {"float32": 4, "float64": 8}[method.dtype]
    k, b, n = method.student.width, method.chunk, method.task.n_inputs
    n_blocks = len(method.task.blocks)
    lanes = max(2, protocols)
    if isinstance(method, GramSpace):
        state = n_blocks * k * k + 4 * k
        sample = 2 * n_blocks * (b * k + b * b) + 8 * b
        step = n_blocks * (6 * b * k + 4 * b * b + 5 * k * k)
    else:
        state = k * n + k
        sample = 3 * b * n
        step = 3 * b * n + 2 * k * n + 3 * b * k + 2 * b * b
    ahead = method.chunks_ahead
    tests = n_test * (k * n_blocks + 4)
    evaluation = n_test * 20 * k + 3 * n_blocks * k * k
    numbers = replicates * (2 * lanes * state + ahead * sample + step + tests) + evaluation
    return 2 * replicates * lanes * n_steps + size * numbers


def rows_that_fit(
    method: Simulator, protocols: int, n_steps: int, n_test: int, most: int, limit_bytes: float
) -> int:
    """Largest number of replicates, `most` halved as often as needed, whose run stays below the limit.

    Raises
    ------
    ValueError : one replicate alone would not fit
    """
    rows = most
    while rows > 1 and run_bytes(method, rows, protocols, n_steps, n_test) > limit_bytes:
        rows = (rows + 1) // 2
    needed = run_bytes(method, rows, protocols, n_steps, n_test)
    if needed > limit_bytes:
        raise ValueError(
            f"one replicate of width {method.student.width} needs about {needed / 2**30:.2f} GiB, more than "
            f"the limit of {limit_bytes / 2**30:.2f} GiB; allow more memory or shorten the budget"
        )
    return rows


def free_bytes(device: Any) -> float:
    """Free memory: of an accelerator, its own; of a CPU, that of the host, which its devices share."""
    if device.platform == "cpu":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    account = device.memory_stats() or {}
    return account.get("bytes_limit", float("inf")) - account.get("bytes_in_use", 0)


#: Widest student that several devices made of one CPU run at once. Beyond it XLA splits products over the
#: pool of threads that those devices share; there they have been seen to wait for each other without end.
WIDEST_ON_SHARED_THREADS = 32


def tiles_in_flight(method: Simulator, tile_bytes: float, devices: Sequence[Any]) -> int:
    """How many of the devices can hold a run of `tile_bytes` at once, each its own; at least 1."""
    if devices[0].platform != "cpu":
        return max(1, sum(free_bytes(device) >= tile_bytes for device in devices))
    if method.student.width > WIDEST_ON_SHARED_THREADS:
        return 1
    return max(1, min(len(devices), int(free_bytes(devices[0]) // tile_bytes)))
