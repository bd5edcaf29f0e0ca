"""Progress of a run: a bar where there is a terminal, plain lines where there is none."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from studies.engine.events import Done, Ended, Event, Failed, Found, Hung, Started, Waiting
from studies.engine.tally import Tally, rate_text, runs_not_ok


class Display:
    """Shows what it hears of, from `Started` to `Ended`.

    Parameters
    ----------
    processes : int, see `Tally`; for the time left
    console : where to show it; default: standard output
    """

    def __init__(self, processes: int = 1, console: Console | None = None) -> None:
        self.console = console or Console()
        self.tally = Tally(processes)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
        )
        self.bar = Progress(*columns, console=self.console, disable=not self.console.is_terminal)

    def __call__(self, event: Started | Event | Ended) -> None:
        """Show an event."""
        self.tally(event)
        match event:
            case Started():
                self.bar.add_task(event.study.name, total=self.tally.total, speed="")
                self.bar.start()
            case Ended():
                self.bar.stop()
            case _:
                if isinstance(event, Done | Found):
                    completed = self.tally.done + self.tally.found
                    for task in self.bar.task_ids:
                        self.bar.update(task, completed=completed, speed=self.tally.speed())
                self.line(f"  {self.words(event)}")

    def line(self, text: str) -> None:
        """Print a line, above the bar where there is one."""
        self.bar.console.print(text, highlight=False, soft_wrap=True, markup=False)

    def words(self, event: Event) -> str:
        """An event in one line."""
        label = event.block.label()
        match event:
            case Done(facts=facts):
                own = rate_text(facts.run_steps / max(facts.seconds, 1e-9))
                text = f"{label}  {facts.method}  {facts.seconds:.1f} s  {own}"
                if facts.not_ok:
                    text += f"  {runs_not_ok(facts.not_ok)}"
                if self.console.is_terminal:
                    return text
                finished = f"{self.tally.done + self.tally.found}/{self.tally.total}"
                return f"{text}  [{finished}  {self.tally.speed()}]"
            case Found():
                return f"{label}  found: it was stored in the meantime"
            case Waiting():
                return f"{label}  is being computed by another run; left for last"
            case Hung(seconds=seconds):
                return f"{label}  no end after {seconds:g} s: its worker is replaced"
            case Failed(error=error):
                return f"{label}  FAILED: {type(error).__name__}: {error}"
