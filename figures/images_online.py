"""Figures of the study images_online.

benefit    benefit of the curriculum against width for each data set, by budget
accuracy   accuracy at the end against width for each data set and budget, a line per protocol
order      lead of the curriculum over controls that end as it does, or otherwise, for each data set
collapse   benefit over its peak against K / K*, real images and the synthetic mixture over each other
rates      the learning rate chosen for each arm
"""

from functools import partial
from pathlib import Path

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import images, panels, summary as sums
from figures.parts.style import GREY, series, words
from figures.parts.write import Drawn, Figures, named
from studies.analysis import half_width, with_axes

#: The protocols that are compared.
PAIR = ("curriculum", "no_curriculum")
#: Budget, in steps, that is laid over the synthetic curve.
HEADLINE = 500
SYNTHETIC = Path(__file__).parent / "data" / "xor_mixture.nc"
OWN_AXES = ("data_set", "n_steps")
AXES = ("protocol", "width", *OWN_AXES)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, at the end of every run: (data_set, n_steps, protocol, treatment, width)."""
    out = images.summarise_images(ds, OWN_AXES, PAIR[1])
    order = sums.order_or_end(with_axes(ds, OWN_AXES), PAIR[0])
    return sums.summary_of(ds, out, order.sel(data_set=out.data_set) if order else order)


def caption(summary: xr.Dataset) -> str:
    """Settings and number of replicates."""
    return (
        "Single pass, {relabelling:words} of classes {pair}, {corruption:words}: level up to {easy:g} (easy "
        f"fraction {{easy_fraction:g}}), else {{hard:g}}; tested at {{hard:g}}. {images.settings(summary)}"
    )


def benefit(summary: xr.Dataset) -> Drawn:
    """Benefit against width, a panel per data set, a line per budget."""
    part = summary[[*images.BENEFIT, "half_width"]].sel(treatment="curriculum")

    def draw(axes: Axes, own: xr.Dataset) -> None:
        own = own.sel(n_steps=own.benefit.notnull().any("width"))
        panels.benefit_by(axes, own, "n_steps", "{} steps")

    parts, label = panels.each(part, "data_set"), "benefit over no curriculum\n(test accuracy)"
    figure = panels.facets(parts, draw, 3, len(parts), ylabel=label, legend=0, sharey=True)
    note = "At a fixed number of steps both arms may fall with width, see the figure accuracy."
    return Drawn(figure, part, f"{note} {caption(summary)}")


def order(summary: xr.Dataset) -> Drawn:
    """The lead of the curriculum: order alone where both end alike, order and end, hard examples only."""
    steps = shown_steps(summary)
    table = sums.order(summary).sel(n_steps=steps)
    parts, label = panels.each(table, "data_set"), "lead of the curriculum\n(test accuracy)"
    figure = panels.facets(parts, panels.order_lines, 3, len(parts), ylabel=label, legend=2, sharey=True)
    return Drawn(figure, table, f"{steps} steps. {caption(summary)}")


def shown_steps(summary: xr.Dataset) -> int:
    """The budget that is shown alone, the first if that of the headline was not run."""
    return HEADLINE if HEADLINE in summary.n_steps else summary.n_steps.values[0]


def curves(summary: xr.Dataset) -> dict[str, xr.Dataset]:
    """Benefit curves with their K*: the mixture as published, with and without tuning; each data set."""
    names, found = sums.columns("benefit"), {}
    if SYNTHETIC.exists():
        mixture = xr.load_dataset(SYNTHETIC, engine="h5netcdf")
        at = {"treatment": "curriculum", "parametrisation": "standard", "budget": 600.0, "time": 600.0}
        found["XOR mixture, one rate for both arms"] = mixture[names].sel(at)
        tuned = dict(zip(sums.columns("tuned_benefit"), names, strict=True))
        found["XOR mixture, each arm at its best rate"] = mixture[list(tuned)].rename(tuned)
    steps = shown_steps(summary)
    for name in summary.data_set.values:
        line = summary[names].sel(treatment="curriculum", data_set=name, n_steps=steps)
        found[f"{words(name)}, {steps} steps"] = line
    known = {
        name: line.reset_coords(drop=True).dropna("width", subset=names[:1]) for name, line in found.items()
    }
    return {name: relative(line) for name, line in known.items() if line.sizes["width"]}


def relative(line: xr.Dataset) -> xr.Dataset:
    """With K*, where the benefit falls to half; the benefit over its largest value and the width over K*."""
    line = line.assign(half_widths(line))
    if not np.isfinite(line.half_width):
        return line
    names = sums.columns("benefit")
    scaled = line[names] / float(line.benefit.max())
    renamed = scaled.rename(dict(zip(names, sums.columns("relative_benefit"), strict=True)))
    return line.merge(renamed).assign(relative_width=line.width / line.half_width)


def half_widths(line: xr.Dataset) -> dict[str, float]:
    """K* and its 95 % interval: that of 2000 curves with points drawn from normals as wide as their bars.

    Widths are taken to be independent, as they are drawn here and not their replicates.
    """
    middle, low, high = (line[name].values for name in sums.columns("benefit"))
    wide = np.nan_to_num(high - low) / (2 * 1.96)
    drawn = np.random.default_rng(0).normal(middle, wide, (2000, len(middle)))
    found = half_width(xr.DataArray(drawn, {"width": line.width}, ["draw", "width"])).values
    known = found[~np.isnan(found)]
    ends = np.quantile(known, [0.025, 0.975], method="nearest") if known.size else (np.nan, np.nan)
    names = ("half_width", "half_width_low", "half_width_high")
    return dict(zip(names, (float(half_width(line.benefit)), *map(float, ends)), strict=True))


def collapse(summary: xr.Dataset) -> Drawn:
    """Benefit over its largest value against K / K*, K* the width at which it has fallen to half."""
    shown = curves(summary)
    figure, ((left, right),) = panels.grid(1, 2, 3.2)
    for name, style in series(shown).items():
        line = shown[name]
        panels.bars(left, line.width.values, line, "benefit", style | {"label": name})
        if "relative_benefit" in line:
            said = f"K* = {line.half_width:.1f} [{line.half_width_low:.1f}, {line.half_width_high:.1f}]"
            panels.bars(right, line.relative_width, line, "relative_benefit", style | {"label": said})
    panels.zero_and_widths(left, np.unique(np.concatenate([line.width.values for line in shown.values()])))
    left.set_ylabel("benefit (test accuracy)")
    right.set_xscale("log", base=2)
    right.xaxis.set_major_formatter(lambda x, _: f"{x:g}" if x >= 1 else f"1/{1 / x:g}")
    right.set(xlabel="K / K*", ylabel="benefit / its largest value")
    right.axvline(1, color=GREY, lw=0.8, ls=":")
    right.axhline(0, color=GREY, lw=0.8, zorder=1)
    for axes in (left, right):
        panels.legend_below(axes)
    text = (
        "K*: width at which the benefit has fallen to half its largest value, its interval from points drawn "
        "anew within their bars; a curve that never does is on the left only. Mixture at a budget of 600 N "
        f"samples. {caption(summary)}"
    )
    table = xr.concat([line.expand_dims(curve=[name]) for name, line in shown.items()], "curve", join="outer")
    return Drawn(figure, table, text)


#: Small panels: a row per data set, a column per budget.
LAYOUT = images.Layout("data_set", ("n_steps",), "{data_set:words},\n{n_steps} steps")
SMALL = {"accuracy": images.accuracy, "rates": images.rates}
FIGURES: Figures = named(benefit, order, collapse) | {
    name: partial(draw, layout=LAYOUT, caption=caption) for name, draw in SMALL.items()
}
