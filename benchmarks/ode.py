"""Seconds per trajectory of the order-parameter equations, against `scipy.integrate.solve_ivp`.

    python -m benchmarks.ode [--widths 4 8 16 32] [--batch 64] [--dtype float32] [--xor]

Committee: M = 4 orthonormal erf teacher units with readout 1, standard parametrisation, eta = 0.5, trained
readout, w ~ N(0, I/N) with N = 1000, to alpha = 100; the error column is the relative error of the final
test loss against a solution at rtol 1e-10, largest over the starts checked. The baselines run RK45 at
rtol 1e-6 on one start: "plain" evaluates the formulas of Saad & Solla for all (k, l, i, j) at once,
"factored" does what our right-hand side does, in NumPy. XorMixture: relu, standard parametrisation,
eta = 0.3, easy then hard, to alpha = 100, 4096 mirrored nodes. Compilation is left out.
"""

import argparse
import time
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.ode_baseline import NumpyCommittee, solve_baseline
from teacher_student.order_parameters import Overlaps
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.tasks.xor_mixture import XorMixture
from teacher_student.theory.integrate import Trajectory, trajectory
from teacher_student.theory.solve import Settings

ALPHA, RATE, TEACHERS, N = 100.0, 0.5, 4, 1000


def starts(width: int, directions: int, batch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`batch` random students: along (B, K, P), orthogonal Gram matrices (B, K, K), readouts (B, K)."""
    rng = np.random.default_rng(0)
    along = rng.normal(size=(batch, width, directions)) / N**0.5
    rest = rng.normal(size=(batch, width, N - directions)) / N**0.5
    return along, rest @ rest.transpose(0, 2, 1), rng.normal(size=(batch, width)) / width**0.5


def overlaps(along: np.ndarray, gram: np.ndarray, readout: np.ndarray) -> Overlaps:
    """The same for our side."""
    return Overlaps(jnp.asarray(along, float), jnp.asarray(gram[:, None], float), jnp.asarray(readout, float))


def best(call: Callable[[], object], repeats: int) -> float:
    """Shortest wall time of a call, in seconds."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def ours(initial: Overlaps, width: int, rtol: float) -> Trajectory:
    """The committee's trajectories, finished."""
    task = Committee(N, TEACHERS)
    return trajectory(
        task,
        TwoLayer(width, "erf"),
        initial,
        [task.level()],
        [(ALPHA, (1.0,))],
        np.array([ALPHA]),
        target=task.level(),
        learning_rate=RATE,
        settings=Settings(rtol=rtol, atol=0.1 * rtol),
    )


def committee_rows(width: int, batch: int, rtol: float) -> None:
    """Print the rows of one width."""
    along, gram, readout = starts(width, TEACHERS, batch)
    rhs = NumpyCommittee(width, TEACHERS, RATE)
    start = rhs.pack(along[0], gram[0], readout[0])
    factored = best(lambda: solve_baseline(rhs, start, ALPHA), 3 if width < 32 else 1)
    plain_rhs = NumpyCommittee(width, TEACHERS, RATE, plain=True)
    plain = best(lambda: solve_baseline(plain_rhs, start, ALPHA), 1)
    initial = overlaps(along, gram, readout)
    one = jax.tree.map(lambda x: x[:1], initial)
    ours(one, width, rtol)
    single = best(lambda: ours(one, width, rtol), 3)
    seen = np.asarray(ours(initial, width, rtol).values["test_loss"][:, 0])
    each = best(lambda: ours(initial, width, rtol), 3) / batch
    error = 0.0
    for i in range(2 if width < 32 else 1):
        exact = rhs.loss(solve_baseline(rhs, rhs.pack(along[i], gram[i], readout[i]), ALPHA, 1e-10, "DOP853"))
        error = max(error, abs(float(seen[i]) / exact - 1))
    print(f"committee K={width:<3} solve_ivp, plain NumPy     {plain:9.4f} s", flush=True)
    print(f"committee K={width:<3} solve_ivp, factored NumPy  {factored:9.4f} s", flush=True)
    for name, seconds in (("single", single), (f"vmapped over {batch}", each)):
        print(
            f"committee K={width:<3} {name:<26} {seconds:9.4f} s   x {plain / seconds:.0f} plain, "
            f"x {factored / seconds:.1f} factored   relative error {error:.0e}",
            flush=True,
        )


def xor_row(width: int, batch: int, rtol: float) -> None:
    """Print the row of one width of the relu XorMixture."""
    task = XorMixture(N)
    initial, table = overlaps(*starts(width, 2, batch)), [task.level(0.1), task.level(1.0)]

    def call() -> np.ndarray:
        return trajectory(
            task,
            TwoLayer(width),
            initial,
            table,
            [(30.0, (1.0, 0.0)), (70.0, (0.0, 1.0))],
            np.array([ALPHA]),
            target=table[1],
            learning_rate=0.3,
            settings=Settings(rtol=rtol, atol=0.1 * rtol),
        ).status

    status = call()
    name = f"vmapped over {batch}"
    ok = int(np.sum(status == 0))
    print(f"xor_mixture relu K={width:<3} {name:<18} {best(call, 1) / batch:9.4f} s   ok {ok} of {batch}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 8, 16, 32])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rtol", type=float, default=1e-5)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--xor", action="store_true", help="relu XorMixture instead of the committee")
    args = parser.parse_args()
    with jax.enable_x64(args.dtype == "float64"):
        for width in args.widths:
            (xor_row if args.xor else committee_rows)(width, args.batch, args.rtol)


if __name__ == "__main__":
    main()
