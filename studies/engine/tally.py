"""The tally of a run: what was done, what failed, how fast it goes, how long it will take."""

import time
from datetime import timedelta

from studies.cell import Block
from studies.engine.events import Done, Ended, Event, Failed, Found, Started
from studies.engine.pace import Estimate, Pace


class Tally:
    """Counts what it hears of.

    Parameters
    ----------
    processes : int, that compute at once, as far as that is known; more are counted as they are heard of

    Attributes
    ----------
    left : dict, address -> block, of the blocks of which nothing final was heard
    done, found : int, blocks computed, and blocks that turned out to be there
    run_steps, not_ok : int, of the blocks computed
    failed : list of the labels of blocks that failed
    """

    def __init__(self, processes: int = 1) -> None:
        self.processes, self.seen = processes, set[str]()
        self.left: dict[str, Block] = {}
        self.total = self.done = self.found = self.run_steps = self.not_ok = 0
        self.failed: list[str] = []
        self.pace = Pace()
        self.started = time.monotonic()

    def __call__(self, event: Started | Event | Ended) -> None:
        """Count an event."""
        match event:
            case Started():
                self.left = {block.address: block for block in event.pending}
                self.total = len(event.pending)
            case Done():
                self.left.pop(event.block.address, None)
                self.done += 1
                self.seen.add(event.process)
                self.processes = max(self.processes, len(self.seen))
                self.run_steps += event.facts.run_steps
                self.not_ok += event.facts.not_ok
                self.pace.learn(event.block, event.facts.seconds, event.first)
            case Found():
                self.left.pop(event.block.address, None)
                self.found += 1
            case Failed():
                self.left.pop(event.block.address, None)
                self.failed.append(event.block.label())

    @property
    def ok(self) -> bool:
        """Whether every block was computed or found."""
        return not self.left and not self.failed

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return max(time.monotonic() - self.started, 1e-9)

    @property
    def rate(self) -> float:
        """Run-steps per second of the wall-clock time of this run, whatever the number of processes."""
        return self.run_steps / self.elapsed

    @property
    def seconds_left(self) -> Estimate | None:
        """Estimated time to the end; None while nothing is known, or nothing is left."""
        if not self.left:
            return None
        found = self.pace.estimate(self.left.values(), self.processes)
        return found and found._replace(seconds=found.seconds / min(self.processes, len(self.left)))

    def speed(self) -> str:
        """Run-steps per second and time left, in words."""
        left = self.seconds_left
        return rate_text(self.rate) + (f"  {left_text(left)} left" if left else "")


def short(seconds: float) -> str:
    """A duration as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def left_text(left: Estimate) -> str:
    """An estimate in words."""
    return ("at most " if left.bound else "") + short(left.seconds)


def rate_text(rate: float) -> str:
    """Run-steps per second in few digits."""
    return f"{rate / 1e3:.0f}k run-steps/s" if rate >= 1e4 else f"{rate:.0f} run-steps/s"


def runs_not_ok(number: int) -> str:
    """How many runs have no result to the end, and why that may be."""
    return f"{number} runs not ok" + (" (diverged, or out of steps)" if number else "")
