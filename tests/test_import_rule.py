"""One direction of flow: teacher_student <- curricula <- studies <- figures, and no JAX in figures."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = {"teacher_student", "curricula", "studies", "figures", "benchmarks"}
ALLOWED = {
    "teacher_student": set(),
    "curricula": {"teacher_student"},
    "studies": {"teacher_student", "curricula"},
    "figures": {
        "studies.analysis",
        "studies.command_line",
        "studies.store",
        "studies.analysis.theory",
        "studies.analysis.tickets",
    },
}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "teacher_student":
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_comes_before(package):
    for path in (ROOT / package).rglob("*.py"):
        for name in imported(path):
            top = name.split(".")[0]
            if top in PACKAGES - {package}:
                allowed = ALLOWED[package]
                assert top in allowed or name in allowed, f"{path.relative_to(ROOT)} imports {name}"
            assert package != "figures" or top != "jax", f"{path.relative_to(ROOT)} imports JAX"


#: Rooms of teacher_student -> the rooms that nothing in them imports.
CLOSED_TO = {
    "data_sets": {"tasks", "students", "theory", "training"},
    "students": {"tasks", "theory", "training"},
    "tasks": {"theory", "training"},
    "theory": {"training"},
    "training": {"theory"},
}


@pytest.mark.parametrize("room", CLOSED_TO)
def test_tasks_import_no_theory_and_theory_no_training(room):
    paths = list((ROOT / "teacher_student" / room).rglob("*.py"))
    assert paths
    for path in paths:
        for name in imported(path):
            other = name.removeprefix("teacher_student.").split(".")[0]
            assert other not in CLOSED_TO[room], f"{path.relative_to(ROOT)} imports {name}"


@pytest.mark.parametrize(
    "module", ["studies", "studies.catalogue", "figures.__main__", "figures.xor_mixture"]
)
def test_loading_drawing_and_listing_import_no_jax(module):
    code = f"import sys, {module}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def modules_after(module: str, *arguments: object) -> set[str]:
    """Run `python -m module arguments` in a process of its own; everything it had imported at the end."""
    code = (
        "import json, runpy, sys\n"
        "module, *sys.argv[1:] = sys.argv[1:]\n"
        "try:\n    runpy.run_module(module, run_name='__main__', alter_sys=True)\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\n' + json.dumps(sorted(sys.modules)))"
    )
    command = [sys.executable, "-c", code, module, *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(json.loads(result.stdout.splitlines()[-1]))


def test_listing_the_studies_imports_neither_jax_nor_anything_slow():
    found = modules_after("studies", "list")
    assert "studies.catalogue" in found
    assert not found & {"jax", "numpy", "scipy", "xarray", "pandas", "matplotlib", "rich", "distributed"}


@pytest.mark.slow
def test_drawing_figures_imports_no_jax(tmp_path):
    arguments = ("score_grading", "--from", ROOT / "figures" / "data", "--out", tmp_path)
    found = modules_after("figures", *arguments)
    assert {"matplotlib", "xarray"} <= found
    assert not {"jax", "jaxlib", "teacher_student", "curricula"} & found
    assert list(tmp_path.glob("*.png"))
