"""A quantity that is not measured is refused before anything is drawn, compiled or run."""

import pytest

import teacher_student as ts
from teacher_student import equations
from teacher_student.theory import integrate
from teacher_student.training import simulate

RUN = {"protocol": "curriculum", "easy": 0.1, "hard": 1.0, "budget": 1, "n_records": 1, "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("call", "record", "message"),
    [
        (ts.simulate, "covered", "sparse_teacher does not measure covered; it measures M, Q, v"),
        (ts.simulate, ("M", "path_length"), "does not measure path_length"),
        (ts.trajectory, ("Q", "covered"), "sparse_teacher does not measure covered; it measures M, Q, v"),
    ],
)
def test_it_is_refused_before_anything_runs(monkeypatch, call, record, message):
    def runs(*arguments, **fields):
        raise AssertionError("it runs")

    for module, name in ((simulate, "run_plans"), (equations, "draw_start"), (integrate, "trajectory")):
        monkeypatch.setattr(module, name, runs)
    with pytest.raises(ValueError, match=message) as refusal:
        call(ts.SparseTeacher(40), ts.TwoLayer(2, "erf"), record=record, **RUN)
    assert "\n" not in str(refusal.value)
    with pytest.raises(AssertionError, match="it runs"):
        call(ts.SparseTeacher(40), ts.TwoLayer(2, "erf"), record="test_loss", **RUN)
