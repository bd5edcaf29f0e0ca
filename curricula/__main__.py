"""Command line: what a score file is, a page on a score, and what there is to choose from.

    python -m curricula inspect FILE [--dataset NAME | --labels FILE] [--plot OUT.png]
    python -m curricula convert FILE --to RANKING.npz [--labels FILE] [--ids FILE]
    python -m curricula report FILE [FILE ...] [--wrong FILE]
    python -m curricula list

All that read a FILE take [--format F] [--higher D] [--score COLUMN] [--id-column COLUMN] [--index-map FILE].
Exit status 0, 1 if the file does not fit, 2 if the request cannot be met.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

DEFAULT_PACING = "linear:total=100,a=0.8,b=0.2"


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message} (see {self.prog} --help)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; see the module."""
    parser = _Parser(prog="python -m curricula", description="Difficulty scores and orderings.")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    inspect = commands.add_parser("inspect", help="what a score file is, and whether it fits a data set")
    inspect.add_argument("file", type=Path)
    inspect.add_argument("--dataset", help="mnist, fashion_mnist, cifar10 or cifar100")
    inspect.add_argument("--plot", type=Path, help="picture of scores, classes and pacing: .png, .pdf, .svg")
    inspect.add_argument("--pacing", default=DEFAULT_PACING, help=f"as {DEFAULT_PACING}, for the picture")
    convert = commands.add_parser("convert", help="write any score file as a ranking file of our own")
    convert.add_argument("file", type=Path)
    convert.add_argument("--to", type=Path, required=True, help="the .npz to write; must not exist")
    report = commands.add_parser("report", help="a page on a score: spread, stability over runs, label noise")
    report.add_argument("file", type=Path, nargs="+", help="one file per run, of the same examples")
    report.add_argument("--wrong", type=Path, help=".npy: which labels are wrong, or how probably")
    for command in (inspect, convert, report):
        command.add_argument("--labels", type=Path, help="file of your labels: .npy, .npz or idx")
        command.add_argument("--ids", type=Path, help="names of your examples in your order: .npy or lines")
        command.add_argument("--index-map", type=Path, help=".npy, or .npz with one *_to_orig entry")
        command.add_argument("--format", default="auto", help="a name from `list`; default: recognise it")
        command.add_argument("--higher", help="what a high number means: harder or easier")
        command.add_argument("--score", help="which column, where there are several")
        command.add_argument("--id-column", help="which column of a table names the examples")
    for command in (inspect, report):
        command.add_argument("--fraction", type=float, default=0.2, help="size of the easy set; default 0.2")
    commands.add_parser("list", help="scorers, orderings, pacings and file formats")
    try:
        options = parser.parse_args(arguments)
        run = {"list": _list, "inspect": _inspect, "convert": _convert, "report": _report}
        return run[options.command](options)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _reading(options: argparse.Namespace) -> dict[str, Any]:
    """What `load_ranking` is told by all commands, but for the labels."""
    from curricula.files import read_ids, read_index_map

    return {
        "ids": read_ids(options.ids) if options.ids else None,
        "index_map": read_index_map(options.index_map) if options.index_map else None,
        "format": options.format,
        "higher": options.higher,
        "score": options.score,
        "id_column": options.id_column,
    }


def _inspect(options: argparse.Namespace) -> int:
    from curricula.datasets import Dataset, find_dataset, read_labels
    from curricula.plots import plot_ranking
    from curricula.report import inspect_file

    if options.dataset and options.labels:
        raise ValueError("pass --dataset or --labels, not both")
    dataset: Dataset | None = find_dataset(options.dataset) if options.dataset else None
    if options.labels:
        labels = read_labels(options.labels)
        dataset = Dataset(options.labels.name, len(labels), tuple(labels[:10].tolist()), labels)
    reading = _reading(options)
    pacing = _pacing(options.pacing)
    lines, fits = inspect_file(options.file, dataset, fraction=options.fraction, **reading)
    if options.plot and fits:
        from curricula import load_ranking

        labels = None if dataset is None else dataset.labels
        ranking = load_ranking(options.file, labels=labels, **reading)
        lines.append(f"picture    {plot_ranking(ranking, pacing, options.plot)}")
    elif options.plot:
        lines.append("picture    none: the file does not fit")
    print("\n".join(lines))
    return 0 if fits else 1


def _pacing(text: str) -> Any:
    """A pacing from `name:key=value,...`."""
    from curricula import pace

    name, _, rest = text.partition(":")
    pairs = [pair.partition("=") for pair in rest.split(",") if pair]
    try:
        return pace(name, **{key.strip(): float(value) for key, _, value in pairs})
    except ValueError as error:
        if "could not convert" in str(error):
            raise ValueError(f"--pacing is {text!r}; need a form as {DEFAULT_PACING}") from error
        raise


def _convert(options: argparse.Namespace) -> int:
    from curricula import load_ranking
    from curricula.datasets import read_labels

    if options.to.exists():
        raise ValueError(f"{options.to} exists; nothing is overwritten")
    labels = read_labels(options.labels) if options.labels else None
    ranking = load_ranking(options.file, labels=labels, **_reading(options))
    print(f"{ranking.save(options.to)}: {len(ranking)} examples, checksum {ranking.checksum[:16]}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from curricula import load_ranking
    from curricula.datasets import read_labels
    from curricula.files import read_wrong
    from curricula.report import page

    labels = read_labels(options.labels) if options.labels else None
    reading = _reading(options)
    runs = [load_ranking(file, labels=labels, **reading) for file in options.file]
    wrong = read_wrong(options.wrong) if options.wrong else None
    print("\n".join(page(runs, wrong=wrong, fraction=options.fraction)))
    return 0


def _list(options: argparse.Namespace) -> int:
    from curricula.difficulty.menu import HELDOUT, KNOWN, TEACHER, TRAINED
    from curricula.formats.menu import FORMATS
    from curricula.ordering import ORDERINGS
    from curricula.pacing import PACINGS
    from curricula.self_paced import WEIGHTINGS

    rows = {
        "scores from training": TRAINED,
        "scores from held-out training": HELDOUT,
        "scores from a teacher": TEACHER,
        "scores the task knows": KNOWN,
        "orderings": ORDERINGS,
        "pacings": [*PACINGS, "loss_threshold (curricula.adaptive)"],
        "self-paced weights": WEIGHTINGS,
        "file formats": FORMATS,
    }
    for title, names in rows.items():
        print(f"{title}\n    {', '.join(names)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
