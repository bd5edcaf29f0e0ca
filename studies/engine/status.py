"""What is there of a study: blocks done, pending, being computed; time left."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studies.cell import Block
from studies.engine.executors import facts_of
from studies.engine.pace import Pace
from studies.engine.tally import left_text, rate_text, runs_not_ok
from studies.store import Store
from studies.store.log import Facts, facts, failures
from studies.study import Study

#: Seconds between two looks of `status --watch`.
EVERY = 2.0


@dataclass(frozen=True, repr=False)
class Survey:
    """What is there of a study; shown in words. Blocks count as done when their bytes are intact.

    study : what was asked
    done : the facts of each finished block, and whether its seconds hold the compilation of its program
    pending : blocks that are missing or damaged
    running : those of them that a process is computing, as far as the file system has locks
    failed : the last error of those pending blocks that failed before, as far as there are logs
    folder : of this study's results, which a run makes
    """

    study: Study
    done: list[tuple[Block, Facts, bool]]
    pending: list[Block]
    running: int
    failed: list[str]
    folder: Path

    @property
    def not_ok(self) -> int:
        """Runs in finished blocks that diverged or ran out of steps."""
        return sum(own.not_ok for _, own, _ in self.done)

    @property
    def pace(self) -> Pace:
        """How long blocks take, by those that are done."""
        pace = Pace()
        for block, own, first in self.done:
            pace.learn(block, own.seconds, first)
        return pace

    def __str__(self) -> str:
        """In words."""
        if not self.folder.is_dir():
            name, place = self.study.name, self.folder.parent
            return (
                f"{name} {self.study.address}: nothing of it has been run in {place}; give the folder of its "
                f"results as --out, or run it: python -m studies run {name}"
            )
        text = [
            f"{self.study.name} {self.study.address}: {len(self.done)} done, {len(self.pending)} pending, "
            f"{runs_not_ok(self.not_ok)}"
        ]
        if self.running:
            text.append(f"being computed now: {self.running}")
        if self.failed:
            text.append(f"pending because they failed: {len(self.failed)}, the first with {self.failed[0]}")
        left = self.pace.estimate(self.pending) if self.pending else None
        if left is not None:
            steps = sum(own.run_steps for _, own, _ in self.done)
            pace = rate_text(steps / max(sum(own.seconds for _, own, _ in self.done), 1e-9))
            word = left_text(left) if left.bound else f"about {left_text(left)}"
            text.append(f"time left {word}, at the pace of the blocks done ({pace}), by one process")
        return "\n".join(text)

    __repr__ = __str__


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
            done.append((block, *found))
    errors = failures(store.logs)
    failed = [errors[block.address] for block in pending if block.address in errors]
    return Survey(study, done, pending, running, failed, store.folder)


def _is_claimed(store: Store, address: str) -> bool:
    """Whether a process is computing a block; asking takes the claim for an instant."""
    if not (store.folder / "lock").exists():
        return False
    try:
        with store.claim(address) as ours:
            return not ours
    except OSError:
        return False  # a folder that cannot be written has no runs


def _read(store: Store, block: Block, path: Path) -> tuple[Facts, bool] | None:
    """The facts of a block that no log speaks of."""
    result = store.read(block.address, path)
    return None if result is None else (facts_of(block, result, path.name), False)


def status(study: Study, out: str) -> Survey:
    """Look at a study in the folder `out`.

    Raises
    ------
    OSError : the folder holds no results, or those of a later version
    """
    store = Store(out, study.name)
    store.check_version()
    return survey(study, store)


def watch(study: Study, out: str) -> Iterator[Survey]:
    """Look at a study again and again until nothing is pending."""
    store = Store(out, study.name)
    store.check_version()
    found, intact = survey(study, store), {path.name for path in store.finished().values()}
    yield found
    while found.pending:
        time.sleep(EVERY)
        found = survey(study, store, intact)
        yield found


def where(study: Study, out: str) -> str:
    """The address and the folder, in words."""
    folder = Store(out, study.name).folder
    return f"study   {study.address}\nblocks  {len(study.blocks())}\nfolder  {folder}"
