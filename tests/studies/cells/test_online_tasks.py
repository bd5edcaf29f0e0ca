"""The tasks without stages as cells of a study: checked, computed, refused."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import small
import xarray as xr

import teacher_student as ts
from studies.address import describe
from studies.cell import Block
from studies.cells.online_blocks import planned
from studies.store import STATUS, Store
from studies.study import Study
from teacher_student.results import Labels
from teacher_student.theory import integrate
from teacher_student.theory.integrate import Trajectory
from teacher_student.theory.solve import STATUSES

pytestmark = pytest.mark.usefixtures("quick_module")

THREE = ("curriculum", "no_curriculum", "target_only")
CELL = replace(small.CELL, width=3, activation="erf", method="gram", record=("test_loss", "M", "Q", "v"))
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
        method="auto",
        options={"teacher_units": 2.0, "relevant": 0.6},
        easy={"noise": 0.0, "irrelevant": 0.1},
        hard={"noise": 0.1, "irrelevant": 2.0},
    ),
}


def one_block(cell: Any) -> Any:
    """Two replicates under three protocols."""
    (block,) = Study(cell, ({"protocol": THREE},), 2, rows=2, name="small").blocks()
    return block


@cache
def computed(task: str) -> Any:
    """The simulated block of a task."""
    block = one_block(CELLS[task])
    return block.cell.compute(block)


@pytest.mark.slow
@pytest.mark.parametrize("task", CELLS)
def test_a_block_is_computed_and_stored(task, tmp_path):
    cell = CELLS[task]
    cell.check()
    block, ds = one_block(cell), computed(task)
    assert isinstance(block, Block)
    assert ds.attrs["method"] == {"sparse_teacher": "gram", "committee": "full"}[task]
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


@pytest.mark.slow
def test_theory_is_a_method_like_the_others():
    """Same variables, dims and starts as the simulation of the same cells, each replicate its own."""
    cell = CELLS["committee"]
    simulation, solution = (one_block(replace(cell, method=method)) for method in (cell.method, "theory"))
    assert simulation.address != solution.address
    runs, solution = computed("committee"), solution.cell.compute(solution)
    assert solution.attrs["method"] == "theory"
    assert runs.sizes == solution.sizes
    assert set(runs.data_vars) == set(solution.data_vars)
    start = {"time": 0}
    for name in cell.record:
        assert runs[name].dims == solution[name].dims
        np.testing.assert_allclose(runs[name].isel(start), solution[name].isel(start), rtol=1e-4, atol=1e-5)
    assert float(solution.M.isel(start).std("replicate").max()) > 0
    assert float(solution.M.isel(time=-1).std("protocol").max()) > 0
    # at N = 40 a run departs by about N^-1/2 = .16 of its size
    assert float(np.sqrt(((runs.M - solution.M) ** 2).mean())) < 0.3


def test_the_address_of_equations_stays():
    cell = replace(CELLS["sparse_teacher"], method="theory", record=("M",))
    block = one_block(cell)
    assert block.address == "a73092a0686e8db68993"


def test_equations_out_of_steps_say_so(monkeypatch):
    cell = replace(CELLS["sparse_teacher"], method="theory", record=("M",))
    (block,) = Study(cell, ({"protocol": THREE},), 2, rows=2, name="small").blocks()

    def short(task, student, start, table, plans, times, **_):
        shape = len(start.readout), len(plans)
        codes = np.zeros(shape, int)
        codes[1] = STATUSES.index("max_steps")
        labels = Labels(("0", "1", "2"), np.arange(2), 3, ())
        return Trajectory(times, {"M": np.zeros((*shape, len(times), 3, 1))}, codes, labels)

    monkeypatch.setattr(integrate, "trajectory", short)
    status = block.cell.compute(block).status
    assert (status.sel(replicate=0) == STATUS["ok"]).all()
    assert (status.sel(replicate=1) == STATUS["max_steps"]).all()


@pytest.mark.slow
def test_a_shared_start_is_the_same_at_every_size_and_replicate(monkeypatch):
    """As the equations get it, of whom only that is looked at."""

    def resting(task, student, start, table, plans, times, **_):
        total = start.along @ start.along.T + sum(start.gram)
        values = {"M": start.along, "Q": total, "v": start.readout}
        kept = {
            n: np.broadcast_to(np.asarray(x), (len(plans), len(times), *np.shape(x)))
            for n, x in values.items()
        }
        labels = Labels(("0", "1", "2"), np.arange(1), 3, ())
        return Trajectory(times, kept, np.zeros(len(plans), int), labels)

    monkeypatch.setattr(integrate, "trajectory", resting)
    cell = replace(CELLS["committee"], start_inputs=50)
    starts = []
    for method, n in (("gram", 80), ("full", 40), ("theory", 40)):
        record = cell.record if method == "full" else ("M", "Q", "v")
        block = one_block(replace(cell, method=method, n_inputs=n, record=record))
        starts.append(block.cell.compute(block).isel(time=0))
    for name in ("M", "Q", "v"):
        # full vectors realise given overlaps through a factor with a relative jitter
        np.testing.assert_allclose(starts[0][name], starts[2][name], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(starts[1][name], starts[2][name], rtol=1e-3, atol=1e-4)
        for start in starts[::2]:
            assert (start[name] == start[name].isel(protocol=0, replicate=0)).all()


@pytest.mark.slow
def test_a_deep_student_is_a_field_of_the_cell(quick_compilation):
    """Computed as simulate does it; its address differs from that of two layers by the added fields only."""
    cell = replace(CELLS["sparse_teacher"], student="deep", depth=2, bias=True, record=("test_accuracy",))
    (block,) = Study(cell, ({"protocol": THREE},), 2, rows=2, name="small").blocks()
    found = block.cell.compute(block)
    task, student, (easy, hard) = cell.world()
    assert student == ts.Deep(3, "erf", depth=2, bias=True)
    runs = ts.simulate(
        task, student, protocol=THREE, easy=easy, hard=hard, budget=10, learning_rate=0.3, replicates=2,
        n_records=2, n_test=32, record="test_accuracy", method="gram",
    )  # fmt: skip
    ours = runs.to_xarray().test_accuracy.squeeze("width")
    np.testing.assert_array_equal(found.test_accuracy, ours.transpose(*found.test_accuracy.dims))
    added = describe(cell).keys() - describe(CELLS["sparse_teacher"]).keys()
    assert added == {"student", "depth", "bias"}


def test_before_a_checkpoint_is_the_begin_of_the_teachers_run():
    plain = replace(CELLS["sparse_teacher"], record=("Q",))
    cell = replace(plain, student="pair", teacher_width=2, checkpoint=5.0)
    cell.check()
    blocks = [Study(c, ({"protocol": THREE},), 2, rows=2, name="small").blocks()[0] for c in (cell, plain)]
    given: list[Any] = [block.cell for block in blocks]
    plan, other = (planned(c, block) for c, block in zip(given, blocks, strict=True))
    steps, own = np.asarray(plan.arguments[1]), np.asarray(other.arguments[1])
    assert (plan.n_records, other.n_records) == (3, 2)
    np.testing.assert_array_equal(steps[..., :200], own[..., :200])
    np.testing.assert_array_equal(steps[..., 200:600], own[..., :400])
    assert own[..., :200].max() == 1
    rate = np.asarray(plan.arguments[6].rate)
    np.testing.assert_array_equal(rate[:600], np.repeat([[1, 0], [0, 1]], [200, 400], 0))
    assert other.arguments[6] == (None, None)
    apart = replace(cell, teacher_protocol="anti_curriculum")
    (block,) = Study(apart, ({"protocol": THREE},), 2, rows=2, name="small").blocks()
    mixed = np.asarray(planned(apart, block).arguments[1])
    assert (mixed[..., :200] == 1).all(), "hard samples first, whichever order the student has"
    np.testing.assert_array_equal(mixed[..., 200:600], own[..., :400])
    assert block.address != blocks[0].address


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
        (
            "committee",
            {"options": {"units": 2.0}},
            "unknown option of committee 'units'; known: decay, overlap",
        ),
        ("sparse_teacher", {"options": {"n_inputs": 9.0}}, "unknown option of sparse_teacher 'n_inputs'"),
        (
            "committee",
            {"record": ("test_accuracy",)},
            "committee does not measure test_accuracy",
        ),
        ("sparse_teacher", {"record": ("covered",)}, "sparse_teacher does not measure covered"),
        ("sparse_teacher", {"start_inputs": -1}, "start_inputs is -1; need an integer >= 0"),
        ("sparse_teacher", {"start_inputs": 3}, "n_inputs"),
        ("committee", {"method": "theory", "activation": "relu", "loss": "logistic"}, "'logistic' needs"),
        ("committee", {"method": "guess"}, "unknown method 'guess'"),
        (
            "committee",
            {"student": "wide"},
            "unknown student 'wide'; known: deep, experts, pair, softmax, tracked, two_layer",
        ),
        ("committee", {"depth": 2}, "depth is 2, but student 'two_layer' has none; .* or take student deep"),
        ("committee", {"bias": True}, "bias is True, but student 'two_layer' has none"),
        ("committee", {"student": "deep", "depth": 0}, "depth is 0; need 1 <= depth <= 16"),
        ("committee", {"student": "deep", "readout_scale": 2.0}, "readout_scale is 2.0, but student 'deep'"),
        (
            "committee",
            {"student": "deep", "record": ("v",)},
            "committee with a Deep student does not measure v",
        ),
        ("committee", {"student": "deep", "method": "theory"}, "TwoLayer students, not of Deep; simulate"),
        (
            "committee",
            {"student": "experts", "experts": 3, "active": 4},
            "active is 4; need 1 <= active <= 3",
        ),
        ("committee", {"student": "experts", "experts": 2}, "width is 3; need a multiple of experts = 2"),
        (
            "committee",
            {"experts": 3},
            "experts is 3, but student 'two_layer' has none; .* take student experts",
        ),
        ("committee", {"student": "pair", "guidance": -1.0}, "guidance is -1.0; need 0 <= guidance <= 1"),
        ("committee", {"student": "softmax"}, "loss is 'squared', but outputs for labels"),
        (
            "committee",
            {"student": "pair", "checkpoint": 15.0},
            "checkpoint 15 is outside of the teacher's run",
        ),
        (
            "committee",
            {"student": "pair", "checkpoint": 2.0},
            "checkpoint 2 is not a multiple of record_every",
        ),
        ("committee", {"checkpoint": 5.0}, "checkpoint is 5, but student is 'two_layer'"),
        (
            "committee",
            {"student": "pair", "teacher_protocol": "curriculum"},
            "teacher_protocol is 'curriculum', but no teacher learns alone; give a checkpoint",
        ),
        (
            "committee",
            {"student": "pair", "checkpoint": 5.0, "teacher_protocol": "easy"},
            "unknown protocol 'easy'; known: ",
        ),
        (
            "committee",
            {"student": "pair", "checkpoint": -5.0},
            "checkpoint -5 is outside of the teacher's run; need 0 <= checkpoint <= budget = 10",
        ),
        (
            "committee",
            {"rate_schedule": "cosin"},
            "unknown schedule of learning rates 'cosin'; known: constant",
        ),
        ("committee", {"average": 1.5}, "average is 1.5; need 0 <= average < 1"),
        ("sparse_teacher", {"easy": {"signal": 1.0}}, "unknown difficulty field 'signal'; known: noise"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(task, changes, message):
    with pytest.raises(ValueError, match=message) as refusal:
        replace(CELLS[task], **changes).check()
    assert "\n" not in str(refusal.value)
