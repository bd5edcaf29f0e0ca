"""What the studies of the best width at a fixed cost share: their summary and their figures."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import panels, summary as sums
from figures.parts.style import GREY, looks, series, width_axis, words
from figures.parts.write import Drawn
from studies.analysis import with_axes
from studies.analysis.isoflop import by_cost, compute_optimal

PAIR = ("curriculum", "no_curriculum")
RECORDED = ("test_loss",)
#: What belongs to a cost and a width, and is no choice.
OWN = ("budget",)
COST = "training operations C"
#: How numbers came about.
RATES = (
    "Every width, cost and arm at its own best peak rate, chosen on one half of the replicates and judged on "
    "the other, both ways; intervals include the choice. Warm-up takes 5 % of a run, decay at its end 20 %."
)
NOTE = f"{RATES} K*: minimum of a parabola in log K through the lowest point and its neighbours."
#: Columns of a table of estimates.
ENDS = ("", "_ci_low", "_ci_high")


def summarise(ds: xr.Dataset, axes: tuple[str, ...], floor: float) -> xr.Dataset:
    """Curves of equal cost, their minima, exponents and laws, with `axes` as dimensions."""
    ds = with_axes(ds, ("learning_rate", *OWN, *axes))
    sums.need(
        sums.cell_of(ds).get("student", "two_layer") == "two_layer",
        "needs students of two layers, whose cost is known",
    )
    sums.need(ds.sizes["replicate"] > 3, "needs four replicates, half of them to choose rates")
    loss = by_cost(ds)
    sums.need(loss.sizes["flops"] > 2 and loss.sizes["width"] > 2, "needs three costs and three widths")
    out = compute_optimal(loss.drop_vars("samples"), floor).assign(
        samples=loss.samples.reset_coords(drop=True)
    )
    lost = sums.left_out(ds).sum(["replicate", *OWN, "width", "learning_rate"])
    return sums.summary_of(ds, out, left_out=lost, floor=floor)


def places(summary: xr.Dataset, axes: dict[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Title and place of every panel: all values of `axes`, axis -> its name in titles."""
    for values in product(*(summary[axis].values.tolist() for axis in axes)):
        said = [
            f"{name} {value:g}" if isinstance(value, float) else words(value)
            for name, value in zip(axes.values(), values, strict=True)
        ]
        yield ", ".join(said), dict(zip(axes, values, strict=True))


def above_floor(summary: xr.Dataset) -> xr.Dataset:
    """The summary with losses above the smallest possible: own_above and best_above, with their intervals."""
    floor = summary.attrs["floor"]
    found = {f"{of}_above{end}": summary[f"{of}_loss{end}"] - floor for of in ("own", "best") for end in ENDS}
    return summary.assign(found)


def curves(summary: xr.Dataset, axes: dict[str, str], caption: str) -> Drawn:
    """Loss above the floor against width, a curve per cost, a row per arm; minima filled, edges open."""
    summary = above_floor(summary)
    each = list(places(summary, axes))
    figure, grid = panels.grid(len(PAIR), len(each), 2.4, sharex=True, sharey="col")
    styles = series(summary.flops.values, "{}")
    for row, protocol in zip(grid, PAIR, strict=True):
        for axes_, (title, at) in zip(row, each, strict=True):
            part = summary.sel(at | {"protocol": protocol})
            for cost, style in styles.items():
                _curve(axes_, part.sel(flops=cost), style | {"label": f"C = {cost:.2g}"})
            axes_.set_title(f"{title}\n{words(protocol)}", fontsize=7)
            axes_.set_yscale("log")
            width_axis(axes_, summary.width.values)
    figure.supylabel("test loss above the smallest possible", fontsize=8)
    panels.legend_above(figure)
    names = [
        *(f"own_{what}{end}" for what in ("loss", "above") for end in ENDS),
        "rate",
        "edge",
        "resolved",
        *(f"best_{what}{end}" for what in ("width", "loss", "above") for end in ENDS),
    ]
    note = (
        "Filled: the minimum; open: the lowest point where it is the narrowest or widest student, or where "
        "fewer than half of the resamples have a minimum."
    )
    return Drawn(figure, summary[names], f"{caption} {NOTE} {note}")


def _curve(axes: Axes, curve: xr.Dataset, style: dict[str, Any]) -> None:
    """One cost."""
    line = curve[sums.columns("own_above")].dropna("width")
    panels.band(axes, line.width, line, "own_above", style | {"marker": "", "lw": 0.9})
    if np.isfinite(curve.best_width):
        axes.plot(curve.best_width, curve.best_above, **style | {"ls": "", "label": None})
    elif line.width.size:
        lowest = line.own_above.isel(width=int(line.own_above.values.argmin()))
        axes.plot(lowest.width, lowest, **style | {"ls": "", "label": None, "mfc": "white"})


def optimum(summary: xr.Dataset, axes: dict[str, str], caption: str) -> Drawn:
    """Best width, and loss there, against cost, a line per arm with its exponent."""
    summary = above_floor(summary)
    each = list(places(summary, axes))
    figure, grid = panels.grid(2, len(each), 2.6, sharex=True, sharey="row")
    sums.need(bool(summary.best_width.notnull().any()), "no curve of equal cost has a minimum")
    for (above, below), (title, at) in zip(grid.T, each, strict=True):
        part = summary.sel(at)
        for axes_, name, exponent in (
            (above, "best_width", "width_exponent"), (below, "best_above", "loss_exponent")
        ):  # fmt: skip
            for (protocol, style), shift in zip(looks(PAIR).items(), (0.97, 1.03), strict=True):
                own = part.sel(protocol=protocol)
                middle, low, high = (own[f"{name}{end}"].values for end in ENDS)
                known = np.isfinite(middle)
                error = np.clip([middle - low, high - middle], 0, None)[:, known]
                slope, least, most = (float(own[f"{exponent}{end}"]) for end in ENDS)
                found = (
                    f"{slope:.2f} [{least:.2f}, {most:.2f}]" if np.isfinite(slope) else "needs three costs"
                )
                label = f"{words(protocol)}: {found}"
                place = summary.flops.values[known] * shift
                axes_.errorbar(place, middle[known], error, **style | {"label": label, "ls": ""})
            axes_.set(xscale="log", yscale="log")
            axes_.legend(title="exponent of C", title_fontsize=7)
        above.set_title(title, fontsize=7)
        below.set_xlabel(COST)
    grid[0, 0].set_ylabel("best width K*")
    grid[1, 0].set_ylabel("loss there, above\nthe smallest possible")
    names = [
        f"{name}{end}"
        for name in ("best_width", "best_loss", "best_above", "width_exponent", "loss_exponent")
        for end in ENDS
    ]
    return Drawn(figure, summary[names], f"{caption} {NOTE} Costs without a minimum are left out.")


def ratio(summary: xr.Dataset, axes: dict[str, str], caption: str) -> Drawn:
    """Best width, and loss there, with a curriculum over those without, against cost."""
    sums.need("width_ratio" in summary, "needs both protocols")
    sums.need(bool(summary.width_ratio.notnull().any()), "no cost has a minimum with both protocols")
    figure, (row,) = panels.grid(1, 2, 2.8)
    each = dict(places(summary, axes))
    styles = series(each)
    for axes_, name, title in zip(
        row, ("width_ratio", "loss_ratio"), ("best width", "loss at the best width"), strict=True
    ):
        for (label, style), shift in zip(styles.items(), panels.spread(len(each), 0.1), strict=True):
            part = summary.sel(each[label])
            middle, low, high = (part[f"{name}{end}"].values for end in ENDS)
            known = np.isfinite(middle)
            error = np.clip([middle - low, high - middle], 0, None)[:, known]
            axes_.errorbar(summary.flops.values[known] * 2.0**shift, middle[known], error, **style)
        axes_.axhline(1, color=GREY, lw=0.8, zorder=1)
        axes_.set(xscale="log", yscale="log", xlabel=COST, title=title)
    row[0].set_ylabel("with a curriculum / without")
    panels.legend_above(figure, 2)
    names = [f"{name}{end}" for name in ("width_ratio", "loss_ratio") for end in ENDS]
    return Drawn(
        figure, summary[names], f"{caption} {NOTE} Loss above the smallest possible; paired by replicate."
    )
