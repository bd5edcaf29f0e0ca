"""Pictures of rankings, pacings and records, drawn by Matplotlib whatever its settings on this machine."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from curricula.pacing import Pacing
from curricula.ranking import Ranking

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = Callable[["Figure", "Axes"], None]
#: Shares of the examples, easiest first, whose classes are counted.
PHASES = (0.1, 0.25, 0.5, 1.0)
MOST_COLUMNS = 400


def draw(path: str | Path, panels: Sequence[Panel]) -> Path:
    """Draw the panels from left to right into one file, whose ending says its kind (.png, .pdf, .svg)."""
    import matplotlib
    from matplotlib.figure import Figure

    target = Path(path)
    kinds = ("png", "pdf", "svg")
    if target.suffix.lstrip(".").lower() not in kinds:
        raise ValueError(f"a plot is saved as .{', .'.join(kinds)}; got {target.name!r}")
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        chart = Figure(figsize=(4.2 * len(panels), 3.2), layout="constrained")
        for axes, panel in zip(np.ravel(chart.subplots(1, len(panels))), panels, strict=True):
            panel(chart, axes)
        chart.savefig(target, dpi=150)
    return target


def plot_ranking(ranking: Ranking, pacing: Pacing, path: str | Path) -> Path:
    """Scores, with labels the classes of the easiest, and the pacing until everything is available."""
    panels = [scores_panel(ranking), pacing_panel(pacing, _steps_shown(pacing))]
    if ranking.labels is not None:
        panels.insert(1, classes_panel(ranking))
    return draw(path, panels)


def _steps_shown(pacing: Pacing) -> int:
    """The total of the pacing, else the first power of two from which on everything is available."""
    if total := (pacing.parameters or {}).get("total"):
        return max(1, int(total))
    return next((2**k for k in range(30) if pacing(2**k) == 1), 2**30)


def scores_panel(ranking: Ranking) -> Panel:
    """Histogram of the scores as they were at the source."""

    def panel(chart: "Figure", axes: "Axes") -> None:
        axes.hist(ranking.original, bins=min(50, max(5, int(len(ranking) ** 0.5))), color="0.4")
        axes.set(xlabel=f"score (high = {ranking.higher_was})", ylabel="examples", title="scores")

    return panel


def classes_panel(ranking: Ranking) -> Panel:
    """Share of each class among the easiest 10, 25, 50 and 100 %."""
    tables = [ranking.histogram(phase) for phase in PHASES]
    names = sorted(tables[0])

    def panel(chart: "Figure", axes: "Axes") -> None:
        width = 0.8 / len(PHASES)
        for place, (phase, table) in enumerate(zip(PHASES, tables, strict=True)):
            shares = np.array([table[name] for name in names]) / sum(table.values())
            shift = (place - (len(PHASES) - 1) / 2) * width
            shade = str(0.75 - 0.25 * place)
            axes.bar(np.arange(len(names)) + shift, shares, width, label=f"{100 * phase:g} %", color=shade)
        if len(names) <= 20:
            axes.set_xticks(np.arange(len(names)), [str(name) for name in names])
        axes.set(xlabel="class", ylabel="share", title="classes of the easiest")
        axes.legend(fontsize="small")

    return panel


def pacing_panel(pacing: Pacing, steps: int) -> Panel:
    """Fraction of the examples that is available, against the step."""

    def panel(chart: "Figure", axes: "Axes") -> None:
        at = np.unique(np.linspace(0, steps, 500).astype(int))
        axes.step(at, pacing(at), where="post", color="0.2")
        axes.set(xlabel="step", ylabel="available fraction", ylim=(0, 1.05), title=pacing.name)

    return panel


def record_panel(steps: np.ndarray, counts: np.ndarray) -> Panel:
    """Share of each difficulty in the batches; many steps are averaged in at most 400 columns."""
    rows = np.array_split(np.arange(len(steps)), min(MOST_COLUMNS, len(steps)))
    shares = np.stack([counts[r].sum(0) / counts[r].sum() for r in rows])
    edges = [*(int(steps[r[0]]) for r in rows), int(steps[-1]) + 1]

    def panel(chart: "Figure", axes: "Axes") -> None:
        bins = np.arange(counts.shape[1] + 1) / counts.shape[1]
        image = axes.pcolormesh(edges, bins, shares.T, vmin=0, cmap="Greys")
        chart.colorbar(image, ax=axes, label="share of the batch")
        axes.set(xlabel="step", ylabel="difficulty (rank / P)", title="shown")

    return panel
