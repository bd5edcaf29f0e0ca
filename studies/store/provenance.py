"""What every saved array says about where it comes from.

A cell's `compute` records what only it can know (its method, and by `provenance` seconds, device, versions
of the libraries, the options of JAX that it fixed, date). The engine adds what holds for all: address and
full description of the block, the version of this project and the commit of its source, Python, and the flags
handed to XLA.
"""

import json
import os
import platform
import re
import subprocess
import time
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studies.cell import Block


#: The clone that this project runs from, if it does.
ROOT = Path(__file__).resolve().parents[2]

#: Where the code is that decides numbers; the rest plans, stores and draws.
COMPUTES = ("teacher_student", "curricula", "studies/cells", "studies/cell.py")


@cache
def code() -> str:
    """Version of this project, and where it runs from a clone the commit and whether files differ from it."""
    text = f"tilting-odds {version('tilting-odds')}"
    commit, changed = _git("rev-parse", "HEAD"), _git("status", "--porcelain", "-uno")
    if commit is None:
        return text
    return f"{text} commit {commit}{' with changes' if changed else ''}"


@cache
def changed_since(stored: str) -> tuple[str, ...]:
    """Files that compute and are not as in the commit of `stored`, an earlier `code()`; none if unknown."""
    commit = re.search(r" commit ([0-9a-f]{7,40})", stored)
    files = _git("diff", "--name-only", commit[1], "--", *COMPUTES) if commit else None
    return tuple(files.splitlines()) if files else ()


def _git(*arguments: str) -> str | None:
    """What git says about the clone that this runs from; None where there is no clone, or git fails."""
    if not (ROOT / ".git").exists():
        return None
    line = ["git", "-C", str(ROOT), *arguments]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if done.returncode else done.stdout.strip()


def provenance(started: float) -> dict[str, Any]:
    """Seconds since `started`, device, versions and date, as attributes of a block."""
    import jax

    from teacher_student.fixed_settings import FIXED

    now = {name: value for name, value in jax.config.values.items() if name in FIXED}
    return {
        "seconds": time.perf_counter() - started,
        "device": jax.devices()[0].device_kind,
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": " ".join(f"{p} {version(p)}" for p in ("jax", "jaxlib", "numpy", "tilting-odds")),
        "jax_options": json.dumps(now, default=lambda value: value.name.lower(), sort_keys=True),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def provenance_of(block: "Block") -> dict[str, str]:
    """The attributes that the engine adds to a block's result."""
    return {
        "address": block.address,
        "description": json.dumps(block.description()),
        "code": code(),
        "python": platform.python_version(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }
