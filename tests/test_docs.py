"""The code blocks of docs/extend.md run as they stand, and what they register keeps the contract."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from flags import QUICKLY
from forked import Forked
from processes import PATIENCE, SIMULATING, finding_tests

from teacher_student.students.two_layer import ACTIVATIONS
from teacher_student.tasks import TASKS, task_class

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "extend.md"
#: What the page registers: the pieces of code after which it is there.
REGISTERS = ("ACTIVATIONS[", "LOSSES[", "TASKS[", "PROTOCOLS[", "SCORES[")


def blocks() -> tuple[dict[str, str], list[str]]:
    """The modules of the page by file name, and its other blocks in order."""
    modules, rest = {}, []
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL):
        if found := re.match(r"# file: (\w+\.py)\n", code):
            modules[found[1]] = code
        else:
            rest.append(code)
    return modules, rest


@pytest.fixture
def folder(tmp_path):
    """The modules of the page; `page` runs all other blocks, `registered` those that register something."""
    modules, rest = blocks()
    for name, code in modules.items():
        (tmp_path / name).write_text(code)
    (tmp_path / "page.py").write_text("\n".join(rest))
    (tmp_path / "registered.py").write_text("\n".join(c for c in rest if any(r in c for r in REGISTERS)))
    return tmp_path


#: Tests of the contract of what is registered: file -> which of them, and how many there are.
CONTRACTS = {
    "teacher_student/test_contract.py": {
        "it[hesitant_teacher]": 1,
        "observe[hesitant_teacher]": 1,
        "hesitant_teacher-softplus-squared_hinge": 5,
        "or_refuses[sparse_teacher-softplus-logistic]": 1,
    },
    "teacher_student/test_protocols.py": {"two_steps": 3},
    "curricula/difficulty/test_scorers.py": {"brier": 2},
}


@pytest.mark.slow
def test_the_page_runs_as_it_stands_and_what_it_registers_joins_the_contract(folder):
    """In one process, which compiles for longer than it runs: pytest imports the page as a plugin."""
    chosen = " or ".join(name for names in CONTRACTS.values() for name in names)
    options = ("-vv", "-n", "0", "-p", "no:cacheprovider", "-p", "page", "-k", chosen)
    paths = [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
    result = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", *options, *[f"tests/{file}" for file in CONTRACTS]],
        cwd=ROOT, env=os.environ | QUICKLY | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    for file, names in CONTRACTS.items():
        for name, number in names.items():
            passed = re.findall(rf"{file}::\S*{re.escape(name)}\S* PASSED", result.stdout)
            assert len(passed) == number, result.stdout


@pytest.mark.slow
def test_a_task_without_equations_and_an_activation_without_averages_are_refused_by_theory(folder):
    code = (
        "import registered\n"
        "from teacher_student.students.two_layer import ACTIVATIONS, TwoLayer\n"
        "from teacher_student.tasks import task_class\n"
        "from teacher_student.theory.integrate import equations\n"
        "ACTIVATIONS['plain'] = ACTIVATIONS['softplus']._replace(averages=None)\n"
        "for task, activation in (('hesitant_teacher', 'erf'), ('xor_mixture', 'plain')):\n"
        "    try:\n        equations(task_class(task)(100), TwoLayer(2, activation))\n"
        "    except ValueError as refusal:\n        print(refusal)\n"
    )
    having = sorted(name for name in TASKS if task_class(name).equations)
    covered = sorted(["softplus", *(n for n, entry in ACTIVATIONS.items() if entry.averages)])
    found = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    out, _ = Forked(SIMULATING, found + code, environment=finding_tests()).communicate(PATIENCE)
    assert out.splitlines() == [
        f"task 'hesitant_teacher' has no equations; tasks with equations: {', '.join(having)}",
        f"theory has no formulas for activation 'plain'; it has them for: {', '.join(covered)}",
    ]
