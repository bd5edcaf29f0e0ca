"""Processes that are there at once: copies of one that has imported what they need, and started nothing.

A new Python takes one or two seconds of processor time to import what a run imports, a copy takes none.

python forked.py CONTROL MODULES: import them, then start a process for every request that comes through the
socket of this number, until it is closed.
"""

import atexit
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import IO


class Forked:
    """`python -c CODE ARGUMENTS` with what `Popen` has, forked from a process that has imported `modules`.

    environment : its variables; those that a module reads when it is imported come too late
    """

    def __init__(
        self, modules: tuple[str, ...], code: str, *arguments: object,
        environment: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.returncode: int | None = None
        self.connection, its = socket.socketpair()
        pipes = [os.pipe(), os.pipe()]
        ends = [its.fileno(), *(end for _, end in pipes)]
        socket.send_fds(server(modules), [b"1"], ends)
        its.close()
        for _, end in pipes:
            os.close(end)
        self.texts = [os.fdopen(start) for start, _ in pipes]
        self.words = self.connection.makefile("rw")
        wanted = {"code": code, "argv": list(map(str, arguments)), "environment": dict(environment)}
        self.words.write(json.dumps(wanted | {"folder": os.getcwd()}) + "\n")
        self.words.flush()
        self.pid = int(self.words.readline())
        weakref.finalize(self, close, self.connection, self.words, *self.texts)

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self.connection], [], [], 0)[0]:
            self.returncode = int(self.words.readline())
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None and not select.select([self.connection], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
        self.poll()
        assert self.returncode is not None
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """All that it says until it ends."""
        with ThreadPoolExecutor(2) as pool:
            try:
                out, err = pool.map(lambda file: file.read(), self.texts, timeout=timeout)
            except TimeoutError:
                self.kill()
                raise
        self.wait(timeout)
        return out, err

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def close(*files: socket.socket | IO[str]) -> None:
    for file in files:
        file.close()


@lru_cache
def server(modules: tuple[str, ...]) -> socket.socket:
    """The socket of the process that is forked; it ends with this one."""
    control, its = socket.socketpair()
    line = [sys.executable, __file__, str(its.fileno()), *modules]
    path = os.pathsep.join([str(Path(__file__).parents[2]), str(Path(__file__).parent)])
    process = subprocess.Popen(
        line, env=os.environ | {"PYTHONPATH": path}, pass_fds=[its.fileno()], start_new_session=True
    )
    its.close()

    def end() -> None:
        control.close()
        process.wait()

    atexit.register(end)
    return control


def serve(control: socket.socket) -> dict:
    """Start a process for every request; returns in each of them, with what it shall do."""
    while True:
        _, given, *_ = socket.recv_fds(control, 1, 3)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not given:
            os._exit(0)
        if not os.fork():
            control.close()
            return begin(*given)
        for number in given:
            os.close(number)


def begin(connection: int, out: int, err: int) -> dict:
    """Fork once more: the first stays to tell the number of the second, and how it ended."""
    with socket.socket(fileno=connection) as talk, talk.makefile("rw") as words:
        wanted = json.loads(words.readline())
        if number := os.fork():
            os.close(out)
            os.close(err)
            print(number, file=words, flush=True)
            print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), file=words, flush=True)
            os._exit(0)
    for end, number in ((out, 1), (err, 2)):
        os.dup2(end, number)
        os.close(end)
    return wanted


def become(wanted: dict) -> None:
    """Take on the variables, the folder and the words of the command line."""
    os.environ.clear()
    os.environ.update(wanted["environment"])
    if "dask" in sys.modules:  # which has read its variables
        sys.modules["dask"].config.refresh()
    os.chdir(wanted["folder"])
    sys.argv = ["-c", *wanted["argv"]]
    exec(wanted["code"], {"__name__": "__main__"})


if __name__ == "__main__":
    for module in sys.argv[2:]:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()
    become(serve(socket.socket(fileno=int(sys.argv[1]))))
