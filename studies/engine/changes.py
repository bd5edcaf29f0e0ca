"""Whether the code that computes has changed since stored blocks were made."""

from collections.abc import Sequence
from pathlib import Path

from studies.store import Store
from studies.store.provenance import changed_since, code

#: Blocks that are looked at, at most.
LOOKED_AT = 8


def differs(stored: str) -> str | None:
    """How today's code differs from that of a block, by its attribute `code`; None where it does not.

    Silent, too, where that cannot be told: outside a clone, and for a commit that the clone does not have.
    """
    today = code()
    if stored.partition(" commit ")[0] != today.partition(" commit ")[0]:
        return f"made by {stored}, and this is {today}"
    files = list(changed_since(stored))
    if not files:
        return None
    commit = stored.partition(" commit ")[2][:10]
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"made at commit {commit}, and code that computes has changed since: {files[0]}{more}"


def note(store: Store, done: Sequence[Path]) -> str | None:
    """One line where finished blocks, some of them looked at, were made by other code than today's."""
    for path in done[:: -(-len(done) // LOOKED_AT) or 1]:
        stored = store.attribute(path, "code")
        if stored and (found := differs(stored)):
            return f"finished blocks were {found}; see: python -m studies verify {store.folder.name}"
    return None
