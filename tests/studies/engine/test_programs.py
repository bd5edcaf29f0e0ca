"""Compiled programs are kept and made ahead, move no number, and never stop a run."""

import json
import os
import threading
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jax
import pytest
from forked import Forked
from processes import PATIENCE, SIMULATING, finding_tests

from studies.catalogue import get
from studies.engine import programs
from studies.engine.executors import together
from teacher_student.theory import solve  # noqa: F401, before Equinox

SHORT = {"n_inputs": "60", "budget": "40", "replicates": "4", "protocol": "curriculum", "n_test": "16"}

#: Runs a short study in a process of its own and prints what JAX did, and the numbers.
PROBE = """
import collections, json, sys, threading, warnings
from jax import monitoring
warnings.simplefilter("error")
seen = collections.Counter()
where = lambda: " ahead" if threading.current_thread().name.startswith("compile") else ""
monitoring.register_event_listener(lambda name, **_: seen.update([name.rsplit("/", 1)[-1] + where()]))
import studies
from studies.engine.how import How
fields = json.loads(sys.argv[2])
runs = studies.run("xor_mixture", out=sys.argv[1], how=How(programs=sys.argv[3]), width=(2, 3), **fields)
print(json.dumps({**seen, "digest": runs.test_loss.values.tobytes().hex()[:400]}))
"""


def probe(out: Path, where: Path) -> dict:
    """What a process of its own does with programs in `where`."""
    environment = {k: v for k, v in finding_tests().items() if not k.startswith("JAX_COMPILATION_CACHE")}
    process = Forked(SIMULATING, PROBE, out, json.dumps(SHORT), where, environment=environment)
    said, error = process.communicate(PATIENCE)
    assert process.returncode == 0, error
    return json.loads(said.splitlines()[-1])


def test_programs_of_the_equations_can_be_kept():
    """They do not call back into Python, as Equinox does to raise."""
    import equinox

    def checked(x):
        return equinox.error_if(x, x > 1, "more than 1")

    assert "callback" not in jax.jit(checked).lower(0.5).as_text()


@pytest.mark.slow
def test_kept_programs_are_found_again_and_a_damaged_one_stops_nothing(tmp_path):
    first = probe(tmp_path / "first", tmp_path / "programs")
    assert first["cache_misses"] >= 2
    assert first["cache_misses ahead"] >= 1, "that of the second width, while the first is compiled and run"
    assert "cache_hits" not in first
    runs = sorted((tmp_path / "programs").glob("*/jit_run*-cache"))
    assert len(runs) == 2, "one for each width: what is made ahead is what is needed"
    runs[0].write_bytes(runs[0].read_bytes()[:1000])
    again = probe(tmp_path / "again", tmp_path / "programs")
    assert again["cache_hits"] >= 1
    assert again["digest"] == first["digest"]


def test_a_folder_that_cannot_be_made_is_told_and_stops_nothing(monkeypatch, caplog, own_cache):
    caplog.set_level("INFO")
    assert programs.keep("/proc/no/such/folder") is None
    assert "/proc/no/such/folder" in caplog.text
    assert "compiled programs are not kept" in caplog.text
    assert jax.config.values["jax_compilation_cache_dir"] is None


def test_who_decides_where(monkeypatch, tmp_path, own_cache):
    jax.config.update("jax_compilation_cache_dir", "/set/by/the/user")
    assert programs.keep() == Path("/set/by/the/user"), "the user's own cache stays"
    monkeypatch.setenv(programs.VARIABLE, str(tmp_path / "variable"))
    assert programs.keep() == programs.folder(str(tmp_path / "variable"))
    assert programs.keep(str(tmp_path / "flag")) == programs.folder(str(tmp_path / "flag"))
    assert os.environ[programs.VARIABLE] == str(tmp_path / "flag"), "processes started from here do the same"
    assert programs.keep("off") is None
    assert jax.config.values["jax_compilation_cache_dir"] is None


def test_who_decides_where_before_jax_is_imported(monkeypatch, tmp_path):
    """JAX reads its variables when it is imported, which takes a second and may not be needed."""
    monkeypatch.setattr(programs, "sys", SimpleNamespace(modules={}))
    monkeypatch.setenv(programs.VARIABLE, "")  # which `keep` sets, so that it is as it was in the end
    monkeypatch.setenv(programs.OF_JAX, "/set/by/the/user")
    monkeypatch.setenv(programs.FROM_JAX, "7")
    assert programs.keep() == Path("/set/by/the/user")
    assert os.environ[programs.FROM_JAX] == "7"
    asked = programs.keep(str(tmp_path))
    assert str(asked) == os.environ[programs.OF_JAX] == str(programs.folder(str(tmp_path)))
    assert os.environ[programs.FROM_JAX] == "0.2"
    assert programs.keep("off") is None
    assert programs.OF_JAX not in os.environ


def test_every_kind_of_processor_has_its_folder(monkeypatch):
    mine = programs.folder("/x")
    monkeypatch.setattr(programs, "processor", lambda: "another")
    assert programs.folder("/x") != mine
    assert programs.folder("/x").parent == mine.parent == Path("/x")


def test_programs_made_first_go_first(monkeypatch, tmp_path):
    for i in range(6):
        (tmp_path / f"{i}-cache").write_bytes(b"x" * 100)
        os.utime(tmp_path / f"{i}-cache", (i, i))
    monkeypatch.setattr(programs, "MOST_BYTES", 600)
    programs.trim(tmp_path)
    assert len(list(tmp_path.iterdir())) == 6, "not more than allowed"
    monkeypatch.setattr(programs, "MOST_BYTES", 599)
    programs.trim(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["4-cache", "5-cache"]


def test_each_program_to_come_is_compiled_once_and_waited_for(monkeypatch):
    study = get("xor_mixture").changed({**SHORT, "width": "2,3,4", "learning_rate": "0.1,0.3"})
    groups = list(together(study.blocks(), 1))
    assert len(groups) == 6
    begun, go, compiled = threading.Event(), threading.Event(), []

    class Lowered(NamedTuple):
        width: int

        def compile(self):
            begun.set()
            go.wait()
            compiled.append(self.width)
            if self.width == 3:
                raise RuntimeError("told when the block is computed")

    monkeypatch.setattr(type(study.cell), "lower", lambda self, block, places: [Lowered(block.cell.width)])
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    ahead = programs.Ahead(groups)
    widths = {block.cell.width: block for (block, *_), _ in groups}
    begun.wait()
    ahead.wait_for(widths[4], 1)  # not begun: the caller compiles it
    waiting = threading.Thread(target=ahead.wait_for, args=(widths[3], 1))
    waiting.start()
    assert waiting.is_alive()
    go.set()
    waiting.join()
    ahead.end()
    assert compiled == [3], "the first is left to the caller, the others go once, errors stay inside"
    assert all(isinstance(found, Future) and found.done() for found in ahead.asked.values())


@pytest.fixture
def own_cache(monkeypatch):
    """Options of JAX and the environment as they were, once the test is over."""
    from jax.experimental.compilation_cache.compilation_cache import reset_cache

    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: jax.config.values[name] for name in names}
    jax.config.update("jax_compilation_cache_dir", None)
    monkeypatch.setenv(programs.VARIABLE, "")
    yield
    for name, value in before.items():
        jax.config.update(name, value)
    reset_cache()
