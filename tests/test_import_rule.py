"""One way: teacher_student <- curricula <- studies <- figures; no circles; no JAX in figures."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
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
        "studies.analysis.early",
        "studies.analysis.isoflop",
        "studies.analysis.mixture",
        "studies.analysis.theory",
        "studies.analysis.tickets",
        "studies.analysis.ways",
    },
}


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module in ("teacher_student", "studies"):
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


#: Rooms of studies -> what else of studies they may import.
MAY_IMPORT = {
    "store": {"address", "cell"},
    "analysis": {"store"},
    "cells": {"address", "cell", "store"},
    "engine": {"address", "cell", "store", "study"},
    "report": {"address", "analysis", "catalogue", "store", "study"},
    "catalogue": {"cells", "settings", "study"},
}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_rooms_of_studies_import_only_what_they_rest_on(room):
    paths = list((ROOT / "studies" / room).rglob("*.py"))
    assert paths
    for path in paths:
        for name in imported(path):
            package, _, inner = name.partition(".")
            if package == "studies" and inner:
                allowed = MAY_IMPORT[room] | {room}
                assert inner.split(".")[0] in allowed, f"{path.relative_to(ROOT)} imports {name}"


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """The statements outside of functions, those that only types need among them."""
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from outside_functions(node)


def test_no_module_imports_itself_by_way_of_others():
    modules = {module_name(path): path for package in ALLOWED for path in (ROOT / package).rglob("*.py")}
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        names = set()
        for node in outside_functions(parsed(path)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                names |= inner & set(modules) or {node.module}
        graph[module] = names & set(modules)
    assert len(graph["studies.engine.run"]) > 5
    assert "studies.cell" in graph["studies.cells.online_blocks"]  # for types only
    TopologicalSorter(graph).prepare()  # raises CycleError, with the circle


def test_loading_drawing_and_listing_import_no_jax():
    code = (
        "import sys\n"
        "for module in ('studies', 'studies.catalogue', 'figures.__main__', 'figures.xor_mixture'):\n"
        "    __import__(module)\n"
        "    assert 'jax' not in sys.modules, module"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


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
    assert "scipy.stats" not in found, "a summary has its intervals"
    assert list(tmp_path.glob("*.png"))
