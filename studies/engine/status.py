"""The verbs of the command line that look: status, where, export."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live

from studies.cell import Block
from studies.engine.display import rate_text, runs_not_ok, short, work
from studies.store import Store
from studies.store.log import Done, facts, failures
from studies.study import Study

#: Seconds between two looks of `status --watch`.
EVERY = 2.0


@dataclass(frozen=True)
class Survey:
    """What is there of a study. Blocks count as done when their bytes are intact.

    done : the facts of each finished block
    pending : blocks that are missing or damaged
    running : those of them that a process is computing, as far as the file system has locks
    failed : the last error of those pending blocks that failed before, as far as there are logs
    """

    done: list[tuple[Block, Done]]
    pending: list[Block]
    running: int
    failed: list[str]

    @property
    def not_ok(self) -> int:
        """Runs in finished blocks that diverged or ran out of steps."""
        return sum(done.not_ok for _, done in self.done)

    @property
    def seconds_left(self) -> float | None:
        """Time for the pending blocks at the pace of the finished ones, one after the other."""
        if not self.done or not self.pending:
            return None
        pace = sum(done.seconds for _, done in self.done) / sum(work(block) for block, _ in self.done)
        return pace * sum(map(work, self.pending))


def survey(study: Study, store: Store, intact: set[str] | None = None) -> Survey:
    """Look at every block of a study, checking the bytes of all but those in `intact`, which it adds to."""
    known, there = facts(store.logs), store.finished()
    intact = set() if intact is None else intact
    done, pending, running = [], [], 0
    for block in study.blocks():
        path = there.get(block.address)
        if path is None or (path.name not in intact and store.intact(path) is None):
            pending.append(block)
            running += _is_claimed(store, block.address)
            continue
        intact.add(path.name)
        digest = path.name.split(".")[1]
        found = known.get((block.address, digest)) or _read(store, block, path)
        if found is None:
            pending.append(block)
        else:
            done.append((block, found))
    errors = failures(store.logs)
    failed = [errors[block.address] for block in pending if block.address in errors]
    return Survey(done, pending, running, failed)


def _is_claimed(store: Store, address: str) -> bool:
    """Whether a process is computing a block; asking takes the claim for an instant."""
    if not (store.folder / "lock").exists():
        return False
    try:
        with store.claim(address) as ours:
            return not ours
    except OSError:
        return False  # a folder that cannot be written has no runs


def _read(store: Store, block: Block, path: Path) -> Done | None:
    """The facts of a block that no log speaks of."""
    result = store.read(block.address, path)
    if result is None:
        return None
    return Done(
        block.address,
        path.name.split(".")[1],
        block.label(),
        str(result.attrs.get("method", "")),
        float(result.attrs.get("seconds", 0.0)),
        int(result.attrs.get("run_steps", 0)),
        int((result.status != 0).sum()),
    )


def lines(study: Study, found: Survey) -> list[str]:
    """A survey in words."""
    text = [
        f"{study.name} {study.address}: {len(found.done)} done, {len(found.pending)} pending, "
        f"{runs_not_ok(found.not_ok)}"
    ]
    if found.running:
        text.append(f"being computed now: {found.running}")
    if found.failed:
        text.append(f"pending because they failed: {len(found.failed)}, the first with {found.failed[0]}")
    left = found.seconds_left
    if left is not None:
        steps = sum(done.run_steps for _, done in found.done)
        pace = rate_text(steps / max(sum(done.seconds for _, done in found.done), 1e-9))
        text.append(f"time left about {short(left)}, at the pace of the blocks done ({pace}), by one process")
    return text


def status(study: Study, out: str, watch: bool = False) -> int:
    """Print blocks done, pending and failed, and the time left; with `watch` until all is done."""
    store = Store(out, study.name)
    store.check_version()
    found = survey(study, store)
    if not watch:
        print("\n".join(lines(study, found)))
        return 0
    console, intact, shown = Console(), {name.name for name in store.finished().values()}, ""
    with Live(console=console, auto_refresh=False) if console.is_terminal else console as live:
        while True:
            text = "\n".join(lines(study, found))
            if isinstance(live, Live):
                live.update(text, refresh=True)
            elif text != shown:
                print(text, flush=True)
            shown = text
            if not found.pending:
                return 0
            try:
                time.sleep(EVERY)
            except KeyboardInterrupt:
                return 130
            found = survey(study, store, intact)


def where(study: Study, out: str) -> int:
    """Print the address and the folder."""
    blocks = study.blocks()
    store = Store(out, study.name)
    print(f"study   {study.address}\nblocks  {len(blocks)}\nfolder  {os.fspath(store.folder)}")
    return 0
