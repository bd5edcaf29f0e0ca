"""The code blocks of docs/extend.md run as they stand, and what they register keeps the contract."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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


def keeps(test: Any, **case: str) -> None:
    """The test has this case among its own, and the case passes."""
    for mark in test.pytestmark:
        if mark.name == "parametrize":
            names, values = mark.args
            own = case[names] if isinstance(names, str) else tuple(case[name] for name in names)
            assert own in list(values)
    try:
        test(**case)
    except pytest.skip.Exception as reason:
        pytest.fail(f"{test.__name__} skips {case}: {reason}")


@pytest.mark.slow
def test_the_page_runs_as_it_stands_and_what_it_registers_joins_the_contract(tmp_path):
    with imported(tmp_path, ("",)):
        contract = anew("teacher_student/test_contract.py")
        task = {"name": "hesitant_teacher"}
        keeps(contract.test_a_task_has_all_that_is_asked_of_it, **task)
        keeps(contract.test_inputs_and_labels_have_the_law_of_observe, **task)
        all_new = task | {"activation": "softplus", "loss": "squared_hinge"}
        keeps(contract.test_what_is_measured_is_what_samples_give, **all_new)
        keeps(contract.test_theory_has_the_averages_of_its_definition_or_refuses, **all_new)
        for method in ("full", "stepwise"):
            keeps(contract.test_full_vectors_take_the_steps_of_the_definition, **all_new, method=method)
        keeps(contract.test_gram_space_has_the_law_of_full_vectors, **all_new)
        averages = {"name": "sparse_teacher", "activation": "softplus", "loss": "logistic"}
        keeps(contract.test_theory_has_the_averages_of_its_definition_or_refuses, **averages)
        protocols = anew("teacher_student/test_protocols.py")
        for name in ("two_steps", "shuffled_two_steps"):
            keeps(protocols.test_the_equations_are_given_the_shares_that_the_simulation_draws, protocol=name)
        keeps(protocols.test_what_is_called_shuffled_is_the_control_of_its_protocol, name=name)
        scorers = anew("curricula/difficulty/test_scorers.py")
        keeps(scorers.test_contract, name="brier")
        keeps(scorers.test_wrong_labels_are_harder, name="brier")


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
