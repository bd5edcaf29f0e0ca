"""The project around the code: versions, packages, commands, what stored arrays say of the code."""

import importlib
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from flags import OURS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_oldest_versions_are_those_declared():
    sys.path.insert(0, str(ROOT / ".ci"))
    try:
        oldest = importlib.import_module("oldest").oldest
    finally:
        sys.path.pop(0)
    made = {
        "dependencies": ["numpy>=2.0", "scipy>=1.15"],
        "optional-dependencies": {
            "a": ["dask[distributed]>=2025.1"],
            "test": ["own[a]", "pytest-xdist>=3.6"],
        },
    }
    assert oldest(made) == ["dask==2025.1", "numpy==2.0", "pytest-xdist==3.6", "scipy==1.15"]
    declared = PROJECT["project"]["dependencies"]
    assert len(set(oldest(PROJECT["project"])) & {line.replace(">=", "==") for line in declared}) == len(
        declared
    )


@pytest.mark.skipif(not OURS, reason="every program is made with the flags that were given")
def test_programs_without_most_optimisations_are_met_by_no_other_module(request):
    double: Any = jax.jit(lambda x: x + x)
    one = np.ones(3, np.float32)
    double(one)
    request.getfixturevalue("quick_compilation")
    double(one)
    double(one)
    assert double._cache_size() == 2


def test_one_version_is_said_everywhere():
    version = PROJECT["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    first = next(line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## "))
    assert first in (f"## {version}", "## Unreleased")


def test_every_command_is_there_and_packages_are_those_of_the_flow():
    for target in PROJECT["project"]["scripts"].values():
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))
    packages = {line.rstrip("*") for line in PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages == {"teacher_student", "curricula", "studies", "figures"}


@pytest.mark.parametrize("task", ["3", "7", "10"])
def test_a_single_task_of_the_slurm_array_computes_its_own_shard(tmp_path, task):
    """SLURM_ARRAY_TASK_COUNT is 2 where two tasks are sent again; the shards are still tenths."""
    (tmp_path / "python").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "python").chmod(0o755)
    text = (ROOT / "docs" / "slurm_array.sh").read_text()
    assert "--array=1-10\n" in text
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "SLURM_ARRAY_TASK_ID": task,
        "SLURM_ARRAY_TASK_COUNT": "2",
    }
    found = subprocess.run(["bash", "-c", text], env=environment, capture_output=True, text=True)
    assert found.stdout.strip().endswith(f"--shard {task}/10"), found.stderr


def said_by(root: Path) -> str:
    """What arrays computed by the code under `root` say of it."""
    code = "from studies.store.provenance import code; print(code())"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": ""},
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.mark.slow
def test_stored_arrays_name_the_commit_of_a_clone_and_nothing_outside_of_one(tmp_path):
    for part in ("studies/__init__.py", "studies/store", "studies/cell.py", "studies/address.py"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, tmp_path / part)
        else:
            shutil.copy(ROOT / part, tmp_path / part)
    alone = said_by(tmp_path)
    assert alone.startswith("tilting-odds 0.")
    assert "commit" not in alone
    name = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    for line in (["init", "-q"], ["add", "studies"], [*name, "commit", "-qm", "all"]):
        subprocess.run(["git", *line], cwd=tmp_path, check=True)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True
    ).stdout.strip()
    assert said_by(tmp_path) == f"{alone} commit {head}"
    with (tmp_path / "studies" / "cell.py").open("a") as file:
        file.write("# changed\n")
    assert said_by(tmp_path) == f"{alone} commit {head} with changes"
