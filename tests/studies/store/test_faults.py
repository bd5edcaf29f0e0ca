"""Faults: after each, status tells the truth, a rerun gives the same bits, nothing finished is lost."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cheap
import numpy as np
import pytest
import warm
import xarray as xr
from processes import FEW, HERE, PATIENCE, ROOT, call, counts

from studies.cell import Block, Saved
from studies.engine.run import run
from studies.store import STATUS, Store, files, load
from studies.store.progress import Progress
from studies.study import Study


def same(a: Path | xr.Dataset, b: Path) -> None:
    one, two = a if isinstance(a, xr.Dataset) else load("cheap", a), load("cheap", b)
    xr.testing.assert_equal(one, two)
    assert (one.status == STATUS["ok"]).all()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    out = tmp_path_factory.mktemp("undisturbed")
    assert run(FEW, str(out)).ok
    return out


def forked(verb: str, out: Path, *numbers: int) -> dict:
    """What the forked processes of warm.py saw."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}"}
    result = subprocess.run(
        [sys.executable, HERE / "warm.py", verb, out, *map(str, numbers)],
        env=environment, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.slow
def test_many_kills_at_random_moments_lose_nothing(tmp_path):
    seen = forked("kills", tmp_path, 1, 52)
    assert seen["wrong"] == []
    assert seen["kills"] == 52
    assert len({at for at in seen["at"] if 0 < at < len(warm.study().blocks())}) >= 3  # in mid-run, often
    first, *others = seen["folders"]
    assert others
    whole = load("cheap", first)
    for folder in others:
        same(whole, folder)


def test_runs_that_start_together_do_not_trip_over_each_others_temporary_files(tmp_path):
    assert forked("describe", tmp_path, 6, 60) == {"failed": [0] * 6}
    assert Store(tmp_path, "cheap").asked()["address"] == warm.study().address
    assert not list(tmp_path.rglob("*.part"))


class Fallible:
    """The module `os`, except that one of its calls that change something fails, after half its work."""

    def __init__(self, fatal: int, error: int) -> None:
        self.fatal, self.error, self.calls = fatal, error, 0

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in ("open", "write", "fsync", "rename"):
            return real

        def call(*arguments):
            self.calls += 1
            if self.calls == self.fatal:
                if name == "write":
                    os.write(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                raise OSError(self.error, os.strerror(self.error))
            if name == "write":
                return os.write(arguments[0], arguments[1][:5000])
            return real(*arguments)

        return call


def outcome(study, out) -> str:
    """The exit status of a run, or in brackets what its one line of error begins with."""
    try:
        return str(int(not run(study, str(out)).ok))
    except OSError as error:
        return f"[{str(error).partition(' while')[0]}]"


@dataclass(frozen=True)
class SavingCell(cheap.CheapCell):
    """Saves its progress once at width 2, and never at others."""

    def resume(self, block: Block, progress: Saved) -> xr.Dataset:
        progress.load()
        if self.width == 2:
            progress.save([np.arange(2000.0)])
        return self.compute(block)


SAVING = Study(SavingCell(), ({"protocol": cheap.PROTOCOLS, "width": (2, 3)},), 2, rows=2, name="cheap")


@pytest.mark.slow
def test_on_a_full_disk_every_call_that_writes_may_fail_in_turn(tmp_path, monkeypatch):
    study = SAVING
    assert run(study, str(tmp_path / "undisturbed")).ok
    undisturbed = load("cheap", tmp_path / "undisturbed")
    error, fatal, refused, whole = errno.ENOSPC, 0, 0, len(study.blocks())
    while True:
        fatal += 1
        out = tmp_path / str(fatal)
        fallible = Fallible(fatal, error)
        with monkeypatch.context() as patch:
            patch.setattr(files, "os", fallible)
            said = outcome(study, out)
        assert said in ("0", f"[{os.strerror(error)}]")
        refused += said != "0"
        store = Store(out, "cheap")
        before = {path: path.read_bytes() for path in store.finished().values()}
        assert counts(study, out) == (len(before), whole - len(before))
        assert not list(out.rglob("*.part"))
        assert run(study, str(out)).ok
        assert all(path.read_bytes() == data for path, data in before.items())
        assert counts(study, out) == (whole, 0)
        assert not list(store.partial.glob("*"))
        same(undisturbed, out)
        if fallible.calls < fatal:
            break
    assert fatal > 30
    assert refused > 15  # a log that cannot be written is no reason to stop, all else is


def test_progress_is_for_every_user_of_the_folder_and_what_a_kill_leaves_is_swept(tmp_path):
    progress = Progress.of(SAVING.blocks()[0], Store(tmp_path, "cheap").partial)
    assert progress is not None
    before = os.umask(0o022)
    try:
        progress.save([np.arange(3)])
    finally:
        os.umask(before)
    assert progress.path.stat().st_mode & 0o777 == 0o644
    left = [progress.path.with_suffix(".0a1b2c3d.part"), progress.path.with_name(f"{'a' * 20}.0a1b2c3d.part")]
    for path in left:
        path.touch()
    assert run(SAVING, str(tmp_path)).ok
    assert [path.exists() for path in left] == [
        False,
        True,
    ]  # the second is of a block that was not asked for


@pytest.mark.slow
@pytest.mark.parametrize("most", [200, 9000])
def test_a_real_limit_on_file_size(tmp_path, most):
    """The kernel lets no file grow beyond the limit: descriptions, or blocks, cannot be written."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))"
    code, _, err = call("run", "cheap", "--out", tmp_path, before=limit)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("error: File too large")
    assert counts(cheap.study(), tmp_path) == (0, 8)
    assert run(cheap.study(), str(tmp_path)).ok
    assert counts(cheap.study(), tmp_path) == (8, 0)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "replaced"])
def test_a_damaged_block_counts_as_missing_and_is_computed_again(undisturbed, tmp_path, damage, caplog):
    shutil.copytree(undisturbed / "cheap", tmp_path / "cheap")
    path, other = sorted(Store(tmp_path, "cheap").finished().values())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(
        {"truncated": data[:-1], "flipped": data, "emptied": b"", "replaced": other.read_bytes()}[damage]
    )
    assert counts(FEW, tmp_path) == (1, 1)
    assert (tmp_path / "cheap" / "damaged" / path.name).exists()
    assert "set aside" in caplog.text
    kept = other.stat().st_mtime_ns
    assert run(FEW, str(tmp_path)).ok
    assert other.stat().st_mtime_ns == kept
    assert counts(FEW, tmp_path) == (2, 0)
    same(undisturbed, tmp_path)


def test_a_block_set_aside_by_another_process_meanwhile_is_not_there(undisturbed, tmp_path, monkeypatch):
    shutil.copytree(undisturbed / "cheap", tmp_path / "cheap")
    store = Store(tmp_path, "cheap")
    listed = store.finished()
    path = min(listed.values())
    path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(Store, "finished", lambda self: listed)
        store.check()
        assert counts(FEW, tmp_path) == (1, 1)
    assert store.read(path.name.split(".")[0], path) is None


#: Root, too, shall mind the permissions of files: without the capability DAC_OVERRIDE, which is bit 1.
NO_PRIVILEGE = """
import ctypes
system, version, sets = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522), (ctypes.c_uint32 * 6)()
assert system.capget(version, sets) == 0
sets[0] &= ~2
assert system.capset(version, sets) == 0
"""


@pytest.mark.slow
def test_a_folder_made_read_only(tmp_path):
    assert run(cheap.study(widths=(2, 3)), str(tmp_path)).ok
    folder = tmp_path / "cheap"
    damaged = min(Store(tmp_path, "cheap").finished().values())
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1])
    locked = [folder, folder / "blocks", folder / "logs"]
    for path in locked:
        path.chmod(0o555)
    (folder / "lock").chmod(0o444)
    (folder / "store.json").chmod(0o444)
    try:
        code, out, err = call("status", "cheap", "--out", tmp_path, before=NO_PRIVILEGE)
        assert (code, err) == (0, "")
        assert "3 done, 5 pending" in out
        assert "cannot be set aside (Permission denied)" in out
        code, out, err = call("run", "cheap", "--out", tmp_path, before=NO_PRIVILEGE)
        assert (code, err.count("\n")) == (2, 1)
        assert f"cannot write to {folder}: Permission denied; choose another --out" in err
    finally:
        for path in locked:
            path.chmod(0o755)
        (folder / "lock").chmod(0o644)
    assert run(cheap.study(), str(tmp_path)).ok
    assert counts(cheap.study(), tmp_path) == (8, 0)


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--shard", "1/1"]])
def test_a_block_that_fails_does_not_stop_the_others(tmp_path, options):
    code, out, err = call("run", "cheap", "--fail", "3", "--replicates", "2", "--out", tmp_path, *options)
    assert (code, err) == (1, "")
    assert "width 3 replicates 0-1  FAILED: RuntimeError: " in out
    assert "1 blocks failed, the first: width 3" in out
    assert counts(cheap.study(replicates=2, fail=3), tmp_path) == (3, 1)
    (log,) = (tmp_path / "cheap" / "logs").iterdir()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (failed,) = [line for line in lines if line["event"] == "failed"]
    assert "in compute" in failed["traceback"]
    assert lines[-1]["event"] == "end"
    assert str(log) in out
    _, out, _ = call("status", "cheap", "--fail", "3", "--replicates", "2", "--out", tmp_path)
    assert "pending because they failed: 1, the first with RuntimeError('width 3 " in out


def test_blocks_that_fail_as_one_program_are_tried_one_by_one(tmp_path, monkeypatch):
    """As on several devices, where one failing block says nothing of the others."""
    monkeypatch.setattr(
        "studies.engine.executors.together", lambda pending, devices: iter([(list(pending), 1)])
    )
    study = cheap.study(replicates=2, fail=3)
    assert len(run(study, str(tmp_path)).failed) == 1
    assert counts(study, tmp_path) == (3, 1)


def test_a_clock_set_back_does_not_change_which_study_was_last(tmp_path):
    first, second = cheap.study(widths=(2,)), cheap.study(widths=(3,))
    assert run(first, str(tmp_path)).ok
    future = time.time() + 20 * 365 * 86400
    for path in (tmp_path / "cheap").rglob("*"):
        os.utime(path, (future, future))
    assert load("cheap", tmp_path).width == [2]
    assert run(second, str(tmp_path)).ok
    assert load("cheap", tmp_path).width == [3]
    assert run(first, str(tmp_path)).ok
    assert load("cheap", tmp_path).width == [2]
    assert counts(first, tmp_path) == counts(second, tmp_path) == (2, 0)


def test_a_store_of_version_1_is_read_and_completed(tmp_path):
    """Written by the program as it was before stores had versions: 3 of 8 blocks, no store.json, no logs."""
    shutil.copytree(ROOT / "tests" / "data" / "store_version_1" / "cheap", tmp_path / "old" / "cheap")
    study, old = cheap.study(), tmp_path / "old"
    before = {path: path.read_bytes() for path in Store(old, "cheap").finished().values()}
    assert len(before) == 3
    assert counts(study, old) == (3, 5)
    assert int((load("cheap", old).status == STATUS["ok"]).sum()) == 3 * 2 * 2
    assert run(study, str(old)).ok
    assert all(path.read_bytes() == data for path, data in before.items())
    assert run(study, str(tmp_path / "new")).ok
    same(old, tmp_path / "new")


def test_a_store_of_a_later_version_is_left_alone(undisturbed, tmp_path):
    shutil.copytree(undisturbed / "cheap", tmp_path / "cheap")
    (tmp_path / "cheap" / "store.json").write_text('{"version": 3}')
    for verb in (lambda: run(FEW, str(tmp_path)), lambda: load("cheap", tmp_path)):
        with pytest.raises(OSError, match="store of version 3, and this program knows versions up to 2"):
            verb()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "2"}', '{"version": 2, "latest": "../x"}'])
def test_a_damaged_store_json_costs_nothing(undisturbed, tmp_path, text):
    shutil.copytree(undisturbed / "cheap", tmp_path / "cheap")
    (tmp_path / "cheap" / "store.json").write_text(text)
    same(undisturbed, tmp_path)
    assert run(FEW, str(tmp_path)).ok
