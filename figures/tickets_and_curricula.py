"""Figures of the study tickets_and_curricula.

lottery   share of students that have a unit for every cluster, at the start and at the end, against width
winners   who wins: place at the start, how often the same unit, units that carry a cluster
swap      accuracy of tickets against what is left: who found the mask, who trained it, chosen or random
rates     what a curriculum is worth to a ticket, to random units and to the dense student, by learning rate
smallest  accuracy against width, at one rate and at everybody's own, and the smallest width at the target
"""

import xarray as xr

from figures.parts import panels
from figures.parts import summary as sums
from figures.parts.style import GREY, looks, width_axis, words
from figures.parts.tickets import OWN, by_rate, rate_axis
from figures.parts.write import Drawn, Figures
from studies.analysis import coverage_probability, share, usable, with_axes
from studies.analysis.tickets import at_own_rate, effects, same_winner, single, smallest

#: Accuracy asked for; the ceiling is about 0.63.
TARGET = 0.6
PAIR = ("curriculum", "no_curriculum")
AXES = ("protocol", "width", "scope", "rounds", "learning_rate", "stream", "fresh")
#: Round whose masks are compared in `rates`.
ROUND = 2
#: What was pruned, and whether every round had samples of its own.
KINDS = {
    "units": {"scope": "units", "fresh": True},
    "units, same samples": {"scope": "units", "fresh": False},
    "single weights": {"scope": "layer", "fresh": True},
}
#: Dense students: no round of pruning.
DENSE = {"scope": "units", "fresh": False, "rounds": 0}
#: Two trainings from one start, (protocol, stream) each, and how the pair is drawn.
PAIRINGS = {
    "curriculum and none, same samples": (("curriculum", 0), ("no_curriculum", 0)),
    "none twice, other samples": (("no_curriculum", 0), ("no_curriculum", 1)),
    "curriculum twice, other samples": (("curriculum", 0), ("curriculum", 1)),
}
LOOKS = (("#009E73", "^"), ("#000000", "s"), ("#0072B2", "o"))


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means over replicates with intervals, and smallest sizes."""
    ds = with_axes(ds, AXES[2:])
    needed = [*DENSE.items(), *KINDS["units"].items(), ("stream", 0), ("stream", 1)]
    if lacking := [f"{axis} {value}" for axis, value in needed if value not in ds[axis]]:
        raise sums.Missing(f"needs {', '.join(lacking)}")
    if "trained_with" not in ds.dims or not {"ticket", "random_mask"} <= set(ds.arm.values):
        raise sums.Missing("needs the arms ticket and random_mask and the swap of protocols")
    if ds.sizes["replicate"] < 4 or ds.sizes["round"] < 2:
        raise sums.Missing("needs four replicates, half of them to choose rates, and a round of pruning")
    rate = sums.choose(ds, {"learning_rate": None})["learning_rate"]
    width, tickets = _tickets(ds)
    out = sums.merged(tickets, _dense(ds, rate), xr.Dataset({"left_out": sums.left_out(ds).sum()}))
    return sums.summary_of(ds, out, width=width)


def _tickets(ds: xr.Dataset) -> tuple[int, xr.Dataset]:
    """The width that was pruned (the largest of them), and accuracy and effects of its tickets."""
    pruned = single(ds.sel(stream=0, drop=True))
    known = usable(pruned).sel(round=1).notnull().any(set(pruned.test_accuracy.dims) - {"width", "round"})
    width = int(pruned.width.values[known][-1])
    pruned = pruned.sel(width=width, drop=True)
    kinds = {
        name: pruned.sel(where, drop=True)
        for name, where in KINDS.items()
        if all(value in pruned[axis] for axis, value in where.items())
    }
    parts: list[xr.Dataset] = []
    for part in kinds.values():
        end = usable(part).isel(time=-1, drop=True)
        found = sums.means(xr.Dataset({"end": end} | effects(end)))
        parts.append(found.assign(weights=part.weights.mean("replicate")))
    out = xr.concat(parts, xr.DataArray(list(kinds), dims="kind", name="kind"), join="outer")
    own, best = at_own_rate(kinds["units"])
    found = sums.means(xr.Dataset({"end": own} | effects(own))).assign(rate=best)
    return width, sums.merged(out, sums.prefixed("own", found))


def _dense(ds: xr.Dataset, rate: float) -> xr.Dataset:
    """Accuracy of dense students, the places of their winners, and the smallest widths at the target."""
    both = ds.sel(DENSE, drop=True)
    dense = both.isel(protocol=0, drop=True).sel(round=0, arm="ticket", drop=True)
    dense = dense.assign(status=both.status.max("protocol"))
    first = dense.sel(stream=0, drop=True)
    end = usable(first).isel(time=-1, drop=True)
    own, best = at_own_rate(first.sel(width=(first.status == 0).all("replicate").sum("learning_rate") > 1))
    at_rate = first.sel(learning_rate=rate, drop=True)
    covered = usable(at_rate, "covered_aligned")
    runs = {"dense": end, "dense_gain": _gain(end), "dense_own": own, "dense_own_gain": _gain(own)}
    shares = []
    for name, moment in (("covered_start", 0), ("covered_finish", -1)):
        then = covered.isel(time=moment, drop=True)
        shares.append(sums.prefixed(name, share((then == 4).where(then.notnull()))))
    runs |= {
        name: usable(at_rate, name).mean("cluster") for name in ("winner_rank", "winner_aligned", "effective")
    }
    runs["distinct"] = usable(at_rate, "distinct")
    winner = usable(dense, "winner").sel(learning_rate=rate, drop=True)
    sides = [[winner.sel(trained_with=p, stream=s, drop=True) for p, s in pair] for pair in PAIRINGS.values()]
    axis = xr.DataArray(list(PAIRINGS), dims="pairing", name="pairing")
    runs["same_winner"] = xr.concat([same_winner(*pair) for pair in sides], axis)
    sizes = []
    for name, values in (("width", end.sel(learning_rate=rate, drop=True)), ("own_width", own)):
        found = smallest(values.transpose(..., "width", "replicate"), TARGET, "width")
        sizes.append(found.rename(smallest=f"{name}_smallest", ci_low=f"{name}_low", ci_high=f"{name}_high"))
    return sums.merged(sums.means(xr.Dataset(runs)), xr.Dataset({"dense_own_rate": best}), *shares, *sizes)


def _gain(values: xr.DataArray) -> xr.DataArray:
    """What training with a curriculum adds."""
    return values.sel(trained_with=PAIR[0], drop=True) - values.sel(trained_with=PAIR[1], drop=True)


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    cell = sums.cell_of(summary)
    return (
        f"XOR-like mixture, N = {cell['n_inputs']}, ReLU, learning rate {cell['learning_rate']:g} unless "
        f"said, {cell['steps']} samples, of which {100 * cell['easy_fraction']:g} % easy (noise "
        f"{cell['easy']['noise']:g}), tested at noise {cell['hard']['noise']:g}; every round "
        f"keeps {100 * (1 - cell['fraction']):g} %."
    )


def lottery(summary: xr.Dataset) -> Drawn:
    """A unit for every cluster, with the right sign: start, end, and the coupon collector."""
    table = summary[[f"covered_{moment}_{k}" for moment in ("start", "finish") for k in sums.ENDS]]
    figure, ((axes,),) = panels.grid(1, 1, 2.8)
    widths = summary.width.values
    axes.plot(widths, coverage_probability(widths, 4, 0.125), color=GREY, ls=":", label="coupon collector")
    start = {"color": GREY, "marker": "x", "ls": "none", "label": "at the start"}
    panels.bars(axes, widths, table.sel(trained_with=PAIR[1]), "covered_start_mean", start)
    for (name, style), shift in zip(looks(PAIR).items(), (-0.06, 0.06), strict=True):
        look = style | {"label": f"at the end, {style['label']}"}
        panels.bars(axes, widths, table.sel(trained_with=name), "covered_finish_mean", look, shift)
    width_axis(axes, widths)
    axes.set_ylabel("share with a unit for every cluster")
    panels.legend_below(axes, 2)
    text = (
        "Share of students with, for every cluster, a unit that points there and has its sign, with exact "
        "binomial intervals."
    )
    return Drawn(figure, table, f"{text} {caption(summary)}")


def winners(summary: xr.Dataset) -> Drawn:
    """Place of winners at the start, same winners, units per cluster."""
    table = summary[[f"{n}_{k}" for n in ("winner_rank", "same_winner", "effective") for k in sums.ENDS]]
    widths = summary.width.values
    figure, ((one, two, three),) = panels.grid(1, 3, 3.2)
    for (name, style), shift in zip(looks(PAIR).items(), (-0.06, 0.06), strict=True):
        own = table.sel(trained_with=name)
        panels.bars(one, widths, own, "winner_rank_mean", style, shift)
        panels.bars(three, widths, own, "effective_mean", style, shift)
    # of K units a quarter has the right sign, half does nothing, a quarter has the wrong sign
    one.plot(widths, 1 + 3 * (widths - 1) / 8, color=GREY, ls=":", label="any unit")
    one.plot(widths, 1 + (widths - 1) / 8, color=GREY, ls="--", label="any unit of the right sign")
    one.set_yscale("log", base=2)
    one.set_yticks(widths / 2, [f"{place:g}" for place in widths / 2])
    one.set(ylabel="place of the winner at the start", title="who wins (1: the best)")
    for pairing, (colour, marker), shift in zip(PAIRINGS, LOOKS, panels.spread(3, 0.12), strict=True):
        style = {"color": colour, "marker": marker, "ls": "-", "label": pairing}
        panels.bars(two, widths, table.sel(pairing=pairing), "same_winner_mean", style, shift)
    two.plot(widths, 1 / widths, color=GREY, ls=":", label="chance")
    two.set(ylabel="share of clusters", title="same winner twice", ylim=(0, 1.02))
    three.set(ylabel="units", title="units per cluster")
    for axes in (one, two, three):
        width_axis(axes, widths)
        panels.legend_below(axes)
    return Drawn(figure, table, caption(summary))


def swap(summary: xr.Dataset) -> Drawn:
    """Accuracy against what is left: at one rate, at everybody's own rate, and of single weights."""
    rate = sums.choose(summary, {"learning_rate": None})["learning_rate"]
    names = sums.columns("end_mean")
    shared = summary[[*names, "weights"]].sel(learning_rate=rate, drop=True)
    own = summary[[f"own_{name}" for name in names]]
    units = shared.sel(kind="units", drop=True)
    best = own.rename({f"own_{name}": name for name in names}).assign(weights=units.weights)
    parts = {f"units, rate {rate:g}": units, "units, own best rate": best}
    if "single weights" in summary.kind:
        parts[f"weights, rate {rate:g}"] = shared.sel(kind="single weights", drop=True)
    figure, (row,) = panels.grid(1, len(parts), 2.7, sharey=True)
    for axes, (title, part) in zip(row, parts.items(), strict=True):
        part = part.sel(round=part.end_mean.notnull().any([d for d in part.end_mean.dims if d != "round"]))
        left = (part.weights / part.weights.isel(round=0)).mean(["protocol", "arm", "trained_with"]).values
        weights = title.startswith("weights")
        x = 100 * left if weights else left * summary.attrs["width"]
        for trainer, style in looks(PAIR).items():
            for finder, face in zip(PAIR, ("full", "none"), strict=True):
                one = part.sel(trained_with=trainer, protocol=finder, arm="ticket")
                label = f"found with {words(finder)}, trained with {words(trainer)}"
                panels.bars(axes, x, one, "end_mean", style | {"ls": "-", "label": label, "fillstyle": face})
            one = part.sel(trained_with=trainer, protocol=PAIR[1], arm="random_mask")
            label = f"random mask, trained with {words(trainer)}"
            panels.bars(axes, x, one, "end_mean", style | {"ls": ":", "label": label})
        axes.set_xscale("log", base=2)
        axes.set_xticks(x, [f"{value:.3g}" for value in x])
        axes.minorticks_off()
        axes.invert_xaxis()
        axes.set(xlabel="weights left, %" if weights else "units left", title=title)
    row[0].set_ylabel("test accuracy")
    panels.legend_above(figure, 2)
    return Drawn(figure, summary[[*names, *own]], caption(summary))


def rates_figure(summary: xr.Dataset) -> Drawn:
    """The worth of a curriculum to some units, random or chosen, and to the dense student, by rate."""
    if ROUND not in summary["round"]:
        raise sums.Missing(f"needs {ROUND} rounds of pruning")
    width = summary.attrs["width"]
    gains = {
        name: summary[[f"{name}_{k}" for k in sums.ENDS]] for name in ("trainer_gain", "own_trainer_gain")
    }
    tickets = sums.merged(*(part.sel(protocol=PAIR[1], round=ROUND) for part in gains.values()))
    names = [f"{name}_{k}" for name in ("dense_gain", "dense_own_gain") for k in sums.ENDS]
    dense = summary[names].sel(width=width)
    rates, left = summary.learning_rate.values, width // 2**ROUND
    figure, ((axes,),) = panels.grid(1, 1, 3.2)
    for arm, colour, marker, label in (
        ("random_mask", "#D55E00", "D", f"{left} random units"),
        ("ticket", "#0072B2", "o", f"{left} units chosen without a curriculum"),
    ):
        style = {"color": colour, "marker": marker, "ls": "-", "label": label}
        by_rate(axes, rates, tickets.sel(arm=arm, kind="units"), "trainer_gain", style)
    if "units, same samples" in summary.kind:
        same = tickets.sel(arm="ticket", kind="units, same samples")
        style = {
            "color": "#0072B2",
            "marker": "x",
            "ls": "none",
            "label": "... on the samples that chose them",
        }
        panels.bars(axes, rates, same, "trainer_gain_mean", style)
    named = dense.rename({f"dense_own_gain_{k}": f"own_dense_gain_{k}" for k in sums.ENDS})
    style = {"color": "#000000", "marker": "s", "ls": "-", "label": f"all {width} units"}
    by_rate(axes, rates, named, "dense_gain", style)
    rate_axis(axes, rates)
    axes.set_ylabel("accuracy with minus without\ncurriculum")
    panels.legend_below(axes)
    both = [part.drop_vars(["round", "protocol", "width"], errors="ignore") for part in (tickets, dense)]
    return Drawn(figure, sums.merged(*both), f"{OWN} {caption(summary)}")


def smallest_figure(summary: xr.Dataset) -> Drawn:
    """Accuracy of dense students against width, and the smallest that reaches the target."""
    rate = sums.choose(summary, {"learning_rate": None})["learning_rate"]
    names = [f"{n}_{k}" for n in ("dense", "dense_own") for k in sums.ENDS]
    sizes = [f"{n}_{k}" for n in ("width", "own_width") for k in ("smallest", "low", "high")]
    table = summary[names + sizes].sel(learning_rate=rate, drop=True)
    figure, (row,) = panels.grid(1, 2, 2.7, sharey=True)
    kinds = (("dense", "width", f"rate {rate:g}"), ("dense_own", "own_width", "each at its best rate"))
    for axes, (values, size, title) in zip(row, kinds, strict=True):
        for (name, style), shift in zip(looks(PAIR).items(), (-0.06, 0.06), strict=True):
            own = table.sel(trained_with=name)
            middle, low, high = (float(own[f"{size}_{k}"]) for k in ("smallest", "low", "high"))
            label = f"{style['label']}: from K = {middle:g} [{low:g}, {high:g}]"
            panels.bars(axes, summary.width.values, own, f"{values}_mean", style | {"label": label}, shift)
        axes.axhline(TARGET, color=GREY, lw=0.8, ls=":")
        width_axis(axes, summary.width.values)
        axes.set_title(title)
        panels.legend_below(axes)
    row[0].set_ylabel("test accuracy")
    return Drawn(figure, table, f"Dotted: the target, {TARGET}. {caption(summary)}")


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    return {
        "lottery": lottery, "winners": winners, "swap": swap, "rates": rates_figure,
        "smallest": smallest_figure,
    }  # fmt: skip
