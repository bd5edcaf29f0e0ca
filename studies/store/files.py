"""Putting files in place so that a crash, a full disk or a second process can do no harm.

A file is written to a temporary name in its own folder, flushed to disk and renamed: under its final
name it is there in full or not at all, whenever the process is killed. A temporary file that another process
removes, taking it for one of a killed run, is written again. Regime of validity: POSIX file systems, where
renaming within a folder is atomic (local disks, NFS, Lustre, GPFS). Every call to the operating system that
changes something is here, so that tests can make each of them fail in turn.
"""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

#: Answers of a file system about a file that another process has removed; the second one is of NFS.
GONE = (errno.ENOENT, errno.ESTALE)


def put(path: Path, data: bytes | memoryview) -> None:
    """Write a file, whole and flushed to disk, or leave everything as it was and raise OSError."""
    while not _put(path, data):
        pass
    flush(path.parent)


def _put(path: Path, data: bytes | memoryview) -> bool:
    """Write and rename a file; False where its temporary file was removed by another process."""
    temporary = path.with_name(f"{path.name.split('.')[0]}.{secrets.token_hex(4)}.part")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(handle, left) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.errno in GONE:
            return False
        raise
    return True


def append(path: Path, line: str) -> None:
    """Add a line to a file in one call, so that lines of several writers do not mix."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        os.write(handle, f"{line}\n".encode())
    finally:
        os.close(handle)


def flush(folder: Path) -> None:
    """Force the names in a folder to disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
