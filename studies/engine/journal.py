"""The log of a run as a listener: each event as a line of `studies.store.log`."""

import traceback

from studies.engine.events import Done, Ended, Event, Failed, Hung, Started, Waiting
from studies.engine.tally import Tally
from studies.store.log import RunLog


class Journal:
    """Writes down what it hears of; `tally` has heard it before."""

    def __init__(self, log: RunLog, tally: Tally) -> None:
        self.log, self.tally = log, tally

    def __call__(self, event: Started | Event | Ended) -> None:
        """Write down an event."""
        match event:
            case Started():
                self.log.start(
                    study=event.study.address,
                    blocks=event.blocks,
                    pending=len(event.pending),
                    shard=list(event.shard),
                )
            case Done():
                self.log.block(event.facts, event.first)
            case Waiting():
                self._of(event, "waiting")
            case Hung():
                self._of(event, "replaced", timeout=event.seconds)
            case Failed():
                trace = "".join(traceback.format_exception(event.error))
                self._of(event, "failed", error=repr(event.error), traceback=trace)
            case Ended(error=error) if error is not None:
                self.log.write("stop", error=str(error))
            case Ended() if self.tally.left:
                self.log.write("stop", done=self.tally.done, failed=len(self.tally.failed))
            case Ended():
                self.log.write(
                    "end",
                    done=self.tally.done,
                    failed=len(self.tally.failed),
                    seconds=self.tally.elapsed,
                )

    def _of(self, event: Waiting | Hung | Failed, name: str, **values: object) -> None:
        self.log.write(name, address=event.block.address, label=event.block.label(), **values)
