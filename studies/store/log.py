"""The log of a run: one JSON object per line, in OUT/NAME/logs.

    {"event": "start", "at": ..., "study": ADDRESS, "blocks": 112, "pending": 40, "command": ..., ...}
    {"event": "block", "at": ..., "address": ..., "digest": ..., "label": ..., "seconds": ..., ...}
    {"event": "waiting" | "failed" | "stop" | "end", ...}

The log is a convenience, never the truth: what is finished is in the blocks, whose digests a line about a
block carries, so that `status` need not open them. A run goes on where its log cannot be written.
"""

import json
import logging
import os
import platform
import secrets
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studies.store.files import append

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Facts:
    """What is worth knowing of a block that was computed and stored.

    address, digest : of the block and of its file
    label : its settings in a few words
    method, seconds, run_steps : see the attributes of a block
    not_ok : number of its runs that diverged or ran out of steps
    """

    address: str
    digest: str
    label: str
    method: str
    seconds: float
    run_steps: int
    not_ok: int


def now() -> str:
    """The date and time, UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class RunLog:
    """The log of this run; `folder` is made by `Store.prepare`."""

    def __init__(self, folder: Path) -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self.path = folder / f"{stamp}-{os.getpid()}-{secrets.token_hex(3)}.jsonl"
        self.works = True

    def write(self, event: str, **values: object) -> None:
        """Add a line; a log that cannot be written is given up with a word."""
        if not self.works:
            return
        try:
            append(self.path, json.dumps({"event": event, "at": now(), **values}))
        except OSError as error:
            self.works = False
            logger.warning(
                "the log %s cannot be written (%s); the run goes on without", self.path, error.strerror
            )

    def start(self, **values: object) -> None:
        """The first line: what runs, and where."""
        self.write(
            "start",
            **values,
            command=sys.argv,
            host=platform.node(),
            process=os.getpid(),
            python=platform.python_version(),
        )

    def block(self, facts: Facts, first: bool) -> None:
        """A block was stored; `first`: its seconds hold the compilation of its program."""
        self.write("block", **asdict(facts), first=first)


def _events(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """The lines of all logs in a folder that speak of one kind of event; broken ones are skipped."""
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text(errors="replace").splitlines():
            if f'"event": "{kind}"' not in line:
                continue
            try:
                values = json.loads(line)
            except ValueError:
                continue
            if isinstance(values, dict):
                yield values


def failures(folder: Path) -> dict[str, str]:
    """The last error of every block that ever failed, by address."""
    return {str(e.get("address")): str(e.get("error")) for e in _events(folder, "failed")}


def facts(folder: Path) -> dict[tuple[str, str], tuple[Facts, bool]]:
    """All blocks that the logs in a folder speak of, by address and digest; broken lines are skipped.

    With each, whether its seconds hold the compilation of its program, as far as the log says so.
    """
    found = {}
    names = Facts.__dataclass_fields__
    for values in _events(folder, "block"):
        try:
            own = Facts(**{name: values[name] for name in names})
            numbers = float(own.seconds), int(own.run_steps), int(own.not_ok)
        except (ValueError, KeyError, TypeError):
            continue
        if min(numbers) >= 0:
            found[str(own.address), str(own.digest)] = own, values.get("first") is True
    return found
