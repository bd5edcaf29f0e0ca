"""Write a figure: the image, its caption and the plotted numbers."""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from string import ascii_lowercase
from typing import NamedTuple

import pandas as pd
import xarray as xr
from matplotlib.collections import PolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure

from figures.parts.style import Settings
from figures.parts.summary import cell_of


class Drawn(NamedTuple):
    """A figure, the numbers in it (one table, or one for each panel) and its caption.

    In the caption {name} stands for a setting of the study's cell or an attribute of the summary, see
    `Settings`. `counted` is the part of the summary whose replicates and lost runs the caption counts, where
    that is not the whole.
    """

    figure: Figure
    table: xr.Dataset | Mapping[str, xr.Dataset]
    caption: str
    counted: xr.Dataset | None = None


#: Figures of a study by the names of their files, each drawn from the study's summary.
Figures = Mapping[str, Callable[[xr.Dataset], Drawn]]


def named(*figures: Callable[[xr.Dataset], Drawn]) -> dict[str, Callable[[xr.Dataset], Drawn]]:
    """Figures by the names of their functions; an underscore at the end, where a name is taken, is none."""
    return {figure.__name__.rstrip("_"): figure for figure in figures}


def literal(text: str) -> str:
    """Text for a caption in which braces are nothing but braces."""
    return text.replace("{", "{{").replace("}", "}}")


def said(caption: str, summary: xr.Dataset) -> str:
    """The caption with the settings of the cell, and the attributes of the summary, in it."""
    return Settings().format(caption, **cell_of(summary) | summary.attrs)


def save(drawn: Drawn, summary: xr.Dataset, path: Path, fmt: str) -> Path:
    """Write `path`.png (or .pdf, .svg), .txt with the caption and .csv with the numbers; the image's path."""
    letter(drawn.figure)
    counted = summary if drawn.counted is None else drawn.counted
    caption = f"{said(drawn.caption, summary)} {ending(drawn.figure, summary, counted)}"
    path.parent.mkdir(parents=True, exist_ok=True)
    image, text, numbers = (path.parent / f"{path.name}.{ending}" for ending in (fmt, "txt", "csv"))
    if fmt == "png":
        lines = textwrap.wrap(caption, int(drawn.figure.get_figwidth() * 20))
        drawn.figure.text(0.01, -0.01, "\n".join(lines), va="top", fontsize=7, color="#444444")
    drawn.figure.savefig(image, bbox_inches="tight" if fmt == "png" else None)
    text.write_text(caption + "\n")
    if isinstance(drawn.table, xr.Dataset):
        drawn.table.to_dataframe().dropna(how="all").to_csv(numbers, float_format="%.6g")
    else:
        frames = [
            table.to_dataframe().dropna(how="all").reset_index().assign(panel=name)
            for name, table in drawn.table.items()
        ]
        rows = pd.concat(frames).set_index("panel")
        rows.to_csv(numbers, float_format="%.6g")
    return image


def letter(figure: Figure) -> None:
    """Put (a), (b), ... before the titles of a figure with several panels."""
    panels = [axes for axes in figure.axes if axes.axison and axes.get_label() != "<colorbar>"]
    for name, axes in zip(ascii_lowercase, panels if len(panels) > 1 else [], strict=False):
        axes.set_title(f"({name}) {axes.get_title(loc='left')}")


def ending(figure: Figure, summary: xr.Dataset, counted: xr.Dataset) -> str:
    """The end of a caption: replicates, what bars and bands are if there are any, and runs left out."""
    bands = any(isinstance(c, PolyCollection) for axes in figure.axes for c in axes.collections)
    bars = any(isinstance(c, ErrorbarContainer) for axes in figure.axes for c in axes.containers)
    n, kinds = int((summary.attrs | counted.attrs)["replicates"]), ["bars"] * bars + ["bands"] * bands
    said = f"{n} replicate{'s' * (n != 1)}"
    said += f"; {' and '.join(kinds)}: 95 % intervals." if kinds else "."
    if "left_out" in counted:
        said += f" Runs left out (diverged or out of steps): {int(counted.left_out.sum())}."
    return said
