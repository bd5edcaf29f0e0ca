"""Two runs of a study on one folder: the work is done once, and nobody loses anything."""

import signal

import cheap
import pytest
import xarray as xr
from processes import PATIENCE, command, counts, marks, wait_for

from studies.engine.run import run
from studies.engine.status import survey
from studies.store import Store, load


@pytest.mark.slow
def test_two_runs_on_one_folder_do_the_work_once(tmp_path):
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--marks", made, "--seconds", "0.05", "--out", tmp_path]
    runs = [command("run", "cheap", *fields) for _ in range(2)]
    texts = [run.communicate(timeout=PATIENCE)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    study = cheap.study(marks=str(made), seconds=0.05)
    assert marks(made) == {block.address: 1 for block in study.blocks()}
    assert sum(text.count("drawn") for text in texts) == 8
    assert counts(study, tmp_path) == (8, 0)
    assert run(cheap.study(), str(tmp_path / "alone")).ok
    xr.testing.assert_equal(
        load("cheap", tmp_path).test_accuracy, load("cheap", tmp_path / "alone").test_accuracy
    )


@pytest.mark.slow
def test_the_block_of_a_killed_run_passes_to_the_other_run(tmp_path):
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--marks", made, "--stop", "2", "--replicates", "2", "--out", tmp_path]
    study = cheap.study(replicates=2, marks=str(made), stop=2)
    stopped, *others = [block.address for block in study.blocks()]
    first = command("run", "cheap", *fields)
    wait_for(lambda: stopped in marks(made))
    second = command("run", "cheap", *fields)
    wait_for(lambda: set(Store(tmp_path, "cheap").finished()) == set(others))
    assert counts(study, tmp_path) == (3, 1)
    assert survey(study, Store(tmp_path, "cheap")).running == 1
    assert marks(made)[stopped] == 1
    first.kill()
    first.communicate()
    wait_for(lambda: marks(made)[stopped] == 2)
    (made / "go").touch()
    text, _ = second.communicate(timeout=PATIENCE)
    assert second.returncode == 0
    assert "is being computed by another run; left for last" in text
    assert counts(study, tmp_path) == (4, 0)
    assert {address: marks(made)[address] for address in others} == dict.fromkeys(others, 1)


#: A file system without locks.
LOCKLESS = """
import errno, fcntl, os
def lockf(*arguments):
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
fcntl.lockf = lockf
"""


@pytest.mark.slow
def test_without_locks_two_runs_may_compute_a_block_twice_and_nothing_else(tmp_path):
    made = tmp_path / "marks"
    made.mkdir()
    fields = ["--marks", made, "--stop", "2", "--replicates", "2", "--out", tmp_path]
    slow, quick = runs = [command("run", "cheap", *fields, before=LOCKLESS) for _ in range(2)]
    wait_for(lambda: sum(marks(made).values()) == 2)  # both in the first block
    slow.send_signal(signal.SIGSTOP)
    (made / "go").touch()
    quick.wait(timeout=PATIENCE)
    slow.send_signal(signal.SIGCONT)
    texts = [run.communicate(timeout=PATIENCE) for run in runs]
    assert [(run.returncode, err) for run, (_, err) in zip(runs, texts, strict=True)] == [(0, "")] * 2
    assert texts[0][0].count("found: it was stored in the meantime") == 4
    study = cheap.study(replicates=2, marks=str(made), stop=2)
    assert counts(study, tmp_path) == (4, 0)
    assert sorted(marks(made).values()) == [1, 1, 1, 2]
