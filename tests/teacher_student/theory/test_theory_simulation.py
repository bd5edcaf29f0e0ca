"""Theory meets simulation from the same start, under a curriculum, and samples, in standard errors."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from theory_tools import skewed_start

from teacher_student.interfaces import Noise
from teacher_student.order_parameters import factor
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.sparse_teacher import SparseTeacher
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.theory.integrate import equations, values_of
from teacher_student.theory.rates import derivative, fractions, rates_of
from teacher_student.training.simulate import Simulation, simulate

pytestmark = [pytest.mark.usefixtures("float64", "quick_module"), pytest.mark.slow]

TILTED = ((1.0, 0.3), (0.3, 0.8))


def xor(n):
    task = XorMixture(n)
    return task, [
        task.level(0.2, prior=(0.4, 0.1, 0.3, 0.2)),
        task.level(0.5, signal=1.3, prior=(0.1, 0.2, 0.4, 0.3)),
    ]


def sparse(n):
    task = SparseTeacher(n, relevant=0.3)
    return task, [task.level(0.2), task.level(2.0)]


def committee(n):
    task = Committee(n, 2, readout=(1.0, -0.5), overlap=TILTED, relevant=0.6)
    return task, [task.level(0.0, irrelevant=0.1), task.level(0.2, irrelevant=2.0)]


#: One of each task and of each parametrisation, and its learning rate.
CASES = {
    "xor quadratic ntk": (xor, TwoLayer(3, "quadratic", parametrisation="ntk"), 0.1),
    "sparse erf": (sparse, TwoLayer(3, "erf"), 0.7),
    "committee mean field": (committee, TwoLayer(4, "erf", parametrisation="mean_field"), 0.7),
}
#: The other formulas, and one whose terms of second order are small where its rate is stable.
AVERAGES = {
    "xor quadratic": (xor, TwoLayer(3, "quadratic")),
    "xor relu": (xor, TwoLayer(3)),
    "xor logistic": (xor, TwoLayer(3, "relu", "logistic")),
    "sparse relu logistic": (sparse, TwoLayer(2, "relu", "logistic")),
    "committee relu": (committee, TwoLayer(3)),
}

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
    """The theory of a case by the classical Runge-Kutta method: a small program, called often.

    N enters through the fractions of the blocks, which are those of every n here.
    """
    make, student, rate = CASES[case]
    task, table = make(N)
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

    state = jax.tree.map(np.asarray, skewed_start(task, student.width))
    length = TIMES[1] / steps
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


@pytest.mark.parametrize("case", CASES)
def test_the_gap_of_a_single_run_falls_as_the_square_root_of_n(case):
    """Expected: root-mean-square distance ~ N^-1/2, slope -1/2, in each task."""
    sizes, gaps, known = [SMALL, N], [], solved(case)["M"][1:]
    for n in sizes:
        seen, _ = simulated(case, n)
        gaps.append(np.sqrt(np.mean((seen.values["M"][:, 0, 1:] - known) ** 2)))
    slope = np.polyfit(np.log(sizes), np.log(gaps), 1)[0]
    assert abs(slope + 0.5) < 0.12, (slope, gaps)


@pytest.mark.parametrize("case", AVERAGES)
def test_averages_are_those_of_samples_where_all_entries_of_a_level_count(case):
    """By definition, at the hard level; the contract of all tasks has them at the level of least words."""
    make, student = AVERAGES[case]
    task, (_, level) = make(N)
    state, scale, n = skewed_start(task, student.width), 0.7, 100_000
    rng, equation = np.random.default_rng(0), equations(task, student, n_nodes=2**12)
    normals = rng.normal(size=(n, sum(block.directions for block in task.blocks)))
    noise = Noise(*map(jnp.asarray, (normals, rng.uniform(size=n), rng.normal(size=n))))
    inside = rng.normal(size=(n, len(task.blocks), student.width))

    @jax.jit
    def both(noise, inside, level):
        rows = {name: jnp.broadcast_to(x, (n, *x.shape)) for name, x in level.items()}
        seen, clean = task.observe(noise, rows), task.observe(noise._replace(label=0 * noise.label), rows)
        parts = jnp.einsum("nb,bkl,nbl->nbk", seen.scale, factor(state.gram), inside)
        lam = seen.along @ state.along.T + jnp.sum(parts, 1)
        u, phi = scale * state.readout, student.phi(lam)
        error = student.dloss(phi @ u, seen.label)[:, None]
        g = error * u * student.dphi(lam)
        share = jnp.asarray(fractions(task)) * seen.scale[0] ** 2
        samples = {
            "along": jnp.einsum("nk,np->nkp", g, seen.along),
            "cross": jnp.einsum("nk,nbl->nbkl", g, parts),
            "square": jnp.einsum("b,nk,nl->nbkl", share, g, g),
            "readout": error * phi,
            "test_loss": student.losses(phi @ u, clean.label),
            "test_accuracy": 0.5 * (1 + jnp.sign(phi @ u) * clean.label),
        }
        found = equation.moments(state, level, scale, equation.nodes(0))._asdict()
        found |= equation.observe(state, level, scale, equation.nodes(0))
        return found, {name: (jnp.mean(x, 0), jnp.std(x, 0) / n**0.5) for name, x in samples.items()}

    found, sampled = jax.tree.map(np.asarray, both(noise, inside, level))
    assert ("test_accuracy" in found) == bool(task.group_names)
    for name in sampled.keys() & found.keys():
        mean, error = sampled[name]
        away, most = np.abs(found[name] - mean), 5 * error + 2e-3 * np.abs(mean).max()
        assert (away < most).all(), (name, found[name], mean, error)
