"""Committee trajectories of independent programs, reproduced."""

from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from theory_tools import reference

from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.theory.integrate import Trajectory, trajectory
from teacher_student.theory.solve import Settings

pytestmark = pytest.mark.usefixtures("float64", "quick_module")

PRECISE = Settings("dopri8", rtol=1e-11, atol=1e-13)
NEARLY = Settings(rtol=1e-9, atol=1e-11)

# The first file's start (v = A = 1, rates .5) and the error it reaches at alpha = 1, 10, 100.
T = [[1.09720633, -0.01625184], [-0.01625184, 1.02054048]]
R = [
    [0.00756281, -0.06258791],
    [0.00051426, -0.02862626],
    [-0.02930226, 0.03128661],
    [0.00868833, 0.01236672],
]
Q = [
    [1.12506030e00, 1.70998353e-02, 5.14215621e-04, -8.39639807e-03],
    [1.70998353e-02, 9.67000806e-01, -8.82650908e-03, 2.27393127e-02],
    [5.14215621e-04, -8.82650908e-03, 1.04549621e00, 5.89485050e-03],
    [-8.39639807e-03, 2.27393127e-02, 5.89485050e-03, 1.02233300e00],
]
ERRORS = [0.503108815109, 0.0579556466173, 0.0334972564807]


def follow(t, r, q, a, v, times, lr, **more) -> tuple[Committee, Trajectory]:
    """Integrate from a start in the file's terms: T, R = W W*^T, Q, A, v."""
    a, q = np.asarray(a), np.asarray(q)
    task = Committee(1000, len(a), tuple(a.tolist()), tuple(map(tuple, np.asarray(t).tolist())))
    along = np.linalg.solve(task.teacher_rows, np.asarray(r).T).T
    sigma = more.pop("sigma", 0.0)
    student = TwoLayer(len(q), activation="erf", train_readout="readout_rate" in more)
    level = task.level(noise=sigma**2)
    start = Overlaps(*(jnp.asarray(x) for x in (along, (q - along @ along.T)[None], v)))
    phases = [(float(times[-1]), (1.0,))]
    settings = more.pop("settings", PRECISE)
    return task, trajectory(
        task,
        student,
        start,
        [level],
        phases,
        times,
        target=level,
        learning_rate=lr,
        settings=settings,
        **more,
    )


@pytest.mark.slow
def test_plain_numbers():
    _, ours = follow(T, R, Q, np.ones(2), np.ones(4), np.array([1.0, 10.0, 100.0]), 0.5, settings=NEARLY)
    # the start above is rounded to 8 decimals, which moves the error by a few 1e-7
    np.testing.assert_allclose(ours.values["test_loss"], ERRORS, rtol=5e-6)
    assert int(ours.status) == 0


FILES = ["committee_K4M2_fixed_readout", "committee_K3M2_noise_decay"]


@lru_cache
def followed(name: str) -> tuple[Any, Committee, Trajectory]:
    """A file and our trajectory from its start, at the times of its solution and of its simulated run."""
    d = reference(name)
    more = {"readout_rate": float(d["lr2"])} if d["both"] else {}
    more |= {"sigma": float(d["sigma"]), "weight_decay": float(d["wd"])}
    times = np.union1d(d["ref_t"], d["sim_t"][d["sim_t"] <= 100])
    return d, *follow(d["T"], d["R0"], d["Q0"], d["A"], d["v0"], times, float(d["lr"]), **more)


def at(ours: Trajectory, times: np.ndarray) -> dict[str, np.ndarray]:
    """The values at some of the times."""
    rows = np.searchsorted(ours.time, times)
    np.testing.assert_array_equal(ours.time[rows], times)
    return {name: np.asarray(x)[rows] for name, x in ours.values.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_high_order_solutions(name):
    d, task, trajectory = followed(name)
    ours = at(trajectory, d["ref_t"])
    np.testing.assert_allclose(ours["test_loss"], d["ref_eg"], rtol=1e-6)
    np.testing.assert_allclose(ours["Q"], d["ref_Q"], rtol=1e-6)
    np.testing.assert_allclose(ours["M"] @ task.teacher_rows.T, d["ref_R"], rtol=1e-6)
    np.testing.assert_allclose(ours["v"], d["ref_v"], rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_single_simulated_runs_stay_within_their_fluctuation(name):
    d, _, trajectory = followed(name)
    seen = d["sim_t"] <= 100
    ours = at(trajectory, d["sim_t"][seen])
    # one run at N = 1000: overlaps of unit order fluctuate by about N^-1/2 = 0.03
    assert np.sqrt(np.mean((ours["Q"] - d["sim_Q"][seen]) ** 2)) < 3 * 1000**-0.5
    assert np.sqrt(np.mean((ours["v"] - d["sim_v"][seen]) ** 2)) < 3 * 1000**-0.5
    assert np.max(np.abs(ours["test_loss"] / d["sim_eg"][seen] - 1)) < 0.2


@lru_cache
def mean_field_scaling() -> tuple[Any, np.ndarray, np.ndarray]:
    """The third file, the union of its times in units of its own clock, and our error at these times."""
    d = reference("committee_mean_field_scaling")
    p, k, rate = int(d["p"]), int(d["k"]), float(d["gamma"])
    ode = d["ode_times"] - float(d["dt"])  # stored one step late
    ode[0] = 0.0
    times = np.union1d(ode.round(9), (d["sim_steps"] * rate / (p * int(d["d"]))).round(9))
    _, ours = follow(
        d["P"],
        d["M0"],
        d["Q0"],
        np.full(k, 1 / k),
        np.full(p, 1 / p),
        times * p / rate,
        rate,
        sigma=float(d["noise"]) ** 0.5,
        settings=Settings(rtol=1e-7, atol=1e-10),
    )
    return d, times, np.asarray(ours.values["test_loss"])


@pytest.mark.slow
def test_mean_field_scaling():
    """Vanishing rate at fixed rate x alpha / p, down to the floor that the label noise sets.

    The file's equations leave out a term of second order in the rate and take Euler steps of 1e-3.
    """
    d, times, error = mean_field_scaling()
    stored = d["ode_times"] - float(d["dt"])
    stored[0] = 0.0
    np.testing.assert_allclose(error[np.searchsorted(times, stored.round(9))], d["ode_risks"], rtol=2.5e-3)


@pytest.mark.slow
def test_mean_field_scaling_single_run():
    """One run of that program at its input dimension 3: small rate, so small fluctuations."""
    d, times, error = mean_field_scaling()
    seen = d["sim_steps"] * float(d["gamma"]) / (int(d["p"]) * int(d["d"]))
    ratio = np.log(d["sim_risks"] / error[np.searchsorted(times, seen.round(9))])
    assert np.sqrt(np.mean(ratio[seen <= 1000] ** 2)) < 0.03
    assert np.abs(ratio[seen <= 1000]).max() < 0.08
    assert np.abs(np.mean(ratio[seen > 5000])) < 0.3  # the floor itself fluctuates
