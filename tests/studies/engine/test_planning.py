"""Planning needs no device and no memory: what is asked is looked at by its shapes."""

import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from typing import Any

import every_kind
import pytest
import small
from processes import HERE, ROOT

from studies.study import Study
from teacher_student.training.recording import check_measured

#: The verbs that look, and a run with nothing to do, for every study; then anything that computes fails.
PLANNING = """
import sys
from functools import cache
import jax
import numpy as np
import xarray as xr
import studies.__main__ as command_line
from studies.catalogue import names
from studies.store import Store

out, main = sys.argv[1], command_line.main
get = command_line.get = cache(command_line.get)  # the verbs ask for the same
for name in names():
    for preset in ("quick", "full"):
        blocks = get(name, preset).blocks()
        arguments = [name, "--preset", preset, "--out", out]
        store = Store(out, name)
        store.prepare()
        status = xr.Dataset({"status": (("protocol", "replicate"), np.zeros((1, 1), np.int8))})
        if store.path(blocks[0].address) is None:
            store.write(blocks[0].address, status)
        assert main(["where", *arguments]) == 0
        assert main(["status", *arguments]) == 0
        assert main(["run", *arguments, "--shard", f"1/{len(blocks)}"]) == 0
try:
    jax.numpy.zeros(1)
except (RuntimeError, AssertionError):
    print("no device")
"""


@pytest.mark.slow
def test_nothing_starts_a_device_before_a_block_is_computed(tmp_path):
    env = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}", "JAX_PLATFORMS": "cuda"}
    line = [sys.executable, "-c", PLANNING, str(tmp_path)]
    result = subprocess.run(line, env=env, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "no device"


#: What is said of a width that does not fit: by the memory of a replicate, or of tickets by their weights.
TOO_WIDE = "of width 10+ needs about .* GiB, more than the limit|weights; need fewer than 2147483648"


@pytest.mark.parametrize("kind", every_kind.CELLS)
@pytest.mark.parametrize("width", [10**6, 10**9])
def test_a_width_beyond_all_memory_is_refused_in_one_line(kind, width):
    cell, protocols = every_kind.CELLS[kind]
    wide: Any = replace(cell, width=width)
    if kind == "theory" or (kind == "grading" and width < 10**9):
        wide = replace(wide, **({"n_inputs": 10**5} if kind == "grading" else {"method": "full"}))
    with pytest.raises(ValueError, match=TOO_WIDE) as error:
        Study(wide, ({"protocol": protocols},), 2, rows=2)
    assert "\n" not in str(error.value)


def test_checks_make_no_array_of_the_size_of_the_students():
    cell = replace(small.CELL, width=20_000, n_inputs=30_000, method="full")
    task, student, _ = cell.world()
    check_measured.cache_clear()
    tracemalloc.start()
    check_measured(task, student, cell.record)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6  # K x K floats are 1.6e9 bytes
