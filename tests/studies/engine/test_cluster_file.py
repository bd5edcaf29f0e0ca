"""Clusters from a YAML file, with a queueing system that is a shell script."""

import os
import stat

import cheap
import psutil
import pytest
from processes import (
    PATIENCE,
    ROOT,
    call,
    command,
    counts,
    finding_tests,
    wait_for,
)

from studies.engine.cluster_file import from_file, read


@pytest.fixture(scope="module")
def environment():
    return finding_tests()


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
    out, err = client.communicate(timeout=PATIENCE)
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
        (
            "jobs: 2\njobqueue: {slurm: {walltime: 12:00:00}}",
            "walltime is 43200 in .*in quotes, as walltime: ",
        ),
        ("jobs: 2\njobqueue: {slurm: {account: 0123}}", "account is 83 in .*in quotes"),
        ("jobs: 2\njobqueue: {pbs: {queue: on}}", "queue is True in .*in quotes"),
        ("jobs: 2\njobqueue: {slurm: {worker_extra_args: [--lifetime, 50]}}", "worker-extra-args is 50 in "),
        ("jobs: 2\njobqueue: {htcondor: {job-extra: {+x: 0123}}}", "job-extra is 83 in "),
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


def test_workers_of_a_file_have_one_thread_whatever_it_says(tmp_path):
    file = tmp_path / "cluster.yaml"
    text = 'cores: 8, processes: 2, memory: "4 GB", walltime: "12:00:00", interface: lo'
    file.write_text(f"jobs: 2\njobqueue: {{slurm: {{{text}, worker-extra-args: [--nthreads, '4']}}}}")
    jobs, kind, given = read(file)
    assert (jobs, kind, given["walltime"], given["cores"]) == (2, "slurm", "12:00:00", 8)
    assert given["worker-extra-args"] == ["--nthreads", "4", "--nthreads", "1"]  # the last one counts


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
        monkeypatch.setenv(f"DASK_DISTRIBUTED__COMM__TLS__{name}", str(ROOT / "tests" / "data" / "tls.pem"))
    file = tmp_path / "cluster.yaml"
    settings = f"cores: 1, memory: 1 GB, interface: lo, protocol: {protocol}"
    file.write_text(f"jobs: 1\njobqueue: {{slurm: {{{settings}}}}}")
    code, out, err = call("run", "cheap", "--cluster", file, "--replicates", "2", "--out", tmp_path)
    assert (code, err) == (0, ""), out
    scripts = [path.read_text() for path in (tmp_path / "scripts").iterdir() if not path.suffix]
    assert scripts
    assert all(f" {protocol}://127.0.0.1:" in script for script in scripts)
