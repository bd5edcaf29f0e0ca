"""Panels that several studies draw: lines against time per width, benefit against width."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import product
from typing import Any, Literal, TypedDict, TypeVar, Unpack

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from numpy.typing import ArrayLike

from figures.parts.style import COLUMN, GREY, PAGE, Settings, looks, series, width_axis, words
from figures.parts.summary import CONTROLS, columns

#: Label of an axis; the student and the noise of a run, for captions.
TIME = "time, samples / N"
LEARNER = "{activation:words} students, {loss} loss, learning rate {learning_rate:g}"
NOISE = (
    "noise {easy[noise]:g} then {hard[noise]:g}, easy fraction {easy_fraction:g}, tested at noise "
    "{hard[noise]:g}."
)
Style = Mapping[str, Any]
Part = TypeVar("Part")
Row = TypeVar("Row")
Alike = bool | Literal["none", "all", "row", "col"]


class Shared(TypedDict, total=False):
    """Which panels have the same axes, see `Figure.subplots`."""

    sharex: Alike
    sharey: Alike


def grid(rows: int, across: int, height: float = 2.2, **options: Unpack[Shared]) -> tuple[Figure, np.ndarray]:
    """A figure one column wide for one panel, else two columns wide; `height` of a row in inches."""
    figure = Figure(figsize=(COLUMN if across == 1 else PAGE, rows * height + 0.3), layout="constrained")
    return figure, figure.subplots(rows, across, squeeze=False, **options)


def wrapped(count: int, height: float, most: int = 2, **options: Unpack[Shared]) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, `most` in a row; places that are left over stay empty."""
    across = min(count, most)
    figure, places = grid(-(-count // across), across, height, **options)
    for axes in places.flat[count:]:
        axes.set_axis_off()
    return figure, list(places.flat[:count])


def each(table: xr.Dataset, axes: str | tuple[str, ...], title: str = "{:words}") -> dict[str, xr.Dataset]:
    """`table` at every value of an axis, or of several, by the title of its panel with the values in it.

    The title says them in this order, {}, or by the names of the axes, {width}, see `Settings`.
    """
    names = (axes,) if isinstance(axes, str) else axes
    places = (dict(zip(names, at, strict=True)) for at in product(*(table[axis].values for axis in names)))
    return {Settings().format(title, *at.values(), **at): table.sel(at) for at in places}


def facets(
    parts: Mapping[str, Part],
    draw: Callable[[Axes, Part], object],
    height: float,
    most: int = 2,
    *,
    ylabel: str = "",
    beside: str = "",
    below: str = "",
    legend: int = 4,
    panel: Mapping[str, object] | None = None,
    **options: Unpack[Shared],
) -> Figure:
    """A panel for each part, drawn by `draw`.

    Parameters
    ----------
    parts : title of a panel -> what it shows, see `each`
    height : of a row, in inches
    most : panels in a row
    ylabel : label of the vertical axis of the first panel
    beside, below : label of all vertical axes, beside the figure, and of all horizontal ones, below it
    legend : columns of the legend above; 0 for none
    panel : properties of every panel, see `Axes.set`
    """
    figure, places = wrapped(len(parts), height, most, **options)
    for axes, (title, part) in zip(places, parts.items(), strict=True):
        draw(axes, part)
        axes.set(title=title, **panel or {})
    if ylabel:
        places[0].set_ylabel(ylabel)
    if beside:
        figure.supylabel(beside, fontsize=8)
    if below:
        figure.supxlabel(below, fontsize=8)
    if legend:
        legend_above(figure, legend)
    return figure


def matrix(
    down: Mapping[str, Row],
    across: Mapping[str, Part],
    draw: Callable[[Axes, Row, Part], object],
    height: float,
    legend: int = 4,
    *,
    below: str = "",
    sharey: Alike = "row",
) -> Figure:
    """A row of panels for each of `down`, by its vertical label, a column for each of `across`, by its title.

    Panels of a column share the horizontal axis, those of a row the vertical one unless `sharey` says else;
    `below` is the label of all horizontal axes.
    """
    figure, places = grid(len(down), len(across), height, sharex=True, sharey=sharey)
    for line, (label, row) in zip(places, down.items(), strict=True):
        for axes, part in zip(line, across.values(), strict=True):
            draw(axes, row, part)
        line[0].set_ylabel(label)
    for axes, title in zip(places[0], across, strict=True):
        axes.set_title(title)
    if below:
        figure.supxlabel(below, fontsize=8)
    legend_above(figure, legend)
    return figure


def label_last_row(figure: Figure, across: int) -> None:
    """Keep the labels of horizontal axes that are below the last row, of `across` panels, alone."""
    for axes in figure.axes[:-across]:
        axes.set_xlabel("")


def legend_above(figure: Figure, ncols: int = 4) -> None:
    """One legend for all panels."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles, loc="outside upper center", ncols=min(ncols, len(handles)))


def legend_below(axes: Axes, ncols: int = 1) -> None:
    """A legend below the panel, where no line can cross it."""
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncols=ncols)


def bars(axes: Axes, x: ArrayLike, table: xr.Dataset, name: str, style: Style, shift: float = 0) -> None:
    """Variable `name` of `table` against `x` with its interval; `shift` (octaves) keeps lines apart."""
    middle, low, high = (np.atleast_1d(table[column].values) for column in columns(name))
    known = np.isfinite(middle)
    place = np.broadcast_to(np.asarray(x, float), middle.shape)[known] * 2.0**shift
    error = np.stack([middle - low, high - middle])[:, known]
    if np.isnan(error).all():
        axes.plot(place, middle[known], **style)
    else:
        axes.errorbar(place, middle[known], np.nan_to_num(error), **style)


def curves(
    axes: Axes,
    table: xr.Dataset,
    name: str,
    along: str,
    styles: Mapping[Any, Style],
    x: str | np.ndarray = "width",
    step: float = 0.08,
) -> None:
    """Variable `name` of `table` with its interval against `x`, a curve for each value of the axis `along`.

    Parameters
    ----------
    styles : value of the axis -> style of its curve
    x : a coordinate or variable of `table`, or places
    step : octaves between neighbouring curves, which keeps their bars apart
    """
    for (value, style), shift in zip(styles.items(), spread(len(styles), step), strict=True):
        line = table.sel({along: value})
        bars(axes, line[x].values if isinstance(x, str) else x, line, name, style, shift)


def lines(
    axes: Axes,
    table: xr.Dataset,
    name: str,
    along: str = "protocol",
    styles: Mapping[Any, Style] | None = None,
    step: float = 0.08,
) -> None:
    """`curves` against width, those of the protocols by default; a line at 0 where it is a benefit."""
    curves(axes, table, name, along, looks(table[along].values) if styles is None else styles, step=step)
    (zero_and_widths if name.endswith("benefit") else width_axis)(axes, table.width.values)


def band(axes: Axes, x: ArrayLike, table: xr.Dataset, name: str, style: Style) -> None:
    """Variable `name` of `table` against `x`, its interval as a band."""
    middle, low, high = (table[column].values for column in columns(name))
    axes.plot(x, middle, markevery=max(1, len(middle) // 5), **style)
    if np.isfinite(low).any():
        axes.fill_between(x, low, high, color=style["color"], alpha=0.2, lw=0)


def bands(
    axes: Axes,
    table: xr.Dataset,
    name: str,
    along: str,
    styles: Mapping[Any, Style],
    x: str | np.ndarray = "time",
) -> None:
    """The same as bands, see `curves`; a line that is NaN throughout is left out."""
    for value, style in styles.items():
        line = table.sel({along: value})
        if line[name].notnull().any():
            band(axes, table[x].values if isinstance(x, str) else x, line, name, style)


def time_panels(
    table: xr.Dataset,
    name: str,
    ylabel: str,
    along: str = "protocol",
    styles: Mapping[Any, Style] | None = None,
    *,
    log: bool = False,
) -> Figure:
    """Lines with bands against time, a panel per width.

    Parameters
    ----------
    styles : of the lines; by default those of the protocols that there are
    log : logarithmic vertical axis
    """
    count = table.sizes["width"]
    across = count if count < 4 else 3 if count in (5, 6) else 4
    styles = looks(table.protocol.values) if styles is None else styles
    draw, legend = partial(bands, name=name, along=along, styles=styles), 5 if len(styles) <= 5 else 3
    figure = facets(
        each(table, "width", "K = {}"), draw, 1.7, across, beside=ylabel, below=TIME, legend=legend,
        sharex=True, sharey=True,
    )  # fmt: skip
    places = figure.axes[:count]
    for axes in places if log else ():
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
    for axes in places[-across:]:
        axes.tick_params(labelbottom=True)
    return figure


def gone(line: xr.Dataset) -> str:
    """From which width on no interval lies above 0, in words; line: `ci_low` (width), `fading_width`."""
    if not bool((line.ci_low > 0).any()):
        return "never above 0"
    return f"gone from K = {float(line.fading_width):.0f}" if np.isfinite(line.fading_width) else "not gone"


def spread(count: int, step: float = 0.08) -> np.ndarray:
    """Shifts, in octaves, of the bars of so many lines."""
    return step * (np.arange(count) - (count - 1) / 2)


def benefit_by(axes: Axes, ends: xr.Dataset, along: str, label: str) -> None:
    """Benefit against width, a curve per value of an axis, the legend saying where it is gone.

    `label` of a curve, with the value in it, see `Settings`.
    """
    styles = series(ends[along].values)
    for value, style in styles.items():
        style["label"] = f"{Settings().format(label, value)}: {gone(ends.sel({along: value}))}"
    lines(axes, ends, "benefit", along, styles)
    legend_below(axes)


def order_lines(axes: Axes, table: xr.Dataset) -> None:
    """The lead of a treatment over each control of `summary.order_or_end` against width."""
    styles = looks(table.control.values)
    for control, said in zip(
        CONTROLS, ("order and end", "order alone, ends alike", "easy samples"), strict=True
    ):
        if control in styles:
            styles[control]["label"] = f"over {words(control)}: {said}"
    lines(axes, table, "order_benefit", "control", styles)


def zero_and_widths(axes: Axes, widths: np.ndarray) -> None:
    """The line of no benefit and the width axis."""
    axes.axhline(0, color=GREY, lw=0.8, zorder=1)
    width_axis(axes, widths)
