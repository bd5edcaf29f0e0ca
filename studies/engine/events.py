"""What happens in a run. Executors yield these; the log, the display and the tally listen.

An executor gets pending blocks computed, wherever that is, and says what becomes of each. It ends when none
is left, or after a request to stop; who listens changes nothing of what is computed.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from studies.cell import Block
from studies.store import Store
from studies.store.log import Facts
from studies.study import Study


@dataclass(frozen=True)
class Started:
    """A run knows what it has to do; the first event.

    blocks : number of blocks of the run, or of its shard
    pending : those of them that are not there yet
    shard : (i, n), see `studies.engine.how.How`
    """

    study: Study
    blocks: int
    pending: tuple[Block, ...]
    shard: tuple[int, int] = (1, 1)


@dataclass(frozen=True)
class Done:
    """A block was computed and stored.

    first : whether the process that computed it had computed none of the same program before, so that
        `facts.seconds` hold its compilation
    process : host and number of that process
    """

    block: Block
    facts: Facts
    first: bool = False
    process: str = ""


@dataclass(frozen=True)
class Found:
    """A block turned out to be there: another run has stored it in the meantime."""

    block: Block


@dataclass(frozen=True)
class Waiting:
    """A block is being computed by another run, and is left for last."""

    block: Block


@dataclass(frozen=True)
class Failed:
    """The computation of a block raised, or took too long, as often as it may."""

    block: Block
    error: Exception


@dataclass(frozen=True)
class Hung:
    """A block took longer than `seconds`: its worker is replaced and the block tried again."""

    block: Block
    seconds: float


@dataclass(frozen=True)
class Ended:
    """A run is over; the last event.

    error : what ended it before all was tried, if anything did, as a full disk
    """

    error: Exception | None = None


#: What an executor may say of a block.
Event = Done | Found | Waiting | Failed | Hung

#: Told of everything, in order; may print, write or count.
Listener = Callable[[Started | Event | Ended], None]

#: Gets blocks computed and yields what becomes of each; those it says nothing of are left.
Executor = Callable[[Sequence[Block], Store], Generator[Event, None, None]]
