"""Progress of a run: a bar where there is a terminal, plain lines where there is none."""

import time
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from studies.cell import Block
from studies.store.log import Done


def work(block: Block) -> float:
    """What the time of a block is roughly proportional to."""
    return block.rows * len(block.protocols) * block.cell.work


def short(seconds: float) -> str:
    """A duration as h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


class Meter:
    """Counts blocks as they come in; blocks done, run-steps per second and time left.

    Both rates are over the wall-clock time of this run, whatever the number of processes and devices.
    Time left weighs blocks by their expected work.
    """

    def __init__(self, pending: list[Block]) -> None:
        self.total = len(pending)
        self.left = {block.address: work(block) for block in pending}
        self.expected = sum(self.left.values())
        self.done = self.run_steps = self.not_ok = self.found = 0
        self.started = time.monotonic()

    def count(self, block: Block, done: Done | None) -> None:
        """A block was computed, or with None turned out to be there."""
        if done is None:
            # a block that nobody waited for says nothing about the pace
            self.expected -= self.left.pop(block.address, 0)
            self.found += 1
            return
        self.left.pop(block.address, None)
        self.done += 1
        self.run_steps += done.run_steps
        self.not_ok += done.not_ok

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return max(time.monotonic() - self.started, 1e-9)

    @property
    def rate(self) -> float:
        """Run-steps per second."""
        return self.run_steps / self.elapsed

    @property
    def seconds_left(self) -> float | None:
        """Estimated time to the end, None before the first block."""
        left = sum(self.left.values())
        if self.done == 0 or self.expected <= left:
            return None
        return self.elapsed * left / (self.expected - left)

    def summary(self) -> str:
        """Blocks done, run-steps per second, time left."""
        left = self.seconds_left
        shown = "" if left is None else f"  {short(left)} left"
        return f"{self.done + self.found}/{self.total}  {rate_text(self.rate)}{shown}"


def rate_text(rate: float) -> str:
    """Run-steps per second in few digits."""
    return f"{rate / 1e3:.0f}k run-steps/s" if rate >= 1e4 else f"{rate:.0f} run-steps/s"


def runs_not_ok(number: int) -> str:
    """How many runs have no result to the end, and why that may be."""
    return f"{number} runs not ok" + (" (diverged, or out of steps)" if number else "")


class Display:
    """Shows a `Meter`; use as a context."""

    def __init__(self, name: str, meter: Meter, console: Console | None = None) -> None:
        self.console = console or Console()
        self.meter = meter
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
        )
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)
        self.task = self.bar.add_task(name, total=meter.total, speed="")

    def __enter__(self) -> "Display":
        self.bar.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.bar.stop()

    def line(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        self.bar.console.print(text, highlight=False, soft_wrap=True, markup=False)

    def block(self, block: Block, done: Done | None) -> None:
        """Count a block and say so."""
        self.meter.count(block, done)
        summary = self.meter.summary()
        speed = summary.partition("  ")[2]
        self.bar.update(self.task, completed=self.meter.done + self.meter.found, speed=speed)
        if done is None:
            self.line(f"  {block.label()}  found: it was stored in the meantime")
            return
        own = rate_text(done.run_steps / max(done.seconds, 1e-9))
        text = f"  {done.label}  {done.method}  {done.seconds:.1f} s  {own}"
        if done.not_ok:
            text += f"  {runs_not_ok(done.not_ok)}"
        self.line(text if self.console.is_terminal else f"{text}  [{summary}]")
