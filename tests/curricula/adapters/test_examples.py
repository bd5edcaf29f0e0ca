"""The examples of docs/trainers.md are short, run as they stand, and are all on the page."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "docs" / "examples"
#: Example -> what it needs, and what it prints.
EXAMPLES = {
    "sampler_in_numpy": ([], r"training accuracy 0\.9[5-9]"),
    "sampler_in_flax": ([], r"training accuracy (0\.9|1\.0)"),
    "sampler_in_pytorch": (["torch"], r"training accuracy (0\.9|1\.0).*\n.*'step': 400"),
    "sampler_in_torchdata": (["torchdata"], "13 batches left in the epoch, the same: True"),
    "sampler_in_grain": (["grain"], r"batches of \(25, 20\), the same after a restart: True"),
    "sampler_in_datasets": (["datasets"], r"75 \['example \d+', 'example \d+'\]"),
    "sampler_in_trainer": (["transformers", "torch", "datasets", "accelerate"], r"loss \d\.\d\d"),
}


def test_all_are_short_and_on_the_page():
    assert {path.stem for path in FOLDER.glob("sampler_in_*.py")} == set(EXAMPLES)
    page = (ROOT / "docs" / "trainers.md").read_text()
    for name in EXAMPLES:
        assert len((FOLDER / f"{name}.py").read_text().splitlines()) < 25, name
        assert f"examples/{name}.py" in page


@pytest.mark.parametrize("name", [name for name, (needs, _) in EXAMPLES.items() if not needs])
def test_it_runs(name, capsys, quick_compilation):
    with jax.numpy_dtype_promotion("standard"):  # as users have it
        runpy.run_path(str(FOLDER / f"{name}.py"))
    assert re.search(EXAMPLES[name][1], capsys.readouterr().out)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, (needs, _) in EXAMPLES.items() if needs])
def test_it_runs_where_there_is_what_it_needs(name):
    needs, prints = EXAMPLES[name]
    for package in needs:
        pytest.importorskip(package)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(prints, done.stdout), done.stdout
