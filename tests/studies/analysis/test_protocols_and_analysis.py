"""Simulations and trajectories by protocol names go into the analysis; a new protocol is one entry."""

from typing import Any

import numpy as np
import pytest

import teacher_student as ts
from studies.analysis import benefit
from studies.cells.online import OnlineCell
from studies.store import STATUS
from studies.study import Study
from teacher_student import protocols, results

pytestmark = pytest.mark.usefixtures("quick_module")

ARMS = ("curriculum", "no_curriculum")
#: Of all simulations here, so that they share their programs.
TASK, STUDENT = ts.XorMixture(40), ts.TwoLayer(4)
SHARED: dict[str, Any] = {"budget": 20, "replicates": 16, "n_records": 2, "n_test": 16}


def test_status_means_the_same_in_both():
    assert results.STATUS.items() <= STATUS.items()


@pytest.mark.slow
def test_benefit_of_a_simulation_is_the_paired_difference():
    found = ts.simulate(
        TASK, STUDENT, protocol=ARMS, easy=0.1, hard={"noise": 1.0}, learning_rate=0.3, **SHARED
    )
    accuracy = found.values["test_accuracy"]
    expected = (accuracy[:, 0] - accuracy[:, 1]).mean(0)
    seen = benefit(found.to_xarray())
    assert seen.benefit.dims == ("width", "time")
    np.testing.assert_allclose(seen.benefit.sel(width=4), expected, atol=1e-6)
    assert seen.n.item() == 16
    assert np.ptp(expected) > 0


@pytest.mark.slow
def test_a_diverged_run_is_left_out():
    found = ts.simulate(TASK, STUDENT, protocol=ARMS, easy=0.1, hard=1.0, learning_rate=3.2, seed=3, **SHARED)
    ds = found.to_xarray()
    assert 0 < found.diverged.sum() < found.diverged.size
    np.testing.assert_array_equal(ds.status.sel(width=4), np.where(found.diverged.T, STATUS["diverged"], 0))
    assert benefit(ds).n.item() == 16 - found.diverged.any(1).sum()


@pytest.mark.slow
def test_a_protocol_that_is_registered_runs_in_a_study(monkeypatch):
    """Three levels of its own between easy and hard; one entry of PROTOCOLS is all that it takes."""

    def three(f):
        return tuple(protocols.Phase(x, {place: 1.0}) for place, x in ((0, f), (0.5, 0.2), (1, 0.8 - f)))

    monkeypatch.setitem(protocols.PROTOCOLS, "three", three)
    cell = OnlineCell(n_inputs=40, width=4, budget=20.0, record_every=10.0, n_test=16, easy_fraction=0.4)
    study = Study(cell, ({"protocol": ("curriculum", "three")},), 16, rows=16, name="three")
    (block,) = study.blocks()
    ds = block.cell.compute(block)
    levels = [0.1, 0.55, 1.0]
    shares = {"three": (0.4, 0.2, 0.4), "others": (0.2, 0.4, 0.4)}
    stairs = tuple(ts.staircase(levels, parts, name=name) for name, parts in shares.items())
    hand = ts.simulate(TASK, STUDENT, protocol=stairs, target=1.0, learning_rate=0.3, **SHARED)
    np.testing.assert_allclose(ds.test_loss.sel(protocol="three"), hand.values["test_loss"][:, 0], rtol=1e-5)
    assert (ds.test_loss.sel(protocol="three") != ds.test_loss.sel(protocol="curriculum")).any()
