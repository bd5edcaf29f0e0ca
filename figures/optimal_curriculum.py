"""Figures of the study optimal_curriculum.

schedules   the best schedule as a picture: easy share over the run and width, a row of panels per learning
            rate, a column per task
regret      the loss of the best order and what every named order loses against it, over that loss, against
            width: all at one rate, and every order at its own best, where all rates were run; lines are the
            equations, points SGD
shapes      what the best order is at every width and rate, and how much easy-to-hard loses there
"""

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.patches import Patch

from figures.parts import maps, panels, summary as sums
from figures.parts.style import GREY, looks, width_axis, words
from figures.parts.write import Drawn, Figures, named
from studies.analysis import last, usable, with_axes

BEST = "optimal"
#: What has one value for each task, what says how well and has one at each width, and all axes known.
SETTINGS, EFFORT = ("activation", "easy.noise", "hard.noise", "budget"), ("n_nodes", "n_starts", "iterations")
AXES = ("protocol", "width", "task", "learning_rate", *SETTINGS, *EFFORT)
CAPTION = (
    "Loss at the hard level at the end; a share of {easy_fraction:g} of the samples is easy in every order. "
    "Schedules are best on average over a few students; SGD at N = {n_inputs} starts from others."
)
#: All orders are compared at the rate of most widths, of several the one nearest to this.
HEADLINE = 1.0
#: An order that loses less than this part of the best loss is as good as the best.
CLOSE = 1e-3
#: What the best order is, in words, with its colour.
SHAPES = {
    "easy to hard": "#0072B2",
    "hard to easy": "#D55E00",
    "shuffled": "#999999",
    "ramp": "#56B4E9",
    "easy, hard, easy": "#009E73",
    "hard, easy, hard": "#CC79A7",
    "other": "#F0E442",
}
#: Named orders that may be as good as the best, as they are called in `SHAPES`, the plainest first.
NAMED = dict(zip(("curriculum", "anti_curriculum", "no_curriculum", "ramp"), SHAPES, strict=False))


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, by task: losses, regrets with their intervals, schedules."""
    each = {task: _of_task(part) for (task,), part in sums.ran(with_axes(ds, AXES[2:]), ("task",))}
    return sums.summary_of(ds, sums.along("task", each))


def _of_task(ds: xr.Dataset) -> xr.Dataset:
    """The part of one task, at the settings that were asked for."""
    ds = sums.ran_with(ds, SETTINGS)
    for axis in EFFORT:
        there = sums.asked(ds).any(["protocol", "replicate"])
        at = (there * xr.DataArray(np.arange(ds.sizes[axis]), dims=axis)).argmax(axis)
        ds = ds.isel({axis: at}).drop_vars(axis)
    ends = last(usable(ds, "test_loss"))
    limit = ds.limit_loss.mean("replicate")
    rates = limit.notnull().all("protocol").sum("learning_rate")
    tried = sums.asked(ds).all("protocol").any("replicate").sum("learning_rate")
    tuned = (tried == tried.max()) & (rates > 0)
    at = limit.fillna(np.inf).argmin("learning_rate")
    best = ds.sel(protocol=BEST, drop=True).mean("replicate")
    shared = _regrets(limit, ends).merge(best[["easy_share", "switching", "bang_bang", "gap", "agree"]])
    own = _regrets(*(v.isel(learning_rate=at).drop_vars("learning_rate") for v in (limit, ends)))
    own["rate"] = ds.learning_rate[at].drop_vars("learning_rate")
    return sums.merged(
        shared.assign(left_out=sums.left_out(ds).sum("replicate")).where(rates > 0),
        sums.prefixed("own", own.where(tuned)),
        xr.Dataset({"shape": shape(limit, best.easy_share)}),
    )


def _regrets(limit: xr.DataArray, ends: xr.DataArray) -> xr.Dataset:
    """Losses by the equations, and what every order loses against the best by them, and by SGD, over that."""
    best, run = (values.sel(protocol=BEST, drop=True) for values in (limit, ends))
    found = xr.Dataset({"loss": limit, "regret": limit / best - 1})
    return found.merge(sums.prefixed("sgd_regret", sums.mean((ends - run) / best)))


def shape(limit: xr.DataArray, easy_share: xr.DataArray) -> xr.DataArray:
    """The place in `SHAPES` of the best order: a named one if that is as good, else by its two ends."""
    first, final = (easy_share.isel(place=i, drop=True) > 0.5 for i in (0, -1))
    names = list(SHAPES)
    kind = xr.where(first & final, names.index("easy, hard, easy"), names.index("other"))
    kind = xr.where(~first & ~final, names.index("hard, easy, hard"), kind)
    for name in reversed(NAMED):
        regret = limit.sel(protocol=name, drop=True) / limit.sel(protocol=BEST, drop=True) - 1
        kind = xr.where(regret < CLOSE, names.index(NAMED[name]), kind)
    return kind.where(limit.notnull().all("protocol"))


def schedules(summary: xr.Dataset) -> Drawn:
    """Easy share over the run, a row of a panel per width; a column of panels per task, down its rates."""
    part = summary[["easy_share", "switching"]].sortby("learning_rate")
    each = {str(task): sums.known(part.sel(task=task), "width", "learning_rate") for task in part.task.values}
    figure, grid = panels.grid(max(own.sizes["learning_rate"] for own in each.values()), len(each), 1.15)
    for axes in grid.flat:
        axes.set_axis_off()
    for column, (task, own) in zip(grid.T, each.items(), strict=True):
        for axes, rate in zip(column, own.learning_rate.values, strict=False):
            axes.set_axis_on()
            share = own.easy_share.sel(learning_rate=rate).dropna("width", how="all")
            rows, ends = np.arange(share.sizes["width"]), np.linspace(0, 1, share.sizes["place"] + 1)
            picture = share.transpose("width", "place")
            axes.pcolormesh(ends, maps.edges(rows), picture, cmap="cividis", vmin=0, vmax=1)
            axes.set_yticks(rows, share.width.values)
            axes.invert_yaxis()
            axes.set(title=f"{words(task)}, rate {rate:g}", ylabel="width K")
        column[own.sizes["learning_rate"] - 1].set_xlabel("part of the run")
    scale = ScalarMappable(Normalize(0, 1), "cividis")
    figure.colorbar(scale, ax=grid[:, -1].tolist(), label="easy share", shrink=0.6)
    return Drawn(figure, part, CAPTION)


def regret(summary: xr.Dataset) -> Drawn:
    """Loss of the best order, and loss of the others over it, less 1."""
    shared = summary[["loss", "regret", *sums.columns("sgd_regret_mean")]]
    own = summary[["own_loss", "own_regret", "own_rate", *sums.columns("own_sgd_regret_mean")]]
    figure, grid = panels.grid(3, summary.sizes["task"], 1.9)
    tables = {"each at its best rate": own}
    for (above, *below), task in zip(grid.T, summary.task.values, strict=True):
        one, best = (
            sums.known(shared.sel(task=task), "width", "learning_rate"),
            sums.known(own.sel(task=task), "width"),
        )
        # the rate of most widths, of several the one nearest to the headline
        widths = one.loss.notnull().all("protocol").sum("width")
        rates = one.learning_rate.values[(widths == widths.max()).values]
        rate = rates[np.argmin(np.abs(np.log(rates / HEADLINE)))]
        one = tables[f"{task}, rate {rate:g}"] = one.sel(learning_rate=rate)
        for line, look, label in ((one.loss, "-", "one rate"), (best.own_loss, "--", "its best rate")):
            values = line.sel(protocol=BEST)
            above.plot(line.width, values, look, color=GREY, marker="o", label=f"best order, {label}")
        above.set(title=f"{words(task)}: loss", ylim=(0, 1.1 * float(one.loss.sel(protocol=BEST).max())))
        which = ((one, "", f"all at rate {rate:g}"), (best, "own_", "each at its best rate"))
        for axes, (table, own_, said) in zip(below, which, strict=True):
            orders = looks(name for name in table.protocol.values if name != BEST)
            for (name, style), shift in zip(orders.items(), panels.spread(len(orders)), strict=True):
                row, points = table.sel(protocol=name), style | {"ls": "none", "label": None}
                line = {what: style[what] for what in ("color", "ls", "label")}
                axes.plot(row.width, row[f"{own_}regret"], **line)
                panels.bars(axes, row.width.values, row, f"{own_}sgd_regret_mean", points, shift)
            axes.axhline(0, color=GREY, lw=0.7)
            axes.set_title(f"regret, {said}")
        for axes in (above, *below):
            width_axis(axes, one.width.values)
    grid[0, 0].set_ylabel("loss at the end")
    for axes in grid[1:, 0]:
        axes.set_ylabel("loss over the best, less 1")
    panels.legend_above(figure, 3)
    note = (
        "Lines: equations; points: SGD. Best rates are chosen by the equations. The best is a local optimum."
    )
    return Drawn(figure, tables, f"{CAPTION} {note}")


def shapes(summary: xr.Dataset) -> Drawn:
    """What the best order is over width and rate; numbers are the regret of easy-to-hard in per cent."""
    part = xr.Dataset(
        {"shape": summary["shape"], "regret": summary.regret.sel(protocol="curriculum", drop=True)}
    )
    colours = ListedColormap(list(SHAPES.values()))
    norm = Normalize(-0.5, len(SHAPES) - 0.5)

    def draw(axes: Axes, own: xr.Dataset) -> None:
        own = own.sortby("learning_rate").transpose("learning_rate", "width")
        across, up = np.arange(own.sizes["width"]), np.arange(own.sizes["learning_rate"])
        axes.pcolormesh(maps.edges(across), maps.edges(up), own["shape"], cmap=colours, norm=norm)
        for y, x in np.argwhere(own.regret.notnull().values):
            axes.text(x, y, f"{100 * own.regret.values[y, x]:.1f}", ha="center", va="center", fontsize=7)
        axes.set_xticks(across, own.width.values)
        axes.set_yticks(up, [f"{rate:g}" for rate in own.learning_rate.values])
        axes.set(xlabel="width K", ylabel="learning rate")

    parts = {
        words(task): sums.known(part.sel(task=task), "width", "learning_rate") for task in part.task.values
    }
    figure = panels.facets(parts, draw, 1.9, 3, legend=0)
    there = np.unique(part["shape"])
    patches = [Patch(color=c, label=name) for i, (name, c) in enumerate(SHAPES.items()) if i in there]
    figure.legend(handles=patches, loc="outside upper center", ncols=4)
    note = (
        f"Colour: the best order, by a name that loses less than {100 * CLOSE:g} %, else by its ends. "
        "Numbers: what easy to hard loses, % of the best loss."
    )
    return Drawn(figure, part, f"{CAPTION} {note}")


FIGURES: Figures = named(schedules, regret, shapes)
