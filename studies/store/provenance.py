"""What every saved array says about where it comes from.

A cell's `compute` records what only it can know (its method, and by `provenance` seconds, device, versions
of the libraries, date). The engine adds what holds for all: address and full description of the block, the
version of this project and the commit of its source, Python, and the flags handed to XLA.
"""

import json
import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from studies.cell import Block


@cache
def code() -> str:
    """Version of this project, and where it runs from a clone the commit and whether files differ from it."""
    text = f"tilting-odds {version('tilting-odds')}"
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return text
    git = ["git", "-C", str(root)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10)
        changed = subprocess.run(
            [*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return text
    if commit.returncode:
        return text
    return f"{text} commit {commit.stdout.strip()}{' with changes' if changed.stdout.strip() else ''}"


def provenance(started: float) -> dict[str, Any]:
    """Seconds since `started`, device, versions and date, as attributes of a block."""
    import jax

    return {
        "seconds": time.perf_counter() - started,
        "device": jax.devices()[0].device_kind,
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": " ".join(f"{p} {version(p)}" for p in ("jax", "jaxlib", "numpy", "tilting-odds")),
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
