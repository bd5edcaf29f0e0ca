"""Figures of the study images_ranking.

benefit    gain of every order over standard training against width, by data set, wrong labels and budget
accuracy   accuracy at the end against width, a line per protocol
pacings    gain of the curriculum over standard training for each pacing
rankings   gain of the curriculum for each ranking, where a study has several
rates      the learning rate chosen for each arm
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from figures.images_online import (
    accuracy_figure,
    grid_of,
    plot_curve,
    rates_figure,
    settings,
    summarise_images,
)
from figures.parts.panels import small_panel
from figures.parts.style import SERIES, look, save, words

#: The protocols that are compared.
PAIR = ("curriculum", "standard")
AXES = ("data_set", "label_noise", "n_steps", "pacing", "ranking")
#: Shown where a figure has no room for the others.
SHOWN = {"pacing": "linear", "ranking": "el2n"}


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, at the end of every run: the axes, protocol, treatment, width."""
    return summarise_images(ds, AXES, PAIR[1])


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    text = caption(summary)
    part = shown(summary)
    yield benefit_figure(part, text, out / "benefit", fmt)
    noise = part.label_noise.values[-1]
    note = f" Wrong labels: {noise:.0%}."
    yield accuracy_figure(part.sel(label_noise=noise), text + note, out / "accuracy", fmt)
    yield rates_figure(part.sel(label_noise=noise), text + note, out / "rates", fmt)
    if summary.sizes["pacing"] > 1:
        yield pacing_figure(summary, text, out / "pacings", fmt)
    if summary.sizes["ranking"] > 1:
        yield ranking_figure(summary, text, out / "rankings", fmt)


def shown(summary: xr.Dataset) -> xr.Dataset:
    """The pacing and the ranking that are shown, or the first there is."""
    choice = {
        axis: name if name in summary[axis] else summary[axis].values[0] for axis, name in SHOWN.items()
    }
    return summary.sel(choice)


def caption(summary: xr.Dataset) -> str:
    """Settings, number of replicates and of runs left out."""
    cell = json.loads(summary.attrs["description"])["cell"]
    steps, count, batch = summary.n_steps.values, cell["n_examples"], cell["batch_size"]
    runs = f"{' or '.join(map(str, steps))} steps of {batch}"
    if count:
        runs += f" ({' or '.join(f'{n * batch / count:g}' for n in steps)} epochs)"
    return (
        f"{count or 'All'} training images (labels: {words(cell['relabelling'])}), {runs}, ordered by "
        f"{words(cell['ranking'])}; {cell['pacing']} pacing from a share of {cell['b']:g} to all at "
        f"{cell['a']:g} of the run, unless stated; rates chosen and students tested on true labels. "
        f"{settings(summary)}"
    )


def gain_panel(axes: Any, part: xr.Dataset, bottom: bool) -> None:
    """Line of no gain, width axis and title of a panel: one data set, share of wrong labels and budget."""
    noise = part.label_noise.item()
    wrong = f"{noise:.0%} wrong labels" if noise else "clean"
    axes.axhline(0, color="#888888", lw=0.8)
    title = f"{words(part.data_set.item())},\n{wrong}, {part.n_steps.item()} steps"
    small_panel(axes, part.width.values, title, bottom=bottom)


def benefit_figure(summary: xr.Dataset, text: str, path: Path, fmt: str) -> Path:
    """Gain of every order over standard training against width; rows: budgets."""
    settings = [(d, x) for d in summary.data_set.values for x in summary.label_noise.values]
    figure, grid = grid_of(summary.sizes["n_steps"], len(settings), sharex=True, sharey="col")
    for i, steps in enumerate(summary.n_steps.values):
        for j, (name, noise) in enumerate(settings):
            axes, part = grid[i, j], summary.sel(data_set=name, label_noise=noise, n_steps=steps)
            for k, treatment in enumerate(part.treatment.values):
                plot_curve(axes, part.sel(treatment=treatment), "benefit", look(treatment), 0.1 * (k - 1))
            column = summary.sel(data_set=name, label_noise=noise)
            low = float(column.drop_sel(treatment="anti_curriculum", errors="ignore").ci_low.min())
            high = float(column.ci_high.max())
            axes.set_ylim(low - 0.15 * (high - low), high + 0.1 * (high - low))
            gain_panel(axes, part, i == summary.sizes["n_steps"] - 1)
    figure.supylabel("gain over standard training\n(test accuracy)", fontsize=9)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    table = summary[["benefit", "ci_low", "ci_high", "n", "fading_width", "critical_width"]]
    note = " Where the anti-curriculum is not seen it lies below the panel, see the figure accuracy."
    return save(figure, table, text + note, path, fmt)


def pacing_figure(summary: xr.Dataset, text: str, path: Path, fmt: str) -> Path:
    """Gain over standard training for each pacing, a panel per width at which several were run."""
    ranking = shown(summary).ranking.item()
    part = summary.sel(ranking=ranking)
    full = part.benefit.notnull().all(["pacing", "treatment"])
    settings = full.stack(panel=("data_set", "label_noise", "n_steps", "width"))
    panels = [p.panel.item() for p in settings if bool(p)]
    figure, (row,) = grid_of(1, len(panels), sharey=True)
    x = np.arange(part.sizes["pacing"])
    for axes, (name, noise, steps, width) in zip(row, panels, strict=True):
        here = part.sel(data_set=name, label_noise=noise, n_steps=steps, width=width)
        for k, treatment in enumerate(here.treatment.values):
            line = here.sel(treatment=treatment)
            error = [line.benefit - line.ci_low, line.ci_high - line.benefit]
            points = look(treatment) | {"ls": "none", "capsize": 2}
            axes.errorbar(x + 0.15 * (k - 1), line.benefit, error, **points)
        axes.axhline(0, color="#888888", lw=0.8)
        axes.set_xticks(x, part.pacing.values, rotation=45)
        axes.set_title(
            f"{words(str(name))}, {noise:.0%} wrong labels,\n{steps} steps, K = {width}", fontsize=8.5
        )
    row[0].set_ylabel("gain over standard training\n(test accuracy)")
    figure.legend(*row[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return save(figure, part[["benefit", "ci_low", "ci_high", "n"]], text, path, fmt)


def ranking_figure(summary: xr.Dataset, text: str, path: Path, fmt: str) -> Path:
    """Gain of the curriculum for each ranking against width; rows: budgets, columns: wrong labels."""
    name = summary.data_set.values[0]
    part = summary.sel(data_set=name, treatment="curriculum", pacing=shown(summary).pacing.item())
    figure, grid = grid_of(part.sizes["n_steps"], part.sizes["label_noise"], sharex=True, sharey="col")
    for i, steps in enumerate(part.n_steps.values):
        for j, noise in enumerate(part.label_noise.values):
            axes = grid[i, j]
            for k, ranking in enumerate(part.ranking.values):
                line = part.sel(n_steps=steps, label_noise=noise, ranking=ranking)
                colour, marker = SERIES[k % len(SERIES)]
                plot_curve(
                    axes, line, "benefit", {"color": colour, "marker": marker, "label": ranking}, 0.06 * k
                )
            gain_panel(axes, part.sel(n_steps=steps, label_noise=noise), i == part.sizes["n_steps"] - 1)
    figure.supylabel("gain of the curriculum over standard\ntraining (test accuracy)", fontsize=9)
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    note = " Published scores know the labels as published, not those made wrong here."
    return save(figure, part[["benefit", "ci_low", "ci_high", "n"]], text + note, path, fmt)
