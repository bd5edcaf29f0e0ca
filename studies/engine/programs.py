"""Compiled programs: kept for the next run, and made before they are needed. Neither changes a number.

A program depends on the width of the students, and takes seconds to compile, so

- programs are kept on disk, by JAX's own compilation cache, in the user's cache folder: a second run of
  a study compiles next to nothing. `--programs FOLDER` or TILTING_ODDS_PROGRAMS moves them, `off` keeps
  none; a cache that the user has set up for JAX (JAX_COMPILATION_CACHE_DIR) is used as it is;
- while the first program runs, threads compile those of the blocks to come, and leave them in that cache.

Regime of validity: a program holds instructions of the processor it was made on, so every kind of processor
has a folder of its own. An entry that cannot be read or written costs its time to compile, nothing else.
"""

import logging
import os
import platform
import sys
import threading
import warnings
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from studies.cell import Block, ForeseenCell
from studies.engine.pace import program

logger = logging.getLogger(__name__)

#: Environment variable with the folder of the programs, or "off".
VARIABLE = "TILTING_ODDS_PROGRAMS"

#: JAX's own, for its folder and the seconds to compile from which a program is kept.
OF_JAX, FROM_JAX = "JAX_COMPILATION_CACHE_DIR", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"

#: Seconds to compile from which a program is kept.
WORTH_KEEPING = 0.2

#: Bytes of programs kept at most; those that were made first go first, down to half of it.
MOST_BYTES = 2 * 2**30

#: Programs that are compiled side by side, at most.
MOST_COMPILERS = 16


def keep(asked: str | None = None) -> Path | None:
    """Keep the programs that this process and its children compile from now on.

    Parameters
    ----------
    asked : a folder, or "off"; default: what TILTING_ODDS_PROGRAMS says, else the user's cache folder

    Returns
    -------
    The folder, or None: it is off, or the folder cannot be made, which is said in a line
    """
    if asked:
        os.environ[VARIABLE] = asked
    asked, now = os.environ.get(VARIABLE), in_use()
    if not asked and now:
        return Path(now)
    where = None if asked == "off" else usable(folder(asked))
    if str(where or "") != now:
        use(where)
    if where is not None:
        warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
        trim(where)
    return where


def in_use() -> str:
    """The folder of JAX's compilation cache, or ""; JAX is not imported for this, which takes a second."""
    if "jax" not in sys.modules:
        return os.environ.get(OF_JAX, "")
    import jax

    return str(jax.config.values["jax_compilation_cache_dir"] or "")


def use(where: Path | None) -> None:
    """Have JAX keep its programs there, or none: now, or once it is imported."""
    if "jax" not in sys.modules:
        os.environ.pop(OF_JAX, None)
        if where is not None:
            os.environ |= {OF_JAX: str(where), FROM_JAX: str(WORTH_KEEPING)}
        return
    import jax
    from jax.experimental.compilation_cache.compilation_cache import reset_cache

    jax.config.update("jax_compilation_cache_dir", None if where is None else str(where))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", WORTH_KEEPING)
    reset_cache()  # JAX looks once whether there is one


def folder(asked: str | None) -> Path:
    """The folder of this kind of processor, inside the one asked for."""
    import pooch

    outer = Path(asked).expanduser() if asked else Path(pooch.os_cache("tilting-odds")) / "programs"
    return outer / f"{platform.machine()}-{sha256(processor().encode()).hexdigest()[:8]}"


def processor() -> str:
    """What the instructions of a program depend on: the features of this processor."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return "\n".join(sorted({x for x in lines if x.startswith(("flags", "Features", "model name"))}))
    return platform.processor()


def usable(where: Path) -> Path | None:
    """The folder, made if it was not there; None where that cannot be."""
    try:
        new = not where.is_dir()
        where.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        logger.info("note: %s cannot be made (%s), so compiled programs are not kept", where, error.strerror)
        return None
    if new:
        logger.info("compiled programs are kept in %s for the next run; --programs off keeps none", where)
    return where


def trim(where: Path) -> None:
    """Remove the programs made first where there are more than MOST_BYTES."""
    with suppress(OSError):
        entries = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in where.glob("*-cache"))
        total = sum(size for _, size, _ in entries)
        if total <= MOST_BYTES:
            return
        for _, size, path in entries:
            if total <= MOST_BYTES // 2:
                return
            path.unlink(missing_ok=True)
            total -= size


class Ahead:
    """Programs that are compiled in the background, by the groups of blocks that need them.

    Every program but the first is compiled once, in the order of the groups, unless its group comes first.
    Compilers run side by side, on all cores but one. Programs are traced one after the other, the first one
    before all: tracing is Python, which takes turns anyway, and would keep the first program waiting.
    """

    def __init__(self, groups: Sequence[tuple[Sequence[Block], int]]) -> None:
        self.threads = ThreadPoolExecutor(min(MOST_COMPILERS, max(1, (os.cpu_count() or 1) - 1)), "compile")
        self.tracing = threading.Lock()
        self.asked: dict[Hashable, Future[None]] = {}
        (begin, *_), first_places = groups[0]
        if isinstance(begin.cell, ForeseenCell):
            with suppress(Exception):  # it is told when the block is computed
                begin.cell.lower(begin, first_places)
        for (block, *_), places in groups[1:]:
            name = self._name(block, places)
            known = (*self.asked, self._name(begin, first_places))
            if isinstance(block.cell, ForeseenCell) and name not in known:
                self.asked[name] = self.threads.submit(self._compile, block.cell, block, places)

    def _compile(self, cell: ForeseenCell, block: Block, places: int) -> None:
        with self.tracing:
            lowered = cell.lower(block, places)
        for one in lowered:
            one.compile()

    @staticmethod
    def _name(block: Block, places: int) -> Hashable:
        return program(block), places

    def wait_for(self, block: Block, places: int) -> None:
        """Wait for a program that is being compiled; one that is not begun is left to the caller.

        What goes wrong here goes wrong again, and is told, when the block is computed.
        """
        found = self.asked.get(self._name(block, places))
        if found is not None and not found.cancel():
            found.exception()

    def end(self) -> None:
        """Compile no more."""
        self.threads.shutdown(cancel_futures=True)


@contextmanager
def made_ahead(groups: Sequence[tuple[Sequence[Block], int]]) -> Iterator[Ahead | None]:
    """Compile the programs of groups of blocks in the background; None where that serves nothing.

    It does not where no program is kept; and where the user has changed options of JAX for the whole process,
    two threads that fix them would undo each other's work.
    """
    if len(groups) < 2 or not in_use() or not any(isinstance(g[0].cell, ForeseenCell) for g, _ in groups):
        yield None
        return
    from teacher_student.fixed_settings import all_fixed

    if not all_fixed():
        yield None
        return
    ahead = Ahead(groups)
    try:
        yield ahead
    finally:
        ahead.end()
