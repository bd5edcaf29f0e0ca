"""Real processes for tests: `python -m studies` with the cheap study, what it began and what it finished."""

import os
import time
from collections.abc import Mapping
from pathlib import Path

import cheap
import xarray as xr
from flags import QUICKLY
from forked import Forked

from studies.engine.status import survey
from studies.store import Store, load

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FEW = cheap.study(widths=(2, 3), replicates=2)
#: Seconds after which something that should have happened never will, on the busiest of machines.
PATIENCE = 400.0
#: What `python -m studies` imports on its way; no JAX.
ENGINE = (
    "ready",
    "studies.engine.cluster_file",
    "distributed.cli.dask_scheduler",
    "distributed.cli.dask_worker",
)
#: The same with JAX, whose backend has not started.
SIMULATING = ("ready", "simulating")


def command(*arguments, before: str = "") -> Forked:
    """`python -m studies` that knows the cheap study; `before` is Python code to run first."""
    code = f"{before}\nimport sys, cheap; sys.exit(cheap.main(sys.argv[1:]))"
    return Forked(ENGINE, code, *arguments, environment=finding_tests())


def call(*arguments, before: str = "") -> tuple[int | None, str, str]:
    """Exit status, output and errors of `command`."""
    process = command(*arguments, before=before)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def simulate(*arguments, before: str = "", environment: Mapping[str, str] | None = None) -> Forked:
    """`python -m studies` in a process that has imported JAX already."""
    code = f"{before}\nimport runpy; runpy.run_module('studies', run_name='__main__', alter_sys=True)"
    return Forked(SIMULATING, code, *arguments, environment=environment or finding_tests())


def counts(study, out) -> tuple[int, int]:
    found = survey(study, Store(out, study.name))
    return len(found.done), len(found.pending)


def marks(folder: Path) -> dict[str, int]:
    """How often each block was begun."""
    found: dict[str, int] = {}
    for path in folder.iterdir():
        if path.name != "go":
            address = path.name.split(".")[0]
            found[address] = found.get(address, 0) + 1
    return found


def wait_for(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def finding_tests() -> dict[str, str]:
    """The environment of processes that find the tests' modules."""
    return os.environ | QUICKLY | {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}


def same_numbers(a, b, name="cheap"):
    one, two = load(name, a), load(name, b)
    for variable in one.data_vars:
        xr.testing.assert_equal(one[variable], two[variable])
