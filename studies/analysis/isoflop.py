"""The best width at a fixed cost: loss over width at equal training operations, arms at own best rates.

A curve of equal cost is the loss of runs that all spend C operations, on few samples of a wide student or
many of a narrow one. Its minimum is that of a parabola in log K through the lowest point and its neighbours;
curves are too skewed for more points. Where the lowest is the narrowest or the widest student that was run,
there is no minimum: nothing is said of that cost, and no exponent uses it.
"""

from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from studies.analysis.replicates import last, usable, with_axes
from studies.analysis.scaling import FEWEST, fit_law
from studies.store import STATUS, settings
from teacher_student.flops import training_flops
from teacher_student.posterior import xor_posterior

#: Resamples of the replicates; each is a choice of rates, a minimum per budget and a fit.
AGAIN = 200

#: A budget counts if so large a share of the resamples has a minimum, too.
MOSTLY = 0.5


def by_cost(ds: xr.Dataset, variable: str = "test_loss") -> xr.DataArray:
    """Values at the end of runs with the axis `flops`, what a run costs, in the place of `budget`.

    The coordinate `samples` (flops, width) is how many samples a run of that cost and width takes, over N.

    Parameters
    ----------
    ds : of two-layer students, with axes budget, width and replicate

    Returns
    -------
    (flops, ..., width, learning_rate, replicate) NaN where nothing was run, infinite where a run failed

    Examples
    --------
    >>> description = '{"cell": {"n_inputs": 10, "learning_rate": 0.5}}'
    >>> ds = xr.Dataset(
    ...     {"test_loss": (("budget", "width", "replicate", "time"), np.arange(4.0).reshape(2, 2, 1, 1)),
    ...      "status": (("budget", "width", "replicate"), [[[3], [0]], [[0], [3]]])},
    ...     {"budget": [8.0, 16.0], "width": [2, 4], "time": [16.0]}, {"description": description})
    >>> by_cost(ds).flops.values.tolist(), by_cost(ds).squeeze().values.tolist()   # 2 x 16 = 4 x 8
    ([18240.0], [2.0, 1.0])
    """
    ds = with_axes(ds, ("budget", "learning_rate"))
    n = settings(ds)["n_inputs"]
    failed = ds.status.isin([STATUS["diverged"], STATUS["max_steps"]])
    end = last(usable(ds, variable)).where(~failed, np.inf)
    there = ~ds.status.isin([STATUS["not_asked"], STATUS["pending"]])
    there = there.any([d for d in there.dims if d not in ("budget", "width")]).transpose("budget", "width")
    operations = training_flops([ds.width.values * n, ds.width.values])
    spent = np.round(ds.budget.values * n)[:, None] * operations
    costs = np.unique(spent[there.values])
    parts: list[xr.DataArray] = []
    for cost in costs:
        at = (there & (spent == cost)).transpose("budget", "width")
        parts.append(end.where(at).max("budget").assign_coords(samples=ds.budget.where(at).max("budget")))
    return xr.concat(parts, xr.DataArray(costs, dims="flops", name="flops"))


def least_squared_loss(noise: float, nodes: int = 80) -> float:
    """The smallest squared loss E (f - y)^2 / 2 on `XorMixture`: that of f = E[y | x].

    Only the two task directions tell of the label, so this is an average in two dimensions, by Gauss-Hermite
    quadrature: 1/2 (1 - E[f^2]), x = e1 + sqrt(noise) z by symmetry.

    Examples
    --------
    >>> round(least_squared_loss(1e-3), 3), round(least_squared_loss(1e3), 3)
    (0.0, 0.5)
    """
    z, weight = np.polynomial.hermite_e.hermegauss(nodes)
    weight = weight / weight.sum()
    x = np.stack(np.meshgrid(1 + np.sqrt(noise) * z, np.sqrt(noise) * z, indexing="ij"), -1).reshape(-1, 2)
    posterior = xor_posterior(x, np.eye(2), noise)
    square = (posterior[:, 1] - posterior[:, 0]) ** 2
    return float(0.5 * (1 - np.outer(weight, weight).ravel() @ square))


def minimum(width: Float[np.ndarray, " n"], loss: Float[np.ndarray, " n"]) -> tuple[float, float]:
    """Where a curve of equal cost is lowest, and how low: of a parabola in log K, see the module.

    Returns
    -------
    K*, L* : NaN where the lowest is the first or the last point, or the parabola has no minimum between them

    Examples
    --------
    >>> width = np.array([2.0, 4, 8, 16])
    >>> [round(x, 6) for x in minimum(width, 1 + np.log2(width / 6) ** 2)]
    [6.0, 1.0]
    >>> minimum(np.array([2.0, 4, 8]), np.array([1.0, 2, 3]))
    (nan, nan)
    """
    known = np.isfinite(loss)
    x, y = np.log(width[known]), loss[known]
    if y.size < 3 or (lowest := int(y.argmin())) in (0, y.size - 1):
        return np.nan, np.nan
    near = slice(lowest - 1, lowest + 2)
    curvature, slope, height = np.polyfit(x[near] - x[lowest], y[near], 2)
    if curvature <= 0:  # three equal points
        return np.nan, np.nan
    return float(np.exp(x[lowest] - slope / (2 * curvature))), float(height - slope**2 / (4 * curvature))


def power(x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]) -> float:
    """The exponent of y ~ x^e by least squares of logarithms; NaN with fewer than three points above 0."""
    known = np.isfinite(y) & (np.where(np.isfinite(y), y, 0) > 0)
    if known.sum() < 3:
        return np.nan
    return float(np.polyfit(np.log(x[known]), np.log(y[known]), 1)[0])


def compute_optimal(loss: xr.DataArray, floor: float = 0.0, confidence: float = 0.95) -> xr.Dataset:
    """Best width and loss against cost, their exponents and the law, with intervals.

    Replicates are of even or of odd number. For each width, cost and arm the rate with the lowest mean is
    chosen on one half and judged on the other, both ways, and averaged (`benefit_at_own_rate`); a rate at
    which any run of an arm failed is not eligible. Choice of rates, minima, exponents and fit are repeated on
    200 resamples of the replicates drawn within each half, the same for all arms, so that ratios of arms are
    paired. Intervals are quantiles of what that gives, moved by its mean distance from the estimate; of all
    but the exponents on the scale of logarithms.

    Parameters
    ----------
    loss : (..., protocol, flops, width, learning_rate, replicate) of `by_cost`
    floor : loss that no student can get below, subtracted before the exponent of the loss is taken

    Returns
    -------
    own_loss (..., flops, width) : at the best rate
    rate (..., flops, width) : the best over all replicates
    edge (..., flops, width) : 1 where that is the smallest or the largest of the rates tried there, else 0
    best_width, best_loss (..., flops) : K*, L*; NaN where there is no minimum
    resolved (..., flops) : share of the resamples with a minimum
    width_exponent, loss_exponent (...) : slopes of log K* and log(L* - floor) against log C
    sample_exponent (..., width) : slope of log(own_loss - floor) against log D
    law_floor, law_width_exponent, law_sample_exponent, law_optimum_exponent, law_loss_exponent (...) : of
        `scaling.fit_law` to all points
    width_ratio, loss_ratio (..., flops) : curriculum over no_curriculum of K* and of L* - floor, if both are
        there; all but `rate`, `edge` and `resolved` with ..._ci_low and ..._ci_high
    """
    core = ["flops", "width", "learning_rate", "replicate"]
    again = xr.apply_ufunc(
        resampled,
        loss,
        input_core_dims=[core],
        output_core_dims=[["again", "flops", "width"]],
        vectorize=True,
    )
    width, flops = loss.width.values.astype(float), loss.flops.values.astype(float)
    best = xr.apply_ufunc(
        lambda curve: minimum(width, curve), again, input_core_dims=[["width"]],
        output_core_dims=[[], []], vectorize=True,
    )  # fmt: skip
    found: dict[str, Any] = {"best_width": best[0], "best_loss": best[1]}
    resolved = best[0].isel(again=slice(1, None)).notnull().mean("again")
    counts = best[0].isel(again=0).notnull() & (resolved >= MOSTLY)
    found = {name: values.where(counts) for name, values in found.items()}
    if {"curriculum", "no_curriculum"} <= set(loss.protocol.values):
        arms = [best_.where(counts) for best_ in (best[0], best[1] - floor)]
        one, other = ([x.sel(protocol=p, drop=True) for x in arms] for p in ("curriculum", "no_curriculum"))
        found |= {name: a / b for name, a, b in zip(("width_ratio", "loss_ratio"), one, other, strict=True)}
    rate = best_rate(loss)
    out = xr.Dataset({"resolved": resolved, "rate": rate, "edge": at_edge(rate, loss)})
    _add(out, "own_loss", again, confidence, logarithmic=True)
    for name, values in found.items():
        _add(out, name, values, confidence, logarithmic=True)

    def exponent(values: xr.DataArray) -> xr.DataArray:
        core = [["flops"]]
        return xr.apply_ufunc(lambda y: power(flops, y), values, input_core_dims=core, vectorize=True)

    _add(out, "width_exponent", exponent(found["best_width"]), confidence)
    _add(out, "loss_exponent", exponent(found["best_loss"] - floor), confidence)
    samples = again.flops / again.width

    def slope(curves: xr.DataArray) -> xr.DataArray:
        core = [["flops"], ["flops"]]
        return xr.apply_ufunc(power, samples, curves, input_core_dims=core, vectorize=True)

    _add(out, "sample_exponent", slope(again - floor), confidence)
    laws = xr.apply_ufunc(
        lambda curves: laws_of(flops, width, curves), again, input_core_dims=[["again", "flops", "width"]],
        output_core_dims=[["again", "number"]], vectorize=True,
    )  # fmt: skip
    names = ("floor", "width_exponent", "sample_exponent", "optimum_exponent", "loss_exponent")
    for i, name in enumerate(names):
        _add(out, f"law_{name}", laws.isel(number=i), confidence)
    return out


def resampled(loss: Float[np.ndarray, "C K rates R"]) -> np.ndarray:
    """Losses at own best rates (1 + AGAIN, C, K): of the replicates, then of resamples of them."""
    count = loss.shape[-1]
    even = np.arange(count) % 2 == 0
    halves = [half / half.sum() for half in (even, ~even)]
    rng = np.random.default_rng(0)
    sizes = [int((half > 0).sum()) for half in halves]
    weights = [
        np.concatenate([half[None], rng.multinomial(n, half, AGAIN) / n])
        for n, half in zip(sizes, halves, strict=True)
    ]
    failed = ~np.isfinite(loss).all(-1, keepdims=True)
    means = [np.where(failed, np.inf, np.where(failed, 0, loss) @ own.T) for own in weights]
    ways = [np.take_along_axis(means[1 - i], means[i].argmin(2, keepdims=True), 2)[:, :, 0] for i in (0, 1)]
    judged = np.mean(ways, 0)
    return np.moveaxis(np.where(np.isfinite(judged), judged, np.nan), -1, 0)


def best_rate(loss: xr.DataArray) -> xr.DataArray:
    """The rate with the lowest mean over all replicates; NaN where every rate failed or none was run."""
    mean = loss.mean("replicate", skipna=False)
    return mean.fillna(np.inf).idxmin("learning_rate").where((mean < np.inf).any("learning_rate"))


def at_edge(rate: xr.DataArray, loss: xr.DataArray) -> xr.DataArray:
    """1 where a best rate is the smallest or largest of those tried, else 0; one that failed was tried."""
    rates = loss.learning_rate.where(loss.notnull().any("replicate"))
    ends = (rate == rates.min("learning_rate")) | (rate == rates.max("learning_rate"))
    return ends.astype(float).where(rate.notnull())


def laws_of(flops: np.ndarray, width: np.ndarray, curves: np.ndarray) -> np.ndarray:
    """Floor, p, q, a and b of the law fitted to each of the curves (n, C, K), the first from many starts."""
    at = np.broadcast_to(width, curves.shape[1:]).ravel()
    samples = (flops[:, None] / width).ravel()
    if np.isfinite(curves[0]).sum() < FEWEST:
        return np.full((len(curves), 5), np.nan)
    first = fit_law(at, samples, curves[0].ravel())
    laws = [first, *(fit_law(at, samples, curve.ravel(), first) for curve in curves[1:])]
    return np.array(
        [
            [law.floor, law.width_exponent, law.sample_exponent, law.optimum_exponent, law.loss_exponent]
            for law in laws
        ]
    )


def _add(
    out: xr.Dataset, name: str, values: xr.DataArray, confidence: float, *, logarithmic: bool = False
) -> None:
    """Estimate and interval of `values` (again, ...), whose first entry along `again` is the estimate."""
    shown: Any = np.log(values.where(values > 0)) if logarithmic else values
    estimate = shown.isel(again=0, drop=True)
    rest = shown.isel(again=slice(1, None)).where(estimate.notnull(), 0)
    tail = (1 - confidence) / 2
    ends = rest.quantile([tail, 1 - tail], "again") + (estimate - rest.mean("again"))
    three = {
        name: estimate,
        f"{name}_ci_low": ends.isel(quantile=0),
        f"{name}_ci_high": ends.isel(quantile=1),
    }
    for key, x in three.items():
        out[key] = (
            (np.exp(x) if logarithmic else x).where(estimate.notnull()).drop_vars("quantile", errors="ignore")
        )
