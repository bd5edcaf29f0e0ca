"""Blocks computed by other processes: a real scheduler, real workers, killed, stopped and interrupted."""

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cheap
import distributed
import psutil
import pytest
from dask import config
from forked import Forked
from processes import (
    ENGINE,
    HERE,
    PATIENCE,
    call,
    command,
    counts,
    finding_tests,
    marks,
    same_numbers,
    simulate,
    wait_for,
)

from studies.engine.cluster import address_of, connected, work_on
from studies.engine.display import Display
from studies.engine.how import How
from studies.engine.run import run
from studies.engine.watch import Watch
from studies.store import Store, load

TINY = [
    *("--n_inputs", "40", "--width", "2", "--budget", "10", "--record_every", "5", "--n_test", "32"),
    *("--replicates", "4", "--rows", "2", "--protocol", "curriculum,no_curriculum"),
]


#: What `dask scheduler` and `dask worker` do, without a word.
DASK = """
import importlib, os, sys
nowhere = os.open(os.devnull, os.O_WRONLY)
os.dup2(nowhere, 1)
os.dup2(nowhere, 2)
importlib.import_module(f"distributed.cli.{sys.argv.pop(1)}").main()
"""


@pytest.fixture(scope="module")
def environment():
    return finding_tests()


@contextmanager
def served(environment, folder: Path, workers: int) -> Iterator[tuple[str, Forked]]:
    """Address and process of a scheduler with so many workers, all of them processes."""
    file = folder / "scheduler.json"
    here = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    parts = (
        ["dask_scheduler", *here, "--port", "0"],
        *[["dask_worker", *here, "--nthreads", "1", "--local-directory", str(folder)]] * workers,
    )
    processes: list[Forked] = []
    try:
        for part in parts:
            processes.append(Forked(ENGINE, DASK, *part, environment=environment))
            wait_for(file.exists)
        yield json.loads(file.read_text())["address"], processes[0]
    finally:
        alive = [process for process in processes if process.poll() is None]
        family = [p for process in alive for p in psutil.Process(process.pid).children(recursive=True)]
        for process in (*alive, *family):
            if not isinstance(process, psutil.Process) or process.is_running():
                process.kill()
        for process in processes:
            process.wait()


@pytest.fixture(scope="module")
def scheduler(environment, tmp_path_factory):
    """Address of a scheduler with two workers."""
    with served(environment, tmp_path_factory.mktemp("dask"), 2) as (address, _):
        yield address


def worker_of(made: Path, address: str) -> list[int]:
    """Processes that have begun a block, the first first."""
    found = sorted(made.glob(f"{address}.*"), key=lambda path: int(path.name.split(".")[2]))
    return [int(path.name.split(".")[1]) for path in found]


def check_the_second_attempt(made: Path, folder: Path, study, stopped: str) -> None:
    """All is there, the block of the lost worker after one more attempt, and as a serial run has it."""
    assert counts(study, folder) == (4, 0)
    assert marks(made) == {block.address: 1 + (block.address == stopped) for block in study.blocks()}
    assert run(cheap.study(replicates=2), str(folder / "serial")).ok
    same_numbers(folder, folder / "serial")


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_the_block_of_a_worker_that_is_killed_is_run_again(scheduler, tmp_path):
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--marks", made, "--stop", "3", "--replicates", "2", "--out", tmp_path]
    study = cheap.study(replicates=2, marks=str(made), stop=3)
    (stopped,) = [block.address for block in study.blocks() if block.cell.width == 3]
    client = command("run", "cheap", "--cluster", scheduler, *fields)
    try:
        wait_for(lambda: worker_of(made, stopped))
        wait_for(lambda: counts(study, tmp_path) == (3, 1))
        victim = psutil.Process(worker_of(made, stopped)[0])
        victim.kill()
        wait_for(lambda: len(worker_of(made, stopped)) == 2)
        assert gone(victim)
        assert worker_of(made, stopped)[1] != victim.pid
        (made / "go").touch()
        out, err = client.communicate(timeout=PATIENCE)
    finally:
        client.kill()  # else its task keeps a worker from the tests that follow, as one that waits would
        (made / "go").touch()
    assert (client.returncode, err) == (0, ""), out
    check_the_second_attempt(made, tmp_path, study, stopped)


class Clock:
    """A clock that stands still but while something hangs: then it goes on by 30 s at every look.

    So a limit of 20 s is over at the second look at what hangs and at nothing else, however slow the machine.
    A run that has not ended after PATIENCE never will.
    """

    def __init__(self, hangs: Callable[[], bool]) -> None:
        self.hangs, self.now, self.until = hangs, 0.0, time.monotonic() + PATIENCE

    def __call__(self) -> float:
        assert time.monotonic() < self.until, "waited in vain"
        self.now += 30.0 * self.hangs()
        return self.now


@pytest.mark.slow
def test_the_block_of_a_worker_that_hangs_is_run_again(scheduler, tmp_path, monkeypatch):
    made = tmp_path / "marks"
    made.mkdir()
    study = cheap.study(replicates=2, marks=str(made), stop=3)
    (stopped,) = [block.address for block in study.blocks() if block.cell.width == 3]
    victims: list[psutil.Process] = []

    def hangs() -> bool:
        """Stop the worker that has begun the block when it is the last one; let the next one finish it."""
        begun = worker_of(made, stopped)
        if not victims and begun and counts(study, tmp_path) == (3, 1):
            victims.append(psutil.Process(begun[0]))
            victims[0].suspend()
        if len(begun) == 2:
            (made / "go").touch()
        return bool(victims) and len(begun) == 1 and not gone(victims[0])

    monkeypatch.setattr(Watch, "clock", Clock(hangs))
    assert run(study, str(tmp_path), How(cluster=scheduler, timeout=20.0)).ok
    (victim,) = victims
    assert gone(victim)
    assert worker_of(made, stopped)[1] != victim.pid
    assert events(tmp_path).count("replaced") == 1
    check_the_second_attempt(made, tmp_path, study, stopped)


@pytest.mark.slow
def test_simulations_by_two_workers_are_those_of_a_serial_run(scheduler, tmp_path):
    for where, options in (("serial", []), ("cluster", ["--cluster", scheduler])):
        process = simulate("run", "xor_mixture", "--out", tmp_path / where, *TINY, *options)
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
    same_numbers(tmp_path / "serial", tmp_path / "cluster", "xor_mixture")
    assert (load("xor_mixture", tmp_path / "cluster").status == 0).all()


@pytest.mark.slow
def test_a_block_that_fails_is_tried_again_and_does_not_stop_the_others(scheduler, tmp_path):
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--marks", made, "--fail", "3", "--replicates", "2", "--out", tmp_path]
    code, out, _ = call("run", "cheap", "--cluster", scheduler, *fields)
    assert code == 1
    assert "width 3 replicates 0-1  FAILED: RuntimeError: " in out
    assert "ArithmeticError: asked to fail" in out
    assert "1 blocks failed" in out
    study = cheap.study(replicates=2, marks=str(made), fail=3)
    assert counts(study, tmp_path) == (3, 1)
    (failing,) = [block.address for block in study.blocks() if block.cell.width == 3]
    assert marks(made)[failing] == 3
    assert sorted(events(tmp_path)) == ["block", "block", "block", "end", "failed", "start"]


@pytest.mark.slow
def test_workers_listen_on_localhost_only_and_an_interrupt_stops_cleanly(environment, tmp_path):
    """They are spawned whatever the configuration says: made by fork they would hang."""
    environment = environment | {"DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "fork"}
    line = [sys.executable, str(HERE / "cheap.py"), "run", "cheap", "--workers", "2", "--seconds", "0.3"]
    line += ["--replicates", "60", "--out", str(tmp_path)]
    pipe = subprocess.PIPE
    client = subprocess.Popen(
        line, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )
    wait_for(lambda: len(Store(tmp_path, "cheap").finished()) >= 2)
    family = [psutil.Process(client.pid), *psutil.Process(client.pid).children(recursive=True)]
    sockets = [c for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert len(sockets) >= 3  # the scheduler and two workers
    assert {socket.laddr.ip for socket in sockets} == {"127.0.0.1"}
    os.killpg(client.pid, signal.SIGINT)  # as a terminal does
    out, _ = client.communicate(timeout=PATIENCE)
    assert client.returncode == 130, out
    assert "the same command goes on from here" in out
    assert 2 <= len(Store(tmp_path, "cheap").finished()) < 120
    assert not list(tmp_path.rglob("*.part"))
    wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family))


def test_the_address_of_a_scheduler_may_stand_in_the_file_that_it_wrote(tmp_path):
    file = tmp_path / "scheduler.json"
    file.write_text('{"type": "Scheduler", "address": "tcp://127.0.0.1:8786"}')
    assert address_of(str(file)) == "tcp://127.0.0.1:8786"
    assert address_of("tls://host:1") == "tls://host:1"
    for text, message in (
        ("[]", "does not say where a scheduler listens"),
        ("{", "does not say"),
        (None, "read"),
    ):
        file.unlink()
        if text is not None:
            file.write_text(text)
        with pytest.raises(ValueError, match=f"{file} .*{message}") as error:
            run(cheap.study(), str(tmp_path), How(cluster=str(file)))
        assert "\n" not in str(error.value)


def test_workers_are_spawned_whatever_the_configuration_says(monkeypatch):
    with config.set({"distributed.worker.multiprocessing-method": "fork"}):
        seen = []
        monkeypatch.setattr(
            "studies.engine.cluster.distributed.LocalCluster",
            lambda **_: seen.append(config.get("distributed.worker.multiprocessing-method")) or 1 / 0,
        )
        with pytest.raises(ZeroDivisionError), connected(How(workers=1)):
            pass
    assert seen == ["spawn"]


def test_a_worker_with_several_threads_computes_one_block_at_a_time(tmp_path, monkeypatch):
    store, blocks = Store(tmp_path, "cheap"), cheap.study().blocks()
    store.prepare()
    inside, most = [], []

    def finish(store, blocks):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        inside.pop()
        return blocks

    monkeypatch.setattr("studies.engine.cluster.finish", finish)
    threads = [threading.Thread(target=work_on, args=(b, str(tmp_path), "cheap")) for b in blocks[:3]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]


def events(out: Path) -> list[str]:
    """What the logs of the runs speak of."""
    logs = sorted((out / "cheap" / "logs").glob("*.jsonl"))
    return [json.loads(line)["event"] for path in logs for line in path.read_text().splitlines()]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
def test_a_block_that_always_hangs_is_given_up_and_does_not_stop_the_others(tmp_path, monkeypatch, capsys):
    """The nannies of a local cluster would give up sooner, were they allowed to."""
    made = tmp_path / "marks"
    made.mkdir()
    study = cheap.study(widths=(3, 2), replicates=2, marks=str(made), stop=3)
    hanging, other = (block.address for block in study.blocks())

    def hangs() -> bool:
        said = events(tmp_path)
        return marks(made).get(hanging, 0) > said.count("replaced") + said.count("failed")

    monkeypatch.setattr(Watch, "clock", Clock(hangs))
    monkeypatch.setattr("studies.engine.cluster.RETRIES", 1)
    ended = run(study, str(tmp_path), How(workers=1, timeout=20.0), [Display(1)])
    gc.collect()  # a socket that Dask leaves behind in this process
    out, hung = capsys.readouterr().out, "width 3 replicates 0-1  "
    assert out.count(f"{hung}no end after 20 s: its worker is replaced") == 1
    assert f"{hung}FAILED: TimeoutError: longer than 20 s, 2 times" in out
    assert len(ended.failed) == 1
    assert counts(study, tmp_path) == (1, 1)
    begun = marks(made)
    # once more if its worker starts again before it hears that it is given up
    assert begun[hanging] in (2, 3)
    assert begun[other] >= 1
    assert {"start", "block", "replaced", "failed", "end"} == set(events(tmp_path))


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_run_in_one_line(environment, tmp_path):
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--marks", made, "--stop", "3", "--replicates", "2", "--out", tmp_path]
    with served(environment, tmp_path, 1) as (address, process):
        client = command("run", "cheap", "--cluster", address, *fields)
        wait_for(lambda: len(marks(made)) == 2)
        wait_for(lambda: events(tmp_path) == ["start", "block"])
        process.kill()
        out, err = client.communicate(timeout=PATIENCE)
    assert client.returncode == 2, out
    assert err == (
        "error: the Dask scheduler is gone; the 1 blocks finished in this run are safe, and the same command "
        "goes on once the cause is removed\n"
    )
    assert events(tmp_path) == ["start", "block", "stop"]


@pytest.mark.slow
def test_a_run_without_any_worker_ends_in_one_line(environment, tmp_path, monkeypatch):
    monkeypatch.setattr("studies.engine.cluster.LONELY", 1.0)
    with (
        served(environment, tmp_path, 0) as (address, _),
        pytest.raises(OSError, match="no worker of the cluster for 1 s.*the same command goes on"),
    ):
        run(cheap.study(), str(tmp_path), How(cluster=address))


def half_made(thing: object) -> bool:
    """Whether it is a client that will be closed when it is collected, which can hang."""
    return type(thing) is distributed.Client and thing.status not in ("closed", "newly-created")


@pytest.mark.slow
@pytest.mark.parametrize(
    "address",
    ["localhost:1x", "ftp://localhost:1", "127.0.0.1:1", "127.0.0.1:70000", "tls://127.0.0.1:1", "x"],
)
def test_a_wrong_address_of_a_scheduler_is_refused_in_one_line(tmp_path, address, monkeypatch):
    with (
        config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(ValueError, match=address) as error,
    ):
        run(cheap.study(), str(tmp_path), How(cluster=address))
    assert "\n" not in str(error.value)
    with pytest.raises(ValueError, match="No clients found"):  # else what runs next in this process uses it
        distributed.default_client()
    assert not config.get("scheduler", None)
    assert not [thing for thing in gc.get_objects() if half_made(thing)]
