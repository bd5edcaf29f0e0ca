"""Claims: which process computes a block, so that simultaneous runs on one folder do the work once.

A claim is a POSIX record lock on one byte of the store's file `lock`, the byte whose number is the
block's address. The operating system gives it up when its owner ends, however it ends (`kill -9`, power
cut), so there is nothing to clean up and no clock is read.

Regime of validity: processes of one machine, always; processes of several machines where the shared file
system passes record locks on (NFS 3 with its lock service, NFS 4, GPFS, BeeGFS with
`tuneUseGlobalFileLocks`, Lustre mounted with `flock`, not with `localflock`). After a node dies its claims
are free once the file server has given up on it, 90 s for NFS 4 by default. Where there are no locks at
all every claim is granted: two runs may then compute a block twice, which costs time and nothing else,
because a block is put in place whole and both copies are right.
"""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

#: Answers of a file system without locks.
NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)

#: One open file per store and process, as closing any would free all of the process's locks on it.
_handles: dict[Path, int] = {}
_held: set[tuple[Path, int]] = set()
_guard = threading.Lock()


def byte(address: str) -> int:
    """The byte that stands for an address, below 2**60."""
    return int(address[:15], 16)


def _open(path: Path) -> int:
    handle = _handles.get(path)
    with suppress(FileNotFoundError):
        if handle is not None and os.path.samestat(os.fstat(handle), os.stat(path)):
            return handle
    _handles[path] = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    return _handles[path]


@contextmanager
def claim(path: Path, address: str) -> Iterator[bool]:
    """Hold the claim on a block for the length of a `with`; False where somebody else holds it.

    Parameters
    ----------
    path : the lock file of the store, made if absent; an absolute path
    address : of the block
    """
    import fcntl  # reading results needs none, and not every system has it

    key = (path, byte(address))
    ours = _take(key)
    try:
        yield ours
    finally:
        if ours:
            with _guard, suppress(OSError):
                _held.discard(key)
                fcntl.lockf(_handles[path], fcntl.LOCK_UN, 1, key[1])


def _take(key: tuple[Path, int]) -> bool:
    import fcntl

    with _guard:
        if key in _held:
            return False
        try:
            fcntl.lockf(_open(key[0]), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, key[1])
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            if error.errno not in NO_LOCKS:
                raise
        _held.add(key)
        return True
