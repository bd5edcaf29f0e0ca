"""How much memory a run will take, before it is compiled.

The sum of the arrays that are alive together: the schedule (one byte a step), the state of all runs and
the copies that a step of the compiled loop makes, layers above the first in both, the random numbers drawn
ahead, one replicate's test points evaluated at a time. Tests hold it against the compiler's own account.
"""

import os
from collections.abc import Sequence
from typing import Any

from teacher_student.training.averages import Averaging
from teacher_student.training.gram import GramSpace
from teacher_student.training.simulator import Simulator


def run_bytes(method: Simulator, replicates: int, protocols: int, n_steps: int, n_test: int) -> int:
    """Estimated bytes of a run of R x L simulations of `n_steps` steps, an upper bound within a factor 3."""
    method = method.run if isinstance(method, Averaging) else method
    size = {"float32": 4, "float64": 8}[method.dtype]
    k, b, n = method.student.rows, method.chunk, method.task.n_inputs
    n_blocks = len(method.task.blocks)
    upper = sum(method.student.weights(n)) - k * (n + 1)
    lanes = max(2, protocols)
    if isinstance(method, GramSpace):
        state = n_blocks * k * k + 4 * k + upper
        sample = 2 * n_blocks * (b * k + b * b) + 8 * b
        step = n_blocks * (6 * b * k + 4 * b * b + 5 * k * k) + 3 * upper
    else:
        state = k * n + k + upper
        sample = 3 * b * n
        step = 3 * b * n + 2 * k * n + 3 * b * k + 2 * b * b + 3 * upper
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
    check_fits(method.student.width, needed, limit_bytes, "shorten the budget")
    return rows


def check_fits(width: int, needed: float, limit: float, otherwise: str = "take a smaller width") -> None:
    """Raise ValueError where one replicate needs more bytes than the limit."""
    if needed > limit:
        raise ValueError(
            f"one replicate of width {width} needs about {needed / 2**30:.2f} GiB, more than the limit of "
            f"{limit / 2**30:.2f} GiB; allow more memory or {otherwise}"
        )


def rows_within(width: int, most: int, one: float, limit: float, rest: float = 0.0) -> int:
    """Replicates of a block: `most`, halved until their bytes are within the limit.

    Parameters
    ----------
    one, rest : float, bytes that each replicate needs, and that are needed however many there are

    Raises
    ------
    ValueError
        In one line, where one replicate needs more.

    Examples
    --------
    >>> rows_within(4, most=32, one=10.0, limit=100.0)
    8
    """
    while most > 1 and most * one + rest > limit:
        most = (most + 1) // 2
    check_fits(width, one, limit)
    return most


def free_bytes() -> float:
    """Free memory of the host, which its CPU devices share."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


#: Blocks that an accelerator runs side by side, at most.
MOST_ABREAST = 16


def abreast(width: int, lanes: int, block_bytes: float, limit: float) -> int:
    """Blocks that one accelerator runs side by side: a power of two.

    Enough to keep it busy, 65536 / K runs but at least 512 and at most 2048, if half of its memory holds
    them; places that no block is left for are computed all the same. The number decides the program, so
    neither the blocks that are pending nor the memory that is free has a say.

    Parameters
    ----------
    width : K
    lanes : runs in a block
    block_bytes : see `run_bytes`
    limit : bytes of memory of the device

    Examples
    --------
    >>> abreast(16, 160, 2**28, 2**36), abreast(64, 160, 2**28, 2**36), abreast(256, 160, 2**28, 2**36)
    (8, 4, 2)
    """
    wanted = min(2048, max(512, 65536 // width)) // lanes
    most = min(MOST_ABREAST, wanted, int(limit / 2 // block_bytes))
    return 1 << max(0, most.bit_length() - 1)


#: Widest student that several devices made of one CPU run at once. Beyond it XLA splits products over the
#: pool of threads that those devices share; there they have been seen to wait for each other without end.
WIDEST_ON_SHARED_THREADS = 32


def tiles_in_flight(method: Simulator, lanes: int, tile_bytes: float, devices: Sequence[Any]) -> int:
    """How many blocks of `lanes` runs and `tile_bytes` the devices run at once; at least 1.

    On a CPU one on each device, as far as memory allows; on accelerators `abreast` on each.
    """
    if devices[0].platform != "cpu":
        limit = (devices[0].memory_stats() or {}).get("bytes_limit", float("inf"))
        return len(devices) * abreast(method.student.width, lanes, tile_bytes, limit)
    if method.student.width > WIDEST_ON_SHARED_THREADS:
        return 1
    return max(1, min(len(devices), int(free_bytes() // tile_bytes)))
