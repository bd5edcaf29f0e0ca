"""The code blocks of docs/extend.md run as they stand, and what they register keeps the contract."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import pytest

from curricula.difficulty.menu import SCORERS
from curricula.difficulty.trained import SCORES
from teacher_student.protocols import PROTOCOLS
from teacher_student.students.two_layer import ACTIVATIONS, LOSSES, TwoLayer
from teacher_student.tasks import TASKS, task_class
from teacher_student.theory.integrate import equations

pytestmark = pytest.mark.usefixtures("quick_module")

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "extend.md"
#: What the page adds to, and the words by which its code does.
REGISTRIES: dict[str, dict[str, Any]] = {
    "ACTIVATIONS[": ACTIVATIONS, "LOSSES[": LOSSES, "TASKS[": TASKS, "PROTOCOLS[": PROTOCOLS,
    "SCORES[": SCORES, "SCORERS[": SCORERS,
}  # fmt: skip


def blocks() -> tuple[dict[str, str], list[str]]:
    """The modules of the page by file name, and its other blocks in order."""
    modules, rest = {}, []
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        if found := re.match(r"# file: (\w+\.py)\n", code):
            modules[found[1]] = code
        else:
            rest.append(code)
    return modules, rest


@contextmanager
def imported(folder: Path, words: tuple[str, ...]) -> Iterator[None]:
    """The blocks of the page with one of these words, imported; inside there is what they register."""
    modules, rest = blocks()
    modules["page.py"] = "\n".join(code for code in rest if any(word in code for word in words))
    for name, code in modules.items():
        (folder / name).write_text(code)
    with ExitStack() as stack:
        for registry in REGISTRIES.values():
            stack.enter_context(patch.dict(registry))
        for name in modules:
            stack.callback(sys.modules.pop, name.removesuffix(".py"), None)
        stack.enter_context(patch.object(sys, "path", [str(folder), *sys.path]))
        importlib.invalidate_caches()
        importlib.import_module("page")
        yield


def anew(file: str) -> ModuleType:
    """A file of tests, imported anew: it sees what is registered by now."""
    path = TESTS / file
    spec = importlib.util.spec_from_file_location(f"anew_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


#: Arguments of tests that are names of something registered.
NAMING = ("name", "activation", "loss", "protocol")


def cases(module: ModuleType, word: str, names: set[str]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """The tests of a file with this word that are of these names alone, each with its arguments."""
    for title, test in vars(module).items():
        marks = [mark.args for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
        for values in product(*(values for _, values in marks)) if marks and word in title else ():
            given: dict[str, Any] = {}
            for (arguments, _), value in zip(marks, values, strict=True):
                one = isinstance(arguments, str)
                given |= {arguments: value} if one else dict(zip(arguments, value, strict=True))
            own = {given[name] for name in NAMING if name in given}
            if own and own <= names:
                yield test, given


@contextmanager
def alone(names: set[str]) -> Iterator[None]:
    """Without other students and scores than these and the default: programs of all compile sooner."""
    kept = {"relu", "squared"} | names
    with ExitStack() as stack:
        for registry in (ACTIVATIONS, LOSSES, SCORES):
            own = {name: entry for name, entry in registry.items() if name in kept}
            stack.enter_context(patch.dict(registry, own, clear=True))
        yield


#: Tests of the contract of what is registered: file, word, names, and how many there are at least.
CONTRACTS = [
    ("teacher_student/test_contract.py", "", {"hesitant_teacher", "softplus", "squared_hinge"}, 8),
    ("teacher_student/test_contract.py", "theory", {"sparse_teacher", "softplus", "logistic"}, 1),
    ("teacher_student/test_protocols.py", "", {"two_steps", "shuffled_two_steps"}, 3),
    ("curricula/difficulty/test_scorers.py", "", {"brier"}, 2),
]


@pytest.mark.slow
def test_the_page_runs_as_it_stands_and_what_it_registers_joins_the_contract(tmp_path):
    with imported(tmp_path, ("",)):
        files = {file: anew(file) for file, *_ in CONTRACTS}
        for file, word, names, least in CONTRACTS:
            found = list(cases(files[file], word, names))
            assert len(found) >= least
            with alone(names):
                for test, given in found:
                    try:
                        test(**given)
                    except pytest.skip.Exception as reason:
                        pytest.fail(f"{test.__name__} skips {given}: {reason}")


def test_a_task_without_equations_and_an_activation_without_averages_are_refused_by_theory(tmp_path):
    having = ", ".join(sorted(name for name in TASKS if task_class(name).equations))
    with imported(tmp_path, tuple(REGISTRIES)):
        ACTIVATIONS["plain"] = ACTIVATIONS["softplus"]._replace(averages=None)
        covered = ", ".join(sorted(name for name, entry in ACTIVATIONS.items() if entry.averages))
        refusals = {
            (
                "hesitant_teacher",
                "erf",
            ): f"'hesitant_teacher' has no equations; tasks with equations: {having}",
            ("xor_mixture", "plain"): f"no formulas for activation 'plain'; it has them for: {covered}",
        }
        for (task, activation), words in refusals.items():
            with pytest.raises(ValueError, match=f"{words}$"):
                equations(task_class(task)(100), TwoLayer(2, activation))
