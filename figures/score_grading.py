"""Figures of the study score_grading.

widths   correlation with the surprise of the label against width, at the end of training, by score
times    the same against training time, a panel per width
scores   correlation of every score with every oracle, at the end of training of the widest network
"""

import numpy as np
import xarray as xr

from figures.parts import panels, summary as sums
from figures.parts.style import GREY, series, words
from figures.parts.write import Drawn, Figures, named
from studies.analysis import usable

AXES = ("width",)
#: Shown as curves, all others in the table and in `scores`; where none of them was run, the first six are.
SHOWN = ("grand", "forgetting", "c_score", "el2n", "prediction_depth", "prototype_distance")
#: Colour and marker of each oracle.
LOOKS = (("#E69F00", "s"), ("#009E73", "^"), ("#0072B2", "o"))
CAPTION = (
    "Spearman correlation (1: the score orders examples as the oracle does). XOR-like mixture, N = "
    "{n_inputs}, {n_examples} examples at noise {levels:list}; scores averaged over {networks} networks."
)


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Mean correlations over data sets with intervals; NaN where a score was constant."""
    data = usable(ds, "correlation").isel(protocol=0, drop=True)
    return sums.summary_of(ds, sums.mean(data.where(data.notnull().all("replicate"))))


def surprise(summary: xr.Dataset) -> tuple[xr.Dataset, dict[str, dict]]:
    """Correlations with the surprise of the label, and the scores shown as curves with their styles."""
    part = sums.numbers(summary.sel(oracle="label_surprise"), "mean")
    there = part.score.values.tolist()
    names = [name for name in SHOWN if name in there] or there[: len(SHOWN)]
    return part, series(names)


def widths(summary: xr.Dataset) -> Drawn:
    """Correlation against width at the end of training."""
    part, styles = surprise(summary)
    end = part.isel(time=-1)
    figure, ((axes,),) = panels.grid(1, 1, 3)
    panels.lines(axes, end, "mean", "score", styles, 0.05)
    axes.set(ylabel="correlation with the label's surprise", title="after training")
    panels.legend_below(axes, 2)
    return Drawn(figure, end, CAPTION)


def times(summary: xr.Dataset) -> Drawn:
    """Correlation against time, a panel per width."""
    part, styles = surprise(summary)
    label = "correlation with\nthe label's surprise"
    return Drawn(panels.time_panels(part, "mean", label, "score", styles), part, CAPTION)


def scores(summary: xr.Dataset) -> Drawn:
    """Every score against every oracle at the end of training, widest network; the best on top."""
    end = summary.isel(time=-1, width=-1)
    order = end["mean"].sel(oracle="label_surprise").fillna(-1).argsort().values
    end = end.isel(score=order)
    figure, ((axes,),) = panels.grid(1, 1, 0.2 * len(order) + 0.9)
    y, styles = np.arange(len(order)), series(end.oracle.values, looks=LOOKS)
    for (oracle, style), shift in zip(styles.items(), (-0.2, 0, 0.2), strict=True):
        line = end.sel(oracle=oracle)
        error = np.nan_to_num([line["mean"] - line.ci_low, line.ci_high - line["mean"]])
        axes.errorbar(line["mean"], y + shift, xerr=error, **style | {"ls": "none"})
    axes.axvline(0, color=GREY, lw=0.8)
    axes.set_yticks(y, [words(name) for name in end.score.values])
    axes.set_ylim(-0.7, len(order) - 0.3)
    axes.set_xlabel(f"rank correlation after training, K = {end.width.item()}")
    handles, labels = axes.get_legend_handles_labels()  # the last is drawn on top of each group
    axes.legend(handles[::-1], labels[::-1], loc="lower right")
    return Drawn(figure, sums.numbers(end, "mean"), CAPTION)


FIGURES: Figures = named(widths, times, scores)
