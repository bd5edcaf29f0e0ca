"""Figures of the study images_ranking.

benefit    gain of every order over standard training against width, by data, wrong labels, ranking, budget
accuracy   accuracy at the end against width, a line per protocol
pacings    gain of every order over standard training for each pacing
rankings   gain of the curriculum for each ranking, where a study has several
rates      the learning rate chosen for each arm
"""

from functools import partial

import numpy as np
import xarray as xr

from figures.parts import images, panels
from figures.parts import summary as sums
from figures.parts.style import GREY, looks, series, words
from figures.parts.write import Drawn, Figures

#: The protocols that are compared.
PAIR = ("curriculum", "standard")
OWN_AXES = ("data_set", "label_noise", "n_steps", "pacing", "ranking")
AXES = ("protocol", "width", *OWN_AXES)
NUMBERS = images.BENEFIT[:4]


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, at the end of every run: the axes, protocol, treatment, width."""
    return images.summarise_images(ds, OWN_AXES, PAIR[1])


def first(summary: xr.Dataset, axis: str, name: str) -> str:
    """The pacing or ranking shown where there is no room for others: `name`, or the first there is."""
    return name if name in summary[axis] else summary[axis].values[0]


def linear(summary: xr.Dataset) -> xr.Dataset:
    """The summary at the linear pacing, or at the first there is."""
    return summary.sel(pacing=first(summary, "pacing", "linear"))


def caption(summary: xr.Dataset) -> str:
    """Settings, ranking and number of replicates."""
    cell = sums.cell_of(summary)
    steps, count, batch = summary.n_steps.values, cell["n_examples"], cell["batch_size"]
    runs = f"{' or '.join(map(str, steps))} steps of {batch}"
    if count:
        runs += f" ({' or '.join(f'{n * batch / count:g}' for n in steps)} epochs)"
    return (
        f"{count or 'All'} training images (labels: {words(cell['relabelling'])}), {runs}, ordered by "
        f"{' or '.join(source(name, summary) for name in np.atleast_1d(summary.ranking.values))}; pacing "
        f"({words(cell['pacing'])} unless stated) from a share of {cell['b']:g} to all at "
        f"{cell['a']:g} of the run; rates chosen and students tested on true labels. "
        f"{images.settings(summary)}"
    )


def source(ranking: str, summary: xr.Dataset) -> str:
    """What a ranking is; one read from a file with its name and the start of its SHA-256."""
    asked = sums.description(summary)
    name = asked.get("file_names", {}).get("ranking")
    if ranking != "published" or name is None:
        return "a published score" if ranking == "published" else words(ranking)
    return f"a published score ({name}, SHA-256 {asked['files']['ranking'][:8]})"


def by_setting(summary: xr.Dataset, sharey: str = "row"):
    """Panels: a row per budget, a column per data set, share of wrong labels and ranking."""
    across = ("data_set", "label_noise", "ranking")
    return images.grid_of(summary, "n_steps", across, 1.9, sharex=True, sharey=sharey)


def title(part: xr.Dataset, several: bool) -> str:
    """Data set, ranking if there are several, wrong labels and budget of a panel, in two lines."""
    top = images.place(part, "data_set", *["ranking"] * several)
    return f"{top},\n{images.place(part, 'label_noise', 'n_steps')}"


def small(draw, summary: xr.Dataset) -> Drawn:
    """One of the figures of small panels at the pacing shown."""
    part = linear(summary)
    return draw(part, by_setting, partial(title, several=part.sizes["ranking"] > 1), caption(part))


def benefit(summary: xr.Dataset) -> Drawn:
    """Gain of every order over standard training against width; rows: budgets."""
    part = linear(summary)
    figure, each = by_setting(part, "col")
    styles = looks(part.treatment.values)
    for axes, own, bottom in each:
        for (treatment, style), shift in zip(styles.items(), panels.spread(len(styles), 0.1), strict=True):
            panels.bars(axes, own.width.values, own.sel(treatment=treatment), "benefit", style, shift)
        axes.axhline(0, color=GREY, lw=0.8, zorder=1)
        panels.small_panel(axes, own.width.values, title(own, part.sizes["ranking"] > 1), bottom=bottom)
        column = part.sel({axis: own[axis].item() for axis in ("data_set", "label_noise", "ranking")})
        bounds = column.drop_sel(treatment="anti_curriculum", errors="ignore")
        low, high = float(bounds.ci_low.min()), float(column.ci_high.max())
        if low < high:
            axes.set_ylim(low - 0.15 * (high - low), high + 0.1 * (high - low))
    figure.supylabel("gain over standard training\n(test accuracy)", fontsize=8)
    panels.legend_above(figure)
    note = "Where the anti-curriculum is not seen it lies below the panel, see the figure accuracy."
    return Drawn(figure, part[images.BENEFIT], f"{caption(part)} {note}")


def pacings(summary: xr.Dataset) -> Drawn:
    """Gain over standard training for each pacing, a panel per setting at which all were run."""
    if summary.sizes["pacing"] < 2:
        raise sums.Missing("one pacing only")
    part = summary.sel(ranking=first(summary, "ranking", "el2n"))
    axes_of = ("data_set", "label_noise", "n_steps", "width")
    full = part.benefit.notnull().all(["pacing", "treatment"]).stack(panel=axes_of)
    settings = [dict(zip(axes_of, p.panel.item(), strict=True)) for p in full if bool(p)]
    if not settings:
        raise sums.Missing("no setting at which all pacings were run")
    across = min(2, len(settings))
    figure, grid = panels.grid(-(-len(settings) // across), across, 2.4, sharey=True)
    x = np.arange(part.sizes["pacing"])
    styles = looks(part.treatment.values)
    for axes, at in zip(grid.flat, settings, strict=False):
        here = part.sel(at)
        for (treatment, style), shift in zip(styles.items(), panels.spread(len(styles), 0.15), strict=True):
            panels.bars(axes, x + shift, here.sel(treatment=treatment), "benefit", style | {"ls": "none"})
        axes.axhline(0, color=GREY, lw=0.8, zorder=1)
        axes.set_xticks(x, [words(name) for name in part.pacing.values], rotation=45)
        top, below = images.place(here, "data_set", "label_noise"), images.place(here, "n_steps", "width")
        axes.set_title(f"{top},\n{below}")
    for axes in grid.flat[len(settings) :]:
        axes.set_axis_off()
    grid[0, 0].set_ylabel("gain over standard training\n(test accuracy)")
    panels.legend_above(figure)
    return Drawn(figure, part[NUMBERS], caption(part))


def rankings(summary: xr.Dataset) -> Drawn:
    """Gain of the curriculum for each ranking against width; a row per budget, a column per setting."""
    if summary.sizes["ranking"] < 2:
        raise sums.Missing("one ranking only")
    part = linear(summary).sel(treatment="curriculum")
    figure, each = images.grid_of(part, "n_steps", ("data_set", "label_noise"), 2, sharex=True, sharey="col")
    styles = series(part.ranking.values)
    for axes, own, bottom in each:
        for (ranking, style), shift in zip(styles.items(), panels.spread(len(styles), 0.06), strict=True):
            panels.bars(axes, own.width.values, own.sel(ranking=ranking), "benefit", style, shift)
        axes.axhline(0, color=GREY, lw=0.8, zorder=1)
        panels.small_panel(axes, own.width.values, title(own, False), bottom=bottom)
    figure.supylabel("gain of the curriculum over standard\ntraining (test accuracy)", fontsize=8)
    panels.legend_above(figure)
    note = "Published scores know the labels as published, not those made wrong here."
    return Drawn(figure, part[NUMBERS], f"{caption(part)} {note}")


def figures(summary: xr.Dataset) -> Figures:
    """Every figure by the name of its file."""
    accuracy, rates = partial(small, images.accuracy), partial(small, images.rates)
    return {
        "benefit": benefit,
        "accuracy": accuracy,
        "rates": rates,
        "pacings": pacings,
        "rankings": rankings,
    }
