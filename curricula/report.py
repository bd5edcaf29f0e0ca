"""What a score file is, in lines of text: format, direction, ties, classes, fit; and a page on a score."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from curricula.compare import merge
from curricula.datasets import Dataset
from curricula.difficulty.stored import load_ranking, read_scores, settings
from curricula.quality import label_noise, stability
from curricula.ranking import Ranking
from teacher_student.checks import within

SHOWN = 20


def inspect_file(
    path: Path,
    dataset: Dataset | None = None,
    *,
    fraction: float = 0.2,
    index_map: ArrayLike | Sequence[int] | None = None,
    **options: Any,
) -> tuple[list[str], bool]:
    """Lines that describe the file, and whether it fits (or nothing speaks against it).

    Parameters
    ----------
    path : the file
    dataset : what it is to be used with
    fraction : size of the easy set whose classes are counted
    index_map, options : as for `load_ranking` (format, higher, score, ids, id_column)

    Raises
    ------
    ValueError
        If the file cannot be read at all.
    """
    within("fraction", fraction, low=0, high=1, open_low=True)
    labels = None if dataset is None else dataset.labels
    told, _ = settings(
        labels, index_map, options.get("ids"), *(options.get(k) for k in ("score", "higher", "id_column"))
    )
    name, found = read_scores(path, options.get("format", "auto"), told)
    raw = Ranking.from_scores(found.scores, higher=found.higher, labels=found.labels)
    lines = [
        f"file       {path.name}",
        f"format     {name}",
        f"score      {found.definition}",
        f"source     {found.source}",
        f"direction  high = {found.higher} in the file; higher = harder once loaded",
        f"examples   {len(raw)}, scores {raw.original.min():.6g} to {raw.original.max():.6g}",
        f"ties       {raw.tied} examples share their score with another",
    ]
    names = found.keys if found.ids is None else found.ids
    if names is not None:
        few = ", ".join(str(key) for key in names[:5])
        ends = f"{few}, ..., {names[-1]}" if len(names) > 5 else few
        lines.append(f"keys       {ends}{f' ({found.reordered})' if found.reordered else ''}")
    if "never_learned" in found.fields:
        lines.append(f"never      {found.fields['never_learned']}")
    try:
        ranking = load_ranking(path, index_map=index_map, labels=labels, **options)
        trouble = "" if dataset is None else dataset.misfit(len(ranking), ranking.labels)
    except ValueError as error:
        ranking, trouble = None, str(error)
    shown = ranking or raw
    if shown.labels is not None and not (trouble and ranking is None and found.labels is None):
        lines += class_lines(shown, fraction)
    return [*lines, f"fits       {_verdict(trouble, dataset, found.labels is not None)}"], not trouble


def _verdict(trouble: str, dataset: Dataset | None, labelled: bool) -> str:
    if trouble:
        return f"no: {trouble}"
    if dataset is None:
        return "not checked; pass --dataset NAME or --labels FILE"
    if not labelled:
        return f"perhaps: as many examples as {dataset.name}, and the file has no labels to compare"
    what = "all labels" if dataset.labels is not None else f"the first {len(dataset.first)} labels"
    return f"yes: size and {what} agree with {dataset.name}"


def class_lines(ranking: Ranking, fraction: float) -> list[str]:
    """Class counts of the easiest `fraction`: all of them, or the extremes where there are many."""
    counts = ranking.histogram(fraction)
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: item[1])
    lines = [
        f"classes    easiest {100 * fraction:g} % = {total} examples; {ordered[0][1]} to {ordered[-1][1]} "
        f"per class, even would be {total / len(counts):.0f}"
    ]
    if len(counts) <= SHOWN:
        return lines + [f"           {c:>4} {n:>7}" for c, n in sorted(counts.items())]
    few = ", ".join(f"{c}: {n}" for c, n in ordered[:5])
    many = ", ".join(f"{c}: {n}" for c, n in ordered[-5:])
    return [*lines, f"           fewest {few}", f"           most   {many}"]


def page(runs: Sequence[Ranking], *, wrong: ArrayLike | None = None, fraction: float = 0.2) -> list[str]:
    """One page on a ranking before it is used: what it is, its spread, classes, stability, label noise.

    Parameters
    ----------
    runs : Rankings of the same examples by the same score, one per seed; one alone says nothing of stability
    wrong : (P,) bool or probabilities, optional: labels known or thought to be wrong
    fraction : size of the easy set whose classes are counted

    Examples
    --------
    >>> runs = [Ranking(np.array(s), "loss") for s in ([1.0, 2, 3, 4], [1.0, 2, 4, 3])]
    >>> print(*page(runs, wrong=[False, False, False, True]), sep="\\n")  # doctest: +ELLIPSIS
    score      loss
    source     not stated
    examples   4, mean of 2 runs
    ...
    """
    ranking = merge(runs)
    low, quarter, middle, three, high = np.quantile(ranking.original, (0, 0.25, 0.5, 0.75, 1))
    lines = [
        f"score      {ranking.definition or 'not stated'}",
        f"source     {ranking.source or 'not stated'}",
        f"examples   {len(ranking)}, {f'mean of {ranking.runs} runs' if ranking.runs else 'runs not stated'}",
        f"direction  high = {ranking.higher_was}",
        f"spread     {low:.4g} to {high:.4g}, median {middle:.4g}, half in {quarter:.4g} to {three:.4g}",
        f"ties       {ranking.tied} examples share their score with another",
    ]
    if ranking.error is not None and (spread := float(ranking.scores.std())) > 0:
        lines.append(
            f"error      of a score over runs, root mean square, {_rms(ranking.error) / spread:.2f} std"
        )
    lines += class_lines(ranking, fraction) if ranking.labels is not None else []
    if len(runs) > 1:
        found, n = stability(runs), len(runs)
        lines += [
            f"stability  rank correlation of two runs {found.single:.3f}; of the mean of {n} with that of "
            f"{n} others {found.of_mean(n):.3f}",
            f"runs       {_count(found.runs_needed(0.9))} for 0.9 between two such means, "
            f"{_count(found.runs_needed(0.9, truth=True))} for 0.9 with the mean of all possible runs",
        ]
    else:
        lines.append("stability  one run says nothing of it; pass two or more that differ by their seed")
    if wrong is not None:
        rows, above = label_noise(ranking, wrong)
        lines.append(f"noise      a wrong label scores higher than a right one with probability {above:.3f}")
        lines += [
            f"           hardest {100 * r.fraction:g} %: {100 * r.wrong:.0f} % wrong labels "
            f"({r.lift:.1f} times the average), {100 * r.found:.0f} % of all wrong ones"
            for r in rows
        ]
    return lines


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _count(runs: float) -> str:
    return "no number of runs" if np.isinf(runs) else f"{runs:g} run{'s' if runs > 1 else ''}"
