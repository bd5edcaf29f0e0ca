"""One direction of flow: teacher_student <- curricula <- studies <- figures, and no JAX in figures."""

import ast
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
    "figures": {"studies.store", "studies.analysis"},
}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
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


@pytest.mark.parametrize(
    "module", ["studies", "studies.catalogue", "figures.__main__", "figures.xor_mixture"]
)
def test_loading_drawing_and_listing_import_no_jax(module):
    code = f"import sys, {module}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
