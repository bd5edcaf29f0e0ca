"""What a score file is, in lines of text: format, direction, ties, classes, whether it fits."""

from pathlib import Path
from typing import Any

from curricula.datasets import Dataset
from curricula.difficulty.stored import load_ranking, read_scores, settings
from curricula.ranking import Ranking
from teacher_student.checks import within

SHOWN = 20


def inspect_file(
    path: Path,
    dataset: Dataset | None = None,
    *,
    fraction: float = 0.2,
    index_map: Any = None,
    **options: Any,
) -> tuple[list[str], bool]:
    """Lines that describe the file, and whether it fits (or nothing speaks against it).

    Parameters
    ----------
    path : the file
    dataset : what it is to be used with
    fraction : size of the easy set whose classes are counted
    index_map, options : as for `load_ranking` (format, higher, score)

    Raises
    ------
    ValueError
        If the file cannot be read at all.
    """
    within("fraction", fraction, low=0, high=1, open_low=True)
    labels = None if dataset is None else dataset.labels
    told, _ = settings(labels, index_map, None, options.get("score"), options.get("higher"))
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
        return "not checked; pass --dataset NAME or a file of labels"
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
