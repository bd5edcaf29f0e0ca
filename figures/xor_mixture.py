"""Figures of the study xor_mixture.

accuracy          accuracy against time, a panel per width, a line per protocol
benefit           benefit against width at the end of each budget, with the width at which it is gone
map               benefit over width and time, with dots where its interval covers 0
lottery           replicates with every cluster covered against width, beside the coupon collector
parametrisations  benefit against width for each parametrisation
order             benefit over controls that end as the curriculum does, or otherwise
tuned             benefit against width with one rate for all, and with each arm at its own best rate
"""

import xarray as xr
from matplotlib.axes import Axes

from figures.parts import maps, panels, rates, summary as sums
from figures.parts.style import GREY, looks, series, width_axis
from figures.parts.write import Drawn, Figures, named
from studies.analysis import lottery, usable, with_axes

#: The protocols that are compared, and the axes that the figures know.
PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_accuracy",)
AXES = ("protocol", "width", "parametrisation", "budget", "learning_rate")
#: Parametrisation and budget of the headline.
HEADLINE = {"parametrisation": "standard", "budget": 600.0}
CAPTION = "XOR-like Gaussian mixture, N = {n_inputs}, " + panels.LEARNER + ", " + panels.NOISE


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """All that the figures show, replicates reduced to means and intervals; one rate but for `tuned`."""
    ds = with_axes(ds, (*HEADLINE, "learning_rate"))
    shown = ds.sel(sums.choose(ds, {"learning_rate": None}), drop=True)
    plain = ds.sel(sums.choose(ds, HEADLINE), drop=True)
    return sums.summary_of(
        shown,
        sums.prefixed("accuracy", sums.mean(usable(shown))),
        sums.gains(shown, PAIR[1]),
        lottery(shown) if {"covered", "covered_aligned"} <= set(shown) else xr.Dataset(),
        sums.own_rates(plain, PAIR),
        sums.order_or_end(plain.sel(sums.choose(ds, {"learning_rate": None}), drop=True), PAIR[0]),
    )


def headline(summary: xr.Dataset) -> xr.Dataset:
    """The standard parametrisation at the headline budget, or what there is, at the widths that were run."""
    part = sums.run_at(summary, HEADLINE)
    return part.sel(width=part.accuracy_n.sum("protocol") > 0)


def accuracy(summary: xr.Dataset) -> Drawn:
    """Accuracy against time per width and protocol."""
    part = headline(summary)
    figure = panels.time_panels(part, "accuracy_mean", "test accuracy")
    return Drawn(figure, part[[*sums.columns("accuracy_mean"), "accuracy_n"]], CAPTION, part)


def curriculum_at_ends(summary: xr.Dataset) -> xr.Dataset:
    """Benefit at the end of every budget: dims (parametrisation, budget, width)."""
    return sums.at_ends(summary[sums.BENEFIT].sel(treatment=PAIR[0]))


def benefit(summary: xr.Dataset) -> Drawn:
    """Benefit against width, by budget (left) and by kind of curriculum (right)."""
    at = sums.choose(summary, HEADLINE)
    ends = curriculum_at_ends(summary).sel(parametrisation=at["parametrisation"])
    orders = sums.at_ends(summary[sums.BENEFIT]).sel(at)
    figure, ((left, right),) = panels.grid(1, 2, 3)
    panels.benefit_by(left, ends, "budget", "budget {:g}")
    panels.lines(right, orders, "benefit", "treatment")
    panels.legend_below(right, 2)
    left.set(title="curriculum", ylabel="benefit over no curriculum\n(test accuracy)")
    right.set_title(f"all orders, budget {at['budget']:g}")
    tables = {"a: by budget": ends, "b: by order": orders}
    return Drawn(figure, tables, CAPTION, summary.sel(parametrisation=at["parametrisation"]))


def map_(summary: xr.Dataset) -> Drawn:
    """Benefit over width and time within a run, and over width and budget at the end of runs."""
    part = headline(summary)[[*sums.BENEFIT, "left_out"]].sel(treatment=PAIR[0])
    within = part.sel(time=part.time > 0)
    ends = curriculum_at_ends(summary).sel(parametrisation=part.parametrisation.item())
    parts, table = {f"within a run, budget {part.budget.item():g}": within}, within[sums.BENEFIT]
    if summary.sizes["budget"] > 1:
        parts["at the end of a run"] = ends
        table = {"a: within a run": table, "b: at the end": ends}
    return Drawn(maps.benefits(parts, "benefit (test accuracy)"), table, CAPTION, part)


def lottery_(summary: xr.Dataset) -> Drawn:
    """Share of replicates whose units cover all clusters, start and end, beside the coupon collector."""
    sums.need("all_covered" in summary, "record covered and covered_aligned")
    part = headline(summary)
    kinds = {"a unit points at every cluster": "covered", "... with the right sign": "aligned"}
    ends, start = looks(PAIR, "at the end, {}"), {"color": "#E69F00", "ls": "none", "label": "at the start"}
    shown = [(PAIR[1], "start", ends[PAIR[1]] | start), *((p, "end", ends[p]) for p in reversed(PAIR))]

    def draw(axes: Axes, kind: str) -> None:
        axes.plot(part.width, part[f"expected_{kind}"], color=GREY, lw=3, label="coupon collector")
        names = {f"all_{kind}": "mean", f"ci_low_{kind}": "ci_low", f"ci_high_{kind}": "ci_high"}
        share = part[[*names]].rename(names)
        for (name, moment, style), shift in zip(shown, panels.spread(3, 0.1), strict=True):
            one = share.sel(protocol=name, moment=moment)
            panels.bars(axes, part.width.values, one, "mean", style, shift)
        width_axis(axes, part.width.values)

    figure = panels.facets(kinds, draw, 2.6, ylabel="share of replicates", sharey=True)
    table = part[[str(n) for n in part.data_vars if "covered" in str(n) or "aligned" in str(n)]]
    return Drawn(figure, table, f"Intervals of shares are exact binomial ones. {CAPTION}", part)


def parametrisations(summary: xr.Dataset) -> Drawn:
    """The benefit curve in each parametrisation, at the headline budget."""
    sums.need(summary.sizes["parametrisation"] > 1, "one parametrisation only")
    budget = sums.choose(summary, HEADLINE)["budget"]
    ends = curriculum_at_ends(summary).sel(budget=budget)
    ends = ends.sel(width=(ends.benefit.notnull().sum("parametrisation") > 1))
    figure, ((axes,),) = panels.grid(1, 1, 2.8)
    panels.lines(axes, ends, "benefit", "parametrisation", series(ends.parametrisation.values))
    axes.set(title=f"budget {budget:g}", ylabel="benefit of the curriculum\n(test accuracy)")
    panels.legend_below(axes, 3)
    return Drawn(figure, ends, CAPTION, summary.sel(budget=budget))


def order(summary: xr.Dataset) -> Drawn:
    """What the curriculum is ahead of: order alone where both end alike, order and end, hard samples only."""
    table = sums.order(summary).dropna("width", subset=["order_benefit"], how="all")
    figure, ((axes,),) = panels.grid(1, 1, 2.8)
    panels.order_lines(axes, table)
    panels.legend_below(axes)
    budget = sums.choose(summary, HEADLINE)["budget"]
    axes.set(title=f"budget {budget:g}", ylabel="lead of the curriculum\n(test accuracy)")
    return Drawn(figure, table, CAPTION, headline(summary))


def tuned(summary: xr.Dataset) -> Drawn:
    """Benefit at a rate shared by both arms, and with each arm at its own best rate; the rates chosen."""
    part = headline(summary)
    own = rates.own_best(part)
    shared = curriculum_at_ends(summary).sel(sums.choose(summary, HEADLINE)).sel(width=own.width)
    figure, ((left, right),) = panels.grid(1, 2, 2.8)
    rates.tuned_panels(left, right, shared, own, summary)
    left.set_ylabel("benefit of the curriculum\n(test accuracy)")
    tables = {"a: one rate": shared, "a, b: each at its best rate": own}
    return Drawn(figure, tables, f"{CAPTION} {rates.tuned_note(own)}", part)


FIGURES: Figures = named(accuracy, benefit, map_, lottery_, parametrisations, order, tuned)
