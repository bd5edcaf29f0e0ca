"""The log of a run: one JSON object per line, in OUT/NAME/logs.

    {"event": "start", "at": ..., "study": ADDRESS, "blocks": 112, "pending": 40, "command": ..., ...}
    {"event": "block", "at": ..., "address": ..., "digest": ..., "label": ..., "seconds": ..., ...}
    {"event": "waiting" | "failed" | "stop" | "end", ...}

The log is a convenience, never the truth: what is finished is in the blocks, whose digests a line about a
block carries, so that `status` need not open them. A run goes on where its log cannot be written.
"""

import json
import os
import platform
import secrets
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studies.files import append


@dataclass(frozen=True)
class Done:
    """What is worth knowing of a block that was computed and stored.

    address, digest : of the block and of its file
    label : its settings in a few words
    method, seconds, run_steps : see the attributes of a block
    diverged : number of its runs that did
    """

    address: str
    digest: str
    label: str
    method: str
    seconds: float
    run_steps: int
    diverged: int


def now() -> str:
    """The date and time, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class RunLog:
    """The log of this run; `folder` is made by `Store.prepare`."""

    def __init__(self, folder: Path) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self.path = folder / f"{stamp}-{os.getpid()}-{secrets.token_hex(3)}.jsonl"
        self.works = True

    def write(self, event: str, **values: Any) -> None:
        """Add a line; a log that cannot be written is given up with a word."""
        if not self.works:
            return
        try:
            append(self.path, json.dumps({"event": event, "at": now(), **values}))
        except OSError as error:
            self.works = False
            print(f"the log {self.path} cannot be written ({error.strerror}); the run goes on without")

    def start(self, **values: Any) -> None:
        """The first line: what runs, and where."""
        self.write(
            "start",
            **values,
            command=sys.argv,
            host=platform.node(),
            process=os.getpid(),
            python=platform.python_version(),
        )

    def block(self, done: Done) -> None:
        """A block was stored."""
        self.write("block", **asdict(done))


def facts(folder: Path) -> dict[tuple[str, str], Done]:
    """All blocks that the logs in a folder speak of, by address and digest; broken lines are skipped."""
    found = {}
    names = Done.__dataclass_fields__
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(errors="replace").splitlines():
            if '"event": "block"' not in line:
                continue
            try:
                values = json.loads(line)
                done = Done(**{name: values[name] for name in names})
                numbers = float(done.seconds), int(done.run_steps), int(done.diverged)
            except (ValueError, KeyError, TypeError):
                continue
            if min(numbers) >= 0:
                found[str(done.address), str(done.digest)] = done
    return found
