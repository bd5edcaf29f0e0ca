"""python -m curricula: a report, a list, and errors of one line with status 2."""

import runpy
import subprocess
import sys

import jax
import numpy as np
import pytest
from root import ROOT

from curricula.__main__ import main
from curricula.difficulty.menu import SCORERS


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "toy-cscores.npz"
    np.savez(path, scores=np.linspace(0, 1, 10), labels=np.arange(10) % 2)
    return path


def test_inspect_reports_format_direction_ties_and_classes(file, capsys):
    assert main(["inspect", str(file), "--fraction", "0.5"]) == 0
    out = capsys.readouterr().out
    for part in (
        "format     cscore_npz",
        "high = easier in the file",
        "examples   10, scores 0 to 1",
        "ties       0 ",
        "easiest 50 % = 5 examples; 2 to 3 per class",
        "not checked",
    ):
        assert part in out


def test_inspect_says_whether_it_fits(file, tmp_path, capsys):
    np.save(tmp_path / "labels.npy", np.arange(10) % 2)
    np.save(tmp_path / "others.npy", np.arange(10) % 3)
    np.save(tmp_path / "short.npy", np.arange(9) % 2)
    assert main(["inspect", str(file), "--labels", str(tmp_path / "labels.npy")]) == 0
    assert "yes: size and all labels agree" in capsys.readouterr().out
    assert main(["inspect", str(file), "--labels", str(tmp_path / "others.npy")]) == 1
    assert "no: labels differ" in capsys.readouterr().out
    assert main(["inspect", str(file), "--labels", str(tmp_path / "short.npy")]) == 1
    assert "10 scores but labels has 9" in capsys.readouterr().out
    np.save(tmp_path / "map.npy", np.arange(10)[::-1])
    moved = ["--index-map", str(tmp_path / "map.npy"), "--labels", str(tmp_path / "labels.npy")]
    assert main(["inspect", str(file), *moved]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent.npz"], "no such file"),
        (["{file}", "--format", "torch"], "unknown format 'torch'; known: "),
        (["{file}", "--dataset", "svhn"], "unknown data set 'svhn'; known: mnist"),
        (["{file}", "--fraction", "2"], "fraction is 2.0"),
        (["{file}", "--higher", "up"], "unknown direction 'up'"),
        (["{file}", "--index-map", "absent.npy"], "no such file: absent.npy"),
        (["{file}", "--index-map", "{text}"], "text.csv holds no index map: need .npy"),
        (["{text}"], "text.csv has columns cifar_index, label; pass score=... to name"),
        (["{file}", "--labels", "{text}"], "text.csv holds no labels: need .npy"),
        (["{file}", "--labels", "{column}"], "labels of column.npy have shape (10, 1); need (P,)"),
        (["{file}", "--fraction", "much"], "--fraction: invalid float value: 'much' (see python -m"),
        (["{file}", "--colour", "red"], "unrecognized arguments: --colour red"),
        ([], "required: file"),
        (["{file}", "--index-map", "{file}"], "no single *_to_orig entry"),
    ],
)
def test_errors_are_one_line_and_status_two(arguments, message, file, tmp_path, capsys):
    names = {"file": file, "text": tmp_path / "text.csv", "column": tmp_path / "column.npy"}
    names["text"].write_text("cifar_index,label\n0,3\n1,8\n")
    np.save(names["column"], np.zeros((10, 1), int))
    assert main(["inspect", *(a.format(**names) for a in arguments)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_list_names_everything(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    for name in (
        *SCORERS,
        "anti_curriculum",
        "exponential_step",
        "loss_threshold",
        "logarithmic",
        "uc_order",
    ):
        assert name in out


def test_as_a_process():
    done = subprocess.run(
        [sys.executable, "-m", "curricula", "inspect", "absent"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr == "error: no such file: absent\n"
    assert "Traceback" not in done.stderr


def test_the_flax_example_trains_from_a_ranking_file(tmp_path, monkeypatch, capsys, quick_compilation):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 300)
    np.save(tmp_path / "images.npy", rng.normal(size=(300, 6)) + 4 * np.eye(6)[labels])
    np.save(tmp_path / "labels.npy", labels)
    np.savez(tmp_path / "toy-cscores.npz", scores=rng.random(300), labels=labels)
    files = [str(tmp_path / name) for name in ("toy-cscores.npz", "images.npy", "labels.npy")]
    example = "docs/examples/ranking_in_a_flax_loop.py"
    monkeypatch.setattr(sys, "argv", [example, *files, "400"])
    with jax.numpy_dtype_promotion("standard"):  # as users have it
        runpy.run_path(str(ROOT / example))
    assert float(capsys.readouterr().out.split()[-1]) > 0.7
