"""The tasks without stages as cells of a study: checked, computed, refused."""

from dataclasses import replace

import numpy as np
import pytest
import small
import xarray as xr

from studies.store import Store
from studies.study import Block, Study

THREE = ("curriculum", "no_curriculum", "target_only")
CELL = replace(small.CELL, width=3, activation="erf", method="gram", record=("test_loss", "M", "Q"))
CELLS = {
    "sparse_teacher": replace(
        CELL,
        task="sparse_teacher",
        options={"relevant": 0.4},
        record=("test_accuracy", "group_accuracy", "M"),
    ),
    "committee": replace(
        CELL,
        task="committee",
        options={"teacher_units": 2.0, "relevant": 0.6},
        easy={"noise": 0.0, "irrelevant": 0.1},
        hard={"noise": 0.1, "irrelevant": 2.0},
    ),
}


@pytest.mark.parametrize("task", CELLS)
def test_a_block_is_computed_and_stored(task, tmp_path):
    cell = CELLS[task]
    cell.check()
    (block,) = Study("small", "none", cell, ({"protocol": THREE},), 2, rows=2).blocks()
    assert isinstance(block, Block)
    ds = block.cell.compute(block)
    assert ds.attrs["method"] == "gram"
    assert not ds.status.any()
    measure = ds[cell.record[0]]
    assert measure.dims == ("protocol", "replicate", "time")
    assert np.isfinite(measure).all()
    first, last = measure.isel(time=0), measure.isel(time=-1)
    assert float(first.std("protocol").max()) == 0
    assert float(last.std("protocol").max()) > 0
    store = Store(tmp_path, "small")
    store.prepare()
    store.write(block.address, ds)
    xr.testing.assert_identical(store.read(block.address), ds)


def test_a_whole_float_counts_units():
    task, _, _ = CELLS["committee"].world()
    assert (task.teacher_units, type(task.teacher_units)) == (2, int)


@pytest.mark.parametrize(
    ("task", "changes", "message"),
    [
        ("sparse_teacher", {"protocol": "rule_curriculum"}, "stages clusters, and task 'sparse_teacher' has"),
        ("committee", {"protocol": "rule_curriculum"}, "stages clusters, and task 'committee' has none"),
        ("committee", {"loss": "logistic"}, "'logistic' needs labels"),
        ("committee", {"activation": "quadratic"}, "'quadratic' is even"),
        ("sparse_teacher", {"activation": "quadratic"}, "'quadratic' is even"),
        ("committee", {"options": {"teacher_units": 2.5}}, "teacher_units is 2.5; need a whole number"),
        ("committee", {"options": {"units": 2.0}}, "unknown option of Committee 'units'; known: overlap"),
        ("sparse_teacher", {"options": {"n_inputs": 9.0}}, "unknown option of SparseTeacher 'n_inputs'"),
        ("sparse_teacher", {"easy": {"signal": 1.0}}, "unknown difficulty field 'signal'; known: noise"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(task, changes, message):
    with pytest.raises(ValueError, match=message) as refusal:
        replace(CELLS[task], **changes).check()
    assert "\n" not in str(refusal.value)
