"""Cost of the gradient of a final test loss by a 50-piece schedule, over the cost of the loss itself.

    python -m benchmarks.ode_gradient [--widths 4 8 16] [--by noise | durations | both]

Committee, M = 2, label noise falling from 0.5 to 0.05 in 50 pieces of one unit of alpha each, eta = 0.5,
float64, rtol 1e-5. Seconds of wall-clock time: processor time also counts what the threads of idle cores
spend waiting. The two programs take turns, and the shortest of 100 runs of each counts. Compilation is left
out.
"""

import argparse
import time

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.ode import N, overlaps, starts
from teacher_student.students.two_layer import TwoLayer
from teacher_student.tasks.committee import Committee
from teacher_student.theory.integrate import equations
from teacher_student.theory.rates import rates_of
from teacher_student.theory.schedule import Schedule
from teacher_student.theory.solve import Settings, solve

PIECES, RUNS = 50, 100


def costs(width: int, by: str) -> tuple[float, float]:
    """Seconds of the loss, and of the loss with its gradient."""
    task, student = Committee(N, 2), TwoLayer(width, "erf")
    equation, rates, settings = equations(task, student), rates_of(student, 0.5), Settings(max_steps=1024)
    initial = jax.tree.map(lambda x: x[0], overlaps(*starts(width, 2, 1)))
    nodes, quiet = equation.nodes(0), {"noise": jnp.zeros(())}

    def final(swept):
        noise = swept.get("noise", jnp.linspace(0.5, 0.05, PIECES))
        durations = swept.get("durations", jnp.ones(PIECES))
        schedule = Schedule(durations, {"noise": noise[:, None]}, jnp.ones((PIECES, 1)))
        states, _ = solve(equation, settings, initial, schedule, rates, jnp.array([float(PIECES)]), nodes)
        last = jax.tree.map(lambda x: x[-1], states)
        return equation.observe(last, quiet, rates.output_scale, nodes)["test_loss"]

    swept = {"noise": jnp.linspace(0.5, 0.05, PIECES), "durations": jnp.ones(PIECES)}
    swept = swept if by == "both" else {by: swept[by]}

    programs = jax.jit(final), jax.jit(jax.value_and_grad(final))
    for program in programs:
        jax.block_until_ready(program(swept))
    times = np.empty((RUNS, 2))
    for run in range(RUNS):
        for which, program in enumerate(programs):
            begin = time.perf_counter()
            jax.block_until_ready(program(swept))
            times[run, which] = time.perf_counter() - begin
    loss, gradient = times.min(0)
    return float(loss), float(gradient)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 8, 16])
    parser.add_argument("--by", choices=("noise", "durations", "both"), default="noise")
    args = parser.parse_args()
    with jax.enable_x64(True):
        for width in args.widths:
            forward, gradient = costs(width, args.by)
            print(
                f"committee K={width:<3} loss {forward:.4f} s   with gradient by {args.by} {gradient:.4f} s "
                f"  ratio {gradient / forward:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
