"""The protocol "optimal": a schedule from a file, in a study and in its address; what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from curricula.schedule import SavedSchedule, phases, read_schedule, save_schedule
from studies.__main__ import main
from studies.cells.online import OnlineCell
from studies.cells.online_blocks import planned
from studies.study import Study
from teacher_student.saved_schedule import places
from teacher_student.tasks.sparse_teacher import SparseTeacher

pytestmark = pytest.mark.usefixtures("quick_module")

EASY, HARD = {"noise": 0.1}, {"noise": 1.0}
THREE = ((0.25, {0.0: 1.0}), (0.5, {1.0: 0.75, 0.5: 0.25}), (0.25, {0.0: 1.0}))
SAVED = SavedSchedule("sparse_teacher", 4.0, EASY, HARD, THREE, {"loss": 0.1})
CELL = OnlineCell(
    task="sparse_teacher", n_inputs=40, width=2, activation="erf", easy=EASY, hard=HARD, budget=4.0,
    record_every=2.0, n_test=16, record=("test_loss",),
)  # fmt: skip


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "three.json"
    save_schedule(SAVED, path)
    return path


def study(file, **changes) -> Study:
    cell = replace(CELL, **changes | {"schedule": str(file)})
    return Study(cell, ({"protocol": ("optimal", "curriculum")},), replicates=2, rows=2)


def test_a_file_gives_back_what_was_saved_and_is_never_overwritten(file):
    assert read_schedule(file) == SAVED
    assert phases("optimal", 0.3, str(file)) == THREE
    with pytest.raises(ValueError, match="exists; give another name"):
        save_schedule(SAVED, file)


@pytest.mark.slow
def test_an_optimal_schedule_that_is_the_curriculum_runs_as_the_curriculum(tmp_path):
    path = tmp_path / "curriculum.json"
    save_schedule(replace(SAVED, phases=((0.3, {0.0: 1.0}), (0.7, {1.0: 1.0}))), path)
    (block,) = study(path, easy_fraction=0.3).blocks()
    losses = block.cell.compute(block).test_loss
    np.testing.assert_array_equal(losses.sel(protocol="optimal"), losses.sel(protocol="curriculum"))
    assert losses.sel(protocol="curriculum", replicate=0).std() > 0


def test_levels_between_easy_and_hard_are_shown(file):
    (block,) = study(file).blocks()
    steps, table = planned(replace(CELL, schedule=str(file)), block).arguments[1:3]
    shown = table["noise"][steps[block.protocols.index("optimal"), :, :160]]
    np.testing.assert_allclose(shown[:, np.r_[:40, 120:160]], 0.1)
    np.testing.assert_allclose(np.sort(shown[:, 40:120]), [np.repeat([0.55, 1.0], [20, 60])] * 2)


def test_the_address_is_that_of_the_content_and_not_of_the_place(file, tmp_path):
    other, changed = tmp_path / "other.json", tmp_path / "changed.json"
    other.write_bytes(file.read_bytes())
    save_schedule(replace(SAVED, phases=((0.5, {0.0: 1.0}), (0.5, {1.0: 1.0}))), changed)
    ours, same, another = (study(path).blocks()[0].address for path in (file, other, changed))
    assert ours == same != another
    # where the protocol is not asked for, a file changes no address
    plain = Study(CELL, ({"protocol": ("curriculum",)},), 2, rows=2).blocks()[0].address
    assert replace(study(file), grids=({"protocol": ("curriculum",)},)).blocks()[0].address == plain


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--budget 6 --record_every 2", "the schedule is for a budget of 4, this run has 6"),
        ("--hard.noise 2", "the schedule is for the hard level noise 1.0, this run has noise 2.0"),
        ("--task committee", "the schedule is for task sparse_teacher, this run is of committee"),
        ("--schedule nowhere.json", "no schedule can be read from 'nowhere.json'"),
    ],
)
def test_a_file_of_something_else_is_refused_in_one_line(file, line, message, capsys):
    base = "--n_inputs 40 --easy.noise 0.1 --hard.noise 1 --budget 4 --record_every 2 --width 2"
    words = f"where sparse_teacher {base} --protocol optimal --schedule {file}".split()
    for name, value in zip(*[iter(line.split())] * 2, strict=True):
        if name in words:
            words[words.index(name) + 1] = value
        else:
            words += [name, value]
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert message in said
    assert said.count("\n") == 1


def test_the_protocol_needs_a_file_and_the_file_has_to_be_one(tmp_path):
    with pytest.raises(ValueError, match="needs the file of a schedule: --schedule FILE"):
        replace(CELL, protocol="optimal").check()
    with pytest.raises(ValueError, match="needs the file of a schedule"):
        phases("optimal", 0.3)
    for content in ("no json", "[]", json.dumps({"kind": "other"})):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(ValueError, match="is no schedule"):
            read_schedule(tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text(json.dumps({"kind": "tilting-odds schedule, version 1", "task": "x"}))
    with pytest.raises(ValueError, match="is a damaged schedule"):
        read_schedule(tmp_path / "bad.json")


def test_phases_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match=r"last 0\.75 of the run; need 1"):
        replace(SAVED, phases=THREE[:2])
    with pytest.raises(ValueError, match="need shares that sum to 1"):
        replace(SAVED, phases=((1.0, {0.0: 0.4}),))


def test_places_of_levels_and_levels_that_have_none():
    task = SparseTeacher(40)
    assert places([task.level(noise=x) for x in (2.0, 1.0, 0.0)]) == [0.0, 0.5, 1.0]
    with pytest.raises(ValueError, match="does not lie between"):
        places([task.level(noise=x) for x in (0.0, 3.0, 2.0)])
    with pytest.raises(ValueError, match="are the same"):
        places([task.level(noise=1.0)] * 2)
