"""What a name stands for is in the address, and code that has changed since is said in one line."""

import importlib.util
import subprocess
import sys
from dataclasses import replace
from types import ModuleType
from typing import Any

import every_kind
import pytest
import small

from curricula.difficulty.trained import SCORES
from curricula.schedule import PROTOCOLS
from studies.cells.definitions import PINNED, digests
from studies.engine import changes
from studies.store import provenance
from studies.study import Study
from teacher_student.students.flax_nets import STUDENTS
from teacher_student.students.two_layer import ACTIVATIONS, LOSSES
from teacher_student.tasks import TASKS, task_class
from teacher_student.tasks.relabelling import RELABELLINGS

REGISTRIES: dict[str, dict[str, Any]] = {
    "protocol": PROTOCOLS, "activation": ACTIVATIONS, "loss": LOSSES, "relabelling": RELABELLINGS,
    "student": STUDENTS, "score": SCORES,
}  # fmt: skip

MINE = """
from curricula.schedule import Phase

def mine(f):
    return (Phase(0.5, {0: 1.0}), Phase(0.5, {1: 1.0}))
"""
SAME = '''
"""The same code in other words."""
from curricula.schedule import Phase

def mine(f):
    """Half and half."""
    # easy first
    return (
        Phase(0.5, {0: 1.0}),
        Phase(0.5, {1: 1.0}))
'''


def module(path, text: str) -> ModuleType:
    """A module of a user's, from a file."""
    name = "users_own"
    path.write_text(text)
    spec: Any = importlib.util.spec_from_file_location(name, path)
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


@pytest.fixture(autouse=True)
def forgotten():
    yield
    sys.modules.pop("users_own", None)


@pytest.mark.parametrize("kind", REGISTRIES)
def test_the_projects_own_names_are_fixed_by_versions(kind):
    assert PINNED[kind] <= set(REGISTRIES[kind])
    assert not digests(kind, {name: REGISTRIES[kind][name] for name in PINNED[kind]})
    assert PINNED["task"] <= set(TASKS)


@pytest.mark.parametrize("kind", every_kind.CELLS)
def test_cells_of_every_kind_that_name_nothing_of_a_user_keep_their_descriptions(kind):
    assert "definitions" not in every_kind.block(kind).description()


@pytest.mark.parametrize("name", ["mine", "curriculum"])
def test_an_edited_protocol_has_another_address_and_one_in_other_words_has_not(tmp_path, monkeypatch, name):
    found = []
    for text in (MINE, SAME, MINE.replace("0.5, {0", "0.4, {0").replace("0.5, {1", "0.6, {1")):
        monkeypatch.setitem(PROTOCOLS, name, module(tmp_path / "users_own.py", text).mine)
        found.append(small.study(protocols=(name,)).blocks()[0])
    assert list(found[0].description()["definitions"]) == [f"protocol {name}"]
    assert found[0].address == found[1].address != found[2].address
    monkeypatch.undo()
    assert small.study().blocks()[0].address == "dca60919c4b7b0cdf0f8"


def test_an_added_task_is_in_the_address(tmp_path, monkeypatch):
    text = (
        "from teacher_student.tasks.xor_mixture import XorMixture\nclass TASK(XorMixture):\n    extra = 1\n"
    )
    monkeypatch.setitem(TASKS, "users_own", "users_own")
    digest = []
    for own in (text, text.replace("1", "2")):
        module(tmp_path / "users_own.py", own)
        digest.append(digests("task", {"users_own": task_class("users_own")})["task users_own"])
    assert digest[0] != digest[1]
    cell: Any = replace(small.CELL, task="users_own")
    assert "task users_own" in Study(cell, ({},), 2).blocks()[0].description()["definitions"]


def test_another_relabelling_under_an_old_name_is_in_the_address(tmp_path, monkeypatch):
    text = "from teacher_student.tasks.relabelling import Parity\nclass Mine(Parity):\n    pass\n"
    before = every_kind.block("images_online").address
    monkeypatch.setitem(RELABELLINGS, "polarity_xor", module(tmp_path / "users_own.py", text).Mine)
    assert every_kind.block("images_online").address != before


def test_code_that_cannot_be_read_is_refused_in_one_line():
    space: dict[str, Any] = {"__name__": "users_own"}
    exec("def mine(f):\n    return ()", space)
    with pytest.raises(ValueError, match="the code of protocol 'mine' cannot be read; define it in a file"):
        digests("protocol", {"mine": space["mine"]})


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A small clone that the project seems to run from."""

    def git(*arguments):
        who = ("-c", "user.name=a", "-c", "user.email=a@b")
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    git("init", "-q")
    for name in ("teacher_student/a.py", "studies/cells/b.py", "studies/engine/c.py", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    provenance.code.cache_clear()
    provenance.changed_since.cache_clear()
    yield tmp_path
    provenance.code.cache_clear()
    provenance.changed_since.cache_clear()


def test_code_that_computes_and_has_changed_is_named(clone):
    stored = provenance.code()
    assert changes.differs(stored) is None
    for name in ("README.md", "studies/engine/c.py"):
        (clone / name).write_text("2\n")
    provenance.changed_since.cache_clear()
    assert changes.differs(stored) is None
    (clone / "studies/cells/b.py").write_text("2\n")
    provenance.changed_since.cache_clear()
    found = changes.differs(stored)
    assert found is not None
    assert found.endswith("code that computes has changed since: studies/cells/b.py")
    assert changes.differs(stored.replace(stored.split()[-1], "0" * 40)) is None
    assert "made by tilting-odds 0.0.1, and this is" in str(changes.differs("tilting-odds 0.0.1"))


def test_without_a_clone_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    provenance.changed_since.cache_clear()
    assert provenance.changed_since(f"tilting-odds 0.1.0 commit {'0' * 40}") == ()


def test_a_study_of_another_ranking_file_is_another_study(tmp_path):
    cell: Any = replace(every_kind.CELLS["images_ranking"][0], ranking="published")
    studies = []
    for name, text in (("a.csv", "1"), ("b.csv", "2"), ("c.csv", "1")):
        (tmp_path / name).write_text(text)
        own = replace(cell, ranking_file=str(tmp_path / name))
        studies.append(Study(own, ({"protocol": ("curriculum",)},), 2, rows=2))
    one, two, renamed = studies
    assert one.address == renamed.address != two.address
    assert one.entry()["files"] == {
        "ranking": "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"
    }
    assert one.entry()["file_names"] == {"ranking": "a.csv"}
    assert not {"files", "file_names"} & small.study().entry().keys()
