"""Figures of the study sparse_teacher.

accuracy    accuracy against time, a panel per width, a line per protocol
benefit     benefit against width at the end of each budget, and with each arm at its own best rate
map         benefit over width and time, with dots where its interval covers 0
perceptron  the perceptron of arXiv 2106.08068: simulation beside the equations, every protocol
"""

import xarray as xr

from figures.parts import maps, panels, rates, summary as sums
from figures.parts.style import looks, series, words
from figures.parts.write import Drawn, Figures, named
from studies.analysis import usable, with_axes

#: The protocols that are compared, and the values at which curves are shown.
PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_accuracy",)
HEADLINE = {"parametrisation": "standard", "budget": 20.0}
SIMULATED = {"method": "auto", "train_readout": True, "readout_start": "gaussian"}
PERCEPTRON = {"train_readout": False, "readout_start": "sign", "width": 1}
AXES = ("protocol", "width", "learning_rate", *HEADLINE, *SIMULATED)
LABEL = "benefit over no curriculum\n(test accuracy)"
CAPTION = (
    "Sign teacher on {options[relevant]:percent} % of N = {n_inputs} inputs, "
    + panels.LEARNER
    + "; variance "
    "of the irrelevant inputs {easy[noise]:g} then {hard[noise]:g}, easy fraction {easy_fraction:g}, tested "
    "at {hard[noise]:g}."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, replicates reduced to means and intervals; one rate but for `tuned`."""
    ds = with_axes(ds, AXES[2:])
    plain = ds.sel(sums.choose(ds, SIMULATED), drop=True)
    shown = plain.sel(sums.choose(ds, {"learning_rate": 0.5}), drop=True)
    return sums.summary_of(
        shown,
        sums.prefixed("accuracy", sums.mean(usable(shown))),
        sums.gain(shown, *PAIR),
        _perceptron(ds),
        sums.own_rates(plain.sel(sums.choose(ds, HEADLINE), drop=True), PAIR),
    )


def _perceptron(ds: xr.Dataset) -> xr.Dataset:
    """Accuracy of the perceptron by both methods; nothing where it was not run by both."""
    if not all(value in ds[axis] for axis, value in (PERCEPTRON | {"method": "theory"}).items()):
        return xr.Dataset()
    at = sums.choose(ds, HEADLINE | {"learning_rate": 0.5})
    runs = ds.sel(PERCEPTRON | at, drop=True)
    solved = sums.asked(runs).any("replicate").sel({"method": "theory"})
    return sums.prefixed("perceptron", sums.mean(usable(runs))) if bool(solved.any()) else xr.Dataset()


def accuracy(summary: xr.Dataset) -> Drawn:
    """Accuracy against time per width and protocol."""
    table = sums.numbers(sums.run_at(summary, HEADLINE), "accuracy_mean")
    return Drawn(panels.time_panels(table, "accuracy_mean", "test accuracy"), table, CAPTION)


def benefit(summary: xr.Dataset) -> Drawn:
    """Benefit against width: by budget, by parametrisation, at each arm's own rate; the rates."""
    at = sums.choose(summary, HEADLINE)
    ends, own = sums.at_ends(summary[sums.BENEFIT]), sums.starting(summary, "tuned_")
    tables = {"by budget": ends.sel(parametrisation=at["parametrisation"])}
    if (kinds := ends.sel(budget=at["budget"])).sizes["parametrisation"] > 1:
        tables["by parametrisation"] = kinds
    if own:
        tables |= {"one rate": ends.sel(at), "each at its best rate": own}
    figure, places = panels.wrapped(len(tables), 2.9)
    panels.benefit_by(places[0], tables["by budget"], "budget", "budget {:g}")
    places[0].set(ylabel=LABEL, title=f"{words(at['parametrisation'])} parametrisation, one rate")
    if "by parametrisation" in tables:
        axes = places[1]
        panels.lines(axes, kinds, "benefit", "parametrisation", series(kinds.parametrisation.values))
        axes.set_title(f"budget {at['budget']:g}, one rate")
        panels.legend_below(axes, 3)
    if own:
        left, right = places[-2:]
        rates.tuned_panels(left, right, ends.sel(at), own, summary)
        left.set(title=f"budget {at['budget']:g}", ylabel=LABEL)
    return Drawn(figure, tables, f"{CAPTION} {rates.tuned_note(own)}" if own else CAPTION)


def map_(summary: xr.Dataset) -> Drawn:
    """Benefit over width and time within a run of each budget."""
    part = summary[sums.BENEFIT].sel(parametrisation=sums.choose(summary, HEADLINE)["parametrisation"])
    part = part.sel(time=part.time > 0)
    parts = {f"budget {b:g}": sums.within_run(part.sel(budget=b)) for b in part.budget.values}
    return Drawn(maps.benefits(parts, "benefit (test accuracy)"), part, CAPTION)


def perceptron(summary: xr.Dataset) -> Drawn:
    """The perceptron: simulated means and intervals over the solution of the equations."""
    sums.need(
        "perceptron_mean" in summary, "the perceptron (width 1, fixed readout) and its equations were not run"
    )
    table = sums.numbers(summary, "perceptron_mean")
    table = table.sel(time=table.time <= sums.choose(summary, HEADLINE)["budget"])
    figure, ((axes,),) = panels.grid(1, 1, 2.6)
    seen, known = (table.sel({"method": method}) for method in ("auto", "theory"))
    for name, style in looks(table.protocol.values).items():
        points = seen.sel(protocol=name)
        panels.bars(axes, table.time.values, points, "perceptron_mean", style | {"ls": "none"})
        line = known.perceptron_mean.sel(protocol=name)
        axes.plot(table.time, line, color=style["color"], ls=style["ls"], lw=1)
    axes.set(xlabel=panels.TIME, ylabel="test accuracy", title="K = 1, readout fixed at 1 or -1")
    panels.legend_below(axes, 2)
    note = "Points: simulation; lines: equations from the same starts."
    return Drawn(figure, table, f"{CAPTION} {note}")


FIGURES: Figures = named(accuracy, benefit, map_, perceptron)
