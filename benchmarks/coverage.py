"""How often intervals hold the truth: `python -m benchmarks.coverage [--pool 2048] [--draws 2000]`.

    benefit   a pool of many paired replicates of xor_mixture (quick preset: N = 300, budget 600, rate 0.3) at
              small widths, whose mean counts as the truth; replicates are drawn from it with replacement
    made up   differences of which nine in ten are 0, and skewed ones (exponential)
    shares    of a binomial, where every outcome can be listed: exact coverage, no drawing
    own rates two arms over six rates, each at its best: chosen on one half of the replicates and judged on
              the other, both ways, beside chosen in sight of what it is judged by

Prints the tables of docs/intervals.md: in per cent, how often a 95 % interval from n replicates holds the
truth, and in brackets how often the truth lies below and above it.
"""

import argparse
import sys

import numpy as np
import xarray as xr
from scipy.stats import binom, binomtest, skew, t

from studies.analysis import benefit_at_own_rate, interval, share
from studies.catalogue import get

COUNTS = (8, 16, 32, 64)
#: Draws whose intervals are computed in one call, for the memory of their resamples.
AT_ONCE = 250


def pool(width: int, size: int) -> np.ndarray:
    """Curriculum minus no curriculum in accuracy at the end of the headline study, a value per replicate."""
    given = {"protocol": "curriculum,no_curriculum", "width": f"{width}", "replicates": f"{size}"}
    study = get("xor_mixture").changed(given | {"rows": "1024"})
    found = xr.concat([block.cell.compute(block) for block in study.blocks()], "replicate")
    end = found.test_accuracy.where(found.status == 0).isel(time=-1, replicate=slice(size)).astype(float)
    difference = end.sel(protocol="curriculum") - end.sel(protocol="no_curriculum")
    return difference.dropna("replicate").values


def bca(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What `studies.analysis` does; values (n, draws)."""
    _, low, high, _ = interval(values)
    return low, high


def percentile(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plain percentile bootstrap, the same number of resamples."""
    chosen = np.random.default_rng(0).integers(0, len(values), (2000, len(values)))
    low, high = np.quantile(np.stack([values[rows].mean(0) for rows in chosen]), [0.025, 0.975], axis=0)
    return low, high


def student(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean plus and minus Student's t times the standard error."""
    half = t.ppf(0.975, len(values) - 1) * values.std(0, ddof=1) / len(values) ** 0.5
    return values.mean(0) - half, values.mean(0) + half


METHODS = {"BCa": bca, "percentile": percentile, "Student": student}


def coverage(values: np.ndarray, n: int, draws: int) -> list[str]:
    """Per method, how often the interval of n draws from `values` holds their mean."""
    rng, truth = np.random.default_rng(n), values.mean()
    missed = {name: np.zeros(2) for name in METHODS}
    for _ in range(draws // AT_ONCE):
        drawn = rng.choice(values, (n, AT_ONCE))
        for name, method in METHODS.items():
            low, high = method(drawn)
            missed[name] += (truth < low).sum(), (truth > high).sum()
    shown = []
    for below, above in missed.values():
        whole = 100 / (draws // AT_ONCE * AT_ONCE)
        shown.append(f"{100 - whole * (below + above):.1f} ({whole * below:.1f}, {whole * above:.1f})")
    return shown


def share_coverage(truth: float, n: int) -> list[str]:
    """Exact coverage of a share by BCa, Wilson's interval, and the exact binomial one."""
    chance = binom.pmf(np.arange(n + 1), n, truth)
    hits = (np.arange(n)[:, None] < np.arange(n + 1)).astype(float)  # replicate, outcome
    wilson = [binomtest(k, n).proportion_ci(method="wilson") for k in range(n + 1)]
    exact = share(xr.DataArray(hits, dims=("replicate", "outcome")))
    ends = [bca(hits), np.transpose(wilson), (exact.ci_low.values, exact.ci_high.values)]
    return [f"{100 * chance[(low <= truth) & (truth <= high)].sum():.1f}" for low, high in ends]


#: Of six rates, the expected value at each of treatment and control; the best ones differ by 0.02.
ARMS = {
    "control alike at all rates": ((-1, 0, 0.02, 0, -1, -1), (0, 0, 0, 0, 0, 0)),
    "both with a peak": ((-0.05, 0.01, 0.02, -0.03, -0.1, -0.2), (-0.2, -0.1, -0.02, 0, -0.01, -0.1)),
}


def own_rate_coverage(arms: tuple, n: int, draws: int) -> list[str]:
    """Coverage and mean error of the benefit with each arm at its own best rate, both ways and in sight.

    Standard deviation over replicates 0.04 at each rate, and 0.05 that the arms of a replicate share.
    """
    rng = np.random.default_rng(n)
    noise = 0.04 * rng.normal(size=(2, 6, draws, n)) + 0.05 * rng.normal(size=(draws, n))
    values = np.array(arms)[..., None, None] + noise
    dims = ("protocol", "learning_rate", "width", "replicate")
    ds = xr.Dataset(
        {
            "test_accuracy": ((*dims, "time"), values[..., None]),
            "status": (dims, np.zeros(values.shape, int)),
        },
        {
            "protocol": ["curriculum", "no_curriculum"],
            "learning_rate": np.arange(6),
            "width": np.arange(draws),
        },
    )  # the draws stand side by side as widths
    found = benefit_at_own_rate(ds)
    best = [np.take_along_axis(x, x.mean(-1).argmax(0)[None, :, None], 0)[0] for x in values]
    in_sight = best[0] - best[1]
    ways = [
        (found.tuned_benefit.values, found.tuned_ci_low.values, found.tuned_ci_high.values),
        (in_sight.mean(-1), *bca(in_sight.T)),
    ]
    truth = np.max(arms[0]) - np.max(arms[1])
    held = [100 * ((low <= truth) & (truth <= high)).mean() for _, low, high in ways]
    return [f"{x:.1f} ({middle.mean() - truth:+.4f})" for x, (middle, *_) in zip(held, ways, strict=True)]


def line(*cells: object) -> None:
    """A row of a table."""
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Print the tables; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--pool", type=int, default=2048, help="replicates simulated at each width")
    parser.add_argument("--draws", type=int, default=2000, help="intervals for each entry")
    args = parser.parse_args(argv)
    rng = np.random.default_rng(0)
    values = {
        "nine in ten 0": np.where(rng.random(100_000) < 0.9, 0, rng.normal(0.1, 0.05, 100_000)),
        "exponential": rng.exponential(size=100_000),
    } | {f"xor_mixture, K = {width}": pool(width, args.pool) for width in (2, 4)}
    line("differences", "mean, sd, skewness", "n", *METHODS)
    line(*["---"] * (3 + len(METHODS)))
    for name, those in values.items():
        shape = f"{those.mean():.3f}, {those.std():.3f}, {skew(those):.1f}"
        for n in COUNTS:
            line(name, shape, n, *coverage(those, n, args.draws))
    print()
    line("true share", "n", "BCa", "Wilson", "exact binomial")
    line(*["---"] * 5)
    for truth in (0.05, 0.2, 0.5):
        for n in COUNTS:
            line(truth, n, *share_coverage(truth, n))
    print()
    line("arms", "n", "both ways", "in sight")
    line(*["---"] * 4)
    for name, arms in ARMS.items():
        for n in COUNTS:
            line(name, n, *own_rate_coverage(arms, n, args.draws))
    return 0


if __name__ == "__main__":
    sys.exit(main())
