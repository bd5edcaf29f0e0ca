"""`trajectory` by protocol names: the call of `simulate`, the numbers of the equations, and their benefit."""

from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import teacher_student as ts
from studies.analysis import benefit
from teacher_student.theory import integrate

pytestmark = pytest.mark.usefixtures("quick_module")

TASK, STUDENT = ts.SparseTeacher(100), ts.TwoLayer(2, "erf", train_readout=False)
CALL: dict[str, Any] = {
    "easy": 0.1,
    "hard": 2.0,
    "budget": 8,
    "easy_fraction": 0.25,
    "learning_rate": 0.7,
    "n_records": 4,
}
ARMS = ("curriculum", ts.staircase([1.0, 0.2]))
ARMS_BY_NAME = ("curriculum", "staircase")


@lru_cache
def solved() -> Any:
    """Both protocols from two starts."""
    return ts.trajectory(
        TASK, STUDENT, protocol=ARMS, replicates=2, seed=3, record=("M", "test_accuracy"), **CALL
    )


@pytest.mark.slow
def test_names_are_the_phases_as_arrays():
    found = solved()
    table = [TASK.level(noise=x) for x in (0.1, 2.0, 1.0, 0.2)]
    phases = [[(2.0, (1, 0, 0, 0)), (6.0, (0, 1, 0, 0))], [(4.0, (0, 0, 1, 0)), (4.0, (0, 0, 0, 1))]]
    start = ts.draw_start(TASK, STUDENT, learning_rate=0.7, replicates=2, seed=3)
    by_hand = integrate.trajectory(
        TASK, STUDENT, start, table, phases, np.arange(5) * 2.0, target=table[1], learning_rate=0.7, seed=3
    )
    for name in found.values:
        np.testing.assert_array_equal(found.values[name], by_hand.values[name])
    assert found.labels.protocols == ARMS_BY_NAME
    ds = by_hand.to_xarray()
    assert ds.Q_blocks.dims == ("protocol", "width", "replicate", "time", "block", "unit", "unit_")
    np.testing.assert_array_equal(ds.M.sel(protocol="1", width=2, replicate=0), by_hand.values["M"][0, 1])


@pytest.mark.slow
def test_the_benefit_of_a_trajectory_is_the_difference_of_its_protocols():
    accuracy = solved().values["test_accuracy"]
    seen = benefit(solved().to_xarray(), *ARMS_BY_NAME)
    assert seen.n.item() == 2
    np.testing.assert_allclose(
        seen.benefit.sel(width=2), (accuracy[:, 0] - accuracy[:, 1]).mean(0), atol=1e-6
    )
    assert seen.benefit.sel(time=0).item() == pytest.approx(0, abs=1e-6)
    assert abs(seen.benefit.sel(time=8).item()) > 0.01


@pytest.mark.slow
def test_equations_and_simulation_start_alike_and_have_the_same_axes():
    call: dict[str, Any] = {"protocol": ARMS, "replicates": np.array([4, 1]), "record": ("M", "v"), **CALL}
    runs = ts.simulate(TASK, STUDENT, **call).to_xarray()
    theory = ts.trajectory(TASK, STUDENT, **call).to_xarray()
    np.testing.assert_allclose(runs.M.isel(time=0), theory.M.isel(time=0), rtol=1e-6)
    assert runs.sizes == theory.sizes
    for axis in runs.coords:
        assert (runs[axis] == theory[axis]).all()
    assert (runs.attrs["method"], theory.attrs["method"]) == ("gram", "theory")


@pytest.mark.slow
def test_a_start_that_is_given_serves_all_replicates():
    start = ts.draw_start(TASK, STUDENT, learning_rate=0.7)
    one = ts.Overlaps(*(x[0] for x in start))
    # four protocols without mixtures are as many trajectories as above, of the same shapes: the same program
    arms = (*ARMS, "anti_curriculum", "target_only")
    found = ts.trajectory(TASK, STUDENT, protocol=arms, replicates=3, initial=one, record="M", **CALL)
    assert found.values["M"].shape == (3, 4, 5, 2, 1)
    assert (found.values["M"] == found.values["M"][:1]).all()
    with pytest.raises(ValueError, match="need one start"):
        ts.trajectory(TASK, STUDENT, protocol=ARMS, initial=start, **CALL)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"record": "covered", "replicates": 2}, "sparse_teacher does not measure covered; it measures M, Q"),
        ({"record": "loss"}, "unknown quantity to record 'loss'"),
        ({"budget": 0}, "budget is 0"),
        ({"n_records": 0}, "n_records is 0"),
        ({"replicates": 0}, "replicates is 0"),
        ({"hard": {"signal": 1.0}}, "unknown entry of a level of sparse_teacher 'signal'"),
        ({"protocol": "rule_curriculum"}, "stages clusters, and task 'sparse_teacher' has none"),
        ({"easy": 3.0}, "higher noise is harder; swap the two"),
    ],
)
def test_bad_input_is_refused_in_one_line(changes, message):
    with pytest.raises(ValueError, match=message) as error:
        ts.trajectory(TASK, STUDENT, **{"protocol": ARMS, **CALL, **changes})
    assert "\n" not in str(error.value)
