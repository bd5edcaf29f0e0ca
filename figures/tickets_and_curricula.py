"""Figures of the study tickets_and_curricula.

lottery   share of students that have a unit for every cluster, at the start and at the end, against width
winners   who wins: place at the start, how often the same unit, units that carry a cluster
swap      accuracy of tickets against what is left: who found the mask, who trained it, chosen or random
rates     what a curriculum is worth to a ticket, to random units and to the dense student, by learning rate
smallest  accuracy against width, at one rate and at everybody's own, and the smallest width at the target
"""

import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums
from figures.parts.style import GREY, log_axis, looks, series, width_axis, words
from figures.parts.tickets import OWN, by_rate, need_swap, rate_axis, swapped, swapped_at_own_rate
from figures.parts.write import Drawn, Figures, named
from studies.analysis import coverage_probability, share, usable, with_axes
from studies.analysis.tickets import at_own_rate, same_winner, single, smallest

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
CAPTION = (
    "XOR-like mixture, N = {n_inputs}, ReLU, learning rate {learning_rate:g} unless said, {steps} samples, "
    "of which {easy_fraction:percent} % easy (noise {easy[noise]:g}), tested at noise {hard[noise]:g}; every "
    "round keeps {fraction:rest} %."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Means over replicates with intervals, and smallest sizes."""
    ds = with_axes(ds, AXES[2:])
    needed = [*DENSE.items(), *KINDS["units"].items(), ("stream", 0), ("stream", 1)]
    lacking = [f"{axis} {value}" for axis, value in needed if value not in ds[axis]]
    sums.need(not lacking, f"needs {', '.join(lacking)}")
    need_swap(ds)
    sums.need(ds.sizes["round"] > 1, "needs a round of pruning")
    rate = sums.choose(ds, {"learning_rate": None})["learning_rate"]
    width, tickets = _tickets(ds)
    return sums.summary_of(ds, tickets, _dense(ds, rate), left_out=sums.left_out(ds).sum(), width=width)


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
    parts = {
        name: swapped(usable(part).isel(time=-1, drop=True)).assign(weights=part.weights.mean("replicate"))
        for name, part in kinds.items()
    }
    return width, sums.merged(sums.along("kind", parts), swapped_at_own_rate(kinds["units"]))


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
    runs = {"dense": end, "dense_own": own}
    for name, values in tuple(runs.items()):
        one, other = (values.sel(trained_with=protocol, drop=True) for protocol in PAIR)
        runs[f"{name}_gain"] = one - other
    for name in ("winner_rank", "effective"):
        runs[name] = usable(at_rate, name).mean("cluster")
    winner = usable(dense, "winner").sel(learning_rate=rate, drop=True)
    sides = [[winner.sel(trained_with=p, stream=s, drop=True) for p, s in pair] for pair in PAIRINGS.values()]
    axis = xr.DataArray(list(PAIRINGS), dims="pairing", name="pairing")
    runs["same_winner"] = xr.concat([same_winner(*pair) for pair in sides], axis)
    parts = [sums.means(runs), xr.Dataset({"dense_own_rate": best})]
    for name, moment in (("covered_start", 0), ("covered_finish", -1)):
        then = covered.isel(time=moment, drop=True)
        parts.append(sums.prefixed(name, share((then == 4).where(then.notnull()))))
    for name, values in (("width", end.sel(learning_rate=rate, drop=True)), ("own_width", own)):
        found = smallest(values.transpose(..., "width", "replicate"), TARGET, "width")
        parts.append(sums.prefixed(name, found.rename(ci_low="low", ci_high="high")))
    return sums.merged(*parts)


def lottery(summary: xr.Dataset) -> Drawn:
    """A unit for every cluster, with the right sign: start, end, and the coupon collector."""
    table = sums.numbers(summary, "covered_start_mean", "covered_finish_mean")
    figure, ((axes,),) = panels.grid(1, 1, 2.8)
    widths = summary.width.values
    axes.plot(widths, coverage_probability(widths, 4, 0.125), color=GREY, ls=":", label="coupon collector")
    start = {"color": GREY, "marker": "x", "ls": "none", "label": "at the start"}
    panels.bars(axes, widths, table.sel(trained_with=PAIR[1]), "covered_start_mean", start)
    both = looks(PAIR, "at the end, {}")
    panels.curves(axes, table, "covered_finish_mean", "trained_with", both, step=0.12)
    width_axis(axes, widths)
    axes.set_ylabel("share with a unit for every cluster")
    panels.legend_below(axes, 2)
    text = (
        "Share of students with, for every cluster, a unit that points there and has its sign, with exact "
        "binomial intervals."
    )
    return Drawn(figure, table, f"{text} {CAPTION}")


def winners(summary: xr.Dataset) -> Drawn:
    """Place of winners at the start, same winners, units per cluster."""
    table = sums.numbers(summary, "winner_rank_mean", "same_winner_mean", "effective_mean")
    widths = summary.width.values
    figure, ((one, two, three),) = panels.grid(1, 3, 3.2)
    for axes, name in ((one, "winner_rank_mean"), (three, "effective_mean")):
        panels.curves(axes, table, name, "trained_with", looks(PAIR), step=0.12)
    # of K units a quarter has the right sign, half does nothing, a quarter has the wrong sign
    one.plot(widths, 1 + 3 * (widths - 1) / 8, color=GREY, ls=":", label="any unit")
    one.plot(widths, 1 + (widths - 1) / 8, color=GREY, ls="--", label="any unit of the right sign")
    one.set_yscale("log", base=2)
    one.set_yticks(widths / 2, [f"{place:g}" for place in widths / 2])
    one.set(ylabel="place of the winner at the start", title="who wins (1: the best)")
    panels.curves(two, table, "same_winner_mean", "pairing", series(PAIRINGS, looks=LOOKS), step=0.12)
    two.plot(widths, 1 / widths, color=GREY, ls=":", label="chance")
    two.set(ylabel="share of clusters", title="same winner twice", ylim=(0, 1.02))
    three.set(ylabel="units", title="units per cluster")
    for axes in (one, two, three):
        width_axis(axes, widths)
        panels.legend_below(axes)
    return Drawn(figure, table, CAPTION)


def swap(summary: xr.Dataset) -> Drawn:
    """Accuracy against what is left: at one rate, at everybody's own rate, and of single weights."""
    rate = sums.choose(summary, {"learning_rate": None})["learning_rate"]
    table = sums.numbers(summary, "end_mean", "own_end_mean")
    shared = table.assign(weights=summary.weights).sel(learning_rate=rate, drop=True)
    units = shared.sel(kind="units", drop=True)
    parts = {
        f"units, rate {rate:g}": (units, "end_mean", "units left"),
        "units, own best rate": (units, "own_end_mean", "units left"),
    }
    if "single weights" in summary.kind:
        weights = shared.sel(kind="single weights", drop=True)
        parts[f"weights, rate {rate:g}"] = (weights, "end_mean", "weights left, %")

    def draw(axes: Axes, shown: tuple[xr.Dataset, str, str]) -> None:
        part, name, left = shown
        known = part[name].notnull()
        part = part.sel(round=known.any([d for d in known.dims if d != "round"]))
        x = (part.weights / part.weights.isel(round=0)).mean(["protocol", "arm", "trained_with"]).values
        x = x * (100 if left == "weights left, %" else summary.attrs["width"])
        for trainer, style in looks(PAIR, "trained with {}").items():
            for arm, finder, said, look in (
                ("ticket", PAIR[0], f"found with {words(PAIR[0])}", {"ls": "-"}),
                ("ticket", PAIR[1], f"found with {words(PAIR[1])}", {"ls": "-", "fillstyle": "none"}),
                ("random_mask", PAIR[1], "random mask", {"ls": ":"}),
            ):
                one = part.sel(trained_with=trainer, protocol=finder, arm=arm)
                panels.bars(axes, x, one, name, style | look | {"label": f"{said}, {style['label']}"})
        log_axis(axes, "x", {place: f"{place:.3g}" for place in x}, 2)
        axes.invert_xaxis()
        axes.set_xlabel(left)

    figure = panels.facets(parts, draw, 2.7, len(parts), ylabel="test accuracy", legend=2, sharey=True)
    return Drawn(figure, table, CAPTION)


def rates_(summary: xr.Dataset) -> Drawn:
    """The worth of a curriculum to some units, random or chosen, and to the dense student, by rate."""
    sums.need(ROUND in summary["round"], f"needs {ROUND} rounds of pruning")
    width = summary.attrs["width"]
    gains = (sums.numbers(summary, name) for name in ("trainer_gain_mean", "own_trainer_gain_mean"))
    tickets = sums.merged(*(part.sel(protocol=PAIR[1], round=ROUND) for part in gains))
    dense = sums.numbers(summary, "dense_gain_mean", "dense_own_gain_mean").sel(width=width)
    rates, left = summary.learning_rate.values, width // 2**ROUND
    figure, ((axes,),) = panels.grid(1, 1, 3.2)
    random, chosen, again, every = series(
        (f"{left} random units", f"{left} units chosen without a curriculum",
         "... on the samples that chose them", f"all {width} units"),
        looks=(("#D55E00", "D"), ("#0072B2", "o"), ("#0072B2", "x"), ("#000000", "s")),
    ).values()  # fmt: skip
    for arm, style in (("random_mask", random), ("ticket", chosen)):
        by_rate(axes, rates, tickets.sel(arm=arm, kind="units"), "trainer_gain", style)
    if "units, same samples" in summary.kind:
        same = tickets.sel(arm="ticket", kind="units, same samples")
        panels.bars(axes, rates, same, "trainer_gain_mean", again | {"ls": "none"})
    own = {name: str(name).replace("dense_own", "own_dense") for name in dense if "own" in str(name)}
    by_rate(axes, rates, dense.rename(own), "dense_gain", every)
    rate_axis(axes, rates)
    axes.set_ylabel("accuracy with minus without\ncurriculum")
    panels.legend_below(axes)
    both = [part.drop_vars(["round", "protocol", "width"], errors="ignore") for part in (tickets, dense)]
    return Drawn(figure, sums.merged(*both), f"{OWN} {CAPTION}")


def smallest_(summary: xr.Dataset) -> Drawn:
    """Accuracy of dense students against width, and the smallest that reaches the target."""
    rate = sums.choose(summary, {"learning_rate": None})["learning_rate"]
    sizes = sums.starting(summary, "width_", "own_width_")
    table = sums.numbers(summary, "dense_mean", "dense_own_mean").assign(sizes.data_vars)
    table = table.sel(learning_rate=rate, drop=True)

    def draw(axes: Axes, shown: tuple[str, str]) -> None:
        name, size = shown
        styles = looks(PAIR)
        for protocol, style in styles.items():
            middle, low, high = (
                float(table[f"{size}_{k}"].sel(trained_with=protocol)) for k in ("smallest", "low", "high")
            )
            style["label"] += f": from K = {middle:g} [{low:g}, {high:g}]"
        panels.lines(axes, table, name, "trained_with", styles, step=0.12)
        axes.axhline(TARGET, color=GREY, lw=0.8, ls=":")
        panels.legend_below(axes)

    kinds = {
        f"rate {rate:g}": ("dense_mean", "width"),
        "each at its best rate": ("dense_own_mean", "own_width"),
    }
    figure = panels.facets(kinds, draw, 2.7, ylabel="test accuracy", legend=0, sharey=True)
    return Drawn(figure, table, f"Dotted: the target, {TARGET}. {CAPTION}")


FIGURES: Figures = named(lottery, winners, swap, rates_, smallest_)
