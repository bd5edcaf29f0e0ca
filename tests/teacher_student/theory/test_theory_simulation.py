"""Theory meets simulation from the same start, under a curriculum, in standard errors."""

from functools import lru_cache

import numpy as np
import pytest
from theory_tools import skewed_start

from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.theory.integrate import Trajectory, trajectory
from teacher_student.training.simulate import Simulation, simulate

pytestmark = [pytest.mark.usefixtures("float64", "quick_module"), pytest.mark.slow]

TILTED = ((1.0, 0.3), (0.3, 0.8))


def xor(n):
    task = XorMixture(n)
    return task, [task.level(0.2, prior=(0.4, 0.1, 0.3, 0.2)), task.level(0.8, signal=1.3)]


def sparse(n):
    task = SparseTeacher(n, relevant=0.3)
    return task, [task.level(0.2), task.level(2.0)]


def committee(n):
    task = Committee(n, 2, readout=(1.0, -0.5), overlap=TILTED, relevant=0.6)
    return task, [task.level(0.0, irrelevant=0.1), task.level(0.2, irrelevant=2.0)]


CASES = {
    "xor relu": (xor, TwoLayer(3), 0.5),
    "xor quadratic ntk": (xor, TwoLayer(3, "quadratic", parametrisation="ntk"), 0.1),
    "xor logistic mean field": (xor, TwoLayer(3, "relu", "logistic", "mean_field"), 0.5),
    "sparse erf": (sparse, TwoLayer(3, "erf"), 0.7),
    "sparse relu logistic": (sparse, TwoLayer(2, "relu", "logistic"), 0.7),
    "committee mean field": (committee, TwoLayer(4, "erf", parametrisation="mean_field"), 0.7),
    "committee relu": (committee, TwoLayer(3), 0.3),
}


ALPHAS = (3, 5)
N = 400


@lru_cache
def simulated(case: str, n: int, replicates: int = 48) -> tuple[Simulation, list[str]]:
    """Runs of a case at N = n, and what was recorded."""
    make, student, rate = CASES[case]
    task, table = make(n)
    start = skewed_start(task, student.width)
    names = ["M", "Q", "v", "test_loss"] + (["test_accuracy"] if task.group_names else [])
    runs = simulate(
        task,
        student,
        table,
        np.repeat([0, 1], [a * n for a in ALPHAS]),
        target=table[1],
        learning_rate=rate,
        replicates=replicates,
        record=tuple(names),
        n_records=4,
        n_test=4096,
        method="gram",
        dtype="float64",
        initial=start,
    )
    return runs, names


@lru_cache
def solved(case: str) -> Trajectory:
    """The theory of a case; N enters through the fractions of the blocks, which are those of every n here."""
    make, student, rate = CASES[case]
    task, table = make(N)
    phases = [(float(ALPHAS[0]), (1, 0)), (float(ALPHAS[1]), (0, 1))]
    times = np.linspace(0, sum(ALPHAS), 5)
    start = skewed_start(task, student.width)
    known = trajectory(task, student, start, table, phases, times, target=table[1], learning_rate=rate)
    assert int(known.status) == 0
    return known


@pytest.mark.parametrize("case", CASES)
def test_agreement_in_standard_errors(case):
    """The gap of a mean of runs is its standard error and a bias of order 1 / N."""
    (seen, names), known = simulated(case, N), solved(case)
    np.testing.assert_array_equal(seen.time, known.time)
    for name in names:
        runs = seen.values[name][:, 0]
        gap = runs.mean(0) - np.asarray(known.values[name])
        error = runs.std(0, ddof=1) / len(runs) ** 0.5
        size = np.abs(runs).max()
        sampling = 2e-3 if name == "test_accuracy" else 1e-9
        assert (np.abs(gap) < 5 * error + 8 * size / N + sampling).all(), (name, gap, error)
        assert np.sqrt(np.mean(gap**2)) < 0.05 * size, name


@pytest.mark.parametrize("case", ["xor relu", "sparse erf", "committee mean field"])
def test_the_gap_of_a_single_run_falls_as_the_square_root_of_n(case):
    """Expected: root-mean-square distance ~ N^-1/2, slope -1/2, in each task."""
    sizes, gaps, known = [100, N, 1600], [], solved(case)
    for n in sizes:
        seen, _ = simulated(case, n)
        gaps.append(np.sqrt(np.mean((seen.values["M"][:, 0, 1:] - np.asarray(known.values["M"])[1:]) ** 2)))
    slope = np.polyfit(np.log(sizes), np.log(gaps), 1)[0]
    assert abs(slope + 0.5) < 0.12, (slope, gaps)
