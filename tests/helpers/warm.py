"""Many short-lived processes for the price of one start: a warm process that forks the engine.

python warm.py kills OUT SEED COUNT: run the cheap study in forked children, killed at COUNT random moments;
prints what was seen as JSON.

python warm.py describe OUT PROCESSES TIMES: so many forked children write down the study
at once, so many times.

It imports no JAX and starts no thread, so that forking is safe.
"""

import gc
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path

import cheap

from studies.engine.run import run
from studies.engine.status import survey
from studies.store import Store
from studies.study import Study

#: Blocks of the study that is killed; as many as make a run long against a kill.
WIDTHS = (2, 3, 4)


def study() -> Study:
    return cheap.study(WIDTHS, replicates=4, rows=2, seconds=0.002)


def compute(out: str) -> int:
    """Run the study; the exit status."""
    return int(not run(study(), out).ok)


def child(work: Callable[[], int]) -> int:
    """Do `work`, whose result is the exit status, in a process of its own; its id."""
    number = os.fork()
    if number:
        return number
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os._exit(work())
    except BaseException:
        os._exit(99)


def describe(out: str, processes: int, times: int) -> dict:
    """Write down the same study from several processes at once."""
    store, entry = Store(out, "cheap"), study().entry()
    store.prepare()

    def again() -> int:
        failed = 0
        for _ in range(times):
            try:
                store.describe(entry)
            except OSError:
                failed += 1
        return min(failed, 98)

    children = [child(again) for _ in range(processes)]
    return {"failed": [os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) for number in children]}


def files(store: Store) -> dict[str, int]:
    """Finished blocks and when they were written."""
    return {path.name: path.stat().st_mtime_ns for path in store.finished().values()}


def kills(out: str, seed: int, count: int) -> dict:
    """Kill runs of the study at `count` random moments, starting over in a new folder when one gets done."""
    rng = random.Random(seed)
    with redirect_stdout(sys.stderr):  # everything is imported by now, so that children start at once
        run(study(), f"{out}/warm")
    assert "jax" not in sys.modules
    gc.collect()
    gc.freeze()  # else every child copies all of the memory when it looks for garbage
    began = time.monotonic()
    os.waitpid(child(partial(compute, f"{out}/whole")), 0)
    length = time.monotonic() - began
    seen = {"kills": 0, "at": [], "wrong": [], "folders": [f"{out}/whole"], "length": length}
    folder, number = f"{out}/0", 0
    while seen["kills"] < count:
        store = Store(folder, "cheap")
        before = files(store)
        process = child(partial(compute, folder))
        time.sleep(rng.uniform(0, 0.8 * length))
        how = rng.choice([signal.SIGKILL, signal.SIGTERM])
        os.kill(process, how)
        _, status = os.waitpid(process, 0)
        after = files(store)
        if os.WIFSIGNALED(status):
            seen["kills"] += 1
            seen["at"].append(len(after))
        elif status:
            seen["wrong"].append(f"exit status {status}")
        if any(after.get(name) != written for name, written in before.items()):
            seen["wrong"].append(f"lost or rewritten after {seen['kills']} kills")
        told = survey(study(), store)
        if (len(told.done), len(told.pending), told.running) != (len(after), 6 - len(after), 0):
            seen["wrong"].append(f"status told {len(told.done)} done of {len(after)}")
        if len(after) == 6 or seen["kills"] == count:
            process = child(partial(compute, folder))
            _, status = os.waitpid(process, 0)
            seen["wrong"] += [f"the last run ended with {status}"] if status else []
            seen["wrong"] += [str(p) for p in Path(folder).rglob("*.part")]
            seen["folders"].append(folder)
            number += 1
            folder = f"{out}/{number}"
    return seen


if __name__ == "__main__":
    verb, out, *numbers = sys.argv[1:]
    work = {"kills": kills, "describe": describe}[verb]
    print(json.dumps(work(out, *map(int, numbers))))
