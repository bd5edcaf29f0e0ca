"""Theory meets simulation from the same start, under a curriculum, in standard errors."""

from functools import lru_cache

import jax
import numpy as np
import pytest
from theory_tools import skewed_start

from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.theory.integrate import equations, trajectory, values_of
from teacher_student.theory.rates import derivative, rates_of
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


#: What goes through `trajectory`, which other tests hold to references; of the rest the right-hand side does.
INTEGRATED = "xor quadratic ntk"

ALPHAS = (3, 5)
N, SMALL = 400, 50
TIMES = np.linspace(0, sum(ALPHAS), 5)
N_NODES = 1024


@lru_cache
def simulated(case: str, n: int) -> tuple[Simulation, list[str]]:
    """Runs of a case at N = n, and what was recorded."""
    make, student, rate = CASES[case]
    task, table = make(n)
    start = skewed_start(task, student.width)
    names = ["M", "Q", "v", "test_loss"] + (["test_accuracy"] if task.group_names else [])
    names = ["M"] if n == SMALL else names
    runs = simulate(
        task,
        student,
        table,
        np.repeat([0, 1], [a * n for a in ALPHAS]),
        target=table[1],
        learning_rate=rate,
        replicates=48,
        record=tuple(names),
        n_records=4,
        n_test=2 if n == SMALL else 4096,
        method="gram",
        dtype="float64",
        initial=start,
    )
    return runs, names


@lru_cache
def solved(case: str) -> dict[str, np.ndarray]:
    """The theory of a case; N enters through the fractions of the blocks, which are those of every n here."""
    make, student, rate = CASES[case]
    task, table = make(N)
    start = skewed_start(task, student.width)
    if case != INTEGRATED:
        return on_fixed_steps(task, student, start, table, rate)
    phases = [(float(ALPHAS[0]), (1, 0)), (float(ALPHAS[1]), (0, 1))]
    known = trajectory(
        task, student, start, table, phases, TIMES, target=table[1], learning_rate=rate, n_nodes=N_NODES
    )
    assert int(known.status) == 0
    return known.values


def on_fixed_steps(task, student, start, table, rate) -> dict[str, np.ndarray]:
    """The same by the classical Runge-Kutta method: a small program, called often."""
    equation, rates = equations(task, student, n_nodes=N_NODES), rates_of(student, rate)
    nodes, steps = equation.nodes(0), 10

    @jax.jit
    def once(state, level):
        slope = derivative(equation.moments(state, level, rates.output_scale, nodes), state, rates)
        return slope, values_of(equation, state, level, rates, nodes)

    def ahead(state, slope, length):
        return jax.tree.map(lambda x, k: x + length * k, state, slope)

    def step(state, level):
        total, slope = state, jax.tree.map(np.zeros_like, state)
        for where, part in ((0, 1 / 6), (0.5, 1 / 3), (0.5, 1 / 3), (1, 1 / 6)):
            slope = jax.tree.map(np.asarray, once(ahead(state, slope, where * length), level)[0])
            total = ahead(total, slope, part * length)
        return total

    state, length = jax.tree.map(np.asarray, start), TIMES[1] / steps
    found = [once(state, table[1])[1]]
    for i in range(1, (len(TIMES) - 1) * steps + 1):
        state = step(state, table[int((i - 0.5) * length > ALPHAS[0])])
        if i % steps == 0:
            found.append(once(state, table[1])[1])
    return jax.tree.map(lambda *x: np.stack(x), *found)


@pytest.mark.parametrize("case", CASES)
def test_agreement_in_standard_errors(case):
    """The gap of a mean of runs is its standard error and a bias of order 1 / N."""
    (seen, names), known = simulated(case, N), solved(case)
    np.testing.assert_array_equal(seen.time, TIMES)
    for name in names:
        runs = seen.values[name][:, 0]
        gap = runs.mean(0) - known[name]
        error = runs.std(0, ddof=1) / len(runs) ** 0.5
        size = np.abs(runs).max()
        sampling = 2e-3 if name == "test_accuracy" else 1e-9
        assert (np.abs(gap) < 5 * error + 8 * size / N + sampling).all(), (name, gap, error)
        assert np.sqrt(np.mean(gap**2)) < 0.05 * size, name


@pytest.mark.parametrize("case", ["xor relu", "sparse erf", "committee mean field"])
def test_the_gap_of_a_single_run_falls_as_the_square_root_of_n(case):
    """Expected: root-mean-square distance ~ N^-1/2, slope -1/2, in each task."""
    sizes, gaps, known = [SMALL, N], [], solved(case)["M"][1:]
    for n in sizes:
        seen, _ = simulated(case, n)
        gaps.append(np.sqrt(np.mean((seen.values["M"][:, 0, 1:] - known) ** 2)))
    slope = np.polyfit(np.log(sizes), np.log(gaps), 1)[0]
    assert abs(slope + 0.5) < 0.12, (slope, gaps)
