"""One look for all figures: colour-blind safe, told apart in grey by markers and dashes, small type."""

import textwrap
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

#: Okabe-Ito colours, a marker and a dash pattern for each protocol.
PROTOCOLS = {
    "curriculum": ("#0072B2", "o", "-"),
    "no_curriculum": ("#000000", "s", "-"),
    "rule_curriculum": ("#009E73", "^", (0, (5, 1.5))),
    "anti_curriculum": ("#D55E00", "v", (0, (3, 1.5))),
    "target_only": ("#CC79A7", "D", (0, (1, 1.2))),
    "standard": ("#000000", "s", "-"),
    "random": ("#009E73", "^", (0, (5, 1.5))),
}
#: For anything else that needs telling apart, in this order.
SERIES = [("#0072B2", "o"), ("#D55E00", "s"), ("#009E73", "^"), ("#CC79A7", "D"), ("#E69F00", "v")]

RC: dict[Any, Any] = {
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
}


def words(name: str) -> str:
    """A protocol's or parametrisation's name as words."""
    return name.replace("_", " ")


def look(protocol: str) -> dict[str, Any]:
    """Colour, marker, dash and label of a protocol's line."""
    colour, marker, dash = PROTOCOLS[protocol]
    return {"color": colour, "marker": marker, "ls": dash, "label": words(protocol)}


def width_axis(axes, widths) -> None:
    """A logarithmic width axis that shows the widths swept, and nothing else."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(list(widths), [str(w) for w in widths])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("width K")


def save(figure: Figure, table: xr.Dataset, caption: str, path: Path, fmt: str) -> Path:
    """Write the figure, its caption below it, and the plotted numbers beside it as CSV; close it."""
    inches = figure.get_figwidth()
    text = "\n".join(textwrap.wrap(caption, int(inches * 18)))
    figure.text(0.01, -0.01, text, va="top", fontsize=7, color="#444444")
    path.parent.mkdir(parents=True, exist_ok=True)
    image = path.with_suffix(f".{fmt}")
    figure.savefig(image, bbox_inches="tight")
    plt.close(figure)
    table.to_dataframe().dropna(how="all").to_csv(path.with_suffix(".csv"), float_format="%.6g")
    return image
