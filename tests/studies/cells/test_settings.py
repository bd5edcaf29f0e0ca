"""Cells of every kind: the same arrays whatever JAX is set to; seeds that do not fit are refused."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import every_kind
import pytest
from processes import HERE, finding_tests

#: What a user's environment may hold, all at once.
SET = {
    "JAX_ENABLE_X64": "1",
    "JAX_THREEFRY_PARTITIONABLE": "0",
    "JAX_DEFAULT_PRNG_IMPL": "rbg",
    "JAX_NUMPY_RANK_PROMOTION": "raise",
    "JAX_NUMPY_DTYPE_PROMOTION": "strict",
    "JAX_DEFAULT_MATMUL_PRECISION": "bfloat16",
    "JAX_RANDOM_SEED_OFFSET": "3",
    "JAX_DEBUG_NANS": "1",
    "JAX_DISABLE_JIT": "1",
    "JAX_LEGACY_PRNG_KEY": "error",
    "JAX_TRANSFER_GUARD": "disallow",
}


@pytest.mark.slow
def test_no_option_of_jax_changes_a_number_of_any_kind_of_cell():
    assert {name.lower() for name in SET} == set(every_kind.USUAL)
    line = [sys.executable, str(HERE / "every_kind.py")]
    result = subprocess.run(line, env=finding_tests() | SET, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    set_by_a_user, usual = json.loads(result.stdout)
    assert set(usual) == set(every_kind.CELLS)
    assert set_by_a_user == usual


@pytest.mark.parametrize("kind", every_kind.CELLS)
@pytest.mark.parametrize("seed", [2**32, -1])
def test_a_seed_that_does_not_fit_is_refused_by_every_kind(kind, seed):
    cell: Any = every_kind.CELLS[kind][0]
    with pytest.raises(ValueError, match=f"seed is {seed}; need 0 <= seed <= 4294967295"):
        replace(cell, seed=seed).check()


@pytest.mark.parametrize("kind", ["tickets_online", "tickets_images"])
def test_a_stream_that_does_not_fit_is_refused(kind):
    cell: Any = every_kind.CELLS[kind][0]
    replace(cell, stream=4294966).check()
    with pytest.raises(ValueError, match="stream is 4294967; need 0 <= stream <= 4294966"):
        replace(cell, stream=4294967).check()
