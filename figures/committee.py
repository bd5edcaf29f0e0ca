"""Figures of the study committee.

loss_label_noise, loss_distractors   generalisation error against time, a panel per width
benefit                              error avoided by the curriculum against width, by budget
tuned                                the same with each arm at its own best rate, and those rates
map                                  error avoided over width and time, with dots where its interval covers 0
"""

from functools import partial
from itertools import product

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import maps, panels, rates, summary as sums
from figures.parts.style import GREY
from figures.parts.write import Drawn, Figures, named
from studies.analysis import usable, with_axes

#: The protocols that are compared, and the axes that the figures know.
PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_loss",)
LEVELS = ("hard.noise", "hard.irrelevant")
AXES = ("protocol", "width", "budget", "learning_rate", *LEVELS)
#: Budget at which the curves are shown.
HEADLINE = {"budget": 100.0}
LABEL = "error avoided by the curriculum"
CAPTION = (
    "Committee of M = {options[teacher_units]:g} erf units on {options[relevant]:percent} % of N = "
    "{n_inputs} inputs, "
    + panels.LEARNER
    + ". Easy: label noise {easy[noise]:g}, irrelevant inputs of variance "
    "{easy[irrelevant]:g}; easy fraction {easy_fraction:g}; error without label noise at the hard level."
)


def kinds(ds: xr.Dataset) -> dict[str, dict[str, float]]:
    """The difficulties that were asked for, as the hard level that stands for each."""
    text = sums.description(ds)
    cell, found = text["cell"], {}
    for grid in text["grids"]:
        values = (grid.get(level, [cell["hard"][level.removeprefix("hard.")]]) for level in LEVELS)
        for noise, irrelevant in product(*values):
            clean = noise == cell["easy"]["noise"]
            same = irrelevant == cell["easy"]["irrelevant"]
            name = "label_noise" if same else "distractors" if clean else "both"
            level = dict(zip(LEVELS, (noise, irrelevant), strict=True))
            if level not in found.values():
                found[name if name not in found else f"{name}_{noise:g}_{irrelevant:g}"] = level
    return found


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, replicates reduced to means and intervals, by difficulty.

    The benefit is minus the difference of the errors.
    """
    ds, each = with_axes(ds, AXES[2:]), {}
    for name, level in kinds(ds).items():
        part = ds.sel(level, drop=True)
        if not bool(sums.asked(part).any()):
            continue
        part = part.assign(avoided=-usable(part, "test_loss"))
        shown = part.sel(sums.choose(part, {"learning_rate": 0.5}), drop=True)
        each[name] = sums.merged(
            sums.prefixed("loss", sums.mean(usable(shown, "test_loss"))),
            sums.gain(shown, *PAIR, "avoided"),
            sums.own_rates(part.sel(sums.choose(part, HEADLINE), drop=True), PAIR, "avoided"),
        ).assign(left_out=sums.left_out(shown).sum("replicate"))
    return sums.summary_of(ds, sums.along("difficulty", each))


def title(kind: str, summary: xr.Dataset) -> str:
    """What makes a sample hard."""
    noise, irrelevant = kinds(summary)[kind].values()
    said = {"label": f"label noise {noise:g}", "distractors": f"irrelevant inputs of variance {irrelevant:g}"}
    return "hard: " + said.get(kind.split("_")[0], " and ".join(said.values()))


def by_kind(summary: xr.Dataset, table: xr.Dataset) -> dict[str, xr.Dataset]:
    """What a table says of each difficulty, by its title."""
    return {title(kind, summary): table.sel(difficulty=kind) for kind in summary.difficulty.values}


def loss(kind: str, summary: xr.Dataset) -> Drawn:
    """Generalisation error against time per width and protocol."""
    table = sums.numbers(sums.run_at(summary, HEADLINE).sel(difficulty=kind), "loss_mean")
    label = f"generalisation error\n({title(kind, summary)})"
    figure = panels.time_panels(table, "loss_mean", label, log=True)
    said = f"{title(kind, summary).capitalize()}. {CAPTION}"
    return Drawn(figure, table, said, summary.sel(difficulty=kind))


def benefit(summary: xr.Dataset) -> Drawn:
    """Error avoided at the end of the run against width by difficulty, the width of the teacher marked."""
    ends, units = sums.at_ends(summary[sums.BENEFIT]), sums.cell_of(summary)["options"]["teacher_units"]

    def draw(axes: Axes, part: xr.Dataset) -> None:
        panels.benefit_by(axes, part, "budget", "budget {:g}")
        axes.axvline(units, color=GREY, lw=0.8, ls=(0, (1, 2)))
        axes.annotate("K = M", (units, 0.02), xycoords=("data", "axes fraction"), fontsize=7, color="#666666")

    return Drawn(panels.facets(by_kind(summary, ends), draw, 3, ylabel=LABEL, legend=0), ends, CAPTION)


def tuned(summary: xr.Dataset) -> Drawn:
    """Error avoided at a rate shared by both arms and with each arm at its own best rate; the rates."""
    own = rates.own_best(summary)
    shared = sums.at_ends(summary[sums.BENEFIT]).sel(sums.choose(summary, HEADLINE))
    figure, grid = panels.grid(summary.sizes["difficulty"], 2, 2.8)
    for (left, right), (kind, best) in zip(grid, by_kind(summary, own).items(), strict=True):
        one = shared.sel(difficulty=best.difficulty)
        rates.tuned_panels(left, right, one, best.dropna("width", how="all"), summary)
        left.set(ylabel=LABEL, title=kind)
        right.set_title(kind)
    tables = {"one rate": shared, "each at its best rate": own}
    return Drawn(figure, tables, f"{CAPTION} {rates.tuned_note(own)}")


def map_(summary: xr.Dataset) -> Drawn:
    """Error avoided over width and time within a run."""
    part = sums.run_at(summary, HEADLINE)[sums.BENEFIT[:4]]
    part = part.sel(time=part.time > 0)
    small = float(np.abs(part.benefit.isel(time=-1)).max()) or None
    note = (
        "Colours change linearly up to the largest value at the end of the run, beyond it as the logarithm."
    )
    return Drawn(maps.benefits(by_kind(summary, part), LABEL, small), part, f"{CAPTION} {note}")


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    losses = {f"loss_{kind}": partial(loss, kind) for kind in summary.difficulty.values}
    return losses | named(benefit, tuned, map_)
