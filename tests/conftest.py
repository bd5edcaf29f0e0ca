"""Shapes are checked at run time (jaxtyping with beartype) and dtypes never promoted silently."""

import ctypes
import gc
import os
import shutil
import tempfile
from pathlib import Path

import hypothesis
import pytest

from teacher_student.fixed_settings import FIXED

# data sets that some tests read, where they lie next to the project; those tests are skipped elsewhere
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
if DATA.is_dir():
    os.environ.setdefault("TILTING_ODDS_DATA", str(DATA))

# most tests compile for longer than they run; processes that they start inherit it
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")

# programs compiled once serve all workers and the processes that tests start, which inherit this, too; the
# variables must be set before JAX is imported
COMPILED = "" if "JAX_COMPILATION_CACHE_DIR" in os.environ else tempfile.mkdtemp(prefix="compiled-")
if COMPILED:
    os.environ["JAX_COMPILATION_CACHE_DIR"] = COMPILED
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

import jax  # noqa: E402
from jaxtyping import install_import_hook  # noqa: E402

# a busy machine is no failure
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# also where the options of JAX are fixed
FIXED["jax_numpy_dtype_promotion"] = "strict"
jax.config.update("jax_numpy_dtype_promotion", "strict")
install_import_hook(("teacher_student", "curricula"), "tower.check")


def pytest_collection_finish() -> None:
    """What is imported by now stays: no collection of garbage need look at it again."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Remove the programs at the end; workers made none of their own."""
    if COMPILED:
        shutil.rmtree(COMPILED, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def forget_programs():
    """Programs of a module leave the memory with it; another that needs one reads it from the disk."""
    yield
    jax.clear_caches()
    gc.collect()
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # of glibc: give back what is free
        trim(0)


@pytest.fixture
def quick_compilation(monkeypatch):
    """Programs compiled without most optimisations, for tests that compile longer than they run."""
    monkeypatch.setitem(FIXED, "jax_disable_most_optimizations", True)
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture
def float64():
    """64-bit JAX for the length of a test."""
    with jax.enable_x64(True):
        yield
