"""Figures of the study sparse_teacher.

accuracy    accuracy against time, a panel per width, a line per protocol
benefit     benefit against width at the end of each budget, and with each arm at its own best rate
map         benefit over width and time, with dots where its interval covers 0
perceptron  the perceptron of arXiv 2106.08068: simulation beside the equations, every protocol
"""

import xarray as xr

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.style import looks, series, words
from figures.parts.write import Drawn, Figures
from studies.analysis import usable, with_axes

#: The protocols that are compared, and the values at which curves are shown.
PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_accuracy",)
HEADLINE = {"parametrisation": "standard", "budget": 20.0}
SIMULATED = {"method": "auto", "train_readout": True, "readout_start": "gaussian"}
PERCEPTRON = {"train_readout": False, "readout_start": "sign", "width": 1}
AXES = ("protocol", "width", "learning_rate", *HEADLINE, *SIMULATED)
BENEFIT = ["benefit", "ci_low", "ci_high", "n", "critical_width", "fading_width"]
LABEL = "benefit over no curriculum\n(test accuracy)"


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, replicates reduced to means and intervals; one rate but for `tuned`."""
    ds = with_axes(ds, AXES[2:])
    plain = ds.sel(sums.choose(ds, SIMULATED), drop=True)
    shown = plain.sel(sums.choose(ds, {"learning_rate": 0.5}), drop=True)
    out = sums.merged(
        sums.prefixed("accuracy", sums.mean(usable(shown))),
        sums.gain(shown, *PAIR),
        _perceptron(ds),
        sums.own_rates(plain.sel(sums.choose(ds, HEADLINE), drop=True), PAIR),
    )
    return sums.summary_of(ds, out.assign(left_out=sums.left_out(shown).sum("replicate")))


def _perceptron(ds: xr.Dataset) -> xr.Dataset:
    """Accuracy of the perceptron by both methods; nothing where it was not run by both."""
    if not all(value in ds[axis] for axis, value in (PERCEPTRON | {"method": "theory"}).items()):
        return xr.Dataset()
    at = sums.choose(ds, HEADLINE | {"learning_rate": 0.5})
    runs = ds.sel(PERCEPTRON | at, drop=True)
    solved = sums.asked(runs).any("replicate").sel({"method": "theory"})
    return sums.prefixed("perceptron", sums.mean(usable(runs))) if bool(solved.any()) else xr.Dataset()


def headline(summary: xr.Dataset) -> xr.Dataset:
    """The standard parametrisation at the headline budget, or what there is."""
    return sums.within_run(summary.sel(sums.choose(summary, HEADLINE)))


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    cell = sums.cell_of(summary)
    return (
        f"Sign teacher on {100 * cell['options']['relevant']:g} % of N = {cell['n_inputs']} inputs, "
        f"{panels.learner(cell)}; variance of the irrelevant inputs {cell['easy']['noise']:g} then "
        f"{cell['hard']['noise']:g}, easy fraction {cell['easy_fraction']:g}, tested at "
        f"{cell['hard']['noise']:g}."
    )


def accuracy(summary: xr.Dataset) -> Drawn:
    """Accuracy against time per width and protocol."""
    table = headline(summary)[sums.columns("accuracy_mean")]
    figure = panels.time_panels(
        table, "accuracy_mean", "protocol", looks(table.protocol.values), "test accuracy"
    )
    return Drawn(figure, table, caption(summary))


def benefit(summary: xr.Dataset) -> Drawn:
    """Benefit against width: by budget, by parametrisation, at each arm's own rate; the rates."""
    at = sums.choose(summary, HEADLINE)
    ends = sums.at_ends(summary[BENEFIT])
    budgets, kinds = (ends.sel({axis: at[axis]}) for axis in ("parametrisation", "budget"))
    tables = {"by budget": budgets}
    if kinds.sizes["parametrisation"] > 1:
        tables["by parametrisation"] = kinds
    own = xr.Dataset()
    if "tuned_benefit" in summary:
        own = summary[[str(n) for n in summary.data_vars if str(n).startswith("tuned_")]]
        own = own.dropna("width", how="all")
        tables |= {"one rate": ends.sel(at), "each at its best rate": own}
    count = len(tables)
    figure, grid = panels.grid(-(-count // 2), min(count, 2), 2.9)
    first, *rest = grid.flat
    panels.benefit_by_budget(first, budgets)
    first.set(ylabel=LABEL, title=f"{words(at['parametrisation'])} parametrisation, one rate")
    if "by parametrisation" in tables:
        axes, *rest = rest
        panels.benefit_lines(axes, kinds, "parametrisation", series(kinds.parametrisation.values))
        axes.set_title(f"budget {at['budget']:g}, one rate")
        panels.legend_below(axes, 3)
    if own:
        left, right, *rest = rest
        panels.tuned_panels(left, right, ends.sel(at), own, summary)
        left.set(title=f"budget {at['budget']:g}", ylabel=LABEL)
    for axes in rest:
        axes.set_axis_off()
    return Drawn(figure, tables, f"{caption(summary)} {panels.TUNED}" if own else caption(summary))


def map_(summary: xr.Dataset) -> Drawn:
    """Benefit over width and time within a run of each budget."""
    part = summary[BENEFIT].sel(parametrisation=sums.choose(summary, HEADLINE)["parametrisation"])
    part = part.sel(time=part.time > 0)
    budgets = [sums.within_run(part.sel(budget=b)) for b in part.budget.values]
    parts = [(f"budget {run.budget.item():g}", run, "time", "time, samples / N") for run in budgets]
    return Drawn(panels.maps(parts, "benefit (test accuracy)"), part, caption(summary))


def perceptron(summary: xr.Dataset) -> Drawn:
    """The perceptron: simulated means and intervals over the solution of the equations."""
    if "perceptron_mean" not in summary:
        raise sums.Missing("the perceptron (width 1, fixed readout) and its equations were not run")
    table = summary[sums.columns("perceptron_mean")]
    table = table.sel(time=table.time <= sums.choose(summary, HEADLINE)["budget"])
    figure, ((axes,),) = panels.grid(1, 1, 2.6)
    for name, style in looks(table.protocol.values).items():
        seen = table.sel({"protocol": name, "method": "auto"})
        known = table.sel({"protocol": name, "method": "theory"})
        panels.bars(axes, table.time.values, seen, "perceptron_mean", style | {"ls": "none"})
        axes.plot(table.time, known.perceptron_mean, color=style["color"], ls=style["ls"], lw=1)
    axes.set(xlabel="time, samples / N", ylabel="test accuracy", title="K = 1, readout fixed at 1 or -1")
    panels.legend_below(axes, 2)
    note = "Points: simulation; lines: equations from the same starts."
    return Drawn(figure, table, f"{caption(summary)} {note}")


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    return {"accuracy": accuracy, "benefit": benefit, "map": map_, "perceptron": perceptron}
