"""Shapes are checked at run time (jaxtyping with beartype) and dtypes never promoted silently."""

import os
from pathlib import Path

import hypothesis
import jax
import pytest
from jaxtyping import install_import_hook

from teacher_student.fixed_settings import FIXED

# data sets that some tests read, where they lie next to the project; those tests are skipped elsewhere
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
if DATA.is_dir():
    os.environ.setdefault("TILTING_ODDS_DATA", str(DATA))

# most tests compile for longer than they run; processes that they start inherit it
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")

# a busy machine is no failure
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

# also where the options of JAX are fixed
FIXED["jax_numpy_dtype_promotion"] = "strict"
jax.config.update("jax_numpy_dtype_promotion", "strict")
install_import_hook(("teacher_student", "curricula"), "tower.check")


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
