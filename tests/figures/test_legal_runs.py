"""Any legal run is drawn: what is there, an extra axis by a folder per value, what is missing in one line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import small
from small import stored

import figures
from figures import xor_mixture
from figures.__main__ import main
from studies.catalogue import get

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.usefixtures("unplaced")


FEW = {"width": "2,4", "replicates": "3", "rows": "3"}
XOR, LOTTERY = {"accuracy", "benefit", "map", "lottery"}, "lottery"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fields", "folders", "drawn"),
    [
        ("xor_mixture", {"easy_fraction": "0.1,0.5"}, ["easy_fraction=0.1", "easy_fraction=0.5"], XOR),
        ("xor_mixture", {"hard.noise": "0.5,1"}, ["hard.noise=0.5", "hard.noise=1.0"], XOR),
        ("xor_mixture", {"budget": "40", "learning_rate": "0.1,0.5", "replicates": "4"}, [""],
         XOR | {"tuned"}),
        ("xor_mixture", {"width": "4", "parametrisation": "ntk"}, [""], XOR),
        ("xor_mixture", {"record": "test_accuracy"}, [""], XOR - {"lottery"}),
        ("xor_mixture", {"record": "test_loss"}, [""], {"test_loss", "benefit"}),
        ("sparse_teacher", {}, [""], {"accuracy", "benefit", "map"}),
        ("sparse_teacher", {"width": "1,2", "budget": "10", "record_every": "5"}, [""],
         {"accuracy", "benefit", "map", "perceptron"}),
        ("mixture_loss", {"hard.noise": "0.01,0.09", "learning_rate": "2.5,5", "replicates": "4"}, [""],
         {"loss", "clusters", "width", "ends", "tuned"}),
        ("mixture_fit", {"hard.noise": "0.01,0.09", "easy.noise": "0.0004"}, [""], {"search", "best"}),
        ("sign_map", {"budget": "0.5,1"}, ["width=2", "width=4"], {"map"}),
        ("committee", {"budget": "50"}, [""], {"loss_label_noise", "loss_distractors", "benefit", "map"}),
        ("committee", {"hard.noise": "0.2"}, [""], {"loss_label_noise", "loss_both", "benefit", "map"}),
        ("committee", {"hard.noise": "0.2,0.4", "seed": "1"}, [""],
         {"loss_label_noise", "loss_label_noise_0.4_0.1", "loss_both", "loss_both_0.4_4", "benefit", "map"}),
    ],
)  # fmt: skip
def test_legal_runs(name, fields, folders, drawn, tmp_path, capsys):
    stored(get(name).changed(FEW | fields), tmp_path)
    assert main([name, "--from", str(tmp_path)]) == 0
    place = tmp_path / name / "figures"
    for folder in folders:
        images = {p.stem for p in (place / folder).glob("*.png")}
        assert images == drawn
        for image in images:
            numbers = pd.read_csv(place / folder / f"{image}.csv").select_dtypes("number")
            assert len(numbers)
            assert np.isfinite(numbers.to_numpy()).any()
    said = capsys.readouterr().err.splitlines()
    assert all(line.startswith(("not drawn: ", "curves only: ")) for line in said)


def test_equations_at_one_size_are_drawn_as_curves(tmp_path, capsys):
    stored(get("theory_vs_simulation").changed(FEW | {"n_inputs": "100", "width": "2"}), tmp_path)
    assert main(["theory_vs_simulation", "--from", str(tmp_path)]) == 0
    assert "curves only: needs the equations beside runs at two N or more" in capsys.readouterr().err
    assert list((tmp_path / "theory_vs_simulation" / "figures").rglob("test_loss.png"))


@pytest.mark.slow
def test_the_folder_of_a_value_holds_the_results_at_that_value_and_says_so(tmp_path):
    ds = stored(get("xor_mixture").changed(FEW | {"easy_fraction": "0.1,0.5"}), tmp_path)
    figures.draw(ds, tmp_path / "drawn")
    for fraction in (0.1, 0.5):
        folder = tmp_path / "drawn" / f"easy_fraction={fraction}"
        table = pd.read_csv(folder / "accuracy.csv").set_index(["protocol", "width", "time"])
        runs = ds.test_accuracy.sel(easy_fraction=fraction, protocol="curriculum", width=4, time=40.0)
        assert table.loc[("curriculum", 4, 40.0), "accuracy_mean"] == pytest.approx(
            float(runs.mean()), rel=1e-5
        )
        assert f"easy fraction {fraction:g}," in (folder / "accuracy.txt").read_text()


def test_one_replicate_is_drawn_without_intervals(tmp_path):
    ds = stored(get("xor_mixture").changed(FEW | {"replicates": "1"}), tmp_path)
    assert {path.stem for path in figures.draw(ds, tmp_path / "drawn")} == XOR
    table = pd.read_csv(tmp_path / "drawn" / "benefit.csv").set_index(["panel", "width"])
    end = ds.test_accuracy.isel(replicate=0).sel(time=ds.test_accuracy.time.max(), width=4)
    difference = float(end.sel(protocol="curriculum") - end.sel(protocol="no_curriculum"))
    row = table.loc[("a: by budget", 4)]
    assert row.benefit == pytest.approx(difference, rel=1e-4)
    assert np.isnan(row.ci_low)
    assert (tmp_path / "drawn" / "benefit.txt").read_text().count("1 replicate. ") == 1


def test_a_protocol_without_a_style_is_drawn(tmp_path):
    ds = stored(get("xor_mixture").changed(FEW), tmp_path)
    own = [{"rule_curriculum": "spiral"}.get(name, name) for name in ds.protocol.values]
    summary = xor_mixture.summarise(ds.assign_coords(protocol=own))
    for drawn in (xor_mixture.accuracy(summary), xor_mixture.benefit(summary)):
        legends = [*drawn.figure.legends, *(axes.get_legend() for axes in drawn.figure.axes)]
        named = [text.get_text() for legend in legends if legend for text in legend.get_texts()]
        assert "spiral" in named
        assert {"curriculum", "anti-curriculum", "target only"} < set(named)


def test_a_study_without_figures_of_its_own_is_drawn_as_curves(tmp_path, capsys):
    """small.fake: accuracy = width + number of the protocol / 10 + replicate / 1000 + time / 1e6."""
    stored(small.study(), tmp_path, small.fake)
    assert main(["small", "--from", str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""
    folder = tmp_path / "small" / "figures"
    assert {p.name for p in folder.glob("*.png")} == {"test_accuracy.png", "benefit.png"}
    table = pd.read_csv(folder / "test_accuracy.csv").set_index(["protocol", "width", "time"])
    assert table.loc[("no_curriculum", 4, 10.0), "test_accuracy_mean"] == pytest.approx(4.101, abs=1e-4)
    gained = pd.read_csv(folder / "benefit.csv")
    np.testing.assert_allclose(gained.benefit, -0.1, rtol=1e-5)
    assert main(["small", "--from", str(folder), "--out", str(tmp_path / "again")]) == 0
    for name in ("test_accuracy", "benefit"):
        assert (tmp_path / "again" / f"{name}.csv").read_text() == (folder / f"{name}.csv").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fields", "folders"),
    [
        ("xor_mixture", {"seed": "7,0", "n_inputs": "30,20"}, 4),
        ("xor_mixture", {"budget": "60,40", "activation": "relu"}, 1),
        ("small", {"easy_fraction": "0.4,0.2", "parametrisation": "ntk,standard"}, 4),
        ("small", {"learning_rate": "0.3,0.1", "hard.noise": "2"}, 2),
    ],
)
def test_every_combination_of_values_of_unknown_axes_has_a_folder_with_all_figures(
    name, fields, folders, tmp_path
):
    """Those of xor_mixture know the budget, and curves know neither axis; one value needs no folder."""
    given = fields | {"replicates": "2", "rows": "2"}
    if name == "small":
        study, drawn = small.study().changed(given), {"test_accuracy", "benefit"}
    else:
        few = {"width": "2,4", "protocol": "curriculum,no_curriculum", "record": "test_accuracy"}
        study, drawn = get(name).changed(few | {"record_every": "20"} | given), XOR - {"lottery"}
    paths = figures.draw(stored(study, tmp_path), tmp_path / "drawn")
    found = {path.parent for path in paths}
    assert len(found) == folders
    assert {(path.parent, path.stem) for path in paths} == {
        (place, name) for place in found for name in drawn
    }


def test_more_settings_than_anybody_looks_at_are_cut_and_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("figures.parts.drawing.MOST", 3)
    stored(small.study(replicates=2).changed({"seed": "0,1,2,3,4"}), tmp_path)
    assert main(["small", "--from", str(tmp_path)]) == 0
    assert capsys.readouterr().err.startswith("drawn: the first 3 of 5 settings")
    drawn = {p.name for p in (tmp_path / "small" / "figures").iterdir() if p.is_dir()}
    assert drawn == {"seed=0", "seed=1", "seed=2"}


def in_a_process(*arguments: object, **environment: str) -> str:
    command = [sys.executable, *map(str, arguments)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | environment)
    assert found.returncode == 0, found.stderr
    return found.stdout


@pytest.mark.slow
@pytest.mark.usefixtures("painted")
def test_what_a_user_has_set_for_matplotlib_changes_nothing(tmp_path):
    hostile = tmp_path / "matplotlibrc"
    hostile.write_text(
        "backend: webagg\ntext.usetex: True\nfont.family: serif\nfigure.figsize: 20, 2\naxes.grid: True\n"
    )
    source = ROOT / "figures" / "data"
    drawn = figures.draw("score_grading", tmp_path / "plain", source=source)
    changed = {"MATPLOTLIBRC": str(hostile), "MPLBACKEND": "module://nowhere.inline"}
    call = ("-m", "figures", "score_grading", "--from", source, "--out", tmp_path / "hostile")
    in_a_process(*call, **changed)
    assert len(drawn) == 3
    for path in drawn:
        assert path.read_bytes() == (tmp_path / "hostile" / path.name).read_bytes()


@pytest.mark.usefixtures("painted")
def test_what_a_user_has_set_is_back_after_drawing(tmp_path):
    import matplotlib as mpl

    with mpl.rc_context({"font.family": ["serif"], "lines.linewidth": 7.0}):
        before = dict(mpl.rcParams)
        figures.draw("score_grading", tmp_path, "svg", source=ROOT / "figures" / "data")
        assert dict(mpl.rcParams) == before
    assert "serif" not in (tmp_path / "widths.svg").read_text().replace("sans-serif", "")


@pytest.mark.slow
def test_importing_figures_is_free():
    heavy = {"numpy", "xarray", "matplotlib", "jax", "studies"}
    code = f"import sys, figures; print(sorted({heavy} & set(sys.modules)))"
    assert in_a_process("-c", code).strip() == "[]"
