"""python -m curricula convert, report and inspect --plot."""

import numpy as np
import pytest

from curricula import load_ranking
from curricula.__main__ import main

LABELS = np.arange(40) % 4
SCORES = np.random.default_rng(0).random(40)


@pytest.fixture
def folder(tmp_path):
    names = [f"n{i}" for i in range(40)]
    for run in (0, 1):
        shown = np.random.default_rng(run).permutation(40)
        noise = 0.1 * np.random.default_rng(run + 5).random(40)
        rows = [f"{names[i]},{SCORES[i] + noise[i]}" for i in shown]
        (tmp_path / f"run{run}.csv").write_text("\n".join(["name,loss", *rows]))
    (tmp_path / "ids.txt").write_text("\n".join(names) + "\n")
    np.save(tmp_path / "labels.npy", LABELS)
    np.save(tmp_path / "wrong.npy", SCORES > 0.9)
    return tmp_path


def told(folder):
    return [
        "--id-column", "name", "--score", "loss", "--higher", "harder", "--ids", str(folder / "ids.txt"),
        "--labels", str(folder / "labels.npy"),
    ]  # fmt: skip


def test_convert_writes_a_ranking_once(folder, capsys):
    out = folder / "ranking.npz"
    arguments = ["convert", str(folder / "run0.csv"), "--to", str(out), *told(folder)]
    assert main(arguments) == 0
    ranking = load_ranking(out, labels=LABELS)
    assert np.abs(ranking.scores - SCORES - 0.05).max() < 0.06
    assert ranking.checksum[:16] in capsys.readouterr().out
    assert main(arguments) == 2
    assert "ranking.npz exists; nothing is overwritten" in capsys.readouterr().err


def test_report_of_two_runs(folder, capsys):
    files = [str(folder / f"run{run}.csv") for run in (0, 1)]
    assert main(["report", *files, *told(folder), "--wrong", str(folder / "wrong.npy")]) == 0
    out = capsys.readouterr().out
    for part in ("mean of 2 runs", "stability  rank correlation of two runs 0.9", "noise      a wrong label"):
        assert part in out


@pytest.mark.parametrize("pacing", ["linear:total=50,a=0.8,b=0.2", "baby_step:interval=3"])
def test_inspect_draws_scores_classes_and_pacing(folder, capsys, pacing):
    out = folder / "picture.png"
    arguments = ["inspect", str(folder / "run0.csv"), *told(folder), "--plot", str(out), "--pacing", pacing]
    assert main(arguments) == 0, capsys.readouterr().err
    assert out.read_bytes()[:4] == b"\x89PNG"
    assert f"picture    {out}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--pacing", "linear:total=soon"], "--pacing is 'linear:total=soon'; need a form as linear:total="),
        (["--pacing", "cubic"], "unknown pacing 'cubic'; known: baby_step"),
        (["--plot", "out.txt"], "a plot is saved as .png, .pdf, .svg; got 'out.txt'"),
        (["--dataset", "mnist"], "pass --dataset or --labels, not both"),
        (["--ids", "{folder}/none.txt"], "no such file"),
        (["--ids", "{folder}/gap.txt"], "line 2 of gap.txt is empty; need one id per line"),
        (["--ids", "{folder}/wrong.npy", "--labels", "{folder}/none.npy"], "no such file"),
    ],
)
def test_errors_are_one_line(folder, capsys, change, message):
    (folder / "gap.txt").write_text("a\n\nb\n")
    arguments = [part.format(folder=folder) for part in change]
    assert main(["inspect", str(folder / "run0.csv"), *told(folder), *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_file_of_labels_is_no_data_set(folder, capsys):
    assert main(["inspect", str(folder / "run0.csv"), "--dataset", str(folder / "labels.npy")]) == 2
    assert "for a file of labels: --labels FILE" in capsys.readouterr().err
