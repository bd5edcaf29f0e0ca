"""The score-grading study: its cell, its place in the engine, its figures."""

from dataclasses import replace

import numpy as np
import pytest

from figures.__main__ import main
from studies.cells.grading import GradingCell
from studies.store import Store, load
from studies.study import Study

pytestmark = pytest.mark.usefixtures("quick_module")

CELL = GradingCell(n_inputs=8, n_examples=120, networks=2, epochs=3, batch_size=20, scores=("el2n", "grand"))


@pytest.mark.slow
def test_a_small_study_runs_loads_and_draws(tmp_path):
    study = Study(CELL, ({"width": (4, 16)},), replicates=3, rows=1, name="score_grading")
    store = Store(tmp_path, study.name)
    store.prepare()
    store.describe(study.entry())
    for block in study.blocks():
        store.write(block.address, block.cell.compute(block))
    ds = load("score_grading", tmp_path)
    assert ds.correlation.dims == ("protocol", "width", "replicate", "time", "oracle", "score")
    assert ds.time.values.tolist() == [15.0, 30.0, 45.0]
    assert (np.abs(ds.correlation) <= 1).all()
    assert float(ds.correlation.sel(score="grand", oracle="label_surprise").isel(time=-1).mean()) > 0.2
    again = study.blocks()[1].cell.compute(study.blocks()[1])
    stored = store.read(study.blocks()[1].address)
    assert stored is not None
    np.testing.assert_array_equal(again.correlation, stored.correlation)
    assert main(["score_grading", "--from", str(tmp_path)]) == 0
    drawn = {p.stem for p in (tmp_path / "score_grading" / "figures").glob("*.png")}
    assert drawn == {"widths", "times", "scores"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"scores": ("el3n",)}, "unknown score 'el3n'; known: "),
        ({"scores": ()}, "at least one score"),
        ({"levels": (0.5,)}, "two different levels"),
        ({"levels": (0.5, -1.0)}, "noise is -1.0"),
        ({"width": 0}, "width is 0"),
        ({"batch_size": 100}, "n_examples is 120"),
        ({"protocol": "curriculum"}, "unknown protocol"),
        ({"task": "mnist"}, "unknown task"),
    ],
)
def test_bad_settings_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Study(replace(CELL, **fields), ({},), 1, name="score_grading")
