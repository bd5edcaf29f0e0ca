"""Blocks computed by other processes: a real scheduler, real workers, killed, stopped and interrupted."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cheap
import distributed
import psutil
import pytest
import xarray as xr
from dask import config
from test_faults import HERE, call, command, counts, marks, wait_for

from studies.cluster_file import from_file
from studies.run import How, run
from studies.store import Store, load

ROOT = HERE.parent
TINY = [
    *("--n_inputs", "40", "--width", "2", "--budget", "10", "--record_every", "5", "--n_test", "32"),
    *("--replicates", "4", "--rows", "2", "--protocol", "curriculum,no_curriculum"),
]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return os.environ | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}",
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path_factory.mktemp("compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }


@contextmanager
def served(environment, folder: Path, workers: int) -> Iterator[tuple[str, subprocess.Popen]]:
    """Address and process of a scheduler with so many workers, all of them processes."""
    file = folder / "scheduler.json"
    here = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    parts = (
        ["scheduler", *here, "--port", "0"],
        *[["worker", *here, "--nthreads", "1", "--local-directory", str(folder)]] * workers,
    )
    processes = []
    try:
        for part in parts:
            line = [sys.executable, "-m", "dask", *part]
            quiet = subprocess.DEVNULL
            processes.append(subprocess.Popen(line, env=environment, cwd=folder, stdout=quiet, stderr=quiet))
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


@pytest.mark.slow
@pytest.mark.parametrize(("blow", "options"), [("SIGKILL", []), ("SIGSTOP", ["--timeout", "6"])])
def test_the_block_of_a_worker_that_dies_or_hangs_is_run_again(scheduler, tmp_path, blow, options):
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--marks", made, "--stop", "3", "--replicates", "2", "--out", tmp_path]
    study = cheap.study(replicates=2, marks=str(made), stop=3)
    (stopped,) = [block.address for block in study.blocks() if block.cell.width == 3]
    client = command("run", "cheap", "--cluster", scheduler, *options, *fields)
    try:
        wait_for(lambda: worker_of(made, stopped))
        wait_for(lambda: counts(study, tmp_path) == (3, 1))
        victim = psutil.Process(worker_of(made, stopped)[0])
        victim.send_signal(getattr(signal, blow))
        wait_for(lambda: len(worker_of(made, stopped)) == 2)
        assert not victim.is_running() or victim.status() == psutil.STATUS_ZOMBIE
        assert worker_of(made, stopped)[1] != victim.pid
        (made / "go").touch()
        out, err = client.communicate(timeout=60)
    finally:
        client.kill()  # else its task keeps a worker from the tests that follow
    assert (client.returncode, err) == (0, ""), out
    assert counts(study, tmp_path) == (4, 0)
    assert marks(made) == {block.address: 1 + (block.address == stopped) for block in study.blocks()}
    assert run(cheap.study(replicates=2), str(tmp_path / "serial")) == 0
    same_numbers(tmp_path, tmp_path / "serial")


def same_numbers(a, b, name="cheap"):
    one, two = load(name, a), load(name, b)
    for variable in one.data_vars:
        xr.testing.assert_equal(one[variable], two[variable])


@pytest.mark.slow
def test_simulations_by_two_workers_are_those_of_a_serial_run(scheduler, environment, tmp_path):
    for where, options in (("serial", []), ("cluster", ["--cluster", scheduler])):
        line = [sys.executable, "-m", "studies", "run", "xor_mixture", "--out", str(tmp_path / where)]
        result = subprocess.run([*line, *TINY, *options], cwd=ROOT, env=environment, capture_output=True)
        assert result.returncode == 0, result.stderr
    same_numbers(tmp_path / "serial", tmp_path / "cluster", "xor_mixture")
    assert (load("xor_mixture", tmp_path / "cluster").status == 0).all()


@pytest.mark.slow
def test_a_block_that_fails_is_tried_again_and_does_not_stop_the_others(scheduler, tmp_path):
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--marks", made, "--fail", "3", "--replicates", "2", "--out", tmp_path]
    code, out, _ = call("run", "cheap", "--cluster", scheduler, *fields)
    assert code == 1
    assert "width 3 rate 0.5 replicates 0-1  FAILED: RuntimeError: " in out
    assert "ArithmeticError: asked to fail" in out
    assert "1 blocks failed" in out
    study = cheap.study(replicates=2, marks=str(made), fail=3)
    assert counts(study, tmp_path) == (3, 1)
    (failing,) = [block.address for block in study.blocks() if block.cell.width == 3]
    assert marks(made)[failing] == 3
    assert sorted(events(tmp_path)) == ["block", "block", "block", "end", "failed", "start"]


@pytest.mark.slow
def test_workers_listen_on_localhost_only_and_an_interrupt_stops_cleanly(environment, tmp_path):
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
    out, _ = client.communicate(timeout=60)
    assert client.returncode == 130, out
    assert "the same command goes on from here" in out
    assert 2 <= len(Store(tmp_path, "cheap").finished()) < 120
    assert not list(tmp_path.rglob("*.part"))
    wait_for(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family))


def events(out: Path) -> list[str]:
    """What the logs of the runs speak of."""
    logs = sorted((out / "cheap" / "logs").glob("*.jsonl"))
    return [json.loads(line)["event"] for path in logs for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_a_block_that_always_hangs_is_given_up_and_does_not_stop_the_others(tmp_path):
    """The nannies of a local cluster would give up after 15 s, were they allowed to."""
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--marks", made, "--stop", "3", "--replicates", "2", "--out", tmp_path]
    code, out, err = call("run", "cheap", "--workers", "1", "--timeout", "4", *fields)
    assert (code, err) == (1, "")
    assert out.count("no end after 4 s: its worker is replaced") == 2
    assert "width 3 rate 0.5 replicates 0-1  FAILED: TimeoutError: longer than 4 s, 3 times" in out
    assert "1 blocks failed" in out
    study = cheap.study(replicates=2, marks=str(made), stop=3)
    assert counts(study, tmp_path) == (3, 1)
    assert sorted(marks(made).values()) == [1, 1, 1, 3]
    assert sorted(events(tmp_path)) == [*["block"] * 3, "end", "failed", "replaced", "replaced", "start"]


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
        out, err = client.communicate(timeout=60)
    assert client.returncode == 2, out
    assert err == (
        "error: the Dask scheduler is gone; the 1 blocks finished in this run are safe, and the same command "
        "goes on once the cause is removed\n"
    )
    assert events(tmp_path) == ["start", "block", "stop"]


@pytest.mark.slow
def test_a_run_without_any_worker_ends_in_one_line(environment, tmp_path, monkeypatch):
    monkeypatch.setattr("studies.cluster.LONELY", 1.0)
    with (
        served(environment, tmp_path, 0) as (address, _),
        pytest.raises(OSError, match="no worker of the cluster for 1 s.*the same command goes on"),
    ):
        run(cheap.study(), str(tmp_path), How(cluster=address))


#: Who has a certificate.
ROLES = ("SCHEDULER", "WORKER", "CLIENT")

#: As the real one, it keeps a copy: dask-jobqueue deletes the script as soon as sbatch returns.
SBATCH = """#!/bin/sh
for script; do :; done
cp "$script" "$SCRIPTS/$$"
nohup sh "$SCRIPTS/$$" >"$SCRIPTS/$$.out" 2>&1 &
echo $! > "$JOBS/$!"
echo "Submitted batch job $!"
"""


@pytest.fixture
def queueing_system(environment, tmp_path, monkeypatch):
    """A queueing system that starts every job at once, on this machine."""
    variables = environment | {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "JOBS": str(tmp_path / "jobs"),
        "SCRIPTS": str(tmp_path / "scripts"),
        "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1s",
    }
    for folder in ("jobs", "scripts"):
        (tmp_path / folder).mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", '#!/bin/sh\nfor job; do pkill -P "$job"; done\n')):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(stat.S_IRWXU)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow
@pytest.mark.usefixtures("queueing_system")
def test_the_slurm_file_of_the_documentation(tmp_path):
    """One job is lost in mid-run."""
    jobs, scripts = tmp_path / "jobs", tmp_path / "scripts"
    settings = (ROOT / "docs" / "slurm.yaml").read_text()
    file = tmp_path / "slurm.yaml"
    file.write_text(settings.replace("interface: ib0 ", "interface: lo ").replace("jobs: 10", "jobs: 2"))
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--replicates", "2", "--marks", made, "--stop", "3", "--out", tmp_path]
    client = command("run", "cheap", "--cluster", file, *fields)
    study = cheap.study(replicates=2, marks=str(made), stop=3)
    wait_for(lambda: counts(study, tmp_path) == (3, 1))
    lost = psutil.Process(int(min(jobs.iterdir(), key=lambda job: job.stat().st_mtime).name))
    for process in (lost, *lost.children(recursive=True)):
        process.kill()
    wait_for(lambda: len(list(jobs.iterdir())) >= 3)  # one was asked for in its place
    (made / "go").touch()
    out, err = client.communicate(timeout=120)
    assert (client.returncode, err) == (0, ""), [path.read_text() for path in scripts.glob("*.out")]
    assert counts(study, tmp_path) == (4, 0), out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("jobs: [", "is not YAML"),
        ("jobs: 2", "needs the keys jobs and jobqueue"),
        ("jobs: 2\njobqueue: {slurm: {}, pbs: {}}", "one kind of cluster"),
        ("jobs: 2\njobqueue: {cloud: {}}", "unknown kind of cluster 'cloud'.*known: slurm, pbs"),
        ("jobs: 0\njobqueue: {slurm: {}}", "jobs is 0"),
        ("jobs: 2\njobqueue: {slurm: {cores: 1}}", "does not say where the scheduler listens"),
        ("!!python/object/apply:os.abort []", "is not YAML"),
        ("\0\x01", "is not YAML"),
        ("jobs: true\njobqueue: {slurm: {}}", "jobs is True"),
        ("jobs: 2\njobqueue: {slurm: [1]}", r"slurm is \[1\]"),
        ("jobs: 2\njobqueue: {local: {}}", "unknown kind of cluster 'local'"),
        (
            "jobs: 2\njobqueue: {slurm: {walltme: 1, interface: lo}}",
            "unknown setting 'walltme' of slurm in .*known: account, .*walltime",
        ),
        ("jobs: 2\njobqueue: {slurm: {scheduler-options: 3}}", "scheduler-options is 3"),
        ("jobs: 2\njobqueue: {slurm: {interface: lo, protocol: ssl}}", "known: tcp, tls"),
        ("jobs: 2\njobqueue: {slurm: {interface: lo, protocol: tls}}", "must name the certificates"),
        ("jobs: 2\njobqueue: {slurm: {interface: ib7}}", "this host has no command sbatch"),
    ],
)
def test_a_wrong_cluster_file_is_refused_in_one_line(tmp_path, monkeypatch, text, message):
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "cluster.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        from_file(file).__enter__()
    assert "\n" not in str(error.value)
    assert str(file) in str(error.value)


def test_a_cluster_file_that_is_no_text_is_refused_in_one_line(tmp_path):
    file = tmp_path / "cluster.yaml"
    for write in (lambda: None, lambda: file.write_bytes(b"\xff\xfe\x00\x80")):
        write()
        with pytest.raises(ValueError, match=f"{file}") as error:
            from_file(file).__enter__()
        assert "\n" not in str(error.value)


@pytest.mark.slow
@pytest.mark.usefixtures("queueing_system")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("cores: 1, memory: 1 GB, interface: ib7", "'ib7' is not a valid network interface"),
        ("cores: 1, memory: a lot, interface: lo", "Could not interpret 'alot'"),
        ("interface: lo", "You must specify how much cores and memory"),
        ("cores: 1, memory: 1 GB, interface: lo, scheduler-options: {prt: 1}", "argument 'prt'"),
    ],
)
def test_a_cluster_that_cannot_be_started_is_refused_in_one_line(tmp_path, settings, message):
    file = tmp_path / "cluster.yaml"
    file.write_text(f"jobs: 1\njobqueue: {{slurm: {{{settings}}}}}")
    code, _, err = call("run", "cheap", "--cluster", file, "--out", tmp_path)
    assert (code, err.count("\n")) == (2, 1), err
    assert err.startswith(f"error: {file}: ")
    assert message in err


@pytest.mark.slow
@pytest.mark.usefixtures("queueing_system")
@pytest.mark.parametrize("protocol", ["tcp", "tls"])
def test_the_protocol_of_a_cluster_file_is_used(tmp_path, monkeypatch, protocol):
    for name in ("CA_FILE", *(f"{role}__{part}" for role in ROLES for part in ("CERT", "KEY"))):
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}", str(HERE / "data" / "tls.pem"))
    file = tmp_path / "cluster.yaml"
    settings = f"cores: 1, memory: 1 GB, interface: lo, protocol: {protocol}"
    file.write_text(f"jobs: 1\njobqueue: {{slurm: {{{settings}}}}}")
    code, out, err = call("run", "cheap", "--cluster", file, "--replicates", "2", "--out", tmp_path)
    assert (code, err) == (0, ""), out
    scripts = [path.read_text() for path in (tmp_path / "scripts").iterdir() if not path.suffix]
    assert scripts
    assert all(f" {protocol}://127.0.0.1:" in script for script in scripts)


@pytest.mark.parametrize(
    "address", ["localhost:1x", "ftp://localhost:1", "127.0.0.1:1", "tls://127.0.0.1:1", "x"]
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


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"workers": "0"}, "workers is '0'; need a number >= 1"),
        ({"workers": "two"}, "workers is 'two'"),
        ({"devices": "-1"}, "devices is '-1'"),
        ({"workers": "all"}, "workers is 'all'; need a number >= 1"),
        ({"workers": "2", "timeout": "all"}, "timeout is 'all'; need a number >= 1"),
        ({"timeout": "nan", "workers": "2"}, "timeout is 'nan'"),
        ({"timeout": "3"}, "needs --workers or --cluster"),
        ({"workers": "2", "cluster": "x:1"}, "give one of them"),
        ({"workers": "2", "devices": "2"}, "CUDA_VISIBLE_DEVICES"),
        ({"shard": "0/3"}, "need i/n with 1 <= i <= n"),
        ({"shard": "4/3"}, "need i/n with 1 <= i <= n"),
        ({"shard": "1"}, "need i/n with 1 <= i <= n"),
    ],
)
def test_a_wrong_way_to_run_is_refused(given, message):
    names = ("devices", "workers", "cluster", "timeout", "shard")
    with pytest.raises(ValueError, match=message):
        How.read(**{name: given.get(name) for name in names})


def test_shards_are_disjoint_and_make_up_the_whole(tmp_path):
    study = cheap.study(widths=(2, 3, 4), replicates=4)
    parts = [How(shard=(i, 4)).share(study.blocks()) for i in (1, 2, 3, 4)]
    addresses = [block.address for part in parts for block in part]
    assert sorted(addresses) == sorted(block.address for block in study.blocks())
    assert {len(part) for part in parts} == {1, 2}
    for i in (1, 2, 3, 4):
        assert run(study, str(tmp_path / "parts"), How(shard=(i, 4))) == 0
    assert run(study, str(tmp_path / "whole")) == 0
    same_numbers(tmp_path / "parts", tmp_path / "whole")


def test_time_that_is_left_is_estimated_from_the_work_done():
    from studies.display import Meter, work
    from studies.log import Done

    blocks = cheap.study(widths=(2, 4), replicates=2).blocks()
    meter = Meter(blocks)
    assert meter.seconds_left is None
    meter.started = time.monotonic() - 10
    meter.count(blocks[0], Done(blocks[0].address, "", "", "", 10.0, 500, 0))
    assert work(blocks[1]) == 2 * work(blocks[0])
    assert meter.seconds_left == pytest.approx(20, rel=0.01)
    assert meter.rate == pytest.approx(50, rel=0.01)
