"""Figures of the study images_ranking.

benefit    gain of every order over standard training against width, by data, wrong labels, ranking, budget
accuracy   accuracy at the end against width, a line per protocol
pacings    gain of every order over standard training for each pacing
rankings   gain of the curriculum for each ranking, where a study has several
rates      the learning rate chosen for each arm
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from figures.parts import images, panels, summary as sums
from figures.parts.style import GREY, looks, series, words
from figures.parts.write import Drawn, Figures, literal, named

#: The protocols that are compared.
PAIR = ("curriculum", "standard")
OWN_AXES = ("data_set", "label_noise", "n_steps", "pacing", "ranking")
AXES = ("protocol", "width", *OWN_AXES)
#: Axes with a column of panels for each combination of their values.
COLUMNS = ("data_set", "label_noise", "ranking")
NUMBERS = images.BENEFIT[:4]
LABEL = "gain over standard training\n(test accuracy)"


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """What the figures show, at the end of every run: the axes, protocol, treatment, width."""
    return images.summarise_images(ds, OWN_AXES, PAIR[1])


def shown(summary: xr.Dataset, axis: str) -> xr.Dataset:
    """At the pacing or ranking that is shown where there is no room for others, or the first there is."""
    wanted = {"pacing": "linear", "ranking": "el2n"}[axis]
    return summary.sel({axis: wanted if wanted in summary[axis] else summary[axis].values[0]})


def caption(summary: xr.Dataset) -> str:
    """Settings, ranking (one read from a file with its name and the start of its SHA-256), replicates."""
    asked, cell, file = sums.description(summary), sums.cell_of(summary), ""
    if name := asked.get("file_names", {}).get("ranking"):
        file = f" ({literal(name)}, SHA-256 {asked['files']['ranking'][:8]})"
    said = {"published": f"a published score{file}"}
    rankings = (said.get(ranking, words(ranking)) for ranking in np.atleast_1d(summary.ranking.values))
    steps, count, batch = summary.n_steps.values, cell["n_examples"], cell["batch_size"]
    runs = f"{' or '.join(map(str, steps))} steps of {batch}"
    if count:
        runs += f" ({' or '.join(f'{n * batch / count:g}' for n in steps)} epochs)"
    return (
        f"{count or 'All'} training images (labels: {{relabelling:words}}), {runs}, ordered by "
        f"{' or '.join(rankings)}; pacing ({{pacing:words}} unless stated) from a share of {{b:g}} to all at "
        f"{{a:g}} of the run; rates chosen and students tested on true labels. {images.settings(summary)}"
    )


def layout(part: xr.Dataset) -> images.Layout:
    """A row per budget, a column per data set, share of wrong labels and ranking."""
    ranking = ", {ranking:words}" if part.sizes["ranking"] > 1 else ""
    title = f"{{data_set:words}}{ranking},\n{{label_noise:wrong}}, {{n_steps}} steps"
    return images.Layout("n_steps", COLUMNS, title, 1.9)


def benefit(summary: xr.Dataset) -> Drawn:
    """Gain of every order over standard training against width; rows: budgets."""
    part = shown(summary, "pacing")

    def panel(axes: Axes, own: xr.Dataset) -> None:
        panels.lines(axes, own, "benefit", "treatment", step=0.1)
        column = part.sel({axis: own[axis].item() for axis in COLUMNS})
        bounds = column.drop_sel(treatment="anti_curriculum", errors="ignore")
        low, high = float(bounds.ci_low.min()), float(column.ci_high.max())
        if low < high:
            axes.set_ylim(low - 0.15 * (high - low), high + 0.1 * (high - low))

    figure = layout(part).draw(part, LABEL, panel, "col")
    note = "Where the anti-curriculum is not seen it lies below the panel, see the figure accuracy."
    return Drawn(figure, part[images.BENEFIT], f"{caption(part)} {note}")


def pacings(summary: xr.Dataset) -> Drawn:
    """Gain over standard training for each pacing, a panel per setting at which all were run."""
    sums.need(summary.sizes["pacing"] > 1, "one pacing only")
    part, axes_of = shown(summary, "ranking"), ("data_set", "label_noise", "n_steps", "width")
    each = panels.each(part, axes_of, "{:words}, {:wrong},\n{} steps, K = {}")
    each = {said: own for said, own in each.items() if bool(own.benefit.notnull().all())}
    sums.need(bool(each), "no setting at which all pacings were run")
    x, styles = np.arange(part.sizes["pacing"]), looks(part.treatment.values)

    def draw(axes: Axes, here: xr.Dataset) -> None:
        for (treatment, style), shift in zip(styles.items(), panels.spread(len(styles), 0.15), strict=True):
            panels.bars(axes, x + shift, here.sel(treatment=treatment), "benefit", style | {"ls": "none"})
        axes.axhline(0, color=GREY, lw=0.8, zorder=1)
        axes.set_xticks(x, [words(name) for name in part.pacing.values], rotation=45)

    figure = panels.facets(each, draw, 2.4, ylabel=LABEL, sharey=True)
    return Drawn(figure, part[NUMBERS], caption(part))


def rankings(summary: xr.Dataset) -> Drawn:
    """Gain of the curriculum for each ranking against width; a row per budget, a column per setting."""
    sums.need(summary.sizes["ranking"] > 1, "one ranking only")
    part = shown(summary, "pacing").sel(treatment="curriculum")
    styles = series(part.ranking.values)
    lines = partial(panels.lines, name="benefit", along="ranking", styles=styles, step=0.06)
    shape = layout(part.isel(ranking=[0]))._replace(across=COLUMNS[:2], height=2)
    figure = shape.draw(part, "gain of the curriculum over standard\ntraining (test accuracy)", lines, "col")
    note = "Published scores know the labels as published, not those made wrong here."
    return Drawn(figure, part[NUMBERS], f"{caption(part)} {note}")


def small(summary: xr.Dataset, draw: Callable[..., Drawn]) -> Drawn:
    """Small panels at the pacing shown."""
    part = shown(summary, "pacing")
    return draw(part, layout(part), caption)


SMALL = {"accuracy": partial(small, draw=images.accuracy), "rates": partial(small, draw=images.rates)}
FIGURES: Figures = named(benefit, pacings, rankings) | SMALL
