"""Real processes for tests: `python -m studies` with the cheap study, what it began and what it finished."""

import os
import subprocess
import sys
import time
from pathlib import Path

import cheap
import xarray as xr
from flags import QUICKLY

from studies.engine.status import survey
from studies.store import Store, load

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FEW = cheap.study(widths=(2, 3), replicates=2)
#: Seconds after which something that should have happened never will, on the busiest of machines.
PATIENCE = 400.0


def command(*arguments, before: str = ""):
    """A real `python -m studies` that knows the cheap study; `before` is Python code to run first."""
    line = [sys.executable, str(HERE / "cheap.py"), *map(str, arguments)]
    if before:
        line = [sys.executable, "-c", f"{before}; import os; os.execv({line[0]!r}, {line!r})"]
    pipe = subprocess.PIPE
    return subprocess.Popen(line, env=finding_tests(), stdout=pipe, stderr=pipe, text=True)


def call(*arguments, before: str = ""):
    process = command(*arguments, before=before)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


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
