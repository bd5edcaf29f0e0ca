"""Figures of the study images_online.

benefit    benefit of the curriculum against width for each data set, by budget
accuracy   accuracy at the end against width for each data set and budget, a line per protocol
collapse   benefit over its peak against K / K*, real images and the synthetic mixture over each other
rates      the learning rate chosen for each arm
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from matplotlib.ticker import NullLocator

from figures.parts.panels import small_panel, zero_and_widths
from figures.parts.style import SERIES, look, save, width_axis, words
from figures.parts.summary import counts, left_out, summary_of
from studies.analysis import benefit, half_width, last, over_replicates, usable

#: The protocols that are compared.
PAIR = ("curriculum", "no_curriculum")
#: Budget, in steps, that is laid over the synthetic curve.
HEADLINE = 500
SYNTHETIC = Path(__file__).parent / "data" / "xor_mixture.nc"
AXES = ("data_set", "n_steps")


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, at the end of every run: (data_set, n_steps, protocol, treatment, width)."""
    return summarise_images(ds, AXES, PAIR[1])


def summarise_images(ds: xr.Dataset, axes: tuple[str, ...], control: str) -> xr.Dataset:
    """Accuracy and paired benefit over `control` at the end, the rates chosen, the runs left out.

    `axes` are there even where a study has a single value of them.
    """
    cell = json.loads(ds.attrs["description"])["cell"]
    for axis in axes:
        if axis not in ds.dims:
            ds = ds.expand_dims({axis: [ds[axis].item() if axis in ds.coords else cell[axis]]})
    end = last(usable(ds))
    found = over_replicates(end)
    out = found.rename({name: f"accuracy_{name}" for name in found.data_vars})
    ends = xr.Dataset({"test_accuracy": end.expand_dims(time=[0.0], axis=-1), "status": ds.status})
    treatments = [p for p in ds.protocol.values if p != control]
    gains = [benefit(ends, p, control).isel(time=0, drop=True).drop_attrs() for p in treatments]
    out = out.merge(xr.concat(gains, xr.DataArray(treatments, dims="treatment", name="treatment")))
    out["half_width"] = half_width(out.benefit)
    out["learning_rate"] = ds.learning_rate.mean("replicate")
    out["edge"] = _at_edge(ds)
    out["left_out"] = left_out(ds).sum("replicate")
    out = out.sel(data_set=out.accuracy_n.sum([d for d in out.accuracy_n.dims if d != "data_set"]) > 0)
    return summary_of(ds, out)


def _at_edge(ds: xr.Dataset) -> xr.DataArray:
    """Whether the rate chosen is the smallest or the largest of the sweep."""
    rates, chosen = ds.rate.values.astype(np.float32), ds.learning_rate.mean("replicate").astype(np.float32)
    low, high = (np.abs(chosen / rate - 1) < 1e-3 for rate in (rates[0], rates[-1]))
    return (low | high).where(chosen.notnull())


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    yield benefit_figure(summary, out / "benefit", fmt)
    yield accuracy_figure(summary, caption(summary), out / "accuracy", fmt)
    yield collapse_figure(summary, out / "collapse", fmt)
    yield rates_figure(summary, caption(summary), out / "rates", fmt)


def caption(summary: xr.Dataset) -> str:
    """Settings, number of replicates and of runs left out."""
    cell = json.loads(summary.attrs["description"])["cell"]
    return (
        f"Single pass, {words(cell['relabelling'])} of classes {cell['pair']}, "
        f"{words(cell['corruption'])}: level up to {cell['easy']:g} (easy fraction "
        f"{cell['easy_fraction']:g}), else {cell['hard']:g}; tested at {cell['hard']:g}. {settings(summary)}"
    )


def settings(summary: xr.Dataset) -> str:
    """What both studies on images say below their figures."""
    cell = json.loads(summary.attrs["description"])["cell"]
    rates = (
        f"one learning rate for each arm at each width, the best of {cell['n_rates']} (a factor of 2 apart) "
        f"on a validation split over {cell['tuning_replicates']} other runs"
        if cell["n_rates"] > 1
        else f"learning rate {cell['slowest_rate']:g}"
    )
    return (
        f"Student {cell['student']}, {words(cell['parametrisation'])} parametrisation, {cell['optimiser']}, "
        f"batch {cell['batch_size']}; {rates}. {counts(summary)} Intervals are those at the rates chosen."
    )


def plot_curve(axes: Any, line: xr.Dataset, name: str, style: Mapping[str, Any], shift: float = 0) -> None:
    """Variable `name` of `line` against width with its interval; `shift` in octaves keeps bars apart."""
    known = line.sel(width=line[name].notnull())
    error = [known[name] - known.ci_low, known.ci_high - known[name]]
    axes.errorbar(known.width * 2.0**shift, known[name], error, capsize=2, **style)


def grid_of(rows: int, columns: int, **options: Any) -> tuple[Any, Any]:
    """A figure of small panels."""
    size = (2.4 * columns + 0.6, 2.1 * rows + 0.7)
    return plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained", **options)


def benefit_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Benefit against width, a panel per data set, a line per budget."""
    part = summary.sel(treatment="curriculum")
    names = part.data_set.values
    figure, (row,) = plt.subplots(
        1, len(names), figsize=(2.9 * len(names) + 0.6, 3.1), squeeze=False, layout="constrained", sharey=True
    )
    for axes, name in zip(row, names, strict=True):
        for i, steps in enumerate(part.n_steps.values):
            line, (colour, marker) = part.sel(data_set=name, n_steps=steps), SERIES[i % len(SERIES)]
            if line.benefit.isnull().all():
                continue
            gone = float(line.fading_width)
            note = f"gone from K = {gone:.0f}" if np.isfinite(gone) else "not gone"
            shown = {"color": colour, "marker": marker, "label": f"{steps} steps: {note}"}
            plot_curve(axes, line, "benefit", shown, 0.08 * (i - 1))
        zero_and_widths(axes, part.width.values)
        axes.set_title(words(str(name)))
        axes.legend(fontsize=7)
    top = float(part.ci_high.max())
    row[0].set_ylim(min(-0.02, 1.1 * float(part.ci_low.min())), 1.35 * top)
    row[0].set_ylabel("benefit over no curriculum\n(test accuracy)")
    table = part[["benefit", "ci_low", "ci_high", "n", "fading_width", "critical_width", "half_width"]]
    note = "At a fixed number of steps both arms may fall with width, see the figure accuracy. "
    return save(figure, table, note + caption(summary), path, fmt)


def accuracy_figure(summary: xr.Dataset, text: str, path: Path, fmt: str) -> Path:
    """Accuracy at the end against width, a row per data set, a column per budget."""
    figure, grid = grid_of(summary.sizes["data_set"], summary.sizes["n_steps"], sharex=True, sharey="row")
    named = summary.rename(accuracy_ci_low="low", accuracy_ci_high="high")
    for i, name in enumerate(summary.data_set.values):
        for j, steps in enumerate(summary.n_steps.values):
            axes, part = grid[i, j], named.sel(data_set=name, n_steps=steps)
            for k, protocol in enumerate(part.protocol.values):
                line = part.sel(protocol=protocol)[["accuracy_mean", "low", "high"]]
                line = line.drop_vars("protocol").rename(low="ci_low", high="ci_high")
                plot_curve(axes, line, "accuracy_mean", look(protocol), 0.06 * (k - 1))
            bottom = i == summary.sizes["data_set"] - 1
            small_panel(axes, part.width.values, f"{words(str(name))}, {steps} steps", bottom=bottom)
    figure.supylabel("test accuracy at the end", fontsize=9)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    names = ["accuracy_mean", "accuracy_ci_low", "accuracy_ci_high", "accuracy_n"]
    return save(figure, summary[names], text, path, fmt)


def curves(summary: xr.Dataset) -> list[tuple[str, xr.Dataset]]:
    """Benefit curves with their K*: the mixture as published, with and without tuning; each data set."""
    found = []
    if SYNTHETIC.exists():
        mixture = xr.load_dataset(SYNTHETIC, engine="h5netcdf")
        shared = mixture.sel(treatment="curriculum", parametrisation="standard", budget=600.0, time=600.0)
        found.append(("xor mixture, one rate for both arms", shared[["benefit", "ci_low", "ci_high"]]))
        if "tuned_benefit" in mixture:
            names = {f"tuned_{name}": name for name in ("benefit", "ci_low", "ci_high")}
            found.append(("xor mixture, each arm at its best rate", mixture[list(names)].rename(names)))
    steps = HEADLINE if HEADLINE in summary.n_steps else summary.n_steps.values[0]
    for name in summary.data_set.values:
        line = summary.sel(treatment="curriculum", data_set=name, n_steps=steps)
        found.append((f"{words(str(name))}, {steps} steps", line[["benefit", "ci_low", "ci_high"]]))
    lines = [(name, line.reset_coords(drop=True).dropna("width")) for name, line in found]
    return [(name, line.assign(half_width=half_width(line.benefit))) for name, line in lines]


def collapse_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Benefit over its largest value against K / K*, K* the width at which it has fallen to half."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.6), layout="constrained")
    shown = curves(summary)
    for (name, line), (colour, marker) in zip(shown, SERIES, strict=False):
        peak, half = float(line.benefit.max()), float(line.half_width)
        error = [line.benefit - line.ci_low, line.ci_high - line.benefit]
        drawn = {"color": colour, "marker": marker, "capsize": 2}
        left.errorbar(line.width, line.benefit, error, label=name, **drawn)
        if np.isfinite(half):
            right.errorbar(
                line.width / half,
                line.benefit / peak,
                [e / peak for e in error],
                label=f"K* = {half:.1f}",
                **drawn,
            )
    width_axis(left, np.unique(np.concatenate([line.width.values for _, line in shown])))
    left.set_ylabel("benefit (test accuracy)")
    right.set_xscale("log", base=2)
    right.xaxis.set_major_formatter(lambda x, _: f"{x:g}" if x >= 1 else f"1/{1 / x:g}")
    right.set_xlabel("K / K*")
    right.set_ylabel("benefit / its largest value")
    right.set_ylim(-0.5, 1.6)
    right.axvline(1, color="#888888", lw=0.8, ls=":")
    right.legend(fontsize=7)
    for axes in (left, right):
        axes.axhline(0, color="#888888", lw=0.8)
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize=7)
    text = (
        "K*: width at which the benefit has fallen to half its largest value; a curve that never does is on "
        f"the left only. Mixture at a budget of 600 N samples. {caption(summary)}"
    )
    table = xr.concat([line.expand_dims(curve=[name]) for name, line in shown], "curve", join="outer")
    return save(figure, table, text, path, fmt)


def rates_figure(summary: xr.Dataset, text: str, path: Path, fmt: str) -> Path:
    """The learning rate chosen against width; open markers lie at an edge of the sweep."""
    figure, grid = grid_of(summary.sizes["data_set"], summary.sizes["n_steps"], sharex=True, sharey=True)
    chosen = summary.learning_rate.values
    rates = np.unique(chosen[~np.isnan(chosen)])
    for i, name in enumerate(summary.data_set.values):
        for j, steps in enumerate(summary.n_steps.values):
            axes, part = grid[i, j], summary.sel(data_set=name, n_steps=steps)
            for k, protocol in enumerate(part.protocol.values):
                line = part.sel(protocol=protocol).dropna("width", subset=["learning_rate"])
                x, y = line.width * 2 ** (0.06 * (k - 1)), line.learning_rate
                axes.plot(x, y, **look(protocol))
                edge = line.edge.astype(bool).values
                open_marker = {"ls": "none", "label": None, "mfc": "white", "zorder": 3}
                axes.plot(x[edge], y[edge], **look(protocol) | open_marker)
            bottom = i == summary.sizes["data_set"] - 1
            small_panel(axes, part.width.values, f"{words(str(name))}, {steps} steps", bottom=bottom)
            axes.set_yscale("log")
            axes.set_yticks(rates, [f"{rate:g}" for rate in rates])
            axes.yaxis.set_minor_locator(NullLocator())
    figure.supylabel("learning rate chosen", fontsize=9)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    note = f"Open markers: at an edge of the sweep. {text}"
    return save(figure, summary[["learning_rate", "edge"]], note, path, fmt)
