"""Figure of the study sign_map.

map  accuracy with easy before hard over accuracy with hard before easy, over (alpha1 + alpha2, alpha1), a
     panel per learning rate and one with each order at its own best
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from figures.parts import maps, panels, summary as sums
from figures.parts.write import Drawn, Figures
from studies.analysis import last, over_replicates, usable, with_axes

PAIR = ("curriculum", "anti_curriculum")
RECORDED = ("test_accuracy",)
AXES = ("protocol", "method", "learning_rate", "budget", "easy_fraction")
OWN = "each order at its best rate"
CAPTION = (
    "Accuracy with easy before hard over accuracy with hard before easy, tested at the hard level, by the "
    "order-parameter equations: a perceptron (erf, squared loss), irrelevant inputs of variance "
    "{easy[noise]:g} (easy), {hard[noise]:g} (hard). Black line: equal; blue: hard before easy wins."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Accuracies by the equations; where it was simulated, how many standard errors the mean is away."""
    ds = with_axes(ds, AXES[1:]).isel(width=0, drop=True)
    sums.need("theory" in ds.method, "the equations were not run (--method theory)")
    end = last(usable(ds)).sel(protocol=list(PAIR))
    solved = end.sel({"method": "theory"}, drop=True).mean("replicate")
    out = xr.Dataset(
        {"accuracy": solved, "ratio": solved.sel(protocol=PAIR[0]) / solved.sel(protocol=PAIR[1])}
    )
    best = solved.max("learning_rate")
    out["own_ratio"] = best.sel(protocol=PAIR[0]) / best.sel(protocol=PAIR[1])
    out["own_rate"] = solved.fillna(-1).idxmax("learning_rate").where(best.notnull())
    other = [name for name in ds.method.values if name != "theory"]
    if other:
        run = end.sel({"method": other[0]}, drop=True)
        found = over_replicates(run)
        error = run.std("replicate", ddof=1) / np.sqrt(found.n)
        out["simulated"], out["simulated_n"] = found["mean"], found.n
        out["away"] = (found["mean"] - solved) / error
    return sums.summary_of(ds, out, left_out=sums.left_out(ds).sum())


def map_(summary: xr.Dataset) -> Drawn:
    """The ratio over (alpha1 + alpha2, alpha1), its own scale in every panel, a line where it is 1."""
    rates = summary.learning_rate.values
    each = {f"rate {rate:g}": summary.ratio.sel(learning_rate=rate) for rate in rates}
    each |= {OWN: summary.own_ratio} if len(rates) > 1 else {}
    budgets, shares = summary.budget.values.astype(float), summary.easy_fraction.values.astype(float)
    right, up = np.clip(maps.edges(budgets), 0, None), np.clip(maps.edges(shares), 0, 1)

    def draw(axes: Axes, ratio: xr.DataArray) -> None:
        ratio = ratio.transpose("easy_fraction", "budget")
        top = max(float(np.abs(ratio - 1).max()), 1e-6)
        norm = Normalize(1 - top, 1 + top)
        axes.pcolormesh(right + 0 * up[:, None], up[:, None] * right, ratio, cmap="RdBu_r", norm=norm)
        if float(ratio.min()) < 1 < float(ratio.max()):
            axes.contour(budgets + 0 * shares[:, None], shares[:, None] * budgets, ratio, [1.0], colors="k")
        axes.figure.colorbar(ScalarMappable(norm, "RdBu_r"), ax=axes)
        axes.set(xlabel="alpha1 + alpha2", ylabel="alpha1 (easy)")

    figure = panels.facets(each, draw, 2.0, 3, legend=0)
    names = ["ratio", "own_ratio"]
    tables = {"ratio": summary[names], "accuracy": summary[["accuracy"]], "best rates": summary[["own_rate"]]}
    note = ""
    if "away" in summary:
        tables["simulated"] = summary[["simulated", "simulated_n", "away"]].dropna("learning_rate", how="all")
        away = summary.away.values[np.isfinite(summary.away.values)]
        note = (
            f" {away.size} accuracies were simulated too (N = {{n_inputs}}): "
            f"{np.sqrt(np.mean(away**2)):.2f} standard errors (root mean square) from the equations."
        )
    return Drawn(figure, tables, CAPTION + note)


FIGURES: Figures = {"map": map_}
