"""Shapes are checked at run time (jaxtyping with beartype) and dtypes never promoted silently."""

import atexit
import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import hypothesis
import pooch
import psutil
import pytest
from flags import OURS
from threadpoolctl import threadpool_limits

from studies.engine import programs
from teacher_student.fixed_settings import FIXED

# what is imported and collected stays, see pytest_collection_finish
gc.disable()

# data sets that some tests read, where they lie next to the project; those tests are skipped elsewhere
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
if DATA.is_dir():
    os.environ.setdefault("TILTING_ODDS_DATA", str(DATA))

# programs compiled once serve all workers, the processes that tests start, and later runs of the tests in any
# checkout of the user; the variables must be set before JAX is imported
if "JAX_COMPILATION_CACHE_DIR" not in os.environ and (
    compiled := programs.usable(programs.folder(str(pooch.os_cache("tilting-odds") / "programs_of_tests")))
):
    programs.trim(compiled)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(compiled)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import jax  # noqa: E402
from jaxtyping import install_import_hook  # noqa: E402

#: Helpers hold no examples, and some are there to be imported by processes of their own.
collect_ignore = ["helpers"]

# matrices are small, and several threads on one wait for each other; here those of libraries loaded by now
threadpool_limits(1, user_api="blas")

# a busy machine is no failure
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# also where the options of JAX are fixed
FIXED["jax_numpy_dtype_promotion"] = "strict"
jax.config.update("jax_numpy_dtype_promotion", "strict")
install_import_hook(("teacher_student", "curricula"), "tower.check")


def pytest_collection_finish() -> None:
    """What is imported by now stays; a seventh of the time went into looking for garbage, here a quarter."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)
    gc.enable()


def pytest_sessionfinish() -> None:
    """What is left is looked through once; pytest would do it ten times more."""
    gc.collect()
    gc.freeze()


# all has been said by then: a worker need not take its programs apart, which takes seconds
if "PYTEST_XDIST_WORKER" in os.environ:
    atexit.register(os._exit, 0)


#: Bytes of memory of a process above which its programs are forgotten, and by which it must have grown since.
MUCH, MORE = 1.5e9, 0.3e9
#: Memory after programs were forgotten last.
remembered = 0.0


def forget_programs() -> None:
    """Programs leave the memory; the disk still has them."""
    global remembered
    jax.clear_caches()
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of glibc: give back what is free
        trim(0)
    remembered = in_use()


def in_use() -> float:
    """Bytes of memory of this process."""
    return psutil.Process().memory_info().rss


def pytest_runtest_teardown() -> None:
    """Too many programs are forgotten, if it is not garbage."""
    if in_use() > (most := max(MUCH, remembered + MORE)):
        gc.collect()
        if in_use() > most:
            forget_programs()


@contextmanager
def without_most_optimisations() -> Iterator[None]:
    """What is made here is met by no other: programs know their version of a profile, which a CPU ignores."""
    if not OURS:
        yield
        return
    name = "jax_disable_most_optimizations"
    changed = {name: True, "jax_xla_profile_version": 1}
    before = {option: jax.config.values[option] for option in changed}
    with patch.dict(FIXED, {name: True}):
        for option, value in changed.items():
            jax.config.update(option, value)
        try:
            yield
        finally:
            for option, value in before.items():
                jax.config.update(option, value)


class Examples:
    """Docstrings, which lie outside of this folder: they compile for longer than they run, too."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        if not isinstance(item, pytest.DoctestItem):
            return (yield)
        with without_most_optimisations():
            return (yield)


def pytest_configure(config) -> None:
    config.pluginmanager.register(Examples())


@pytest.fixture
def quick_compilation():
    """Programs compiled without most optimisations, for tests that compile longer than they run."""
    with without_most_optimisations():
        yield


@pytest.fixture(scope="module")
def quick_module():
    """The same for a whole module, with its fixtures."""
    with without_most_optimisations():
        yield


@pytest.fixture
def float64():
    """64-bit JAX for the length of a test."""
    with jax.enable_x64(True):
        yield
