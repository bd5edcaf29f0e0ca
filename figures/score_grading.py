"""Figures of the study score_grading.

widths   correlation with the surprise of the label against width, at the end of training, by score
times    the same against training time, a panel per width
scores   correlation of every score with every oracle, at the best moment of the widest network
"""

import json
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from figures.parts.panels import time_panels
from figures.parts.style import save, width_axis, words
from figures.parts.summary import summary_of
from studies.analysis import over_replicates, usable

#: Shown as curves; the others are in the table and in `scores`.
SHOWN = {
    "grand": ("#0072B2", "o"),
    "forgetting": ("#D55E00", "s"),
    "c_score": ("#009E73", "^"),
    "el2n": ("#CC79A7", "D"),
    "prediction_depth": ("#E69F00", "v"),
    "prototype_distance": ("#000000", "x"),
}


def summarise(ds: xr.Dataset) -> xr.Dataset:
    """Mean correlations over data sets with bootstrap intervals; NaN where a score was constant."""
    data = usable(ds, "correlation").isel(protocol=0, drop=True)
    known = data.where(data.notnull().all("replicate"))
    found = over_replicates(known)
    return summary_of(ds, found)


def caption(summary: xr.Dataset) -> str:
    """Settings and number of data sets."""
    cell = json.loads(summary.attrs["description"])["cell"]
    return (
        f"Spearman correlation (1: the score orders examples as the oracle does). XOR-like mixture, N = "
        f"{cell['n_inputs']}, {cell['n_examples']} examples at noise {', '.join(map(str, cell['levels']))}; "
        f"scores averaged over {cell['networks']} relu networks. {summary.attrs['replicates']} data sets; "
        "bars and bands: 95 % bootstrap intervals."
    )


def draw(summary: xr.Dataset, out: Path, fmt: str) -> Iterator[Path]:
    """Draw all figures into `out`; yields the images written."""
    part = summary.sel(oracle="label_surprise")
    shown = {name: look for name, look in SHOWN.items() if name in part.score}
    yield width_figure(part, shown, caption(summary), out / "widths", fmt)
    yield time_figure(part, shown, caption(summary), out / "times", fmt)
    yield score_figure(summary, out / "scores", fmt)


def width_figure(part: xr.Dataset, shown: dict, text: str, path: Path, fmt: str) -> Path:
    """Correlation against width at the end of training."""
    end = part.isel(time=-1)
    figure, axes = plt.subplots(figsize=(5.2, 3.2), layout="constrained")
    for i, (name, (colour, marker)) in enumerate(shown.items()):
        line = end.sel(score=name)
        error = [line["mean"] - line.ci_low, line.ci_high - line["mean"]]
        x = line.width * 2 ** (0.05 * (i - len(shown) / 2))
        axes.errorbar(x, line["mean"], error, color=colour, marker=marker, capsize=2, label=words(name))
    width_axis(axes, part.width.values)
    axes.set_ylabel("correlation with the label's surprise")
    axes.set_title("after training")
    axes.legend(bbox_to_anchor=(1, 1), loc="upper left")
    return save(figure, end[["mean", "ci_low", "ci_high"]], text, path, fmt)


def time_figure(part: xr.Dataset, shown: dict, text: str, path: Path, fmt: str) -> Path:
    """Correlation against time, a panel per width."""
    looks = {name: (*look, "-") for name, look in shown.items()}
    figure = time_panels(part, "score", looks, "correlation with the label's surprise")
    return save(figure, part[["mean", "ci_low", "ci_high"]], text, path, fmt)


def score_figure(summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Every score against every oracle at the end of training, widest network."""
    end = summary.isel(time=-1, width=-1)
    order = end["mean"].sel(oracle="label_surprise").fillna(-1).argsort().values
    end = end.isel(score=order)
    figure, axes = plt.subplots(figsize=(5, 0.22 * len(order) + 1), layout="constrained")
    y = np.arange(len(order))
    for oracle, (colour, marker), shift in zip(
        end.oracle.values, [("#E69F00", "s"), ("#009E73", "^"), ("#0072B2", "o")], (-0.2, 0, 0.2), strict=True
    ):
        line = end.sel(oracle=oracle)
        error = [line["mean"] - line.ci_low, line.ci_high - line["mean"]]
        axes.errorbar(
            line["mean"], y + shift, xerr=error, color=colour, marker=marker, ls="none", label=words(oracle)
        )
    axes.axvline(0, color="#888888", lw=0.8)
    axes.set_yticks(y, [words(str(name)) for name in end.score.values])
    axes.set_xlabel(f"rank correlation after training, K = {summary.width.values[-1]}")
    axes.legend(loc="lower right")
    return save(figure, end[["mean", "ci_low", "ci_high"]], caption(summary), path, fmt)
